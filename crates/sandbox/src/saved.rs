//! Saved sandboxes: ended, and kept as they were, for others to go on from.
//!
//! Nothing is copied. The disks of the others lie over those of the saved one, which does not
//! change any more, as that one's lie over the image.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::lock::Lock;
use crate::state::{NodeRecord, State, write_with_mode};
use crate::{Dirs, Error, NodeName, Result, Sandbox, SandboxName, down, host, ssh, status};

/// Ends a sandbox as a power cut of all its nodes does, and keeps their disks for others to go on
/// from. One that is saved already stays so.
///
/// # Errors
/// When this is not root, there is no such sandbox, or something of it does not end; another
/// `save` goes on from there.
pub fn save(dirs: &Dirs, name: &SandboxName) -> Result<Sandbox> {
    host::require_root()?;
    let _lock = Lock::take(dirs, name)?;
    let mut sandbox = Sandbox::open(dirs, name)?;
    down::stop(sandbox.place().dir(), name)?;
    sandbox.state.saved = true;
    sandbox.state.save(&sandbox.dirs)?;
    Ok(sandbox)
}

impl State {
    /// That it may still change.
    pub(crate) fn expect_open(&self) -> Result<()> {
        match self.saved {
            true => Err(Error::Saved(self.name.to_string())),
            false => Ok(()),
        }
    }
}

/// The saved sandbox to go on from, and the lock that keeps it from going; one that exists must
/// have begun as it.
pub(crate) fn source(
    dirs: &Dirs,
    before: Option<&State>,
    from: Option<&SandboxName>,
) -> Result<Option<(Sandbox, Lock)>> {
    if let Some(before) = before {
        before.expect_open()?;
    }
    if let (Some(before), Some(from)) = (before, from)
        && before.from.as_ref() != Some(from)
    {
        return Err(Error::OtherOrigin {
            sandbox: before.name.to_string(),
            from: from.to_string(),
        });
    }
    // Also what was interrupted, or has a node more now, goes on from where it began.
    let Some(from) = from.or(before.and_then(|before| before.from.as_ref())) else {
        return Ok(None);
    };
    // Before the lock: it may be the one whose lock is held, which is not there then.
    Sandbox::open(dirs, from)?;
    let lock = Lock::take(dirs, from)?;
    let source = Sandbox::open(dirs, from)?;
    match source.state.saved {
        true => Ok(Some((source, lock))),
        false => Err(Error::NotSaved(from.to_string())),
    }
}

/// The record of a node that goes on from the one of its name, where there is one.
pub(crate) fn goes_on(source: &Sandbox, name: &NodeName, fresh: NodeRecord) -> Result<NodeRecord> {
    let Some(saved) = source.state.nodes.get(name) else {
        return Ok(fresh);
    };
    if saved.address != fresh.address {
        return Err(Error::AddressChanged {
            sandbox: source.name().to_string(),
            node: name.to_string(),
            found: saved.address,
            wanted: fresh.address,
        });
    }
    let disk = source.place().node(name).upper();
    Ok(NodeRecord {
        image: saved.image.clone(),
        image_digest: saved.image_digest.clone(),
        below: [&[disk], saved.below.as_slice()].concat(),
        ..fresh
    })
}

/// The keys that the disks know: of the controller, and of each node.
pub(crate) fn copy_keys(source: &Sandbox, sandbox: &Sandbox) -> Result<()> {
    copy_key(&source.place().key(), &sandbox.place().key())?;
    for name in sandbox.nodes() {
        let from = source.place().node(name);
        if from.host_key().exists() {
            let node = sandbox.place().node(name);
            fs::create_dir_all(&node.dir).map_err(Error::io("create", &node.dir))?;
            copy_key(&from.host_key(), &node.host_key())?;
        }
    }
    Ok(())
}

/// Both halves; the public one last, which says that the pair is whole.
fn copy_key(from: &Path, to: &Path) -> Result<()> {
    for (from, to) in [
        (from.to_path_buf(), to.to_path_buf()),
        (ssh::public(from), ssh::public(to)),
    ] {
        let key = fs::read(&from).map_err(Error::io("read", &from))?;
        let file = fs::metadata(&from).map_err(Error::io("read", &from))?;
        write_with_mode(&to, &key, file.permissions().mode() & 0o777)?;
    }
    Ok(())
}

/// That no other sandbox lies over this one's disks; one that is not saved has none over it.
pub(crate) fn expect_unneeded(dirs: &Dirs, name: &SandboxName) -> Result<()> {
    if State::load(dirs, name).is_ok_and(|state| state.is_none_or(|state| !state.saved)) {
        return Ok(());
    }
    let mut others = Vec::new();
    for other in status::names(dirs)?
        .into_iter()
        .filter(|other| other != name)
    {
        if State::load(dirs, &other)?.is_some_and(|state| state.from.as_ref() == Some(name)) {
            others.push(other.to_string());
        }
    }
    match others.is_empty() {
        true => Ok(()),
        false => Err(Error::StillNeeded {
            sandbox: name.to_string(),
            others,
        }),
    }
}
