//! Drills on disk: one JSON document each, beside the journal.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sty_drill::Drill;

use crate::journal::{JournalError, now};

/// Where one drill is kept.
#[derive(Debug)]
pub struct DrillRecord {
    path: PathBuf,
}

impl DrillRecord {
    /// A place for a drill that begins now, in `state`/drills. Nothing is written yet.
    pub fn new(state: &Path) -> Self {
        let name = format!("{}-{}.json", now(), std::process::id());
        Self {
            path: directory(state).join(name),
        }
    }

    /// Writes the drill as it is now, mode 0600, in place of what was written before. One that
    /// dies leaves the runs that ended.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, drill: &Drill) -> Result<(), JournalError> {
        write(&self.path, drill).map_err(|source| JournalError {
            path: self.path.clone(),
            source,
        })
    }
}

fn write(path: &Path, drill: &Drill) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(directory)?;
    }
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(&serde_json::to_vec(drill)?)?;
    file.sync_data()?;
    fs::rename(draft, path)
}

/// The latest `limit` drills kept in `state`, newest first; only those of `cluster` where one is
/// named.
///
/// # Errors
/// When the directory or a file cannot be read. A directory that is not there holds none.
pub fn drills(
    state: &Path,
    cluster: Option<&str>,
    limit: usize,
) -> Result<Vec<Drill>, JournalError> {
    let directory = directory(state);
    let mut paths = match documents(&directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        found => found.map_err(|source| JournalError {
            path: directory,
            source,
        })?,
    };
    // Names begin with the time.
    paths.sort();
    let mut found = Vec::new();
    for path in paths.into_iter().rev() {
        if found.len() == limit {
            break;
        }
        let drill = read(&path).map_err(|source| JournalError { path, source })?;
        found.extend(Some(drill).filter(|drill| cluster.is_none_or(|name| drill.cluster == name)));
    }
    Ok(found)
}

fn documents(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        found.extend(Some(path).filter(|path| path.extension().is_some_and(|one| one == "json")));
    }
    Ok(found)
}

fn read(path: &Path) -> io::Result<Drill> {
    Ok(serde_json::from_reader(io::BufReader::new(File::open(
        path,
    )?))?)
}

fn directory(state: &Path) -> PathBuf {
    state.join("drills")
}

#[cfg(test)]
mod tests {
    use sty_drill::{Clients, Summary};

    use super::*;

    fn drill(cluster: &str, began: &str) -> Drill {
        Drill {
            began: began.to_owned(),
            ended: None,
            operator: "ann@ops".to_owned(),
            inventory: "pigsty.yml".to_owned(),
            cluster: cluster.to_owned(),
            fault: "node-kill".to_owned(),
            seed: None,
            rto_plan: "fast".to_owned(),
            synchronous: "off".to_owned(),
            members: 3,
            clients: Clients {
                service: "primary".to_owned(),
                read_service: None,
                rate_per_second: 40,
            },
            runs: Vec::new(),
            summary: Summary::default(),
        }
    }

    #[test]
    fn kept_drills_are_listed_newest_first() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(drills(state.path(), None, 9).unwrap(), []);
        let kept = [drill("pg-a", "1"), drill("pg-b", "2"), drill("pg-a", "3")];
        for one in &kept {
            let record = DrillRecord::new(state.path());
            record.keep(&drill("unfinished", "0")).unwrap();
            record.keep(one).unwrap();
        }
        let began = |cluster, limit| -> Vec<String> {
            let found = drills(state.path(), cluster, limit).unwrap();
            found.into_iter().map(|drill| drill.began).collect()
        };
        assert_eq!(began(None, 9), ["3", "2", "1"]);
        assert_eq!(began(Some("pg-a"), 9), ["3", "1"]);
        assert_eq!(began(Some("pg-a"), 1), ["3"]);
    }
}
