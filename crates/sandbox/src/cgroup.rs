//! Control groups: the kernel's own list of a node's processes.
//!
//! Every process of a node lives below the node's group of the unified hierarchy, whatever it
//! forks. So the group, and not a recorded process id, says whether a node runs; it can be
//! frozen and killed as a whole; and a recycled process id can never be hit.
//! The unified hierarchy has these abilities also where a host keeps its controllers in cgroup v1.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::mount::MsFlags;

use crate::host::wait_for;
use crate::{Error, NodeName, Result, SandboxName};

/// Mount point used where the host has not mounted the unified hierarchy.
const OWN_MOUNT: &str = "/run/sty/cgroup";
/// Longest time for the kernel to end or freeze all processes of a group.
const LIMIT: Duration = Duration::from_secs(20);

/// A control group of the unified hierarchy.
#[derive(Debug, Clone)]
pub(crate) struct Group(PathBuf);

/// The group of everything a sandbox runs. Mounts the unified hierarchy if the host has not.
pub(crate) fn sandbox(name: &SandboxName) -> Result<Group> {
    let table = Path::new("/proc/self/mountinfo");
    let mounts = fs::read_to_string(table).map_err(Error::io("read", table))?;
    let mount = match unified_mount(&mounts) {
        Some(mount) => mount,
        None => mount_unified()?,
    };
    Ok(Group(mount.join("sty").join(name.as_str())))
}

/// The group of a node.
pub(crate) fn node(sandbox: &SandboxName, node: &NodeName) -> Result<Group> {
    Ok(self::sandbox(sandbox)?.child(&format!("node-{node}")))
}

/// The group of the process that forwards ports.
pub(crate) fn forwards(name: &SandboxName) -> Result<Group> {
    Ok(sandbox(name)?.child("forwards"))
}

/// First mount of the whole unified hierarchy, from the text of `/proc/self/mountinfo`.
fn unified_mount(mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let mut fields = place.split(' ').skip(3);
        let (root, mount) = (fields.next()?, fields.next()?);
        (kind.starts_with("cgroup2 ") && root == "/").then(|| PathBuf::from(mount))
    })
}

fn mount_unified() -> Result<PathBuf> {
    let mount = PathBuf::from(OWN_MOUNT);
    fs::create_dir_all(&mount).map_err(Error::io("create", &mount))?;
    nix::mount::mount(
        Some("cgroup2"),
        &mount,
        Some("cgroup2"),
        MsFlags::empty(),
        None::<&str>,
    )
    .map_err(Error::errno(
        "mount the unified cgroup hierarchy on",
        &mount,
    ))?;
    Ok(mount)
}

impl Group {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn child(&self, name: &str) -> Group {
        Group(self.0.join(name))
    }

    /// Makes the group, and those above it.
    pub(crate) fn create(&self) -> Result<()> {
        fs::create_dir_all(&self.0).map_err(Error::io("create", &self.0))
    }

    pub(crate) fn exists(&self) -> bool {
        self.0.is_dir()
    }

    /// Whether a process lives in the group or below it.
    pub(crate) fn populated(&self) -> Result<bool> {
        Ok(self.event("populated")? == Some(true))
    }

    /// Whether all processes of the group and below it are frozen.
    pub(crate) fn frozen(&self) -> Result<bool> {
        Ok(self.event("frozen")? == Some(true))
    }

    /// `None` when the group does not exist.
    fn event(&self, name: &str) -> Result<Option<bool>> {
        let path = self.0.join("cgroup.events");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(flag(&text, name)),
            Err(error) if gone(&error) => Ok(None),
            Err(error) => Err(Error::io("read", &path)(error)),
        }
    }

    /// Stops or resumes every process, including those that are forked later.
    pub(crate) fn set_frozen(&self, frozen: bool) -> Result<()> {
        self.write("cgroup.freeze", if frozen { "1" } else { "0" })?;
        let what = format!(
            "{} to {}",
            self.0.display(),
            if frozen { "freeze" } else { "thaw" }
        );
        wait_for(&what, LIMIT, || {
            let now = self.frozen()?;
            Ok(if now == frozen {
                Ok(())
            } else {
                Err(format!("frozen is {now}"))
            })
        })
    }

    /// SIGKILL to every process in and below the group, as one; waits until all are gone.
    pub(crate) fn kill(&self) -> Result<()> {
        if !self.exists() {
            return Ok(());
        }
        self.write("cgroup.kill", "1")?;
        wait_for(
            &format!("the processes of {} to end", self.0.display()),
            LIMIT,
            || {
                let left = self.processes()?;
                Ok(if self.populated()? {
                    Err(format!("processes {left:?} are left"))
                } else {
                    Ok(())
                })
            },
        )
    }

    /// Ids of the processes in and below the group.
    pub(crate) fn processes(&self) -> Result<Vec<u32>> {
        let mut found = Vec::new();
        let mut pending = vec![self.0.clone()];
        while let Some(dir) = pending.pop() {
            let list = dir.join("cgroup.procs");
            match fs::read_to_string(&list) {
                Ok(text) => found.extend(text.lines().filter_map(|line| line.parse::<u32>().ok())),
                Err(error) if gone(&error) => continue,
                Err(error) => return Err(Error::io("read", &list)(error)),
            }
            pending.extend(children(&dir)?);
        }
        Ok(found)
    }

    /// Removes the group and all below it. There must be no process left.
    pub(crate) fn remove(&self) -> Result<()> {
        if !self.exists() {
            return Ok(());
        }
        for child in children(&self.0)? {
            Group(child).remove()?;
        }
        match fs::remove_dir(&self.0) {
            Err(error) if !gone(&error) => Err(Error::io("remove", &self.0)(error)),
            _ => Ok(()),
        }
    }

    fn write(&self, file: &str, value: &str) -> Result<()> {
        let path = self.0.join(file);
        fs::write(&path, value).map_err(Error::io("write", &path))
    }
}

/// Removes the group above all sandboxes when none is left in it.
pub(crate) fn remove_common(name: &SandboxName) -> Result<()> {
    let Some(common) = sandbox(name)?.0.parent().map(Path::to_path_buf) else {
        return Ok(());
    };
    if common.is_dir() && children(&common)?.is_empty() {
        match fs::remove_dir(&common) {
            // Another sandbox came up in this moment and needs it.
            Err(error) if error.raw_os_error() == Some(nix::libc::EBUSY) || gone(&error) => {}
            result => result.map_err(Error::io("remove", &common))?,
        }
    }
    Ok(())
}

fn children(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if gone(&error) => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list", dir)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io("list", dir))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// A group that vanished while it was looked at: systemd in a node removes its own.
fn gone(error: &std::io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(nix::libc::ENOENT | nix::libc::ENODEV)
    )
}

fn flag(events: &str, name: &str) -> Option<bool> {
    events
        .lines()
        .find_map(|line| Some(line.strip_prefix(name)?.trim() == "1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unified_hierarchy_is_found_beside_version_one() {
        let hybrid = "\
33 32 0:28 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu
34 32 0:29 /docker/x /mnt/part rw - cgroup2 cgroup2 rw
35 32 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
        assert_eq!(
            unified_mount(hybrid),
            Some(PathBuf::from("/sys/fs/cgroup/unified"))
        );
        assert_eq!(
            unified_mount("33 32 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu"),
            None
        );
    }

    #[test]
    fn events_are_read_by_name() {
        assert_eq!(flag("populated 1\nfrozen 0\n", "populated"), Some(true));
        assert_eq!(flag("populated 1\nfrozen 0\n", "frozen"), Some(false));
        assert_eq!(flag("", "frozen"), None);
    }
}
