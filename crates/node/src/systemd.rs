//! systemd: state of units, and what can be done to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};

use crate::os::drop_ins;
use crate::run::Run;

/// Starting PostgreSQL after a crash replays WAL; systemd's own limits are lower for most units.
const JOB_LIMIT: Duration = Duration::from_secs(900);
/// Lines of the journal shown with a failure.
const JOURNAL_LINES: &str = "20";

const PROPERTIES: &str = "Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,\
                          CanReload,Result,ReloadResult,ActiveEnterTimestamp,StateChangeTimestamp,\
                          ConditionResult,ConditionTimestamp,FragmentPath,Job";

/// Where unit files of the administrator are; they go before those of packages.
const ADMINISTRATOR: &str = "/etc/systemd/system";

/// State of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct UnitStatus {
    /// `loaded`, `not-found`, `masked`, ...
    pub(crate) load_state: String,
    /// `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating`.
    pub(crate) active_state: String,
    /// `running`, `exited`, `dead`, ...
    pub(crate) sub_state: String,
    /// `enabled`, `disabled`, `static`, ...; empty when there is no unit file.
    pub(crate) file_state: String,
    /// The unit file changed after systemd read it.
    pub(crate) need_daemon_reload: bool,
    /// The unit file that systemd has read.
    pub(crate) fragment: String,
    /// Knows how to reload.
    pub(crate) can_reload: bool,
    /// `success`, `exit-code`, ...
    pub(crate) result: String,
    /// How its last reload ended, `success` when there was none; empty when it knows no reload.
    pub(crate) reload_result: String,
    /// When it last became active.
    pub(crate) active_enter: Option<SystemTime>,
    /// When its state last changed; a reload counts.
    pub(crate) state_change: Option<SystemTime>,
    /// systemd is about to do something with it, or is at it.
    pub(crate) job: bool,
    /// The last start was left undone because a condition of the unit was not met.
    pub(crate) condition_unmet: bool,
}

impl UnitStatus {
    /// There is no such unit.
    pub(crate) fn missing(&self) -> bool {
        self.load_state == "not-found"
    }

    /// That it runs although its file is gone: it is read again with a restart.
    pub(crate) fn lost(&self) -> Option<Observation> {
        let change = Change::new("definition", "gone while it runs", "read again");
        (self.missing() && self.active()).then(|| Observation::Drift {
            changes: vec![change],
            risk: Risk::Restart,
        })
    }

    /// Its last reload failed: it runs with what it had read before.
    pub(crate) fn reload_failed(&self) -> bool {
        !matches!(self.reload_result.as_str(), "" | "success")
    }

    /// Runs, or is reloading.
    pub(crate) fn active(&self) -> bool {
        matches!(self.active_state.as_str(), "active" | "reloading")
    }
}

/// Cache of units for one look: those expected are read by one command when the first is asked
/// for.
#[derive(Default)]
pub(crate) struct Units {
    state: Mutex<UnitsState>,
}

#[derive(Default)]
struct UnitsState {
    expected: BTreeSet<String>,
    known: BTreeMap<String, UnitStatus>,
}

impl Units {
    pub(crate) fn expecting(expected: BTreeSet<String>) -> Self {
        Self {
            state: Mutex::new(UnitsState {
                expected,
                known: BTreeMap::new(),
            }),
        }
    }

    /// State of `name`, read at most once.
    pub(crate) fn get(&self, name: &str) -> Result<UnitStatus, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.known.contains_key(name) {
            let mut names = std::mem::take(&mut state.expected);
            names.insert(name.to_owned());
            state.known.extend(show(&names)?);
        }
        let known = state.known.get(name).cloned();
        known.ok_or_else(|| Failure::message(format!("systemd says nothing of unit `{name}`")))
    }
}

