//! Runs a plan that an operator asked for on some nodes, and journals it.

use std::time::Instant;

use sty_core::ExitCode;
use sty_engine::{Authority, Event, Interrupt, Journal, Opening, Outcome, Work, execute};
use sty_plan::Plan;

use crate::context::InventoryFile;
use crate::printer::Printer;
use crate::run::events::{self, Follower};
use crate::run::look::Scene;
use crate::run::show_plan;
use crate::verbs::apply;

/// In whose name, and with what.
pub(crate) struct Performance<'a> {
    pub(crate) file: &'a InventoryFile,
    pub(crate) authority: &'a Authority,
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) printer: &'a Printer,
    /// What it is about: a cluster or a node.
    pub(crate) subject: &'a str,
    pub(crate) started: Instant,
    /// What to do when it was interrupted.
    pub(crate) next: &'static str,
}

impl Performance<'_> {
    /// Shows the plan, runs it, and says how it ended. `sink` sees every event.
    pub(crate) fn run(
        &self,
        scene: &mut Scene,
        plan: &Plan,
        sink: &mut dyn FnMut(&Event),
    ) -> anyhow::Result<(ExitCode, Outcome)> {
        show_plan::print(self.printer, plan)?;
        let mut journal = self.journal()?;
        journal.plan(&plan.actions)?;
        let mut follower = Follower::new(self.printer, &mut journal, plan.active().count());
        let unseen = scene.unseen.keys().cloned().collect();
        let work = Work {
            resources: &scene.resources,
            unseen: &unseen,
            signer: self.authority,
            interrupt: self.interrupt,
        };
        let sessions = &mut scene.fleet.sessions;
        let executed = execute(sessions, &plan.actions, &work, &mut |event| {
            sink(event);
            follower.take(event);
        });
        let incomplete = follower.journal_error.take();
        let outcome = match executed {
            Ok(outcome) => outcome,
            Err(fault) => {
                journal.close(apply::word(ExitCode::Failed), &Outcome::default().summary)?;
                return Err(fault.into());
            }
        };
        if let Some(error) = incomplete {
            self.printer
                .say(format!("the journal is not complete: {error}"));
        }
        let unclear = scene.is_unclear() || plan.is_unclear();
        let code = match outcome.exit_code() {
            ExitCode::Done if unclear && outcome.done.is_empty() => ExitCode::Failed,
            ExitCode::Done if unclear => ExitCode::Partial,
            code => code,
        };
        journal.close(apply::word(code), &outcome.summary)?;
        self.printer.progress("");
        self.printer.say(events::summary(
            &outcome.summary,
            self.started.elapsed(),
            self.next,
        ));
        Ok((code, outcome))
    }

    fn journal(&self) -> anyhow::Result<Journal> {
        let opening = Opening {
            operator: sty_engine::operator(),
            inventory: self.file.path.display().to_string(),
            inventory_sha256: self.file.sha256(),
            command: std::env::args().collect(),
            limit: vec![self.subject.to_owned()],
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Ok(Journal::open(&sty_engine::state_directory()?, opening)?)
    }
}
