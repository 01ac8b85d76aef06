//! Runs an operation on one cluster: looks at its members, plans, performs, and measures how long
//! pooled clients waited.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use sty_core::ExitCode;
use sty_engine::{ControllerLock, Event, Interrupt};
use sty_inventory::model::{Inventory, PgCluster};
use sty_plan::{Operation, Plan};
use sty_wire::action::Op;
use sty_wire::resource::{Module, Resource, ResourceKind, Stage};

use crate::args::Global;
use crate::context;
use crate::printer::{BOLD, Printer, paint};
use crate::refusal::{refuse, refused};
use crate::run::authority;
use crate::run::holder::{self, Holder};
use crate::run::look::{self, Scene};
use crate::run::packages;
use crate::run::perform::Performance;

/// A move that was interrupted may have happened: the same again would move once more.
const NEXT: &str = "`sty status` shows how far it came; the same command begins anew";

/// An operation on a cluster.
pub(crate) struct Wanted<'a> {
    pub(crate) cluster: &'a str,
    pub(crate) operation: Operation,
    pub(crate) force: bool,
}

/// What an operation cost.
#[derive(Serialize)]
#[serde(tag = "event", rename = "standstill")]
struct Standstill<'a> {
    cluster: &'a str,
    /// How long new transactions of pooled clients waited, seconds; of a failover at most, counted
    /// from the last log that the new primary had received.
    pooled_seconds: f64,
}

impl Wanted<'_> {
    /// Does it. Changes machines.
    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let (file, inventory) = match context::valid_inventory(global, &printer.calm())? {
            Ok(valid) => valid,
            Err(code) => return Ok(code),
        };
        let cluster = inventory
            .clusters
            .get(self.cluster)
            .ok_or_else(|| refused(format!("the inventory has no cluster `{}`", self.cluster)))?;
        let interrupt = Interrupt::on_signals()?;
        let holder = Holder::own();
        let lock = file.directory().join("files/pki/apply.lock");
        let _lock = ControllerLock::acquire(&lock, &holder.to_string())?;
        let authority = authority::open(&file, &inventory)?;
        let sandbox = context::sandbox(global, &file)?;
        let hosts = hosts(cluster);
        let targets = look::targets(&inventory, hosts.iter().cloned(), sandbox.as_ref())?;
        let mut fleet = look::connect(&targets, printer)?;
        holder::take(&mut fleet, &holder, &interrupt, printer)?;
        let mut scene = Scene::new(fleet, hosts);
        let mut resources = members(&inventory, &scene.hosts);
        if self.operation == Operation::Update {
            want_newest(cluster, &mut resources)?;
        }
        scene.look(resources, printer);
        let last_log = match self.operation {
            Operation::Failover { .. } => {
                scene.do_without_unseen(printer);
                self.last_log(&scene)
            }
            _ => None,
        };
        let plan = match scene.operate(self.cluster, &self.operation, self.force) {
            Ok(plan) => plan,
            Err(refusal) => refuse!("{}: {refusal}", self.cluster),
        };
        if self.operation == Operation::Update && plan.actions.is_empty() && plan.is_empty() {
            printer.say(format!(
                "nothing to update: {} runs what the repository of this controller holds\n\
                 hint: `sty repo build --update` fetches newer versions",
                self.cluster
            ));
            return Ok(ExitCode::Done);
        }
        let mut clock = Clock::new(&plan);
        let performance = Performance {
            file: &file,
            authority: &authority,
            interrupt: &interrupt,
            printer,
            subject: self.cluster,
            started,
            next: NEXT,
        };
        let (code, _) = performance.run(&mut scene, &plan, &mut |event| clock.take(event))?;
        let standstill = match last_log {
            // Clocks of two machines: what is negative is nothing.
            Some(last) if code == ExitCode::Done => last.elapsed().ok(),
            Some(_) => None,
            None => clock.standstill(),
        };
        let bound = last_log.map_or("", |_| " at most, since the last log arrived");
        if let Some(standstill) = standstill {
            self.tell(standstill, bound, printer)?;
        }
        Ok(code)
    }

    /// When the last log arrived at a replica that has no primary any more: until then there was
    /// one.
    fn last_log(&self, scene: &Scene) -> Option<SystemTime> {
        let seen = scene.observed.values();
        let views = seen.filter_map(|seen| seen.surroundings.patroni.get(self.cluster));
        let orphans = views.filter(|view| !view.leads());
        let last = orphans.filter_map(|view| view.standing.since).max()?;
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(last))
    }

    fn tell(&self, standstill: Duration, bound: &str, printer: &Printer) -> anyhow::Result<()> {
        if printer.is_json() {
            return printer.json(&Standstill {
                cluster: self.cluster,
                pooled_seconds: standstill.as_secs_f64(),
            });
        }
        printer.say(format!(
            "writes of {} stood still for {:.2} s{bound}",
            paint(BOLD, self.cluster),
            standstill.as_secs_f64()
        ));
        Ok(())
    }
}

