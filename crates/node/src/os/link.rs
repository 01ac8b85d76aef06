//! Symbolic links.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};

use super::{atomic, drift, file};

/// Compares the link with its target.
pub(crate) fn observe(path: &str, target: &str) -> Result<Observation, Failure> {
    let path = Path::new(path);
    if let Some(reason) = file::parent_missing(path) {
        return Ok(Observation::Pending { reason });
    }
    let from = match file::metadata(path)? {
        None => None,
        Some(found) if found.is_symlink() => {
            let found =
                fs::read_link(path).map_err(|error| atomic::unable("read link", path, &error))?;
            if found == Path::new(target) {
                return Ok(Observation::InSync);
            }
            Some(found.display().to_string())
        }
        Some(found) if found.is_dir() && is_empty(path)? => Some("an empty directory".to_owned()),
        Some(found) => {
            let what = if found.is_dir() {
                "a directory with content"
            } else {
                "a file"
            };
            return Err(Failure {
                hint: Some("move it out of the way by hand".to_owned()),
                ..Failure::message(format!("{} is {what}, not a link", path.display()))
            });
        }
    };
    let change = Change {
        what: "link".to_owned(),
        from,
        to: Some(target.to_owned()),
        ..Change::default()
    };
    Ok(drift(vec![change], Risk::Safe))
}

/// Makes the link, or points it elsewhere in one step.
pub(crate) fn converge(path: &str, target: &str) -> Result<(), Failure> {
    let path = Path::new(path);
    let candidate = atomic::beside(path)?;
    let unable = |error| atomic::unable("make link", path, &error);
    if file::metadata(&candidate)?.is_some() {
        fs::remove_file(&candidate).map_err(unable)?;
    }
    if file::metadata(path)?.is_some_and(|found| found.is_dir()) {
        // Refuses when it is not empty.
        fs::remove_dir(path).map_err(unable)?;
    }
    symlink(target, &candidate).map_err(unable)?;
    fs::rename(&candidate, path).map_err(unable)
}

fn is_empty(path: &Path) -> Result<bool, Failure> {
    let mut entries = fs::read_dir(path).map_err(|error| atomic::unable("read", path, &error))?;
    Ok(entries.next().is_none())
}
