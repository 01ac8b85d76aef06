//! Looks at a fleet: connects, computes the desired state, has every node compare.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context as _;
use sty_core::Diagnostic;
use sty_desired::Context;
use sty_engine::{Authority, ConnectEvent, ConnectOptions, Fleet, Observed, Program, Target};
use sty_inventory::model::Inventory;
use sty_plan::{NodeInput, Operation, Options, Plan, Problem, Refusal};
use sty_sandbox::Sandbox;
use sty_wire::facts::Facts;
use sty_wire::observation::Failure;
use sty_wire::resource::{Module, Resource};

use crate::args::{ModuleName, Selection};
use crate::context;
use crate::printer::{Printer, bytes};

/// A fleet as it was found.
pub(crate) struct Scene {
    /// Open sessions.
    pub(crate) fleet: Fleet,
    /// Hosts that the run concerns, in the order of the plan.
    pub(crate) hosts: Vec<String>,
    /// What should be there, by host.
    pub(crate) resources: BTreeMap<String, Vec<Resource>>,
    /// What is there, by host.
    pub(crate) observed: BTreeMap<String, Observed>,
    /// Hosts of which only things are removed, with the name to be typed.
    pub(crate) removals: BTreeMap<String, String>,
    /// Nodes that could not be looked at, and why.
    pub(crate) unseen: BTreeMap<String, Failure>,
}

/// Connects to `hosts`, all at once.
pub(crate) fn connect(targets: &[(String, Target)], printer: &Printer) -> anyhow::Result<Fleet> {
    connect_within(targets, None, printer)
}

/// The same, giving each node so long to answer.
pub(crate) fn connect_within(
    targets: &[(String, Target)],
    limit: Option<Duration>,
    printer: &Printer,
) -> anyhow::Result<Fleet> {
    let program = Program::current()?;
    let mut options = ConnectOptions::new(sty_engine::runtime_directory()?);
    if let Some(limit) = limit {
        options.connect_limit = limit;
        options.look_limit = options.look_limit.min(limit * 4);
    }
    printer.progress(&format!("connecting to {} nodes", targets.len()));
    let fleet = Fleet::connect(targets, &program, &options, &mut |event| match event {
        ConnectEvent::Uploading { host, bytes: size } => {
            printer.progress(&format!("{host}: copying sty ({})", bytes(size)));
        }
        ConnectEvent::Connected { .. } | ConnectEvent::Failed { .. } => {}
    });
    printer.progress("");
    Ok(fleet)
}

/// Targets of inventory hosts.
pub(crate) fn targets(
    inventory: &Inventory,
    hosts: impl IntoIterator<Item = String>,
    sandbox: Option<&Sandbox>,
) -> anyhow::Result<Vec<(String, Target)>> {
    hosts
        .into_iter()
        .map(|host| {
            let node = inventory
                .nodes
                .get(&host)
                .context("a host of the inventory")?;
            Ok((host, context::target(node, sandbox)?))
        })
        .collect()
}

/// The chosen hosts and those whose facts their clusters' settings depend on.
pub(crate) fn with_peers(inventory: &Inventory, hosts: &[String]) -> BTreeSet<String> {
    let chosen: BTreeSet<&String> = hosts.iter().collect();
    let mut all: BTreeSet<String> = hosts.iter().cloned().collect();
    for cluster in inventory.clusters.values() {
        let members: Vec<&String> = cluster.instances.iter().map(|i| &i.host).collect();
        if members.iter().any(|host| chosen.contains(host)) {
            all.extend(members.into_iter().cloned());
        }
    }
    all
}

/// What desired needs from outside the inventory.
pub(crate) fn desired_context(
    authority: &Authority,
    inventory: &Inventory,
) -> anyhow::Result<Context> {
    Ok(Context {
        catalogue: sty_catalog::Catalog::builtin(),
        authority: sty_desired::Authority {
            pem: authority.certificate_pem().to_owned(),
            sha256: authority.sha256().to_owned(),
        },
        fleet_secret: authority.derive("scram"),
        packages: super::packages::source(inventory)?,
        secrets: sty_desired::Secrets::default(),
    })
}

/// Resources of every host whose facts are known; problems are collected over all hosts.
pub(crate) fn desired(
    inventory: &Inventory,
    hosts: &[String],
    facts: &BTreeMap<String, Facts>,
    context: &Context,
    selection: &Selection,
) -> Result<BTreeMap<String, Vec<Resource>>, Vec<Diagnostic>> {
    let known = hosts.iter().filter(|host| facts.contains_key(*host));
    // A node takes a millisecond: for a few it does not pay to divide the work.
    let width = if hosts.len() < 16 { 1 } else { processors() };
    let each = sty_engine::for_each(known.collect(), width, |host| {
        let all = sty_desired::node(inventory, host, facts, context);
        (host, all)
    });
    let mut resources = BTreeMap::new();
    let mut problems = other_machines(inventory, hosts, facts);
    for (host, all) in each {
        match all {
            Ok(mut all) => {
                all.retain(|resource| wanted(resource.module, &selection.module));
                resources.insert(host.clone(), all);
            }
            Err(found) => problems.extend(found),
        }
    }
    problems.dedup();
    if problems.is_empty() {
        Ok(resources)
    } else {
        Err(problems)
    }
}

