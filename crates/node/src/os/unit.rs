//! systemd units: enabled, running, and with their files as they are now.

use sty_core::Risk;
use sty_wire::observation::{AT_BOOT, Change, Failure, Observation, PORT, SERVING};
use sty_wire::resource::{Unit, UnitState};

use super::drift;
use crate::context::Context;
use crate::systemd::{self, UnitStatus};
use crate::{pooler, ports, proxy};

/// Compares enabled and active state. A running unit whose files were written after it last read
/// them, or are about to be, differs too.
pub(crate) fn observe(unit: &Unit, context: &Context) -> Result<Observation, Failure> {
    let status = context.unit(&unit.name)?;
    match unit.state {
        UnitState::Running => running(unit, &status, context),
        UnitState::Stopped if busy(&status) => Ok(drift(stopped(&status), Risk::Restart)),
        UnitState::Stopped => Ok(drift(stopped(&status), Risk::Safe)),
    }
}

fn running(unit: &Unit, status: &UnitStatus, context: &Context) -> Result<Observation, Failure> {
    if let Some(lost) = status.lost() {
        return Ok(lost);
    }
    if status.missing() {
        let reason = format!("there is no unit `{}` yet", unit.name);
        return Ok(Observation::Pending { reason });
    }
    let mut changes = Vec::new();
    let mut risk = Risk::Safe;
    if !enabled(status) {
        changes.push(Change::new(AT_BOOT, &status.file_state, "enabled"));
    }
    if status.need_daemon_reload {
        changes.push(Change::new("definition", "out of date", "read again"));
    }
    if !status.active() {
        if changes.is_empty()
            && let Some(condition) = lasting_condition(&unit.name)?
        {
            let reason = format!(
                "`{}` does not start here: {condition} is not met",
                unit.name
            );
            return Ok(Observation::Skipped { reason });
        }
        changes.push(Change::new("state", described(status), "running"));
        return Ok(drift(changes, risk));
    }
    for (change, cost) in Stale::of(unit, status, context).changes(status) {
        changes.push(change);
        risk = risk.max(cost);
    }
    if risk == Risk::Restart
        && let Some(console) = &unit.console
        && !ports::of(&unit.name)?.contains(&console.port)
    {
        changes.push(Change {
            what: PORT.to_owned(),
            to: Some(console.port.to_string()),
            ..Change::default()
        });
    }
    // With files that it has not read it may not even be asked as it will be.
    if changes.is_empty()
        && let Some(console) = &unit.console
    {
        match pooler::look(console, pooler::LIMIT) {
            Ok(found) => {
                changes.extend(found.stopped.iter().map(pooler::Stopped::change));
                if !found.settings.is_empty() {
                    changes.extend(found.settings);
                    risk = Risk::Reload;
                }
            }
            Err(failure) if !pooler::can_be_asked(console) => return Err(failure),
            Err(failure) => {
                let silent = format!("does not answer: {}", failure.message);
                changes.push(Change::new("console", silent, "answers"));
                risk = Risk::Restart;
            }
        }
    }
    if changes.is_empty()
        && let Some(socket) = &unit.stats_socket
    {
        let found = proxy::by_hand(socket)?.into_iter();
        changes.extend(found.map(|one| one.change));
        let serves = |change: &Change| change.to.as_deref() == Some(SERVING);
        if !changes.iter().all(serves) {
            risk = Risk::Reload;
        }
    }
    Ok(drift(changes, risk))
}

fn stopped(status: &UnitStatus) -> Vec<Change> {
    let mut changes = Vec::new();
    if busy(status) {
        changes.push(Change::new("state", described(status), "stopped"));
    }
    if matches!(status.file_state.as_str(), "enabled" | "enabled-runtime") {
        changes.push(Change::new(AT_BOOT, &status.file_state, "disabled"));
    }
    changes
}

/// Runs or tries to.
fn busy(status: &UnitStatus) -> bool {
    status.active() || status.active_state == "activating"
}

