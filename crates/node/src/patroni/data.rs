//! A data directory, as its files tell.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use sty_wire::observation::Failure;
use sty_wire::resource::PatroniMember;
use sty_wire::standing::ESSENTIAL;

use crate::postgres;

/// Whether the directory holds a PostgreSQL cluster, whatever its state.
pub(super) fn is_there(directory: impl AsRef<Path>) -> bool {
    directory.as_ref().join("PG_VERSION").exists()
}

/// What a data directory holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// Nothing.
    Missing,
    /// Something, with which no server can run.
    Broken {
        /// When what is missing went, as its directory tells.
        since: Option<SystemTime>,
    },
    /// What a server needs.
    Complete(Control),
}

/// What a server notes of itself in `global/pg_control`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Control {
    /// State, as PostgreSQL numbers it.
    state: u32,
    /// When it was written.
    pub(super) changed: SystemTime,
}

impl Control {
    /// The layout of its beginning is that of every PostgreSQL since 9.3: system identifier,
    /// version, catalogue version, state, time.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let identifier = u64::from_ne_bytes(bytes.get(..8)?.try_into().ok()?);
        let state = u32::from_ne_bytes(bytes.get(16..20)?.try_into().ok()?);
        let changed = i64::from_ne_bytes(bytes.get(24..32)?.try_into().ok()?);
        let changed = Duration::from_secs(u64::try_from(changed).ok()?);
        (identifier != 0).then_some(Self {
            state,
            changed: SystemTime::UNIX_EPOCH + changed,
        })
    }

    /// A former primary that replays its own log.
    pub(super) fn recovers_from_crash(&self) -> bool {
        self.state == 4
    }
}

pub(super) fn look(data: &Path) -> Data {
    let empty = fs::read_dir(data).map_or(true, |mut entries| entries.next().is_none());
    if empty {
        return Data::Missing;
    }
    let missing = ESSENTIAL
        .into_iter()
        .find(|one| is_missing(&data.join(one)));
    if let Some(missing) = missing {
        let parent = data.join(missing);
        return Data::Broken {
            since: parent.parent().and_then(modified),
        };
    }
    let control = data.join("global/pg_control");
    match read_control(&control) {
        Some(control) => Data::Complete(control),
        None => Data::Broken {
            since: modified(&control),
        },
    }
}

/// The same where a server runs that takes connections: it needs every catalogue. While a copy replays
/// what belongs to it, its maps may be newer than its files.
fn look_beneath_server(data: &Path) -> Data {
    let lacks_one = || mapped(data).iter().any(|path| is_missing(path));
    match look(data) {
        // A catalogue may have been moved to another file between two reads.
        Data::Complete(_) if lacks_one() && lacks_one() => Data::Broken {
            since: modified(&data.join("global")),
        },
        found => found,
    }
}

/// The same, and that the database is there in which every server is asked.
pub(super) fn look_beneath(member: &PatroniMember) -> Data {
    let data = Path::new(&member.data);
    let found = look_beneath_server(data);
    if !matches!(found, Data::Complete(_)) || !is_open(data) {
        return found;
    }
    match postgres::missed_directory(&member.postgres) {
        Some(directory) if is_missing(&data.join(&directory).join("PG_VERSION")) => Data::Broken {
            since: modified(&data.join("base")),
        },
        _ => found,
    }
}

/// Whether a server runs there that takes connections.
pub(super) fn is_open(data: &Path) -> bool {
    Postmaster::of(data).is_some_and(|server| server.ready)
}

/// A file that cannot be looked at may be there.
fn is_missing(path: &Path) -> bool {
    matches!(path.try_exists(), Ok(false))
}

/// Catalogues without which nobody logs in, as the maps beside them name them: those of all
/// databases, of `template1` and of `postgres`; and maps that a replay did not make anew with their
/// directories.
fn mapped(data: &Path) -> Vec<PathBuf> {
    const MAGIC: u32 = 0x0059_2717;
    let mut paths = Vec::new();
    for place in ["global", "base/1", "base/5"] {
        let place = data.join(place);
        let file = place.join("pg_filenode.map");
        let Ok(map) = fs::read(&file) else {
            paths.extend(place.exists().then_some(file));
            continue;
        };
        let numbers: Vec<u32> = numbers(&map).collect();
        if let [MAGIC, count, pairs @ ..] = numbers.as_slice() {
            let count = usize::try_from(*count).unwrap_or(usize::MAX);
            let files = pairs.chunks_exact(2).take(count).map(|pair| pair[1]);
            paths.extend(files.map(|file| place.join(file.to_string())));
        }
    }
    paths
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    let each = bytes.chunks_exact(4);
    each.map(|four| u32::from_ne_bytes([four[0], four[1], four[2], four[3]]))
}

/// One that is being written is read again.
fn read_control(path: &Path) -> Option<Control> {
    const READS: usize = 3;
    let mut reads = (0..READS).filter_map(|_| fs::read(path).ok());
    let whole = reads.find(|bytes| has_its_sum(bytes))?;
    Control::parse(&whole)
}

/// Whether the sum is somewhere behind what it is the sum of: how much that is depends on the
/// version.
fn has_its_sum(control: &[u8]) -> bool {
    const SUM: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);
    const ENDS: std::ops::Range<usize> = 32..128;
    let numbers: Vec<u32> = numbers(control).take(ENDS.end).collect();
    let mut ends = ENDS.take_while(|at| *at < numbers.len());
    ends.any(|at| SUM.checksum(&control[..at * 4]) == numbers[at])
}

/// Whether its data directory holds something with which no server can run.
pub(super) fn is_broken(member: &PatroniMember) -> bool {
    matches!(look_beneath(member), Data::Broken { .. })
}

