//! What sandboxes there are, and how they are now.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{
    Address, Cut, Dirs, Error, Forward, NodeName, NodeState, Result, Sandbox, SandboxName, forward,
};

/// A sandbox as it is now.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Its name.
    pub name: SandboxName,
    /// The inventory it was made for.
    pub inventory: Option<PathBuf>,
    /// Address of the controller within its network.
    pub controller: Address,
    /// Its nodes, by name.
    pub nodes: Vec<NodeStatus>,
    /// Its loopback forwards.
    pub forwards: Vec<ForwardStatus>,
    /// Partitions in force.
    pub cuts: Vec<Cut>,
    /// The saved sandbox that its nodes began as.
    pub from: Option<SandboxName>,
    /// Whether it has ended, and is kept for others to begin as.
    pub saved: bool,
}

/// A node as it is now.
#[derive(Debug, Clone, Serialize)]
pub struct NodeStatus {
    /// Its name.
    pub name: NodeName,
    /// Its own address.
    pub address: Address,
    /// Whether it has power.
    pub state: NodeState,
    /// Id, on the host, of its process 1.
    pub init_process: Option<u32>,
    /// Digest of its image.
    pub image_digest: String,
    /// What it printed on its console.
    pub console_log: PathBuf,
}

/// A forward as it is now.
#[derive(Debug, Clone, Serialize)]
pub struct ForwardStatus {
    /// The forward.
    #[serde(flatten)]
    pub forward: Forward,
    /// Whether it is served.
    pub active: bool,
}

impl Sandbox {
    /// How it is now.
    ///
    /// # Errors
    /// When the kernel's view of it cannot be read.
    pub fn status(&self) -> Result<Status> {
        let state = &self.state;
        let active = forward::running(&state.name)?;
        Ok(Status {
            name: state.name.clone(),
            inventory: state.inventory.clone(),
            controller: state.controller,
            nodes: state
                .nodes
                .keys()
                .map(|name| self.node_status(name))
                .collect::<Result<_>>()?,
            forwards: state
                .forwards
                .iter()
                .map(|forward| ForwardStatus {
                    forward: forward.clone(),
                    active,
                })
                .collect(),
            cuts: state.cuts.clone(),
            from: state.from.clone(),
            saved: state.saved,
        })
    }

    fn node_status(&self, name: &NodeName) -> Result<NodeStatus> {
        let node = self.node(name)?;
        Ok(NodeStatus {
            name: name.clone(),
            address: node.record.address,
            state: node.state()?,
            init_process: node.init_process()?,
            image_digest: node.record.image_digest.clone(),
            console_log: node.place.console(),
        })
    }
}

/// All sandboxes of a state directory, by name. One that cannot be read is an error in its
/// place and does not hide the others. One that goes away meanwhile is left out.
///
/// # Errors
/// When the directory cannot be listed.
pub fn list(dirs: &Dirs) -> Result<Vec<Result<Status>>> {
    let status = |name: SandboxName| {
        let status = Sandbox::open(dirs, &name).and_then(|sandbox| sandbox.status());
        let is_gone = status.is_err() && !dirs.place(&name).dir().exists();
        (!is_gone).then_some(status)
    };
    Ok(names(dirs)?.into_iter().filter_map(status).collect())
}

/// The sandbox made for an inventory: one of which a node runs, or else the one that there is. Its
/// addresses lead nowhere else, also while its nodes are off.
///
/// # Errors
/// When several are, or the inventory file cannot be found.
pub fn find_for_inventory(dirs: &Dirs, inventory: &Path) -> Result<Option<Sandbox>> {
    let inventory = inventory
        .canonicalize()
        .map_err(Error::io("find", inventory))?;
    let (mut found, mut off): (Vec<Sandbox>, Vec<Sandbox>) = Default::default();
    for name in names(dirs)? {
        // A sandbox that cannot be read is not the one; `list` shows what is wrong with it.
        let Ok(sandbox) = Sandbox::open(dirs, &name) else {
            continue;
        };
        if sandbox.inventory() != Some(&inventory) {
            continue;
        }
        match sandbox.has_power()? {
            true => found.push(sandbox),
            false => off.push(sandbox),
        }
    }
    if found.is_empty() {
        found = off;
    }
    if found.len() > 1 {
        let names = found
            .iter()
            .map(|sandbox| sandbox.name().to_string())
            .collect();
        return Err(Error::SeveralSandboxes { inventory, names });
    }
    Ok(found.pop())
}

impl Sandbox {
    fn has_power(&self) -> Result<bool> {
        for name in self.state.nodes.keys() {
            if self.node_state(name)? != NodeState::Off {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

pub(crate) fn names(dirs: &Dirs) -> Result<Vec<SandboxName>> {
    let dir = dirs.sandboxes();
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list", &dir)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let file = entry.map_err(Error::io("list", &dir))?.file_name();
        // Files of other programs are no sandboxes.
        names.extend(file.to_str().and_then(|name| SandboxName::new(name).ok()));
    }
    names.sort();
    Ok(names)
}
