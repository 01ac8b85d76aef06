//! Files with exactly this content.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::resource::File;

use super::{access, atomic, check, diff, drift};
use crate::context::Context;

/// Compares content, owner and mode.
pub(crate) fn observe(file: &File, context: &Context) -> Result<Observation, Failure> {
    let observation = look(file, context)?;
    if rewrites(&observation) {
        context.mark_drifting(&file.path);
    }
    Ok(observation)
}

fn look(file: &File, context: &Context) -> Result<Observation, Failure> {
    let path = Path::new(&file.path);
    if let Some(reason) = parent_missing(path) {
        return Ok(Observation::Pending { reason });
    }
    let accounts = context.accounts()?;
    let ids = match accounts.resolve(&file.access) {
        Ok(ids) => ids,
        Err(reason) => return Ok(Observation::Pending { reason }),
    };
    let Some(found) = metadata(path)? else {
        return Ok(drift(vec![created(file)], Risk::Safe));
    };
    if found.is_dir() {
        return Err(Failure {
            hint: Some("move it out of the way by hand".to_owned()),
            ..Failure::message(format!("{} is a directory, not a file", file.path))
        });
    }
    if !found.is_file() {
        let change = Change::new("kind", "not a regular file", "file");
        return Ok(drift(vec![change], Risk::Safe));
    }
    let mut changes = content(file, path)?;
    changes.extend(access::compare(&found, &file.access, ids, accounts));
    Ok(drift(changes, Risk::Safe))
}

/// Whether converging writes the file anew, rather than only its owner and mode.
fn rewrites(observation: &Observation) -> bool {
    match observation {
        Observation::Drift { changes, .. } => changes
            .iter()
            .any(|change| !matches!(change.what.as_str(), "owner" | "mode")),
        Observation::Pending { .. } => true,
        _ => false,
    }
}

/// Writes the file, or only sets its owner and mode when that is all.
pub(crate) fn converge(file: &File, context: &Context) -> Result<(), Failure> {
    let path = Path::new(&file.path);
    let ids = context
        .accounts()?
        .resolve(&file.access)
        .map_err(Failure::message)?;
    let same =
        metadata(path)?.is_some_and(|found| found.is_file()) && content(file, path)?.is_empty();
    if same {
        return access::set(path, ids, file.access.mode)
            .map_err(|error| atomic::unable("set owner and mode of", path, &error));
    }
    let bytes = file.content.expose().as_bytes();
    atomic::replace(path, bytes, ids, file.access.mode, |candidate| {
        match file.check {
            Some(program) => check::accept(file, program, candidate, ids),
            None => Ok(()),
        }
    })
}

fn created(file: &File) -> Change {
    let lines = file.content.expose().lines().count();
    Change {
        what: "file".to_owned(),
        from: None,
        to: Some(format!("{lines} lines")),
        ..Change::default()
    }
}

fn content(file: &File, path: &Path) -> Result<Vec<Change>, Failure> {
    let found = fs::read(path).map_err(|error| atomic::unable("read", path, &error))?;
    let wanted = file.content.expose();
    if found == wanted.as_bytes() {
        return Ok(Vec::new());
    }
    if file.secret {
        return Ok(vec![Change::named("content")]);
    }
    Ok(diff::changes(&String::from_utf8_lossy(&found), wanted))
}

/// Metadata of what is at `path` itself, not of what a link points to.
pub(crate) fn metadata(path: &Path) -> Result<Option<Metadata>, Failure> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(atomic::unable("look at", path, &error)),
    }
}

/// In words, when the directory of `path` is not there.
pub(crate) fn parent_missing(path: &Path) -> Option<String> {
    let parent = path.parent()?;
    (!parent.is_dir()).then(|| format!("directory {} does not exist", parent.display()))
}
