//! Bringing the Patroni member of this node up.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sty_wire::observation::Failure;
use sty_wire::resource::PatroniMember;

use super::client::{Listed, Patroni, Status};
use super::data;
use super::logs::with_logs;
use super::member::{described, settled};
use super::{overrides, reload};
use crate::context::Context;
use crate::http::HttpError;
use crate::systemd::{self, UnitStatus};
use crate::wait::{Look, Wait};

/// From the last sign of progress: copies of large clusters take hours, and show it.
const STALLED: Duration = Duration::from_secs(120);
/// The same where nothing may be seen of the work: a checkpoint, replaying WAL.
const STALLED_AT_WORK: Duration = Duration::from_secs(1800);
/// A server that cannot start is tried again and again by Patroni; this long, from the first time
/// that it failed, is long enough.
const FAILING: Duration = Duration::from_secs(30);
/// A replica that runs and neither streams nor replays gets no further after this long: a dead
/// connection may hold its slot for 20 s (`wal_sender_timeout`), and it tries every 5 s.
const UNCONNECTED: Duration = Duration::from_secs(60);
/// Servers that Patroni has begun here one after the other, each of which has ended again: after a
/// crash recovery, a rewind and a copy there would be four, and the last of them would stay.
const SERVERS: usize = 5;
/// Over everything: more than any copy takes.
const LIMIT: Duration = Duration::from_secs(24 * 3600);
const PAUSE: Duration = Duration::from_millis(200);
const NOT_STREAMING: &str = "it does not stream from the leader yet";
const NOT_READY: &str = "it has not begun yet";
const SILENT: &str = "Patroni does not answer";
const COPYING: &str = "creating replica";
const STOPPED: &str = "stopped";
/// Between a copy and its start a server is stopped for a moment, also where a paused Patroni does both.
const LEFT_STOPPED: Duration = Duration::from_secs(5);
/// Patroni begins a copy again and again.
const COPIES: u32 = 2;
const LOOK_EVERY: Duration = Duration::from_secs(3);

pub(crate) fn converge(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let unit = systemd::read_anew(&member.unit)?;
    if unit.file_state != "enabled" {
        systemd::enable(&member.unit)?;
    }
    // Nothing here helps one that leads.
    if unit.active() && leads(member, context)? {
        data::refuse_broken(member)?;
    }
    let cleaned = overrides::clean(member, context)?;
    if unit.active() {
        reload::let_in(member, context)?;
    }
    let changed = context.changed_since(&member.restart_on, unit.active_enter);
    if !unit.active() {
        context.say("starting Patroni");
        systemd::start(&member.unit)?;
    } else if !changed.is_empty() || is_stuck(member, &unit, context)? {
        context.say("restarting Patroni");
        systemd::restart(&member.unit)?;
    } else {
        reload::files(member, &unit, context)?;
    }
    wait(member, context, || true)?;
    overrides::remove(member, cleaned, context)
}

fn leads(member: &PatroniMember, context: &Context) -> Result<bool, Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    Ok(patroni.status_now().is_ok_and(|status| status.leads()))
}

/// Whether Patroni has not got beyond its beginning, where it waits for etcd and reads no file
/// again, while its files are others by now. It looks after no server there.
fn is_stuck(member: &PatroniMember, unit: &UnitStatus, context: &Context) -> Result<bool, Failure> {
    if context
        .changed_since(&member.reload_on, unit.active_enter)
        .is_empty()
    {
        return Ok(false);
    }
    let patroni = context.patroni.client(&member.patroni)?;
    Ok(patroni.status_now().is_err_and(|error| error.refused()))
}

