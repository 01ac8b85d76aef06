//! A node's file system: the shared image under an overlay of the node's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::mount::{MntFlags, MsFlags};

use crate::dirs::NodePlace;
use crate::host::wait_for;
use crate::{Error, Result};

/// Longest time for the kernel to let go of the mounts of killed processes.
const LIMIT: Duration = Duration::from_secs(20);

/// Mounts the node's file system over the layers below, the topmost first, unless it is mounted.
pub(crate) fn mount(below: &[&Path], place: &NodePlace) -> Result<()> {
    let root = place.root();
    for dir in [&root, &place.upper(), &place.work()] {
        fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    }
    if mounted_in(&root)?.contains(&root) {
        return Ok(());
    }
    let mut lower = Vec::new();
    for layer in below {
        // The error of the mount itself would not say which directory is missing.
        fs::metadata(layer).map_err(Error::io("find what the node was made from,", layer))?;
        lower.push(plain(layer)?);
    }
    // With `redirect_dir`, directories that a layer below has can be renamed, as anywhere:
    // PostgreSQL renames those of its replication slots.
    let options = format!(
        "redirect_dir=on,lowerdir={},upperdir={},workdir={}",
        lower.join(":"),
        plain(&place.upper())?,
        plain(&place.work())?
    );
    nix::mount::mount(
        Some("overlay"),
        &root,
        Some("overlay"),
        MsFlags::empty(),
        Some(options.as_str()),
    )
    .map_err(Error::errno(
        "mount an overlay (neither directory may itself be on one) on",
        &root,
    ))
}

/// Unmounts everything at and below a directory, the deepest first.
pub(crate) fn unmount_below(dir: &Path) -> Result<()> {
    wait_for(
        &format!("mounts below {} to be free", dir.display()),
        LIMIT,
        || {
            for mount in mounted_in(dir)? {
                match nix::mount::umount2(&mount, MntFlags::empty()) {
                    Ok(()) => {}
                    Err(nix::Error::EBUSY) => {
                        return Ok(Err(format!("{} is in use", mount.display())));
                    }
                    Err(errno) => return Err(Error::errno("unmount", &mount)(errno)),
                }
            }
            Ok(Ok(()))
        },
    )
}

/// Mount points at and below a directory, the latest first.
fn mounted_in(dir: &Path) -> Result<Vec<PathBuf>> {
    let table = Path::new("/proc/self/mountinfo");
    let text = fs::read_to_string(table).map_err(Error::io("read", table))?;
    let mut found: Vec<PathBuf> = text
        .lines()
        .filter_map(mount_point)
        .filter(|mount| mount.starts_with(dir))
        .collect();
    found.reverse();
    Ok(found)
}

/// The mount point of one line of `mountinfo`, whose blanks are written as octal numbers.
fn mount_point(line: &str) -> Option<PathBuf> {
    let field = line.split(' ').nth(4)?;
    Some(PathBuf::from(
        field
            .replace("\\040", " ")
            .replace("\\011", "\t")
            .replace("\\012", "\n")
            .replace("\\134", "\\"),
    ))
}

/// A path as an overlay option, in which some characters have a meaning.
fn plain(path: &Path) -> Result<&str> {
    let unusable = |why| Error::Io {
        what: "use as an overlay directory",
        path: path.to_path_buf(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidInput, why),
    };
    let text = path.to_str().ok_or_else(|| unusable("it is not UTF-8"))?;
    if text.contains([',', ':', '\\', '"', ' ', '\n', '\'', '$', '`']) {
        return Err(unusable(
            "it holds a blank, a comma, a colon, a quote or a backslash",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_with_their_blanks() {
        let line = "36 35 98:0 / /mnt/a\\040b rw,noatime master:1 - ext3 /dev/root rw";
        assert_eq!(mount_point(line), Some(PathBuf::from("/mnt/a b")));
    }

    #[test]
    fn paths_that_overlay_options_cannot_hold_are_refused() {
        assert!(plain(Path::new("/var/lib/sty")).is_ok());
        assert!(plain(Path::new("/var/lib/a,b")).is_err());
        assert!(plain(Path::new("/var/lib/a:b")).is_err());
    }
}