/// Processors that this program may use.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Hosts that are not the machine the inventory means: a wrong `ansible_host` would put one
/// node's data on another.
fn other_machines(
    inventory: &Inventory,
    hosts: &[String],
    facts: &BTreeMap<String, Facts>,
) -> Vec<Diagnostic> {
    let nodes = hosts
        .iter()
        .filter_map(|host| Some((inventory.nodes.get(host)?, facts.get(host)?)));
    nodes
        .filter(|(node, facts)| {
            let addresses = facts
                .interfaces
                .iter()
                .flat_map(|interface| &interface.addresses);
            !addresses
                .into_iter()
                .any(|(address, _)| *address == node.address)
        })
        .map(|(node, facts)| {
            let message = format!(
                "the machine reached as `{}` (`{}`) does not have the address {}",
                node.host, facts.hostname, node.address
            );
            Diagnostic::error("node/other-machine", message)
                .help("check `ansible_host` and `ansible_port` of the host")
        })
        .collect()
}

fn wanted(module: Module, modules: &[ModuleName]) -> bool {
    modules.is_empty()
        || modules.iter().any(|name| match name {
            ModuleName::Node => module == Module::Node,
            ModuleName::Etcd => module == Module::Etcd,
            ModuleName::Pgsql => module == Module::Pgsql,
        })
}

/// Nodes that could not be reached, and those lost since.
fn not_seen(fleet: &Fleet) -> BTreeMap<String, Failure> {
    let unreachable =
        |(host, error): (&String, _)| (host.clone(), super::problems::unreachable(error));
    let failures = fleet.failures.iter().map(unreachable);
    failures.chain(fleet.lost.clone()).collect()
}

impl Scene {
    /// A scene of connected nodes, nothing looked at yet. Nodes that could not be reached are
    /// noted.
    pub(crate) fn new(fleet: Fleet, hosts: Vec<String>) -> Self {
        let unseen = not_seen(&fleet);
        Self {
            fleet,
            hosts,
            resources: BTreeMap::new(),
            observed: BTreeMap::new(),
            removals: BTreeMap::new(),
            unseen,
        }
    }

    /// Takes the nodes of another fleet in.
    pub(crate) fn absorb(&mut self, mut other: Fleet) {
        self.unseen.extend(not_seen(&other));
        self.fleet.sessions.append(&mut other.sessions);
    }

    /// Has the nodes of `resources` compare themselves, and remembers both.
    pub(crate) fn look(&mut self, resources: BTreeMap<String, Vec<Resource>>, printer: &Printer) {
        printer.progress("looking at the nodes");
        for (host, answer) in self.fleet.observe(&resources) {
            match answer {
                Ok(observed) => drop(self.observed.insert(host, observed)),
                Err(error) => {
                    self.unseen.insert(host, error.into_failure());
                }
            }
        }
        self.resources.extend(resources);
        printer.progress("");
    }

    /// The plan for what was seen.
    pub(crate) fn plan(&self, options: &Options) -> Plan {
        let mut plan = sty_plan::build(&self.inputs(), options);
        plan.problems.extend(self.problems());
        plan
    }

    /// The plan of an operation on a cluster.
    ///
    /// # Errors
    /// When it is not possible now.
    pub(crate) fn operate(
        &self,
        cluster: &str,
        operation: &Operation,
        force: bool,
    ) -> Result<Plan, Refusal> {
        let mut plan = sty_plan::operate(&self.inputs(), cluster, operation, force)?;
        plan.problems.extend(self.problems());
        Ok(plan)
    }

    fn inputs(&self) -> Vec<NodeInput<'_>> {
        self.hosts
            .iter()
            .filter_map(|host| {
                let observed = self.observed.get(host)?;
                Some(NodeInput {
                    host,
                    resources: self.resources.get(host)?,
                    observations: &observed.observations,
                    surroundings: &observed.surroundings,
                    removal: self.removals.get(host).map(String::as_str),
                })
            })
            .collect()
    }

    fn problems(&self) -> impl Iterator<Item = Problem> {
        self.unseen.iter().map(|(host, failure)| Problem {
            node: host.clone(),
            subject: "it could not be looked at".to_owned(),
            failure: failure.clone(),
        })
    }
}