/// Refuses to stop, or to count on, a server that runs on without files that its next start needs.
pub(super) fn refuse_broken(member: &PatroniMember) -> Result<(), Failure> {
    if !is_broken(member) {
        return Ok(());
    }
    let hint = "hand the lead over with `sty cluster switchover` where it leads, then apply: it is copied \
                anew; where there is no other member, save what it serves (`pg_dumpall`) while it runs";
    Err(Failure {
        hint: Some(hint.to_owned()),
        ..Failure::message(format!(
            "the data directory of {} is broken: its server runs, and would not start again",
            member.name
        ))
    })
}

/// A server that runs, as it says in its directory.
pub(super) struct Postmaster {
    pid: Pid,
    /// When it began.
    pub(super) began: SystemTime,
    /// Whether it takes connections.
    pub(super) ready: bool,
}

impl Postmaster {
    /// The one that runs in `data`; `None` where none does.
    pub(super) fn of(data: &Path) -> Option<Self> {
        const STATE_LINE: usize = 7;
        let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let lines: Vec<&str> = text.lines().collect();
        // Of one that nobody connects to it is negative, and would stand for a group of processes.
        let pid = lines.first()?.parse().ok().filter(|pid| *pid > 1)?;
        let pid = Pid::from_raw(pid)?;
        let began = lines.get(2)?.parse().ok()?;
        let here = fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero())).ok()?;
        let alive = here == fs::canonicalize(data).ok()?;
        alive.then(|| Self {
            pid,
            began: SystemTime::UNIX_EPOCH + Duration::from_secs(began),
            ready: lines
                .get(STATE_LINE)
                .is_some_and(|state| state.trim() == "ready"),
        })
    }

    /// Has it read its files, by the signal that needs no session.
    pub(super) fn reload(&self) -> Result<(), Failure> {
        kill_process(self.pid, Signal::HUP)
            .map_err(|error| Failure::message(format!("cannot have PostgreSQL reload: {error}")))
    }
}

/// When the directory itself last changed: files at its top came or went.
pub(super) fn last_change(data: &Path) -> Option<SystemTime> {
    modified(data)
}

/// When log last arrived in `data`, or the server there began, whichever was later.
pub(super) fn last_log(data: &Path) -> Option<SystemTime> {
    let files = fs::read_dir(data.join("pg_wal")).ok();
    let files = files.into_iter().flatten().flatten();
    let segments = files.filter(|file| file.file_name().len() == 24);
    let written = segments.filter_map(|file| modified(&file.path())).max();
    written.max(Postmaster::of(data).map(|server| server.began))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete() -> tempfile::TempDir {
        let data = tempfile::tempdir().unwrap();
        for one in ["base", "global", "pg_multixact", "pg_wal", "pg_xact"] {
            fs::create_dir(data.path().join(one)).unwrap();
        }
        for one in ["PG_VERSION", "global/pg_filenode.map"] {
            fs::write(data.path().join(one), "17").unwrap();
        }
        let mut control = vec![0_u8; 8192];
        control[..8].copy_from_slice(&7_u64.to_ne_bytes());
        control[16..20].copy_from_slice(&5_u32.to_ne_bytes());
        control[24..32].copy_from_slice(&1_700_000_000_i64.to_ne_bytes());
        let sum = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(&control[..288]);
        control[288..292].copy_from_slice(&sum.to_ne_bytes());
        fs::write(data.path().join("global/pg_control"), control).unwrap();
        data
    }

    #[test]
    fn what_a_server_needs_is_there_or_not() {
        let data = complete();
        let Data::Complete(control) = look(data.path()) else {
            unreachable!("it is complete")
        };
        assert!(!control.recovers_from_crash());
        fs::remove_file(data.path().join("global/pg_filenode.map")).unwrap();
        assert!(matches!(look(data.path()), Data::Broken { since: Some(_) }));
    }

    #[test]
    fn a_catalogue_that_the_map_names_is_missed() {
        let data = complete();
        let map: Vec<u8> = [0x0059_2717_u32, 2, 1262, 1262, 1260, 16_500]
            .iter()
            .flat_map(|number| number.to_ne_bytes())
            .collect();
        fs::write(data.path().join("global/pg_filenode.map"), map).unwrap();
        fs::write(data.path().join("global/1262"), "").unwrap();
        assert!(matches!(
            look_beneath_server(data.path()),
            Data::Broken { since: Some(_) }
        ));
        fs::write(data.path().join("global/16500"), "").unwrap();
        assert!(matches!(
            look_beneath_server(data.path()),
            Data::Complete(_)
        ));
    }

    /// A database that was dropped has neither.
    #[test]
    fn a_directory_without_its_map_is_missed() {
        let data = complete();
        fs::create_dir(data.path().join("base/5")).unwrap();
        assert!(matches!(
            look_beneath_server(data.path()),
            Data::Broken { since: Some(_) }
        ));
        fs::remove_dir(data.path().join("base/5")).unwrap();
        assert!(matches!(
            look_beneath_server(data.path()),
            Data::Complete(_)
        ));
    }

    #[test]
    fn a_control_file_with_a_wrong_sum_is_none() {
        let data = complete();
        let path = data.path().join("global/pg_control");
        let mut control = fs::read(&path).unwrap();
        control[16] ^= 1;
        fs::write(&path, control).unwrap();
        assert!(matches!(look(data.path()), Data::Broken { .. }));
    }

    #[test]
    fn an_empty_control_file_is_none() {
        let data = complete();
        fs::write(data.path().join("global/pg_control"), [0_u8; 8192]).unwrap();
        assert!(matches!(look(data.path()), Data::Broken { .. }));
    }

    #[test]
    fn nothing_is_not_broken() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(look(data.path()), Data::Missing);
        assert_eq!(look(&data.path().join("none")), Data::Missing);
    }
}
