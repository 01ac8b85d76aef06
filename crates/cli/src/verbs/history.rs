//! `sty history`

use std::path::Path;

use clap::Args;
use sty_core::ExitCode;
use sty_engine::{Run, RunState};

use crate::args::Global;
use crate::printer::{Printer, table};
use crate::run::times;

/// How many of the latest runs are looked through for one.
const RECENT: usize = 50;

/// List what earlier applies did, newest first
#[derive(Debug, Args)]
pub(crate) struct History {
    /// How many
    #[arg(short = 'n', long, default_value_t = 20)]
    count: usize,
    /// Show where the time of the newest one went, in seconds; with `-i`, the newest of that
    /// inventory
    #[arg(long, conflicts_with = "count")]
    times: bool,
}

impl History {
    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let state = sty_engine::state_directory()?;
        if self.times {
            return times(&state, global, printer);
        }
        let runs = sty_engine::history(&state, self.count)?;
        if printer.is_json() {
            printer.json(&runs)?;
            return Ok(ExitCode::Done);
        }
        let mut table = table(&[
            "WHEN",
            "WHO",
            "INVENTORY",
            "COMMAND",
            "RESULT",
            "DONE",
            "FAILED",
        ]);
        for run in &runs {
            table.add_row([
                run.began.clone(),
                run.opening.operator.clone(),
                run.opening.inventory.clone(),
                run.opening.command.get(1..).unwrap_or_default().join(" "),
                result(&run.state),
                run.summary.done.to_string(),
                run.summary.failed.to_string(),
            ]);
        }
        printer.data(table.to_string());
        Ok(ExitCode::Done)
    }
}

fn times(state: &Path, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let wanted = match &global.inventory {
        Some(path) => Some(std::path::absolute(path)?.display().to_string()),
        None => None,
    };
    let mut runs = sty_engine::history(state, RECENT)?.into_iter();
    let matches = |run: &Run| {
        wanted
            .as_ref()
            .is_none_or(|path| *path == run.opening.inventory)
    };
    let Some(run) = runs.find(matches) else {
        printer.say("there is no such apply among the latest");
        return Ok(ExitCode::Failed);
    };
    let timings = sty_engine::timings(&run.path)?;
    if printer.is_json() {
        printer.json(&timings)?;
    } else {
        printer.note(format!("{}  {}", run.began, run.opening.inventory));
        times::print(printer, &timings);
    }
    Ok(ExitCode::Done)
}

fn result(state: &RunState) -> String {
    match state {
        RunState::Running => "running".to_owned(),
        RunState::Ended { result, .. } => result.clone(),
        RunState::Died { .. } => "died".to_owned(),
    }
}
