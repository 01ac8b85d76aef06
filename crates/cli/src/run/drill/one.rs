//! One run: a healthy cluster, clients, a fault, its end, full redundancy, and the accounts.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::bail;
use sty_client::Load;
use sty_drill::{Fault, Ledger, OldPrimary, Reads, Run, Window, Writes};
use sty_inventory::model::Synchronous;

use super::Setting;
use super::clients::{OLD_PRIMARY_FIRST, Working};
use super::course::{Course, PAUSE};
use super::inject::{self, Target};
use super::stage::Stage;

/// How long clients may take to be served before the fault.
const SERVED_LIMIT: Duration = Duration::from_secs(30);
/// How long clients are served before the fault, microseconds.
const CALM_US: u64 = 1_000_000;

/// Carries out one run. Whatever happens, the fault is ended.
pub(crate) fn run(
    setting: &Setting<'_>,
    stage: &mut Stage<'_>,
    number: u32,
    fault: Fault,
) -> anyhow::Result<Run> {
    if fault != Fault::DiskFull {
        return on_ready_cluster(setting, stage, number, fault);
    }
    let course = Course::new(setting, number, fault);
    let run = match prepare_volumes(&course, stage) {
        Ok(()) => on_ready_cluster(setting, stage, number, fault),
        Err(error) => Err(error),
    };
    release_volumes(&Course::to_the_end(setting, number, fault), stage)?;
    run
}

/// The data of every replica moves to a volume that can be filled, one after the other; then one
/// of them is made the primary, whichever may be.
fn prepare_volumes(course: &Course<'_, '_>, stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let before = course.ready(stage)?.leader;
    let leader = stage.host_of(&before.name)?;
    course.tell("moving the data of the replicas to volumes that can be filled");
    for host in hosts(stage).into_iter().filter(|host| *host != leader) {
        inject::limit_volume(stage, &host)?;
        course.ready(stage)?;
    }
    inject::switchover(stage)
}

/// Moves all data back, one member after the other, the primary's last.
fn release_volumes(course: &Course<'_, '_>, stage: &mut Stage<'_>) -> anyhow::Result<()> {
    course.tell("moving the data back");
    let leader = course.ready(stage)?.leader;
    let leader = stage.host_of(&leader.name)?;
    let mut hosts = hosts(stage);
    hosts.sort_by_key(|host| *host == leader);
    for host in hosts {
        inject::release_volume(stage, &host)?;
        course.ready(stage)?;
    }
    Ok(())
}

fn hosts(stage: &Stage<'_>) -> Vec<String> {
    let instances = stage.cluster.instances.iter();
    instances.map(|instance| instance.host.clone()).collect()
}

fn on_ready_cluster(
    setting: &Setting<'_>,
    stage: &mut Stage<'_>,
    number: u32,
    fault: Fault,
) -> anyhow::Result<Run> {
    let course = Course::new(setting, number, fault);
    let fit = course.ready(stage)?;
    let target = inject::aim(stage, fault, &fit.health, &fit.leader.name)?;
    let course = Course::new(setting, number, fault);
    let began = sty_engine::now();
    let entries = target.entries(stage);
    let clients = &setting.clients;
    let working = clients.start(stage, number, &entries, course.clock)?;
    let calm = || Ok(working.served_after(CALM_US));
    if let Err(last) = course.until("clients to be served", SERVED_LIMIT, PAUSE, calm)? {
        bail!("the clients are not served before the fault: {last}");
    }
    let times = strike_and_heal(&course, stage, &target, &working)?;
    let (end, redundancy) = course.redundant(stage, &working)?;
    let idle_client = working.wake_idle();
    let ledgers = Ledgers::of(working, &course);
    let found = clients.found(stage, number)?;
    let mut run = Run {
        run: number,
        began,
        fault,
        victims: target.victims.clone(),
        leader_before: Some(fit.leader.name),
        timeline_before: fit.leader.timeline,
        leader_after: end.as_ref().map(|leader| leader.name.clone()),
        timeline_after: end.and_then(|leader| leader.timeline),
        fault_ms: since(times.struck_us, times.healed_us),
        fault_span: course.span(Window {
            from_us: times.made_us,
            to_us: times.over_us,
        }),
        writes: Writes::default(),
        reads: None,
        idle_client,
        old_primary: None,
        redundancy_ms: None,
        redundancy_after_heal_ms: None,
        problems: times.problems.clone(),
        interrupted: course.is_interrupted(),
    };
    match redundancy {
        Ok(at_us) => {
            run.redundancy_ms = Some(since(times.struck_us, at_us));
            run.redundancy_after_heal_ms = Some(since(times.healed_us, at_us));
        }
        Err(last) => run
            .problems
            .push(format!("full redundancy did not come: {last}")),
    }
    ledgers.account(&mut run, &times, found, &course);
    let settings = &stage.cluster.settings;
    if settings.synchronous == Synchronous::Off {
        run.problems
            .extend(run.writes.audit.beyond(settings.rpo_bytes));
    }
    if clients.are_pooled() && !run.interrupted {
        run.problems.extend(run.broken_promises());
    }
    Ok(run)
}