/// State of units now, by one command.
fn show(names: &BTreeSet<String>) -> Result<BTreeMap<String, UnitStatus>, Failure> {
    let finished = Run::new("systemctl")
        .args(["show", "--timestamp=us+utc", "--property", PROPERTIES, "--"])
        .args(names.iter().map(String::as_str))
        .ok()?;
    let blocks = finished.stdout.trim_end().split("\n\n").map(parse);
    let mut units: BTreeMap<String, UnitStatus> = names.iter().cloned().zip(blocks).collect();
    for (name, unit) in &mut units {
        unit.need_daemon_reload |= is_shadowed(name, &unit.fragment);
    }
    Ok(units)
}

/// systemd has read a package's unit file, and since then there is one of the administrator,
/// which it would take instead. It does not count that as a need to reload.
fn is_shadowed(name: &str, fragment: &str) -> bool {
    let own = format!("{ADMINISTRATOR}/{name}");
    !fragment.is_empty() && fragment != own && fs::metadata(&own).is_ok_and(|found| found.is_file())
}

/// State of one unit now.
pub(crate) fn show_one(name: &str) -> Result<UnitStatus, Failure> {
    Units::default().get(name)
}

/// State of one unit, once systemd has read its file. What has come back to a unit that ran on
/// without it is read by a second try.
pub(crate) fn read_anew(name: &str) -> Result<UnitStatus, Failure> {
    let mut unit = show_one(name)?;
    for _ in 0..2 {
        if unit.need_daemon_reload || unit.missing() {
            daemon_reload()?;
            unit = show_one(name)?;
        }
    }
    Ok(unit)
}

fn parse(block: &str) -> UnitStatus {
    let values: BTreeMap<&str, &str> = block
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let text = |name: &str| values.get(name).copied().unwrap_or_default();
    UnitStatus {
        load_state: text("LoadState").to_owned(),
        active_state: text("ActiveState").to_owned(),
        sub_state: text("SubState").to_owned(),
        file_state: text("UnitFileState").to_owned(),
        // One that could not be read is not read again by itself.
        need_daemon_reload: text("NeedDaemonReload") == "yes"
            || matches!(text("LoadState"), "error" | "bad-setting"),
        fragment: text("FragmentPath").to_owned(),
        can_reload: text("CanReload") == "yes",
        result: text("Result").to_owned(),
        reload_result: text("ReloadResult").to_owned(),
        active_enter: timestamp(text("ActiveEnterTimestamp")),
        state_change: timestamp(text("StateChangeTimestamp")),
        job: !matches!(text("Job"), "" | "0"),
        condition_unmet: text("ConditionResult") == "no"
            && timestamp(text("ConditionTimestamp")).is_some(),
    }
}

/// `Fri 2025-11-21 09:33:10.123456 UTC`; anything else is "never".
fn timestamp(text: &str) -> Option<SystemTime> {
    let mut words = text.split_whitespace().skip(1);
    let mut date = words.next()?.split('-').map(str::parse::<i64>);
    let (seconds, fraction) = words.next()?.split_once('.')?;
    let mut clock = seconds.split(':').map(str::parse::<i64>);
    let mut next = || clock.next()?.ok();
    let of_day = next()? * 3600 + next()? * 60 + next()?;
    let mut next = || date.next()?.ok();
    let days = days_since_epoch(next()?, next()?, next()?);
    let seconds = u64::try_from(days * 86_400 + of_day).ok()?;
    let micros = fraction.parse().ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years start in March here, so that
/// the leap day is the last of its year.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days_before_month = (month * 306 + 5) / 10;
    year * 365 + leap_days + days_before_month + day - 1 - 719_468
}

/// Those of `files` that were written after `since`. Files that are not there do not count.
pub(crate) fn newer(files: &[String], since: Option<SystemTime>) -> Vec<&str> {
    later(files, since, |data| data.modified().ok())
}

/// Those that were written after `since`, or came to their place: one that was exchanged for a
/// moment has its old date again.
pub(crate) fn placed(files: &[String], since: Option<SystemTime>) -> Vec<&str> {
    later(files, since, |data| {
        let seconds = u64::try_from(data.ctime()).ok()?;
        let part = u32::try_from(data.ctime_nsec()).ok()?;
        Some(SystemTime::UNIX_EPOCH + Duration::new(seconds, part))
    })
}

