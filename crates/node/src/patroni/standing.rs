//! How the member here stands, beside what Patroni says of it: why it is not well and since when,
//! and, on a member that others follow, what log and which slots it keeps for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use sty_wire::observation::Failure;
use sty_wire::resource::PatroniMember;
use sty_wire::standing::{
    Condition, DIES, REPLAY_FAILS, Slot, Standing, WAL_END, WAL_KEPT, WalKept,
};

use super::client::{Listed, Patroni, Status};
use super::data::{self, Control, Data, Postmaster};
use super::history::parts_from;
use crate::postgres::Session;
use crate::systemd::UnitStatus;

/// States in which Patroni makes the first data of a cluster.
const MAKING: [&str; 3] = [
    "initializing new cluster",
    "running custom bootstrap script",
    "starting after custom bootstrap",
];

const DATABASE: &str = "postgres";

/// The oldest file of log, and the slots of replicas.
fn kept() -> String {
    format!(
        "SELECT jsonb_build_object(
           'segment_bytes', wal.bytes, 'from', wal.oldest,
           'slots', (SELECT coalesce(jsonb_agg(jsonb_build_object(
               'name', slot_name, 'active', active, 'lost', wal_status IS NOT DISTINCT FROM 'lost',
               'inactive_since', floor(extract(epoch FROM
                 (to_jsonb(pg_replication_slots) ->> 'inactive_since')::timestamptz)))), '[]')
             FROM pg_replication_slots WHERE slot_type = 'physical'))
         FROM ({WAL_KEPT}) AS wal (bytes, oldest)"
    )
}

#[derive(Deserialize)]
struct Kept {
    segment_bytes: u64,
    from: Option<u64>,
    slots: Vec<Slot>,
}

/// How `member` stands. `status` is what `patroni` says of it, `None` when it does not answer;
/// `members` are all that it lists.
///
/// # Errors
/// When PostgreSQL says that it runs and does not say what it keeps, or Patroni does not tell the
/// history of the cluster.
pub(crate) fn of(
    member: &PatroniMember,
    patroni: &Patroni,
    status: Option<&Status>,
    members: &[Listed],
    unit: &UnitStatus,
) -> Result<Standing, Failure> {
    let mut standing = Standing::default();
    if let Some((condition, since)) = ill(member, status, unit) {
        standing.condition = Some(condition);
        standing.since = since.and_then(seconds);
        if condition == Condition::NotStreaming {
            standing.wal_end = wal_end(member)?;
            if diverged(patroni, status, standing.wal_end, members)? {
                standing.condition = Some(Condition::TimelineDiverged);
            } else if standing.wal_end.is_none() && is_late(member, members) {
                // It streams again when it has come to where the timeline changed.
                standing = Standing::default();
            }
        }
    }
    let serves = status.is_some_and(Status::runs);
    if serves && is_followed(member, members) {
        let mut session = Session::open(&member.postgres, DATABASE)?;
        let kept: Kept = session.document(&kept(), "the log that is kept")?;
        standing.wal_kept = kept.from.map(|from| WalKept {
            from,
            segment_bytes: kept.segment_bytes,
        });
        standing.slots = kept.slots;
    }
    Ok(standing)
}

/// Whether others take their log from it. That they all do just now does not say that they have what
/// they need: Patroni calls the first moment of every try streaming, and lists that until its next
/// loop.
fn is_followed(member: &PatroniMember, members: &[Listed]) -> bool {
    let leads = |listed: &Listed| listed.name == member.name && listed.leads();
    let leads = members.iter().any(leads);
    let follows = |listed: &Listed| listed.follows() == Some(&member.name);
    let mut members = members.iter();
    members.any(|listed| follows(listed) || leads && !listed.leads())
}

/// Whether it replays what it has late on purpose.
fn is_late(member: &PatroniMember, members: &[Listed]) -> bool {
    let mut listed = members.iter();
    listed.any(|listed| listed.name == member.name && listed.is_late())
}

fn wal_end(member: &PatroniMember) -> Result<Option<u64>, Failure> {
    let sql = format!("SELECT to_jsonb(({WAL_END}))");
    Session::open(&member.postgres, DATABASE)?.document(&sql, "where the log ends")
}

/// Whether the log here is not a part of the leader's: it is on a later timeline, or goes on where
/// its own has ended.
fn diverged(
    patroni: &Patroni,
    status: Option<&Status>,
    wal_end: Option<u64>,
    members: &[Listed],
) -> Result<bool, Failure> {
    let leaders = members.iter().find(|listed| listed.leads());
    let leaders = leaders.and_then(|leader| leader.timeline);
    let own = status.and_then(|status| status.timeline);
    let (Some(own), Some(leaders)) = (own, leaders) else {
        return Ok(false);
    };
    if own >= leaders {
        return Ok(own > leaders);
    }
    let history = patroni.records().map_err(|error| error.failure())?.history;
    Ok(parts_from(&history, own, wal_end))
}

fn seconds(time: SystemTime) -> Option<u64> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}