fn hosts(cluster: &PgCluster) -> Vec<String> {
    let instances = cluster.instances.iter();
    instances.map(|instance| instance.host.clone()).collect()
}

/// The PostgreSQL members alone: what they are, not what they should be.
pub(crate) fn members(inventory: &Inventory, hosts: &[String]) -> BTreeMap<String, Vec<Resource>> {
    let member = |host: &String| {
        let member = sty_desired::patroni_member(inventory, host)?;
        let resource = Resource {
            id: format!("patroni:{}", member.name),
            module: Module::Pgsql,
            stage: Stage::Postgres,
            cluster: Some(member.scope.clone()),
            kind: ResourceKind::PatroniMember(member),
        };
        Some((host.clone(), vec![resource]))
    };
    hosts.iter().filter_map(member).collect()
}

/// Every member's node should have the packages of the repository.
fn want_newest(
    cluster: &PgCluster,
    resources: &mut BTreeMap<String, Vec<Resource>>,
) -> anyhow::Result<()> {
    let versions = packages::newest(cluster)?;
    for wanted in resources.values_mut() {
        wanted.push(Resource {
            id: "package-versions".to_owned(),
            module: Module::Pgsql,
            stage: Stage::Base,
            cluster: Some(cluster.name.clone()),
            kind: ResourceKind::PackageVersions {
                versions: versions.clone(),
            },
        });
    }
    Ok(())
}

/// Restarts on the node that writes a checkpoint before: where the primary is.
fn restarts_of_the_primary(plan: &Plan) -> BTreeSet<u32> {
    let leads = |node: &str| {
        let mut actions = plan.active();
        actions.any(|one| one.node == node && matches!(one.op, Op::Checkpoint { .. }))
    };
    let restarts = |op: &Op| matches!(op, Op::PostgresRestart { .. } | Op::MemberRestart { .. });
    let actions = plan
        .active()
        .filter(|one| restarts(&one.op) && leads(&one.node));
    actions.map(|action| action.id).collect()
}

/// From the moment the first clients wait until the last go on; without a pooler, as long as the
/// primary is away: it moves, or restarts where it is.
struct Clock {
    begins: BTreeSet<u32>,
    ends: BTreeSet<u32>,
    begun: Option<Instant>,
    ended: Option<Instant>,
    total: Duration,
}

impl Clock {
    fn new(plan: &Plan) -> Self {
        let ids = |wanted: fn(&Op) -> bool| -> BTreeSet<u32> {
            let actions = plan.active().filter(|action| wanted(&action.op));
            actions.map(|action| action.id).collect()
        };
        let mut begins = ids(|op| matches!(op, Op::HoldClients { .. }));
        let mut ends = ids(|op| matches!(op, Op::ReleaseClients { .. }));
        if begins.is_empty() {
            begins = ids(|op| matches!(op, Op::Switchover { .. }));
            ends = begins.clone();
        }
        if begins.is_empty() {
            begins = restarts_of_the_primary(plan);
            ends = begins.clone();
        }
        Self {
            begins,
            ends,
            begun: None,
            ended: None,
            total: Duration::ZERO,
        }
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Started { action, .. } if self.begins.contains(action) => {
                // A new standstill after an earlier one has ended.
                if let (Some(begun), Some(ended)) = (self.begun, self.ended) {
                    self.total += ended - begun;
                    self.begun = None;
                    self.ended = None;
                }
                self.begun.get_or_insert_with(Instant::now);
            }
            Event::Done { action, .. } if self.ends.contains(action) => {
                self.ended = Some(Instant::now());
            }
            _ => {}
        }
    }

    fn standstill(&self) -> Option<Duration> {
        let last = self.ended? - self.begun?;
        Some(self.total + last)
    }
}