/// Will run after a boot, as far as its own definition goes.
fn enabled(status: &UnitStatus) -> bool {
    matches!(
        status.file_state.as_str(),
        "enabled" | "static" | "generated" | "alias" | "transient"
    )
}

fn described(status: &UnitStatus) -> String {
    match status.active_state.as_str() {
        "failed" => format!("failed ({})", status.result),
        "activating" => format!("activating ({})", status.sub_state),
        other => other.to_owned(),
    }
}

/// Files that a running unit has not read as they are now.
struct Stale {
    restart: Vec<String>,
    reload: Vec<String>,
    /// Reloading was tried, and failed.
    failed: bool,
}

impl Stale {
    fn of(unit: &Unit, status: &UnitStatus, context: &Context) -> Self {
        Self {
            restart: context.changed_since(&unit.restart_on, status.active_enter),
            reload: context.changed_since(&unit.reload_on, status.state_change),
            failed: status.reload_failed() && !unit.reload_on.is_empty(),
        }
    }

    fn wants_reload(&self, status: &UnitStatus) -> bool {
        self.failed || !self.reload.is_empty() && status.can_reload
    }

    /// What it has to do, the worst first.
    fn changes(&self, status: &UnitStatus) -> Vec<(Change, Risk)> {
        let change = |what: &str, files: &[String]| Change {
            what: what.to_owned(),
            from: None,
            to: Some(format!("with {} as changed", files.join(", "))),
            ..Change::default()
        };
        let mut changes = Vec::new();
        if !self.restart.is_empty() {
            changes.push((change("restart", &self.restart), Risk::Restart));
        }
        if !self.reload.is_empty() {
            changes.push(match self.wants_reload(status) {
                true => (change("reload", &self.reload), Risk::Reload),
                false => (change("restart", &self.reload), Risk::Restart),
            });
        } else if self.failed {
            let from = format!("failed ({})", status.reload_result);
            changes.push((Change::new("reload", from, "done"), Risk::Reload));
        }
        changes
    }
}

/// An unmet condition of the machine itself, which no later change on this node will meet: in a
/// container, a missing capability for instance.
fn lasting_condition(name: &str) -> Result<Option<String>, Failure> {
    for condition in systemd::conditions(name)? {
        if condition.of_machine() && (condition.unmet || !condition.holds()?) {
            return Ok(Some(condition.text));
        }
    }
    Ok(None)
}

/// Brings the unit to its state; running units are reloaded where that is enough.
pub(crate) fn converge(unit: &Unit, context: &Context) -> Result<(), Failure> {
    let name = unit.name.as_str();
    let status = systemd::read_anew(name)?;
    match unit.state {
        UnitState::Running => run(unit, &status, context),
        UnitState::Stopped => end(name, &status, context),
    }
}

fn run(unit: &Unit, status: &UnitStatus, context: &Context) -> Result<(), Failure> {
    let name = unit.name.as_str();
    if status.missing() {
        return Err(Failure::message(format!("there is no unit `{name}`")));
    }
    have_at_boot(name, status)?;
    if !status.active() {
        context.say(format!("starting {name}"));
        systemd::start(name)?;
    } else {
        let stale = Stale::of(unit, status, context);
        match stale.changes(status).first() {
            Some((_, Risk::Reload)) => {
                context.say(format!("reloading {name}"));
                systemd::reload(name)?;
            }
            Some(_) => {
                context.say(format!("restarting {name}"));
                systemd::restart(name)?;
            }
            None if is_silent(unit) => {
                context.say(format!("restarting {name}, which does not answer"));
                systemd::restart(name)?;
            }
            // What has just read its files has forgotten what was said to it.
            None => {
                if let Some(socket) = &unit.stats_socket {
                    proxy::take_back(socket, || systemd::reload(name))?;
                }
            }
        }
    }
    stays(name)?;
    unit.console.as_ref().map_or(Ok(()), pooler::let_go_on)
}

/// One that was masked may start at all again.
fn have_at_boot(name: &str, status: &UnitStatus) -> Result<(), Failure> {
    if status.load_state == "masked" {
        systemd::unmask(name)?;
    }
    match enabled(status) {
        true => Ok(()),
        false => systemd::enable(name),
    }
}

