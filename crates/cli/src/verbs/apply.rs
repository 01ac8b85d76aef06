//! `sty apply`

use std::time::Instant;

use clap::Args;
use sty_core::{ExitCode, Risk};
use sty_desired::Context;
use sty_engine::{
    Authority, ControllerLock, Interrupt, Journal, Opening, Outcome, Summary, Work, execute,
};
use sty_inventory::model::Inventory;
use sty_plan::{Options, Plan, Unwanted};
use sty_wire::action::{Action, Op};
use sty_wire::resource::Stage;

use crate::args::{Global, Selection};
use crate::context::{self, InventoryFile};
use crate::printer::{Printer, YELLOW, paint};
use crate::refusal;
use crate::run::choice::Choice;
use crate::run::events::{self, Follower};
use crate::run::holder::{self, Holder};
use crate::run::leftovers::Leftovers;
use crate::run::look::{self, Scene};
use crate::run::removal::Removal;
use crate::run::{authority, show_plan};

/// Bring every node to what the inventory says
///
/// Can be interrupted anywhere and run again. What restarts or destroys is held back until
/// asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sty apply                       the whole fleet
  sty apply -l pg-test            one cluster
  sty apply --restart             also restart what needs it, member by member
  sty apply --confirm pg-test-3   also destroy this")]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Restart what needs it: replicas first, then a switchover, then the old primary; the primary
    /// first where a setting shrinks that replicas must have as much of
    #[arg(long)]
    pub(crate) restart: bool,
    /// Allow destroying what has this name; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) confirm: Vec<String>,
}

/// What an apply works with.
struct Run<'a> {
    printer: &'a Printer,
    inventory: &'a Inventory,
    file: &'a InventoryFile,
    authority: &'a Authority,
    interrupt: Interrupt,
    holder: Holder,
    options: Options,
    started: Instant,
}

impl Apply {
    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let (file, inventory) = match context::installable_inventory(global, printer)? {
            Ok(valid) => valid,
            Err(code) => return Ok(code),
        };
        let hosts = context::limited(&inventory, &self.selection.limit)?;
        let interrupt = Interrupt::on_signals()?;
        let holder = Holder::own();
        let _lock = ControllerLock::acquire(
            &file.directory().join("files/pki/apply.lock"),
            &holder.to_string(),
        )?;
        let mut journal = open_journal(&file, &self.selection)?;
        let authority = authority::open(&file, &inventory)?;
        let run = Run {
            printer,
            inventory: &inventory,
            file: &file,
            authority: &authority,
            interrupt,
            holder,
            options: Options {
                restart: self.restart,
                confirm: self.confirm.iter().cloned().collect(),
            },
            started,
        };
        let ended = run.all(global, hosts, &self.selection, &mut journal);
        let (code, summary) = match &ended {
            Ok((code, summary)) => (*code, summary.clone()),
            Err(_) => (ExitCode::Failed, Summary::default()),
        };
        journal.close(word(code), &summary)?;
        ended.map(|(code, _)| code)
    }
}

