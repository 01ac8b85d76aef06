//! Owner, group and mode of what is at a path.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, fchown};
use std::path::Path;

use sty_wire::observation::Change;
use sty_wire::resource::Access;

use crate::accounts::Accounts;

/// Permission bits, with set-id and sticky.
const MODE_BITS: u32 = 0o7777;

/// How owner and mode differ. `ids` are the numbers of the owner and group wanted.
pub(crate) fn compare(
    found: &Metadata,
    wanted: &Access,
    ids: (u32, u32),
    accounts: &Accounts,
) -> Vec<Change> {
    let mut changes = Vec::new();
    if (found.uid(), found.gid()) != ids {
        let user = accounts.user_name(found.uid());
        let group = accounts.group_name(found.gid());
        changes.push(Change::new(
            "owner",
            format!("{user}:{group}"),
            format!("{}:{}", wanted.owner, wanted.group),
        ));
    }
    let mode = found.mode() & MODE_BITS;
    if mode != wanted.mode {
        let (from, to) = (format!("{mode:04o}"), format!("{:04o}", wanted.mode));
        changes.push(Change::new("mode", from, to));
    }
    changes
}

/// Sets owner and mode of what is at `path`, which is no symbolic link.
pub(crate) fn set(path: &Path, ids: (u32, u32), mode: u32) -> io::Result<()> {
    // A change of owner clears set-id bits, so the mode comes second.
    chown(path, Some(ids.0), Some(ids.1))?;
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Sets owner and mode of an open file.
pub(crate) fn set_open(file: &File, ids: (u32, u32), mode: u32) -> io::Result<()> {
    fchown(file, Some(ids.0), Some(ids.1))?;
    file.set_permissions(Permissions::from_mode(mode))
}
