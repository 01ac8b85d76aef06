//! What an apply did, on disk: one JSON document a line, one file a run.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sty_wire::action::Action;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::event::{Event, Summary};

/// Files kept; older ones go when a run begins.
const KEPT: usize = 1_000;

/// The journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("journal `{}`: {source}", .path.display())]
pub struct JournalError {
    /// File or directory.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Who does what, written when a run begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// `user@host`.
    pub operator: String,
    /// Inventory file as given.
    pub inventory: String,
    /// SHA-256 of its text, lower case hex.
    pub inventory_sha256: String,
    /// Command line; holds no secrets.
    pub command: Vec<String>,
    /// `--limit` and `--module`, when given.
    pub limit: Vec<String>,
    /// Version of `sty`.
    pub version: String,
}

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub(crate) enum Record {
    Opened {
        time: String,
        pid: u32,
        #[serde(flatten)]
        opening: Opening,
    },
    Planned {
        time: String,
        actions: Vec<Action>,
    },
    Happened {
        time: String,
        #[serde(flatten)]
        event: Event,
    },
    Closed {
        time: String,
        result: String,
        summary: Summary,
    },
}

/// The journal of the run under way. Locked while it is open, so that `history` can tell a run
/// that goes on from one that died.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Begins the journal of a run in `state`/journal, mode 0600, and removes the oldest files
    /// beyond 1,000.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(state: &Path, opening: Opening) -> Result<Self, JournalError> {
        let directory = directory(state);
        let failed = |source| JournalError {
            path: directory.clone(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .map_err(failed)?;
        retire(&directory).map_err(failed)?;
        let pid = std::process::id();
        let path = directory.join(format!("{}-{pid}.jsonl", now()));
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        let file = file
            .and_then(|file| file.lock().map(|()| file))
            .map_err(failed)?;
        let mut journal = Self { path, file };
        journal.write(&Record::Opened {
            time: now(),
            pid,
            opening,
        })?;
        journal.sync()?;
        Ok(journal)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Notes what is going to be done.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn plan(&mut self, actions: &[Action]) -> Result<(), JournalError> {
        self.write(&Record::Planned {
            time: now(),
            actions: actions.to_vec(),
        })?;
        self.sync()
    }

    /// Notes what happened.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn event(&mut self, event: &Event) -> Result<(), JournalError> {
        self.write(&Record::Happened {
            time: now(),
            event: event.clone(),
        })
    }

    /// Notes how it ended: `done`, `partial`, `failed`, `interrupted`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn close(mut self, result: &str, summary: &Summary) -> Result<(), JournalError> {
        self.write(&Record::Closed {
            time: now(),
            result: result.to_owned(),
            summary: summary.clone(),
        })?;
        self.sync()
    }

    /// One write a line: a run that dies leaves whole lines, and at most one torn at the end.
    fn write(&mut self, record: &Record) -> Result<(), JournalError> {
        let line = serde_json::to_vec(record).map_err(io::Error::from);
        let written = line.and_then(|mut line| {
            line.push(b'\n');
            self.file.write_all(&line)
        });
        written.map_err(|source| self.failed(source))
    }

    fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> JournalError {
        JournalError {
            path: self.path.clone(),
            source,
        }
    }
}

pub(crate) fn directory(state: &Path) -> PathBuf {
    state.join("journal")
}

/// Journal files, oldest first: their names begin with the time.
pub(crate) fn files(directory: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            found.insert(path);
        }
    }
    Ok(found)
}

/// Makes room for one more.
fn retire(directory: &Path) -> io::Result<()> {
    let found = files(directory)?;
    let surplus = (found.len() + 1).saturating_sub(KEPT);
    for path in found.iter().take(surplus) {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The time, RFC 3339 in UTC, to the microsecond: of fixed width, so that names sort by it.
pub fn now() -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
    let now = OffsetDateTime::now_utc();
    now.format(&format).unwrap_or_else(|_| now.to_string())
}
