//! A data directory, as its files tell.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use sty_wire::standing::ESSENTIAL;

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

    /// Replays log: its own after a crash, or that of another.
    pub(super) fn replays(&self) -> bool {
        matches!(self.state, 4 | 5)
    }
}

pub(super) fn look(data: &Path) -> Data {
    let empty = fs::read_dir(data).map_or(true, |mut entries| entries.next().is_none());
    if empty {
        return Data::Missing;
    }
    let missing = ESSENTIAL.into_iter().find(|one| !data.join(one).exists());
    if let Some(missing) = missing {
        let parent = data.join(missing);
        return Data::Broken {
            since: parent.parent().and_then(modified),
        };
    }
    let control = data.join("global/pg_control");
    let found = fs::read(&control).ok();
    match found.as_deref().and_then(Control::parse) {
        Some(control) => Data::Complete(control),
        None => Data::Broken {
            since: modified(&control),
        },
    }
}

/// Whether `data` holds something with which no server can run.
pub(super) fn is_broken(data: &str) -> bool {
    matches!(look(Path::new(data)), Data::Broken { .. })
}

/// When the postmaster that runs in `data` began; `None` when none does.
pub(super) fn postmaster(data: &Path) -> Option<SystemTime> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?;
    let began: u64 = lines.nth(1)?.parse().ok()?;
    let here = fs::read_link(Path::new("/proc").join(pid).join("cwd")).ok()?;
    let alive = here == fs::canonicalize(data).ok()?;
    alive.then(|| SystemTime::UNIX_EPOCH + Duration::from_secs(began))
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
    written.max(postmaster(data))
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
        fs::write(data.path().join("global/pg_control"), control).unwrap();
        data
    }

    #[test]
    fn what_a_server_needs_is_there_or_not() {
        let data = complete();
        let Data::Complete(control) = look(data.path()) else {
            unreachable!("it is complete")
        };
        assert!(control.replays() && !control.recovers_from_crash());
        fs::remove_file(data.path().join("global/pg_filenode.map")).unwrap();
        assert!(matches!(look(data.path()), Data::Broken { since: Some(_) }));
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
