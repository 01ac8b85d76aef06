//! Runs what removes a cluster or a node's instances, with the same machinery as an apply.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::Context as _;
use sty_core::ExitCode;
use sty_engine::{ControllerLock, Fleet, Interrupt};
use sty_inventory::model::Inventory;
use sty_plan::Options;
use sty_sandbox::Sandbox;
use sty_wire::observation::Observation;
use sty_wire::resource::{Module, Resource, ResourceKind, Stage};
use sty_wire::status::StatusQuery;

use crate::context::InventoryFile;
use crate::printer::Printer;
use crate::refusal::refuse;
use crate::run::events;
use crate::run::holder::{self, Holder};
use crate::run::look::{self, Scene};
use crate::run::perform::Performance;
use crate::run::{authority, health, removal};

/// What is destroyed, and in whose name.
pub(crate) struct Destruction<'a> {
    pub(crate) file: &'a InventoryFile,
    pub(crate) inventory: &'a Inventory,
    pub(crate) sandbox: Option<&'a Sandbox>,
    /// The name that the operator typed.
    pub(crate) name: &'a str,
    /// Whether the clusters go on: then what leads one is not removed.
    pub(crate) clusters_stay: bool,
    pub(crate) printer: &'a Printer,
}

/// What removes something, by host; given the host that does what one of them does for all.
pub(crate) type Removals<'a> = &'a dyn Fn(&str) -> BTreeMap<String, Vec<Resource>>;

/// Brings the removing resources about on `hosts`. The first of them that can be reached does
/// what one does for all.
pub(crate) fn run(
    destruction: &Destruction<'_>,
    hosts: Vec<String>,
    removals: Removals<'_>,
) -> anyhow::Result<ExitCode> {
    let Destruction {
        file,
        inventory,
        printer,
        ..
    } = destruction;
    let started = Instant::now();
    let interrupt = Interrupt::on_signals()?;
    let holder = Holder::own();
    let _lock = ControllerLock::acquire(
        &file.directory().join("files/pki/apply.lock"),
        &holder.to_string(),
    )?;
    let authority = authority::open(file, inventory)?;
    let targets = look::targets(inventory, hosts.iter().cloned(), destruction.sandbox)?;
    let mut fleet = look::connect(&targets, printer)?;
    holder::take(&mut fleet, &holder, &interrupt, printer)?;
    if destruction.clusters_stay {
        refuse_leaders(inventory, &mut fleet)?;
    }
    let mut scene = Scene::new(fleet, hosts.clone());
    refuse_others(inventory, &mut scene, printer)?;
    for host in hosts {
        scene.removals.insert(host, destruction.name.to_owned());
    }
    let reached = scene.hosts.iter();
    let reached = reached.filter(|host| scene.fleet.sessions.contains_key(*host));
    let mut resources = removals(reached.min().map_or("", String::as_str));
    let desired = look::desired_context(&authority, inventory)?;
    let facts = scene.fleet.facts();
    for (host, removal) in resources
        .iter_mut()
        .filter(|(host, _)| facts.contains_key(*host))
    {
        let staying = sty_desired::staying(inventory, host, &facts, &desired)
            .map_err(|found| anyhow::anyhow!(found[0].message.clone()))?;
        removal.extend(staying);
    }
    scene.look(resources, printer);
    let plan = scene.plan(&Options {
        restart: false,
        confirm: BTreeSet::from([destruction.name.to_owned()]),
    });
    let performance = Performance {
        file,
        authority: &authority,
        interrupt: &interrupt,
        printer,
        subject: destruction.name,
        started,
        next: events::GOES_ON,
    };
    let (code, _) = performance.run(&mut scene, &plan, &mut |_| ())?;
    Ok(code)
}

/// Refuses where a node holds something else than the inventory says: that would end, and what the
/// inventory knows is not what would be left.
fn refuse_others(
    inventory: &Inventory,
    scene: &mut Scene,
    printer: &Printer,
) -> anyhow::Result<()> {
    let hosts = scene.hosts.iter();
    let members = hosts.filter_map(|host| {
        let member = sty_desired::patroni_member(inventory, host)?;
        let resource = Resource {
            id: member.name.clone(),
            module: Module::Pgsql,
            stage: Stage::Postgres,
            cluster: Some(member.scope.clone()),
            kind: ResourceKind::PatroniMember(member),
        };
        Some((host.clone(), vec![resource]))
    });
    scene.look(members.collect(), printer);
    for (host, observed) in &scene.observed {
        let mut found = observed.observations.values();
        if let Some(failure) = found.find_map(Observation::conflict) {
            let hint = failure.hint.iter().map(|hint| format!("\nhint: {hint}"));
            let hint: String = hint.collect();
            refuse!("{host}: {}; nothing was done{hint}", failure.message);
        }
    }
    Ok(())
}

/// Refuses to remove a member that leads: its cluster would have to notice that it is gone.
fn refuse_leaders(inventory: &Inventory, fleet: &mut Fleet) -> anyhow::Result<()> {
    let hosts: Vec<String> = fleet.sessions.keys().cloned().collect();
    let queries = hosts.into_iter().filter_map(|host| {
        let patroni = vec![sty_desired::patroni_member(inventory, &host)?];
        let query = StatusQuery {
            patroni,
            ..StatusQuery::default()
        };
        Some((host, query))
    });
    for (host, answer) in fleet.status(&queries.collect()) {
        let status = answer.with_context(|| format!("cannot see what runs on {host}"))?;
        let mut members = status.patroni.iter();
        if let Some(member) = members.find(|member| health::leads(&member.role)) {
            refuse!("{}", removal::leads(&member.name, &member.scope));
        }
    }
    Ok(())
}