/// Moments of a run, microseconds.
struct Times {
    struck_us: u64,
    made_us: u64,
    /// Its end begins.
    over_us: u64,
    healed_us: u64,
    problems: Vec<String>,
}

fn strike_and_heal(
    course: &Course<'_, '_>,
    stage: &mut Stage<'_>,
    target: &Target,
    working: &Working,
) -> anyhow::Result<Times> {
    if target.fault.takes_node() && stage.sandbox.is_some() {
        for host in &target.hosts {
            stage.let_go(host)?;
        }
    }
    course.tell(&format!(
        "{} of {}",
        target.fault,
        target.victims.join(", ")
    ));
    let struck_us = course.now_us();
    let struck = inject::strike(stage, target);
    let made_us = course.now_us();
    let problems = match &struck {
        Ok(()) => course.hold(working, made_us),
        Err(_) => Vec::new(),
    };
    let over_us = course.now_us();
    let healed = inject::heal(stage, target);
    let healed_us = course.now_us();
    struck?;
    healed?;
    course.tell("the fault is over");
    Ok(Times {
        struck_us,
        made_us,
        over_us,
        healed_us,
        problems,
    })
}

/// What the clients were told, when they have stopped.
struct Ledgers {
    writer: Ledger,
    reader: Option<Ledger>,
    old_primary: Option<Ledger>,
    stopped_us: u64,
}

impl Ledgers {
    fn of(working: Working, course: &Course<'_, '_>) -> Self {
        let stopped_us = course.now_us();
        Self {
            writer: working.writer.stop(),
            reader: working.reader.map(Load::stop),
            old_primary: working.old_primary.map(Load::stop),
            stopped_us,
        }
    }

    fn account(
        self,
        run: &mut Run,
        times: &Times,
        mut found: BTreeMap<u64, u64>,
        course: &Course<'_, '_>,
    ) {
        let window = Window {
            from_us: times.struck_us,
            to_us: self.stopped_us,
        };
        let of_old_primary = found.split_off(&OLD_PRIMARY_FIRST);
        let gap = self.writer.gap(window);
        run.writes = Writes {
            gap_ms: gap.length_us() / 1000,
            gap_span: course.span(gap),
            audit: self.writer.audit(&found),
            errors: self.writer.errors_since(times.struck_us),
        };
        run.reads = self.reader.map(|reader| Reads {
            gap_ms: reader.gap_us(window) / 1000,
            errors: reader.errors_since(times.struck_us),
        });
        run.old_primary = self.old_primary.map(|ledger| OldPrimary {
            audit: ledger.audit(&of_old_primary),
            lost_rows_acknowledged_after_fault: ledger.lost_since(times.made_us, &of_old_primary),
            errors: ledger.errors_since(times.struck_us),
        });
    }
}

fn since(from_us: u64, to_us: u64) -> u64 {
    to_us.saturating_sub(from_us) / 1000
}