/// Waits until the member leads, or follows one that does and streams from it, and `ready` says that
/// this counts.
pub(super) fn wait(
    member: &PatroniMember,
    context: &Context,
    ready: impl Fn() -> bool,
) -> Result<(), Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    let what = format!("{} to lead or to follow a leader", member.name);
    let mut progress = Progress::new(member);
    let wait = Wait {
        what: &what,
        limit: LIMIT,
        pause: PAUSE,
    };
    let outcome = wait.until(|| {
        let status = patroni.status_now();
        progress.server(status.as_ref().ok());
        let state = match status {
            Ok(_) if !ready() => NOT_READY.to_owned(),
            Ok(status) if settled(&status) => match follows(&patroni, &status, &member.name) {
                Ok(Follows::Well) => return Ok(Look::Reached),
                Ok(Follows::Apart) => {
                    progress.replayed(status.wal_position());
                    NOT_STREAMING.to_owned()
                }
                Ok(Follows::Nobody) if status.pause => return Err(paused(member, &status)),
                Ok(Follows::Nobody) => described(&status),
                Err(error) if error.silent() => SILENT.to_owned(),
                Err(error) => return Err(error.failure()),
            },
            Ok(status) if status.pause && progress.stands_still(&status) => {
                return Err(paused(member, &status));
            }
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

/// In maintenance mode nobody starts a server, copies data for it or makes it the leader.
fn paused(member: &PatroniMember, status: &Status) -> Failure {
    let (name, scope) = (&member.name, &member.scope);
    Failure {
        hint: Some(format!(
            "run `sty cluster resume {scope}`, then apply again"
        )),
        ..Failure::message(format!(
            "{name} does not get any further ({}): cluster {scope} is paused, so Patroni starts and \
             promotes nothing",
            described(status)
        ))
    }
}

/// How a member whose server runs stands to its leader.
enum Follows {
    /// It streams, is late on purpose, or leads itself.
    Well,
    /// There is a leader, and it does not stream.
    Apart,
    /// Nobody leads.
    Nobody,
}

fn follows(patroni: &Patroni, status: &Status, name: &str) -> Result<Follows, HttpError> {
    if status.leads() {
        return Ok(Follows::Well);
    }
    let members = patroni.members_now()?;
    let leads =
        |listed: &Listed| listed.leads() && listed.name != name && listed.state == "running";
    let late = |listed: &Listed| listed.name == name && listed.is_late();
    Ok(match members.iter().any(leads) {
        false => Follows::Nobody,
        true if status.state() == "streaming" || members.iter().any(late) => Follows::Well,
        true => Follows::Apart,
    })
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
    /// All that were seen.
    states: BTreeSet<String>,
    bytes: u64,
    position: Option<u64>,
    moved: Instant,
    /// The same, without states that were seen before.
    fresh: Instant,
    /// Since when it fails to start, however often it was tried since.
    failing: Option<Instant>,
    looked: Option<Instant>,
    /// Copies of the leader's data that came to nothing.
    lost_copies: u32,
    /// When the servers seen here began.
    servers: BTreeSet<String>,
    told: String,
}

impl<'a> Progress<'a> {
    fn new(member: &'a PatroniMember) -> Self {
        let now = Instant::now();
        Self {
            member,
            state: String::new(),
            states: BTreeSet::new(),
            bytes: 0,
            position: None,
            moved: now,
            fresh: now,
            failing: None,
            looked: None,
            lost_copies: 0,
            servers: BTreeSet::new(),
            told: String::new(),
        }
    }

    /// The server that runs here.
    fn server(&mut self, status: Option<&Status>) {
        let began = status.and_then(|status| status.postmaster_start_time.clone());
        self.servers.extend(began);
    }

    /// How far a replica has replayed.
    fn replayed(&mut self, position: Option<u64>) {
        if position != self.position {
            self.position = position;
            self.moved = Instant::now();
            self.fresh = self.moved;
        }
    }

    /// Whether nobody starts a server that is stopped.
    fn stands_still(&self, status: &Status) -> bool {
        status.state == STOPPED
            && self.state == described(status)
            && self.moved.elapsed() >= LEFT_STOPPED
    }

    fn note(&mut self, state: &str, context: &Context) -> Result<(), Failure> {
        if state != self.state {
            if self.state.contains(COPYING) && !state.contains("starting") {
                self.lost_copies += 1;
            }
            state.clone_into(&mut self.state);
            self.moved = Instant::now();
            // What comes and goes is no progress.
            if self.states.insert(state.to_owned()) {
                self.fresh = self.moved;
            }
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
                self.fresh = self.moved;
            }
            self.looked = Some(Instant::now());
            self.tell(context);
        }
        let failing = self.failing.is_some_and(|since| since.elapsed() > FAILING);
        if self.servers.len() >= SERVERS {
            return Err(Failure::message(format!(
                "{} does not get any further: its server ends again and again, {SERVERS} times so \
                 far",
                self.member.name
            )));
        }
        let stalled = self.moved.elapsed() > patience(state)
            || self
                .states
                .iter()
                .all(|one| self.fresh.elapsed() > patience(one));
        if failing || self.lost_copies >= COPIES || stalled {
            let hint = "`sty status` names the reason where it can be known; apply again, which copies \
                        anew what cannot come back";
            return Err(Failure {
                hint: (state == NOT_STREAMING).then(|| hint.to_owned()),
                ..Failure::message(format!(
                    "{} does not get any further: {state}",
                    self.member.name
                ))
            });
        }
        Ok(())
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

/// How long a member may stay in a state.
fn patience(state: &str) -> Duration {
    const AT_WORK: [&str; 4] = ["starting", "restarting", COPYING, "bootstrap"];
    match () {
        () if state == NOT_STREAMING => UNCONNECTED,
        () if AT_WORK.iter().any(|work| state.contains(work)) => STALLED_AT_WORK,
        () => STALLED,
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
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use serde_json::json;

    use super::super::fixture;
    use super::{
        Duration, LEFT_STOPPED, Progress, SERVERS, SILENT, STALLED, STOPPED, Status, described,
        human,
    };
    use crate::context::Context;

    /// A member, and nobody who listens.
    fn given() -> (super::PatroniMember, Context) {
        (
            fixture::member(),
            Context::new(Arc::new(|_| ()), BTreeSet::new()),
        )
    }

    #[test]
    fn a_server_that_ends_again_and_again_gets_no_further() {
        let (member, context) = given();
        let mut progress = Progress::new(&member);
        for number in 1..=SERVERS {
            let said = json!({ "postmaster_start_time": number.to_string() });
            let status: Status = serde_json::from_value(said).unwrap();
            // However often it is seen.
            progress.server(Some(&status));
            progress.server(Some(&status));
            let noted = progress.note("replica starting", &context);
            assert_eq!(noted.is_err(), number == SERVERS, "{noted:?}");
        }
    }

    #[test]
    fn states_that_come_and_go_are_no_progress() {
        let (member, context) = given();
        let mut progress = Progress::new(&member);
        for state in [SILENT, "replica unknown", SILENT] {
            progress.note(state, &context).unwrap();
        }
        let long = STALLED + Duration::from_secs(1);
        progress.fresh = progress.fresh.checked_sub(long).unwrap();
        let told = progress.note("replica unknown", &context).unwrap_err();
        assert!(
            told.message.contains("does not get any further"),
            "{told:?}"
        );
        // A server that replays its log may be silent meanwhile.
        progress.note("replica starting", &context).unwrap();
        progress.fresh = progress.fresh.checked_sub(long).unwrap();
        progress.note(SILENT, &context).unwrap();
    }

    #[test]
    fn a_server_that_was_just_copied_is_about_to_start() {
        let (member, context) = given();
        let said = json!({ "role": "uninitialized", "state": STOPPED, "pause": true });
        let status: Status = serde_json::from_value(said).unwrap();
        let mut progress = Progress::new(&member);
        progress
            .note("uninitialized creating replica", &context)
            .unwrap();
        assert!(!progress.stands_still(&status));
        progress.note(&described(&status), &context).unwrap();
        assert!(!progress.stands_still(&status));
        progress.moved = progress.moved.checked_sub(LEFT_STOPPED).unwrap();
        assert!(progress.stands_still(&status));
    }

    #[test]
    fn sizes_read_well() {
        let read = [900, 23_456, 999_999, 1_234_567, 12_345_678_901].map(human);
        assert_eq!(read, ["0.9 kB", "23.4 kB", "999.9 kB", "1.2 MB", "12.3 GB"]);
    }
}
