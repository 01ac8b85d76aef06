//! Drills: a cluster is broken on purpose while clients write and read, and what they notice is
//! measured.

mod account;
mod clients;
mod course;
mod inject;
mod one;
mod redundancy;
mod show;
mod stage;

use anyhow::Context as _;
use sty_core::ExitCode;
use sty_drill::{Chance, Drill, Fault, Summary};
use sty_engine::{DrillRecord, Interrupt};
use sty_inventory::model::Synchronous;

use crate::printer::Printer;

pub(crate) use account::Account;
pub(crate) use clients::Clients;
pub(crate) use inject::obstacle;
pub(crate) use show::{blast_radius, history, measured, print};
pub(crate) use stage::Stage;

/// What runs of a drill have in common.
pub(crate) struct Setting<'a> {
    /// Who writes and reads.
    pub(crate) clients: Clients,
    /// Service that rows are written through.
    pub(crate) service: String,
    /// How many runs.
    pub(crate) runs: u32,
    /// Lease of the leader (`ttl`), seconds.
    pub(crate) lease_seconds: u64,
    /// The operator's wish to stop.
    pub(crate) interrupt: Interrupt,
    /// Where the operator is told.
    pub(crate) printer: &'a Printer,
}

/// Which fault each run makes.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    /// The same one.
    Always(Fault),
    /// One of these by chance.
    Random(Vec<Fault>, Chance),
}

impl Order {
    /// Every fault that may come.
    pub(crate) fn faults(&self) -> &[Fault] {
        match self {
            Self::Always(fault) => std::slice::from_ref(fault),
            Self::Random(faults, _) => faults,
        }
    }

    fn next(&mut self) -> anyhow::Result<Fault> {
        match self {
            Self::Always(fault) => Ok(*fault),
            Self::Random(faults, chance) => {
                chance.pick(faults).context("there is no fault to make")
            }
        }
    }
}

/// Carries out all runs; `drill` is kept after each of them. The table of the clients goes at the
/// end.
pub(crate) fn run(
    setting: &Setting<'_>,
    stage: &mut Stage<'_>,
    mut order: Order,
    drill: &mut Drill,
    record: &DrillRecord,
) -> anyhow::Result<ExitCode> {
    setting.clients.prepare(stage)?;
    let mut outcome = Ok(());
    for number in 1..=setting.runs {
        let fault = order.next()?;
        let run = one::run(setting, stage, number, fault);
        setting.printer.progress("");
        match run {
            Ok(run) => {
                show::run(setting.printer, &run);
                drill.runs.push(run);
            }
            Err(error) => outcome = Err(error.context(format!("run {number}, {fault}"))),
        }
        drill.summary = Summary::of(&drill.runs);
        record.keep(drill)?;
        if outcome.is_err() || setting.interrupt.is_set() {
            break;
        }
    }
    drill.ended = Some(sty_engine::now());
    record.keep(drill)?;
    let removed = setting.clients.remove(stage);
    outcome?;
    removed?;
    let waits = stage.cluster.settings.synchronous != Synchronous::Off;
    Ok(if setting.interrupt.is_set() {
        ExitCode::Interrupted
    } else if drill.summary.holds(waits) {
        ExitCode::Done
    } else {
        ExitCode::Failed
    })
}
