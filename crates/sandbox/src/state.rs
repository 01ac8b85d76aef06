//! What a sandbox is made of, as kept in its `sandbox.json`.
//!
//! It holds what was asked for. Whether a node runs is never kept: the kernel knows.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Address, Cut, Dirs, Error, Forward, NodeName, Result, SandboxName};

/// A sandbox as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) name: SandboxName,
    /// The inventory it was made for, as an absolute path.
    pub(crate) inventory: Option<PathBuf>,
    /// Address of the controller's side of the bridge.
    pub(crate) controller: Address,
    pub(crate) nodes: BTreeMap<NodeName, NodeRecord>,
    pub(crate) forwards: Vec<Forward>,
    /// Command that serves the forwards.
    pub(crate) forward_helper: Vec<String>,
    pub(crate) cuts: Vec<Cut>,
    /// The saved sandbox that its nodes began as.
    #[serde(default)]
    pub(crate) from: Option<SandboxName>,
    /// Whether it has ended, and is kept for others to begin as.
    #[serde(default)]
    pub(crate) saved: bool,
}

/// A node as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NodeRecord {
    pub(crate) address: Address,
    /// Name of its link at the bridge.
    pub(crate) port: String,
    /// Directory and digest of the image below it; fixed for the node's life.
    pub(crate) image: PathBuf,
    pub(crate) image_digest: String,
    /// What nodes of saved sandboxes wrote over the image, the latest first; this one's own disk
    /// lies over it.
    #[serde(default)]
    pub(crate) below: Vec<PathBuf>,
}

impl State {
    /// The addresses of the nodes.
    pub(crate) fn addresses(&self) -> BTreeMap<NodeName, Address> {
        self.nodes
            .iter()
            .map(|(name, node)| (name.clone(), node.address))
            .collect()
    }

    /// A link name at the bridge that no node has: at most 15 bytes, whatever the node's name.
    pub(crate) fn free_port(&self) -> String {
        let taken = |port: &String| self.nodes.values().any(|node| &node.port == port);
        (0..=self.nodes.len())
            .map(|i| format!("port{i}"))
            .find(|port| !taken(port))
            .unwrap_or_default()
    }

    pub(crate) fn node(&self, name: &NodeName) -> Result<&NodeRecord> {
        self.nodes.get(name).ok_or_else(|| Error::NoNode {
            sandbox: self.name.to_string(),
            node: name.to_string(),
            nodes: self.nodes.keys().map(ToString::to_string).collect(),
        })
    }

    /// Reads the state of a sandbox; `None` when there is none.
    pub(crate) fn load(dirs: &Dirs, name: &SandboxName) -> Result<Option<State>> {
        let path = dirs.place(name).state();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", &path)(error)),
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|source| Error::State { path, source })
    }

    /// Writes the state, so that a crash leaves the old or the new one.
    pub(crate) fn save(&self, dirs: &Dirs) -> Result<()> {
        let path = dirs.place(&self.name).state();
        let text = serde_json::to_string_pretty(self).map_err(|source| Error::State {
            path: path.clone(),
            source,
        })?;
        write(&path, text.as_bytes())
    }
}

/// Replaces a file by renaming a complete one over it; all may read it.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<()> {
    write_with_mode(path, content, 0o644)
}

/// The same with permissions, which hold from the first byte on.
pub(crate) fn write_with_mode(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let draft = path.with_extension("new");
    if draft.exists() {
        fs::remove_file(&draft).map_err(Error::io("remove", &draft))?;
    }
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&draft)
        .map_err(Error::io("create", &draft))?;
    file.write_all(content)
        .map_err(Error::io("write", &draft))?;
    file.set_permissions(Permissions::from_mode(mode))
        .map_err(Error::io("protect", &draft))?;
    fs::rename(&draft, path).map_err(Error::io("replace", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Forward, Peer};

    fn state() -> State {
        let node = |port: &str, ip: &str| NodeRecord {
            address: Address {
                ip: ip.parse().unwrap(),
                prefix: 24,
            },
            port: port.into(),
            image: "/images/trixie-1".into(),
            image_digest: "1".into(),
            below: Vec::new(),
        };
        let (a, c) = (NodeName::new("a").unwrap(), NodeName::new("c").unwrap());
        State {
            name: SandboxName::new("demo").unwrap(),
            inventory: Some("/srv/pigsty.yml".into()),
            controller: Address {
                ip: [10, 0, 0, 1].into(),
                prefix: 24,
            },
            nodes: [
                (a.clone(), node("port0", "10.0.0.2")),
                (c, node("port2", "10.0.0.3")),
            ]
            .into(),
            forwards: vec![Forward {
                listen: 15433,
                ip: [10, 0, 0, 2].into(),
                port: 5433,
            }],
            forward_helper: vec!["sty".into()],
            cuts: vec![Cut {
                node: a,
                peer: Peer::OtherNodes,
                port: Some(2379),
            }],
            from: None,
            saved: false,
        }
    }

    #[test]
    fn state_survives_being_written_and_read() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs {
            state: dir.path().into(),
            cache: dir.path().into(),
        };
        let state = state();
        assert_eq!(State::load(&dirs, &state.name).unwrap(), None);
        fs::create_dir_all(dirs.place(&state.name).dir()).unwrap();
        state.save(&dirs).unwrap();
        assert_eq!(
            State::load(&dirs, &state.name).unwrap(),
            Some(state.clone())
        );

        fs::write(dirs.place(&state.name).state(), "{").unwrap();
        let error = State::load(&dirs, &state.name).unwrap_err().to_string();
        assert!(
            error.contains("sandbox.json") && error.contains("sty sandbox down"),
            "{error}"
        );
    }

    #[test]
    fn a_free_port_fills_the_first_gap() {
        assert_eq!(state().free_port(), "port1");
    }

    #[test]
    fn a_missing_node_is_told_with_those_that_exist() {
        let error = state()
            .node(&NodeName::new("b").unwrap())
            .unwrap_err()
            .to_string();
        assert_eq!(error, "sandbox `demo` has no node `b`; it has `a`, `c`");
    }
}
