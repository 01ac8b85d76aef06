//! Where a sandbox keeps its files.

use std::path::{Path, PathBuf};

use crate::{Error, NodeName, Result, SandboxName};

/// Directories of the sandbox's state and of the image cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// State that must outlive a run; sandboxes are in its subdirectory `sandbox`.
    pub state: PathBuf,
    /// What can be made again; images are in its subdirectory `images`.
    pub cache: PathBuf,
}

impl Dirs {
    /// `STY_STATE_DIR` and `STY_CACHE_DIR`, or `/var/lib/sty` and `/var/cache/sty`.
    pub fn from_environment() -> Self {
        let dir = |variable: &str, default: &str| {
            std::env::var_os(variable)
                .filter(|value| !value.is_empty())
                .map_or(PathBuf::from(default), PathBuf::from)
        };
        Self {
            state: dir("STY_STATE_DIR", "/var/lib/sty"),
            cache: dir("STY_CACHE_DIR", "/var/cache/sty"),
        }
    }

    /// The same directories as absolute paths: they end up in files and in other processes.
    pub(crate) fn absolute(&self) -> Result<Self> {
        let absolute = |dir: &Path| std::path::absolute(dir).map_err(Error::io("find", dir));
        Ok(Self {
            state: absolute(&self.state)?,
            cache: absolute(&self.cache)?,
        })
    }

    /// Directory of all sandboxes.
    pub(crate) fn sandboxes(&self) -> PathBuf {
        self.state.join("sandbox")
    }

    /// Directory of the images.
    pub(crate) fn images(&self) -> PathBuf {
        self.cache.join("images")
    }

    /// The files of one sandbox.
    pub(crate) fn place(&self, name: &SandboxName) -> Place {
        Place {
            dir: self.sandboxes().join(name.as_str()),
        }
    }
}

/// The files of one sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    dir: PathBuf,
}

impl Place {
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
    pub(crate) fn state(&self) -> PathBuf {
        self.dir.join("sandbox.json")
    }
    pub(crate) fn key(&self) -> PathBuf {
        self.dir.join("id_ed25519")
    }
    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.dir.join("known_hosts")
    }
    pub(crate) fn ssh_config(&self) -> PathBuf {
        self.dir.join("ssh_config")
    }
    pub(crate) fn forward_log(&self) -> PathBuf {
        self.dir.join("forward.log")
    }
    pub(crate) fn node(&self, node: &NodeName) -> NodePlace {
        NodePlace {
            dir: self.dir.join("nodes").join(node.as_str()),
        }
    }
}

/// The files of one node.
#[derive(Debug, Clone)]
pub(crate) struct NodePlace {
    pub(crate) dir: PathBuf,
}

impl NodePlace {
    /// The node's file system, where the overlay is mounted.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.join("root")
    }
    /// What the node wrote over the image.
    pub(crate) fn upper(&self) -> PathBuf {
        self.dir.join("upper")
    }
    pub(crate) fn work(&self) -> PathBuf {
        self.dir.join("work")
    }
    pub(crate) fn host_key(&self) -> PathBuf {
        self.dir.join("ssh_host_ed25519_key")
    }
    pub(crate) fn console(&self) -> PathBuf {
        self.dir.join("console.log")
    }
    /// Script that makes the node's network anew.
    pub(crate) fn network(&self) -> PathBuf {
        self.dir.join("network")
    }
    /// Script that keeps the node running across its own reboots.
    pub(crate) fn keeper(&self) -> PathBuf {
        self.dir.join("keeper")
    }
}
