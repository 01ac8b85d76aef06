//! Directories.

use std::fs::{self, DirBuilder, Metadata};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::resource::Access;

use super::{access, atomic, drift, file};
use crate::context::Context;

/// Compares with what is there; a link to a directory counts as one.
pub(crate) fn observe(
    path: &str,
    wanted: &Access,
    context: &Context,
) -> Result<Observation, Failure> {
    let accounts = context.accounts()?;
    let ids = match accounts.resolve(wanted) {
        Ok(ids) => ids,
        Err(reason) => return Ok(Observation::Pending { reason }),
    };
    let path = Path::new(path);
    let Some(found) = file::metadata(path)? else {
        let change = Change {
            what: "directory".to_owned(),
            from: None,
            to: Some(format!(
                "{}:{} {:04o}",
                wanted.owner, wanted.group, wanted.mode
            )),
            ..Change::default()
        };
        return Ok(drift(vec![change], Risk::Safe));
    };
    refuse_foreign_link(path, &found)?;
    let found = match found.is_symlink() {
        true => fs::metadata(path).map_err(|error| atomic::unable("look at", path, &error))?,
        false => found,
    };
    if !found.is_dir() {
        return Err(Failure {
            hint: Some("move it out of the way by hand".to_owned()),
            ..Failure::message(format!("{} is there and no directory", path.display()))
        });
    }
    let changes = access::compare(&found, wanted, ids, accounts);
    Ok(drift(changes, Risk::Safe))
}

/// Makes the directory, with its parents where they are missing (`root:root`, 0755), and sets
/// its owner and mode.
pub(crate) fn converge(path: &str, wanted: &Access, context: &Context) -> Result<(), Failure> {
    let ids = context
        .accounts()?
        .resolve(wanted)
        .map_err(Failure::message)?;
    make(Path::new(path), ids, wanted.mode)
}

/// A link of root's making is as good as the directory. Any other account could give itself
/// whatever directory it likes by a link to it.
fn refuse_foreign_link(path: &Path, found: &Metadata) -> Result<(), Failure> {
    if found.is_symlink() && found.uid() != 0 {
        return Err(Failure {
            hint: Some("replace it with a directory".to_owned()),
            ..Failure::message(format!(
                "{} is a link that root did not make; it is not followed",
                path.display()
            ))
        });
    }
    Ok(())
}

/// Makes a directory with owner and mode; one that is there gets them too.
pub(crate) fn make(path: &Path, ids: (u32, u32), mode: u32) -> Result<(), Failure> {
    let unable = |error| atomic::unable("make directory", path, &error);
    if let Some(parent) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(parent)
            .map_err(unable)?;
    }
    if let Some(found) = file::metadata(path)? {
        refuse_foreign_link(path, &found)?;
    }
    if !path.is_dir() {
        // Closed until it has its owner.
        DirBuilder::new().mode(0o700).create(path).map_err(unable)?;
    }
    access::set(path, ids, mode).map_err(unable)
}
