//! Ending a sandbox: everything of it that runs, and everything that bears its name.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::host::require_root;
use crate::lock::Lock;
use crate::{Dirs, Error, Result, SandboxName, cgroup, mounts, netns, saved};

/// Where nspawn keeps what it does not clean up when it is killed.
const NSPAWN: &str = "/run/systemd/nspawn";

/// What `down` removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Whether there was anything.
    pub existed: bool,
    /// Names of the nodes whose disks were removed.
    pub nodes: Vec<String>,
}

/// Stops and removes a sandbox with all its nodes' disks. It needs no state file, so it also
/// works after a failed or interrupted `up`. Images stay.
///
/// # Errors
/// When this is not root, the name belongs to another state directory, other sandboxes began as
/// this one, or something cannot be removed; another `down` goes on from there.
pub fn down(dirs: &Dirs, name: &SandboxName) -> Result<Removed> {
    require_root()?;
    let lock = Lock::take(dirs, name)?;
    saved::expect_unneeded(dirs, name)?;
    let dir = dirs.absolute()?.place(name).dir().to_path_buf();
    let nodes = entries(&dir.join("nodes"))?;
    let ran = stop(&dir, name)?;
    let existed = dir.exists() || ran;
    if dir.exists() {
        fs::remove_dir_all(&dir).map_err(Error::io("remove", &dir))?;
    }
    lock.remove()?;
    Ok(Removed { existed, nodes })
}

/// Ends everything of a sandbox that runs, as a power cut does: processes, networks, mounts.
/// Its directory stays. Returns whether there was anything.
pub(crate) fn stop(dir: &Path, name: &SandboxName) -> Result<bool> {
    let group = cgroup::sandbox(name)?;
    let mut existed = group.exists();
    group.kill()?;
    group.remove()?;
    cgroup::remove_common(name)?;
    for namespace in netns::list()? {
        if namespace == name.namespace() || namespace.starts_with(&name.node_prefix()) {
            netns::remove(&namespace)?;
            existed = true;
        }
    }
    for node in entries(&dir.join("nodes"))? {
        forget_lock(&dir.join("nodes").join(node).join("root"))?;
    }
    forget_machines(name)?;
    mounts::unmount_below(dir)?;
    Ok(existed)
}

fn entries(dir: &Path) -> Result<Vec<String>> {
    let list = match fs::read_dir(dir) {
        Ok(list) => list,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list", dir)(error)),
    };
    let mut names = Vec::new();
    for entry in list {
        names.push(
            entry
                .map_err(Error::io("list", dir))?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    names.sort();
    Ok(names)
}

/// Removes nspawn's lock of a directory, which it names after device and inode.
fn forget_lock(root: &Path) -> Result<()> {
    let Ok(data) = fs::metadata(root) else {
        return Ok(());
    };
    remove(
        &Path::new(NSPAWN)
            .join("locks")
            .join(format!("inode-{}:{}", data.dev(), data.ino())),
    )
}

/// Removes nspawn's directories of this sandbox's machines.
fn forget_machines(name: &SandboxName) -> Result<()> {
    for kind in ["propagate", "unix-export"] {
        let dir = Path::new(NSPAWN).join(kind);
        for machine in entries(&dir)?
            .iter()
            .filter(|machine| machine.starts_with(&name.node_prefix()))
        {
            let path: PathBuf = dir.join(machine);
            mounts::unmount_below(&path)?;
            fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", file)(error))
        }
        _ => Ok(()),
    }
}