/// Why the member is not well, and since when.
fn ill(
    member: &PatroniMember,
    status: Option<&Status>,
    unit: &UnitStatus,
) -> Option<(Condition, Option<SystemTime>)> {
    let data = Path::new(&member.data);
    let status = match status {
        Some(status) => status,
        // It may be silent because the server is, for want of its files.
        None => {
            return Some(match (data::look_beneath(member), at_work()) {
                // A copy is whole at its end.
                (Data::Broken { .. }, Some((condition, since))) => (condition, Some(since)),
                (Data::Broken { since }, None) => (Condition::DataBroken, since),
                // It may have answered until just now.
                _ if unit.active() => (Condition::PatroniSilent, None),
                _ => (Condition::PatroniStopped, unit.state_change),
            });
        }
    };
    // It runs on, until it needs what is gone; or runs, and Patroni, which cannot log in, does not know.
    if (status.runs() || data::is_open(data))
        && let (Data::Broken { since }, None) = (data::look_beneath(member), at_work())
    {
        return Some((Condition::DataBroken, since));
    }
    if status.runs() {
        let fine = status.leads() || status.state() == "streaming" && receives_log(data);
        return (!fine).then(|| (Condition::NotStreaming, data::last_log(data)));
    }
    if let Some((condition, since)) = at_work() {
        return Some((condition, Some(since)));
    }
    let began = data::last_change(data);
    match status.state.as_str() {
        "creating replica" => return Some((Condition::Copying, began)),
        state if MAKING.contains(&state) => return Some((Condition::Starting, began)),
        _ => {}
    }
    Some(match data::look(data) {
        Data::Missing => (Condition::DataMissing, unit.active_enter.max(began)),
        Data::Broken { since } => (Condition::DataBroken, since),
        Data::Complete(control) => with_data(data, &control, status, unit),
    })
}

/// A server that does not take connections, over data that looks complete.
fn with_data(
    data: &Path,
    control: &Control,
    status: &Status,
    unit: &UnitStatus,
) -> (Condition, Option<SystemTime>) {
    if let Some(server) = Postmaster::of(data) {
        let condition = match control.recovers_from_crash() {
            true => Condition::CrashRecovery,
            false => Condition::Starting,
        };
        return (condition, Some(server.began));
    }
    let began = unit.active_enter.max(Some(control.changed));
    match status.state.as_str() {
        "start failed" | "crashed" | "restart failed" => {
            // What cannot be looked at has other reasons not to start.
            let told = |name: &str| fs::metadata(data.join(name))?.modified();
            match (told(DIES), told(REPLAY_FAILS)) {
                (Ok(since), _) => (Condition::DataBroken, Some(since)),
                (_, Ok(since)) => (Condition::ReplayFails, Some(since)),
                _ => (Condition::StartFailed, began),
            }
        }
        "starting" | "restarting" => (Condition::Starting, began),
        _ => (Condition::Stopped, began),
    }
}

/// A copy or a rewind that goes on, and since when.
fn at_work() -> Option<(Condition, SystemTime)> {
    processes().find_map(|path| {
        // What ends meanwhile is not at work.
        let name = fs::read_to_string(path.join("comm")).ok()?;
        let condition = match name.trim() {
            "pg_basebackup" => Condition::Copying,
            "pg_rewind" => Condition::Rewinding,
            _ => return None,
        };
        Some((condition, started(&path)?))
    })
}

/// Whether the server over `data` has been connected to the one that it follows for longer than that
/// one takes to say that the log asked for is gone: Patroni calls the first moment of every try
/// streaming.
fn receives_log(data: &Path) -> bool {
    const REFUSED: Duration = Duration::from_secs(1);
    let Ok(data) = fs::canonicalize(data) else {
        return false;
    };
    let receiver = processes().find(|process| {
        // What has ended meanwhile receives nothing.
        let title = fs::read(process.join("cmdline")).unwrap_or_default();
        title.starts_with(b"postgres:")
            && String::from_utf8_lossy(&title).contains(" walreceiver")
            && fs::read_link(process.join("cwd")).is_ok_and(|directory| directory == data)
    });
    let since = receiver.and_then(|process| started(&process));
    since.is_some_and(|since| since.elapsed().is_ok_and(|age| age >= REFUSED))
}

/// What runs on the node, below /proc.
fn processes() -> impl Iterator<Item = PathBuf> {
    let found = fs::read_dir("/proc").into_iter().flatten().flatten();
    found.map(|process| process.path())
}

/// When a process began.
fn started(process: &Path) -> Option<SystemTime> {
    // Its 20th field after the name, in ticks since the machine began; the tick is 10 ms on every
    // Linux that there is.
    const TICKS: u64 = 100;
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks: u64 = fields.split(' ').nth(19)?.parse().ok()?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split(' ').next()?.parse().ok()?;
    let began = SystemTime::now().checked_sub(Duration::try_from_secs_f64(uptime).ok()?)?;
    Some(began + Duration::from_millis(ticks * 1000 / TICKS))
}
