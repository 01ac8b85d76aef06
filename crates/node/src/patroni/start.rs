//! Bringing the Patroni member of this node up.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sty_wire::observation::Failure;
use sty_wire::resource::PatroniMember;

use super::client::{Listed, Patroni, Status};
use super::logs::with_logs;
use super::member::{described, settled};
use super::{overrides, reload};
use crate::context::Context;
use crate::http::HttpError;
use crate::systemd;
use crate::wait::{Look, Wait};

/// From the last sign of progress: copies of large clusters take hours, and show it.
const STALLED: Duration = Duration::from_secs(120);
/// The same where nothing may be seen of the work: a checkpoint, replaying WAL.
const STALLED_AT_WORK: Duration = Duration::from_secs(1800);
/// A server that cannot start is tried again and again by Patroni; this long, from the first time
/// that it failed, is long enough.
const FAILING: Duration = Duration::from_secs(30);
/// Over everything: more than any copy takes.
const LIMIT: Duration = Duration::from_secs(24 * 3600);
const PAUSE: Duration = Duration::from_millis(200);
const SILENT: &str = "Patroni does not answer";
const COPYING: &str = "creating replica";
/// Patroni begins a copy again and again.
const COPIES: u32 = 2;
const LOOK_EVERY: Duration = Duration::from_secs(3);

pub(crate) fn converge(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let unit = systemd::show_one(&member.unit)?;
    if unit.need_daemon_reload || unit.missing() {
        systemd::daemon_reload()?;
    }
    if unit.file_state != "enabled" {
        systemd::enable(&member.unit)?;
    }
    let changed = context.changed_since(&member.restart_on, unit.active_enter);
    if !unit.active() {
        context.say("starting Patroni");
        systemd::start(&member.unit)?;
    } else if !changed.is_empty() {
        context.say("restarting Patroni");
        systemd::restart(&member.unit)?;
    } else {
        reload::files(member, &unit, context)?;
    }
    wait(member, context)?;
    overrides::remove(&member.postgres)
}

/// Waits until the member leads, or follows one that does.
fn wait(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    let what = format!("{} to lead or to follow a leader", member.name);
    let mut progress = Progress::new(member);
    let wait = Wait {
        what: &what,
        limit: LIMIT,
        pause: PAUSE,
    };
    let outcome = wait.until(|| {
        let state = match patroni.status_now() {
            Ok(status) if settled(&status) => match has_leader(&patroni, &status, &member.name) {
                Ok(true) => return Ok(Look::Reached),
                Ok(false) => described(&status),
                Err(error) if error.silent() => SILENT.to_owned(),
                Err(error) => return Err(error.failure()),
            },
            Ok(status) => described(&status),
            Err(error) if error.silent() => SILENT.to_owned(),
            Err(error) => return Err(error.failure()),
        };
        alive(member)?;
        progress.note(&state, context)?;
        Ok(Look::NotYet(state))
    });
    outcome.map_err(|failure| with_logs(failure, member))
}

/// Whether somebody leads: this member, or one that it can follow.
fn has_leader(patroni: &Patroni, status: &Status, name: &str) -> Result<bool, HttpError> {
    if status.leads() {
        return Ok(true);
    }
    let members = patroni.members_now()?;
    let leads =
        |listed: &Listed| listed.leads() && listed.name != name && listed.state == "running";
    Ok(members.iter().any(leads))
}

/// Patroni must be running, and not for the second time.
fn alive(member: &PatroniMember) -> Result<(), Failure> {
    let unit = systemd::show_one(&member.unit)?;
    let ended = matches!(unit.active_state.as_str(), "failed" | "inactive");
    if ended || unit.sub_state == "auto-restart" {
        return Err(Failure::message(format!(
            "{} ended while {} was starting ({})",
            member.unit, member.name, unit.result
        )));
    }
    Ok(())
}

/// Tells how far it is, and notices when nothing moves.
struct Progress<'a> {
    member: &'a PatroniMember,
    state: String,
    bytes: u64,
    moved: Instant,
    /// Since when it fails to start, however often it was tried since.
    failing: Option<Instant>,
    looked: Option<Instant>,
    /// Copies of the leader's data that came to nothing.
    lost_copies: u32,
    told: String,
}

impl<'a> Progress<'a> {
    fn new(member: &'a PatroniMember) -> Self {
        let now = Instant::now();
        Self {
            member,
            state: String::new(),
            bytes: 0,
            moved: now,
            failing: None,
            looked: None,
            lost_copies: 0,
            told: String::new(),
        }
    }

    fn note(&mut self, state: &str, context: &Context) -> Result<(), Failure> {
        if state != self.state {
            if self.state.contains(COPYING) && !state.contains("starting") {
                self.lost_copies += 1;
            }
            state.clone_into(&mut self.state);
            self.moved = Instant::now();
            self.failing = match () {
                () if state.ends_with("failed") => self.failing.or(Some(self.moved)),
                // The next try.
                () if state.contains("starting") || state == SILENT => self.failing,
                () => None,
            };
            self.looked = None;
        }
        if self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            let bytes = size(Path::new(&self.member.data));
            if bytes != self.bytes {
                self.bytes = bytes;
                self.moved = Instant::now();
            }
            self.looked = Some(Instant::now());
            self.tell(context);
        }
        let failing = self.failing.is_some_and(|since| since.elapsed() > FAILING);
        if failing || self.lost_copies >= COPIES || self.moved.elapsed() > self.patience() {
            return Err(Failure::message(format!(
                "{} does not get any further: {state}",
                self.member.name
            )));
        }
        Ok(())
    }

    fn patience(&self) -> Duration {
        const AT_WORK: [&str; 4] = ["starting", "restarting", COPYING, "bootstrap"];
        if AT_WORK.iter().any(|work| self.state.contains(work)) {
            STALLED_AT_WORK
        } else {
            STALLED
        }
    }

    /// Says something new, or nothing.
    fn tell(&mut self, context: &Context) {
        let words = self.words();
        if words != self.told {
            context.say(&words);
            self.told = words;
        }
    }

    fn words(&self) -> String {
        let Self { state, bytes, .. } = self;
        if state.ends_with(COPYING) && *bytes > 0 {
            format!("copying data from the leader, {} so far", human(*bytes))
        } else {
            format!("{}: {state}", self.member.name)
        }
    }
}

/// Bytes in all files below `path`; what vanishes meanwhile does not count.
fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => size(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}

fn human(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut tenths = bytes / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn sizes_read_well() {
        let read = [900, 23_456, 999_999, 1_234_567, 12_345_678_901].map(human);
        assert_eq!(read, ["0.9 kB", "23.4 kB", "999.9 kB", "1.2 MB", "12.3 GB"]);
    }
}