/// A pooler that runs and does not answer at its console.
fn is_silent(unit: &Unit) -> bool {
    let console = unit.console.as_ref();
    console.is_some_and(|console| {
        pooler::can_be_asked(console) && pooler::look(console, pooler::LIMIT).is_err()
    })
}

/// Has a running unit read its files and start at boot; what wants a restart goes on waiting for
/// it.
pub(crate) fn meanwhile(unit: &Unit, context: &Context) -> Result<(), Failure> {
    let name = unit.name.as_str();
    let status = systemd::read_anew(name)?;
    have_at_boot(name, &status)?;
    if Stale::of(unit, &status, context).wants_reload(&status) {
        systemd::reload(name)?;
    }
    stays(name)
}

/// A unit that ended right after its start fails here, with its log.
fn stays(name: &str) -> Result<(), Failure> {
    let status = systemd::show_one(name)?;
    if status.active() {
        return Ok(());
    }
    if status.condition_unmet {
        return condition_failure(name);
    }
    let message = format!("`{name}` was started and is {}", described(&status));
    Err(systemd::with_journal(Failure::message(message), name))
}

/// What keeps a unit from starting fails, unless it is the machine itself.
fn condition_failure(name: &str) -> Result<(), Failure> {
    if lasting_condition(name)?.is_some() {
        return Ok(());
    }
    let conditions = systemd::conditions(name)?;
    let unmet: Vec<String> = conditions
        .into_iter()
        .filter(|condition| condition.unmet)
        .map(|condition| condition.text)
        .collect();
    Err(Failure::message(format!(
        "`{name}` does not start: {} is not met",
        unmet.join(", ")
    )))
}

fn end(name: &str, status: &UnitStatus, context: &Context) -> Result<(), Failure> {
    if matches!(status.file_state.as_str(), "enabled" | "enabled-runtime") {
        systemd::disable(name)?;
    }
    if busy(status) {
        context.say(format!("stopping {name}"));
        systemd::stop(name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(active: &str, file: &str) -> UnitStatus {
        UnitStatus {
            active_state: active.to_owned(),
            file_state: file.to_owned(),
            can_reload: true,
            ..UnitStatus::default()
        }
    }

    fn stale(restart: &[&str], reload: &[&str], failed: bool) -> Stale {
        let own = |files: &[&str]| files.iter().map(|&file| file.to_owned()).collect();
        Stale {
            restart: own(restart),
            reload: own(reload),
            failed,
        }
    }

    #[test]
    fn a_stopped_unit_neither_runs_nor_starts_at_boot() {
        assert_eq!(stopped(&status("inactive", "disabled")), []);
        assert_eq!(stopped(&status("failed", "static")), []);
        let both = stopped(&status("active", "enabled"));
        let what: Vec<_> = both.iter().map(|change| change.what.as_str()).collect();
        assert_eq!(what, ["state", "at boot"]);
    }

    #[test]
    fn a_reload_is_enough_unless_the_unit_cannot_or_a_restart_is_due() {
        let running = status("active", "enabled");
        let risk = |stale: Stale| stale.changes(&running).first().map(|(_, risk)| *risk);
        assert_eq!(risk(stale(&[], &[], false)), None);
        assert_eq!(risk(stale(&[], &["/a"], false)), Some(Risk::Reload));
        assert_eq!(risk(stale(&[], &[], true)), Some(Risk::Reload));
        assert_eq!(risk(stale(&["/b"], &["/a"], true)), Some(Risk::Restart));
        let simple = UnitStatus {
            can_reload: false,
            ..running.clone()
        };
        let changes = stale(&[], &["/a"], false).changes(&simple);
        let (change, risk) = &changes[0];
        assert_eq!((change.what.as_str(), *risk), ("restart", Risk::Restart));
        assert_eq!(change.to.as_deref(), Some("with /a as changed"));
        assert_eq!(stale(&["/b"], &["/a"], false).changes(&running).len(), 2);
    }
}