fn later(
    files: &[String],
    since: Option<SystemTime>,
    time: impl Fn(&Metadata) -> Option<SystemTime>,
) -> Vec<&str> {
    let is_later = |path: &&String| {
        let data = fs::metadata(path).ok();
        let time = data.and_then(|data| time(&data));
        since.is_some_and(|since| time > Some(since))
    };
    files.iter().filter(is_later).map(String::as_str).collect()
}

/// A condition of a unit: `ConditionCapability=CAP_SYS_TIME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    /// As a unit file has it.
    pub(crate) text: String,
    /// The last start found it unmet. systemd forgets when it reads its units again.
    pub(crate) unmet: bool,
}

impl Condition {
    /// About the machine and its kernel: nothing that is changed on this node later meets it.
    pub(crate) fn of_machine(&self) -> bool {
        ["ConditionCapability=", "ConditionVirtualization="]
            .iter()
            .any(|kind| self.text.starts_with(kind))
    }

    /// Tries it now.
    pub(crate) fn holds(&self) -> Result<bool, Failure> {
        let run = Run::new("systemd-analyze").arg("condition").arg(&self.text);
        Ok(run.any_exit()?.code == Some(0))
    }
}

/// Conditions without which a unit does not start; those of which one is enough are left out.
pub(crate) fn conditions(name: &str) -> Result<Vec<Condition>, Failure> {
    const SERVICE: &str = "org.freedesktop.systemd1";
    let finished = Run::new("busctl")
        .args(["--system", "--json=short", "get-property", SERVICE])
        .arg(object_path(name))
        .args(["org.freedesktop.systemd1.Unit", "Conditions"])
        .ok()?;
    parse_conditions(&finished.stdout).map_err(|error| {
        Failure::message(format!("cannot read the conditions of `{name}`: {error}"))
    })
}

fn parse_conditions(text: &str) -> Result<Vec<Condition>, serde_json::Error> {
    /// Kind, one of several alternatives, negated, value, result of the last try.
    type Entry = (String, bool, bool, String, i32);
    #[derive(serde::Deserialize)]
    struct Property {
        data: Vec<Entry>,
    }
    let property: Property = serde_json::from_str(text)?;
    let condition = |(kind, alternative, negated, value, result): Entry| {
        (!alternative).then(|| Condition {
            text: format!("{kind}={}{value}", if negated { "!" } else { "" }),
            unmet: result < 0,
        })
    };
    Ok(property.data.into_iter().filter_map(condition).collect())
}

/// Where systemd has a unit on the bus: letters and digits stay, the rest is escaped.
fn object_path(name: &str) -> String {
    let escaped: String = name
        .bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("_{byte:02x}"),
        })
        .collect();
    format!("/org/freedesktop/systemd1/unit/{escaped}")
}

/// Starts a unit and waits for the start to end. A failure carries the unit's last log lines.
pub(crate) fn start(name: &str) -> Result<(), Failure> {
    job(&["reset-failed", name]).or_else(ignore_unloaded)?;
    job(&["start", name]).map_err(|failure| with_journal(failure, name))
}

/// Has systemd start a unit, without waiting.
pub(crate) fn begin_start(name: &str) -> Result<(), Failure> {
    job(&["reset-failed", name]).or_else(ignore_unloaded)?;
    job(&["start", "--no-block", name])
}

/// Restarts a unit, or starts it.
pub(crate) fn restart(name: &str) -> Result<(), Failure> {
    job(&["reset-failed", name]).or_else(ignore_unloaded)?;
    job(&["restart", name]).map_err(|failure| with_journal(failure, name))
}

/// Has a running unit read its configuration again.
pub(crate) fn reload(name: &str) -> Result<(), Failure> {
    job(&["reload", name]).map_err(|failure| with_journal(failure, name))
}

