//! Earlier runs, read from their journals.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::event::{Event, Summary};
use crate::journal::{JournalError, Opening, Record, directory, files};

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Journal file.
    pub path: PathBuf,
    /// When it began, RFC 3339.
    pub began: String,
    /// Process id.
    pub pid: u32,
    /// Who and what.
    pub opening: Opening,
    /// Actions planned.
    pub planned: usize,
    /// How it is.
    pub state: RunState,
    /// Counts; of a run that did not end, as far as it came.
    pub summary: Summary,
}

/// How a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    /// It goes on.
    Running,
    /// It ended.
    Ended {
        /// `done`, `partial`, `failed`, `interrupted`.
        result: String,
        /// When, RFC 3339.
        at: String,
    },
    /// It ended without a word: killed, or the machine went down.
    Died {
        /// Actions that were under way.
        running: Vec<u32>,
    },
}

/// The latest `limit` runs recorded in `state`, newest first. Files that are not journals are
/// left out.
///
/// # Errors
/// When the directory or a file cannot be read. A directory that is not there holds no runs.
pub fn history(state: &Path, limit: usize) -> Result<Vec<Run>, JournalError> {
    let directory = directory(state);
    let found = match files(&directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        found => found.map_err(|source| JournalError {
            path: directory,
            source,
        })?,
    };
    let mut runs = Vec::new();
    for path in found.into_iter().rev() {
        if runs.len() == limit {
            break;
        }
        let run = read(&path).map_err(|source| JournalError {
            path: path.clone(),
            source,
        })?;
        runs.extend(run);
    }
    Ok(runs)
}

fn read(path: &Path) -> io::Result<Option<Run>> {
    let file = File::open(path)?;
    let alive = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    let mut run = None;
    let mut running = BTreeSet::new();
    for line in BufReader::new(file).lines() {
        // A torn line ends the journal of a run that died.
        let Ok(record) = serde_json::from_str(&line?) else {
            break;
        };
        match (record, &mut run) {
            (Record::Opened { time, pid, opening }, None) => {
                run = Some(begin(path, time, pid, opening));
            }
            (record, Some(run)) => take(run, &mut running, record),
            (_, None) => break,
        }
    }
    if let Some(run) = &mut run
        && run.state == RunState::Running
        && !alive
    {
        run.state = RunState::Died {
            running: running.into_iter().collect(),
        };
    }
    Ok(run)
}

fn begin(path: &Path, began: String, pid: u32, opening: Opening) -> Run {
    Run {
        path: path.to_owned(),
        began,
        pid,
        opening,
        planned: 0,
        state: RunState::Running,
        summary: Summary::default(),
    }
}

fn take(run: &mut Run, running: &mut BTreeSet<u32>, record: Record) {
    match record {
        Record::Opened { .. } => {}
        Record::Planned { actions, .. } => run.planned = actions.len(),
        Record::Happened { event, .. } => count(&mut run.summary, running, &event),
        Record::Closed {
            time,
            result,
            summary,
        } => {
            run.summary = summary;
            run.state = RunState::Ended { result, at: time };
        }
    }
}

fn count(summary: &mut Summary, running: &mut BTreeSet<u32>, event: &Event) {
    summary.take(event);
    match event {
        Event::Started { action, .. } => drop(running.insert(*action)),
        Event::Done { action, .. } | Event::Failed { action, .. } => drop(running.remove(action)),
        _ => {}
    }
}