impl Run<'_> {
    /// Connects, looks, plans and runs.
    fn all(
        &self,
        global: &Global,
        hosts: Vec<String>,
        selection: &Selection,
        journal: &mut Journal,
    ) -> anyhow::Result<(ExitCode, Summary)> {
        let sandbox = context::sandbox(global, self.file)?;
        let desired = look::desired_context(self.authority, self.inventory)?;
        let all = look::with_peers(self.inventory, &hosts);
        let targets = look::targets(self.inventory, all, sandbox.as_ref())?;
        let mut fleet = look::connect(&targets, self.printer)?;
        let taken = holder::take(&mut fleet, &self.holder, &self.interrupt, self.printer);
        if self.interrupt.is_set() {
            let summary = Summary {
                interrupted: true,
                ..Summary::default()
            };
            let text = events::summary(&summary, self.started.elapsed(), events::GOES_ON);
            self.printer.say(text);
            return Ok((ExitCode::Interrupted, summary));
        }
        taken?;
        let mut scene = Scene::of(self.inventory, fleet, hosts);
        if let Err(code) = self.look(&mut scene, &desired, selection)? {
            return Ok((code, Summary::default()));
        }
        scene.tell_beside(self.printer);
        let removal = Removal {
            inventory: self.inventory,
            sandbox: sandbox.as_ref(),
            printer: self.printer,
            holder: &self.holder,
            interrupt: &self.interrupt,
        };
        match self.rounds(&mut scene, &desired, selection, &removal, journal)? {
            Ok((plan, outcome)) => {
                self.report(&plan, &outcome)?;
                Ok((self.code(&scene, &plan, &outcome), outcome.summary))
            }
            Err(code) => Ok((code, Summary::default())),
        }
    }

    fn look(
        &self,
        scene: &mut Scene,
        desired: &Context,
        selection: &Selection,
    ) -> anyhow::Result<Result<(), ExitCode>> {
        let facts = scene.fleet.facts();
        let hosts = scene.hosts.clone();
        let choice = Choice::new(self.inventory, &hosts, selection);
        let all = look::with_peers(self.inventory, &hosts);
        match look::desired(self.inventory, &all, &facts, desired, &choice) {
            Ok(wanted) => {
                scene.look_at(wanted, self.printer);
                Ok(Ok(()))
            }
            Err(found) => Ok(Err(refusal::tell_all(&found, self.printer)?)),
        }
    }

    /// Plans and runs; and once more when restarts were asked for and what was done may call for
    /// some, when something could not be compared before, or when a member left a node that is wanted
    /// for something else. Gives the last plan and what became of it, or the exit code of
    /// an inventory that turned out to be wrong.
    fn rounds(
        &self,
        scene: &mut Scene,
        desired: &Context,
        selection: &Selection,
        removal: &Removal<'_>,
        journal: &mut Journal,
    ) -> anyhow::Result<Result<(Plan, Outcome), ExitCode>> {
        let mut leftovers = Leftovers::read(self.file)?;
        let mut plan = scene.plan(&self.options);
        let holds_else = |address: &str| scene.holds_else(self.inventory, address);
        leftovers.add_to(&mut plan.unwanted, self.inventory, &holds_else);
        let confirmed = |one: &&Unwanted| self.options.confirm.contains(&one.member);
        let leaving: Vec<Unwanted> = plan.unwanted.iter().filter(confirmed).cloned().collect();
        if !leaving.is_empty() {
            removal.add(scene, &leaving)?;
            leftovers.begin(leaving.iter())?;
            plan = scene.plan(&self.options);
            plan.confirmable
                .extend(leaving.iter().map(|one| one.member.clone()));
        }
        self.tell_unknown_names(&plan);
        let mut outcome = self.round(scene, &plan, journal)?;
        if outcome.exit_code() == ExitCode::Done {
            leftovers.end(&self.options.confirm)?;
        }
        let again = self.options.restart && may_need_restart(&plan)
            || !plan.unled.is_empty()
            || !plan.unseen.is_empty()
            || leaving.iter().any(|one| removal.frees(one));
        if again && outcome.exit_code() == ExitCode::Done {
            if let Err(code) = self.look(scene, desired, selection)? {
                return Ok(Err(code));
            }
            plan = scene.plan(&self.options);
            let second = self.round(scene, &plan, journal)?;
            outcome = outcome.and(second);
        }
        let told = plan.restarts.iter().any(|one| !one.due);
        if outcome.exit_code() == ExitCode::Done && !self.options.restart && told {
            if let Err(code) = self.look(scene, desired, selection)? {
                return Ok(Err(code));
            }
            plan.restarts = scene.plan(&self.options).restarts;
        }
        Ok(Ok((plan, outcome)))
    }

    /// A name that was typed and confirms nothing may be a slip.
    fn tell_unknown_names(&self, plan: &Plan) {
        for name in self.options.confirm.difference(&plan.confirmable) {
            self.printer.say(format!(
                "{} nothing of the name `{name}` waits to be destroyed",
                paint(YELLOW, "note")
            ));
        }
    }

    fn round(
        &self,
        scene: &mut Scene,
        plan: &Plan,
        journal: &mut Journal,
    ) -> anyhow::Result<Outcome> {
        show_plan::announce(self.printer, plan)?;
        journal.plan(&plan.actions)?;
        let total = plan.active().count();
        if total == 0 {
            return Ok(Outcome::default());
        }
        let mut follower = Follower::new(self.printer, journal, total);
        let unseen = scene.unseen.keys().cloned().collect();
        let work = Work {
            resources: &scene.resources,
            unseen: &unseen,
            signer: self.authority,
            interrupt: &self.interrupt,
        };
        let active: Vec<Action> = plan.actions.clone();
        let outcome = execute(&mut scene.fleet.sessions, &active, &work, &mut |event| {
            follower.take(event);
        })?;
        if let Some(error) = follower.journal_error.take() {
            self.printer
                .say(format!("the journal is not complete: {error}"));
        }
        self.printer.progress("");
        Ok(outcome)
    }

    fn code(&self, scene: &Scene, plan: &Plan, outcome: &Outcome) -> ExitCode {
        let unclear = scene.is_unclear() || plan.is_unclear();
        match outcome.exit_code() {
            ExitCode::Done if (unclear || plan.undecided) && outcome.done.is_empty() => {
                ExitCode::Failed
            }
            ExitCode::Done if unclear || !plan.waiting.is_empty() || !plan.unled.is_empty() => {
                ExitCode::Partial
            }
            code => code,
        }
    }

    /// How it ended, and last who waits for a restart: settings that were stored just now are
    /// asked after once more.
    fn report(&self, plan: &Plan, outcome: &Outcome) -> anyhow::Result<()> {
        if outcome.summary != Summary::default() {
            self.printer.say(events::summary(
                &outcome.summary,
                self.started.elapsed(),
                events::GOES_ON,
            ));
        }
        show_plan::print_restarts(self.printer, &plan.restarts)
    }
}

fn open_journal(file: &InventoryFile, selection: &Selection) -> anyhow::Result<Journal> {
    let opening = Opening {
        operator: sty_engine::operator(),
        inventory: file.path.display().to_string(),
        inventory_sha256: file.sha256(),
        command: std::env::args().collect(),
        limit: selection.limit.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(Journal::open(&sty_engine::state_directory()?, opening)?)
}

/// Whether what was done may leave settings that wait for a restart.
fn may_need_restart(plan: &Plan) -> bool {
    plan.active().any(|action| {
        let converges = matches!(action.op, Op::Converge { .. });
        let patroni = matches!(action.stage, Stage::Dynamic | Stage::Postgres);
        converges && patroni && action.risk > Risk::Safe
    })
}

pub(crate) fn word(code: ExitCode) -> &'static str {
    match code {
        ExitCode::Done => "done",
        ExitCode::Partial => "partial",
        ExitCode::Interrupted => "interrupted",
        _ => "failed",
    }
}