/// Stops a unit and waits until it has. One that had to be killed has failed, for systemd; that is
/// over.
pub(crate) fn stop(name: &str) -> Result<(), Failure> {
    job(&["stop", name]).map_err(|failure| with_journal(failure, name))?;
    job(&["reset-failed", name]).or_else(ignore_unloaded)
}

/// Has the unit start at boot. systemd reads all its units again.
pub(crate) fn enable(name: &str) -> Result<(), Failure> {
    job(&["enable", name])
}

/// Has the unit not start at boot. systemd reads all its units again.
pub(crate) fn disable(name: &str) -> Result<(), Failure> {
    job(&["disable", name])
}

/// Lifts a mask, also one that holds until the next boot.
pub(crate) fn unmask(name: &str) -> Result<(), Failure> {
    job(&["unmask", name])?;
    job(&["unmask", "--runtime", name])
}

/// Has systemd read all unit files again.
pub(crate) fn daemon_reload() -> Result<(), Failure> {
    job(&["daemon-reload"])
}

fn job(arguments: &[&str]) -> Result<(), Failure> {
    let run = Run::new("systemctl").args(arguments.iter().copied());
    run.limit(JOB_LIMIT).ok().map(drop)
}

/// A unit that systemd has not loaded has no failure to forget.
fn ignore_unloaded(failure: Failure) -> Result<(), Failure> {
    match failure.exit_code {
        Some(1) => Ok(()),
        _ => Err(failure),
    }
}

/// `failure` with the last lines of the unit's log as well, and what else changes the unit.
pub(crate) fn with_journal(failure: Failure, name: &str) -> Failure {
    let journal = Run::new("journalctl")
        .args(["--no-pager", "--output=short-iso", "--lines", JOURNAL_LINES])
        .args(["--unit", name])
        .ok();
    let mut tail = failure.tail;
    // Why the log cannot be read must not hide why the unit failed.
    let journal = journal.map(|finished| finished.stdout).unwrap_or_default();
    tail.extend(journal.lines().map(str::to_owned));
    drop_ins::blamed(Failure { tail, ..failure }, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_keep_microseconds() {
        let time = timestamp("Tue 2026-02-24 07:08:09.123456 UTC").unwrap();
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(since, Duration::from_micros(1_771_916_889_123_456));
        assert_eq!(timestamp(""), None);
        assert_eq!(timestamp("n/a"), None);
    }

    #[test]
    fn conditions_are_read() {
        let text = r#"{"type":"a(sbbsi)","data":[
            ["ConditionCapability",false,false,"CAP_SYS_TIME",-1],
            ["ConditionPathExists",false,true,"/nologin",-1],
            ["ConditionPathExists",true,false,"/a",-1],
            ["ConditionPathExists",false,false,"/b",1]]}"#;
        let conditions = parse_conditions(text).unwrap();
        let texts: Vec<_> = conditions
            .iter()
            .map(|c| (c.text.as_str(), c.unmet))
            .collect();
        assert_eq!(
            texts,
            [
                ("ConditionCapability=CAP_SYS_TIME", true),
                ("ConditionPathExists=!/nologin", true),
                ("ConditionPathExists=/b", false)
            ]
        );
        assert!(conditions[0].of_machine() && !conditions[1].of_machine());
        assert_eq!(
            object_path("chrony.service"),
            "/org/freedesktop/systemd1/unit/chrony_2eservice"
        );
    }

    #[test]
    fn a_unit_block_is_read() {
        let unit = parse(
            "Id=haproxy.service\nLoadState=loaded\nActiveState=active\nSubState=running\n\
             UnitFileState=enabled\nNeedDaemonReload=no\nCanReload=yes\nResult=success\n\
             ActiveEnterTimestamp=Tue 2026-02-24 07:08:09.123456 UTC\n\
             StateChangeTimestamp=Tue 2026-02-24 07:08:10.000001 UTC\n\
             ConditionResult=yes\nConditionTimestamp=",
        );
        assert!(unit.active() && unit.can_reload && !unit.missing() && !unit.condition_unmet);
        assert!(unit.state_change > unit.active_enter);
    }
}
