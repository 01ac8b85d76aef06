//! Cutting nodes off from each other: packets are dropped at the bridge, both ways.
//!
//! Cuts name links and not addresses, so a node's virtual addresses are cut with it, and ARP
//! too. The rules live in the sandbox's namespace; the nodes do not see them.

use std::fmt::Write;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::host::{failed, spawn_failed};
use crate::netns::path;
use crate::state::State;
use crate::{NodeName, Result};

/// Packets to drop between a node and a peer, both ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The node that is cut off.
    pub node: NodeName,
    /// From whom.
    pub peer: Peer,
    /// Only TCP to this port, at either side; `None` is all traffic.
    pub port: Option<u16>,
}

/// From whom a node is cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// One other node.
    Node(NodeName),
    /// All other nodes; the controller, and clients that run beside it, still reach the node.
    OtherNodes,
    /// All other nodes and the controller.
    Everyone,
}

impl Cut {
    /// Whether the cut is about a node, at either side.
    pub fn names(&self, node: &NodeName) -> bool {
        &self.node == node || matches!(&self.peer, Peer::Node(peer) if peer == node)
    }
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.peer {
            Peer::Node(peer) => write!(f, "{} from {peer}", self.node)?,
            Peer::OtherNodes => write!(f, "{} from all other nodes", self.node)?,
            Peer::Everyone => write!(f, "{} from everyone", self.node)?,
        }
        self.port
            .map_or(Ok(()), |port| write!(f, " on port {port}"))
    }
}

/// Fails when a cut names a node that does not exist, or the same node twice.
pub(crate) fn check(state: &State, cut: &Cut) -> Result<()> {
    state.node(&cut.node)?;
    if let Peer::Node(peer) = &cut.peer {
        state.node(peer)?;
        if peer == &cut.node {
            return Err(crate::Error::SelfCut(peer.to_string()));
        }
    }
    Ok(())
}

/// Makes the kernel's rules equal to the cuts of the state. Without cuts ever made, `nft` is
/// not needed.
pub(crate) fn enforce(state: &State) -> Result<()> {
    let namespace = state.name.namespace();
    if !path(&namespace).exists() {
        return Ok(());
    }
    if state.cuts.is_empty() && !crate::host::available("nft") {
        return Ok(());
    }
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--net={}", path(&namespace).display()))
        .args(["--", "nft", "-f", "-"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let what = format!("set the partitions of sandbox `{}`", state.name);
    let mut child = command
        .spawn()
        .map_err(|source| spawn_failed(&what, &command, &source))?;
    let written = child
        .stdin
        .take()
        .map_or(Ok(()), |mut pipe| pipe.write_all(rules(state).as_bytes()));
    let output = child
        .wait_with_output()
        .map_err(|source| spawn_failed(&what, &command, &source))?;
    if !output.status.success() {
        return Err(failed(&what, &command, &output));
    }
    written.map_err(|source| spawn_failed(&what, &command, &source))
}

/// The rules as one transaction that replaces the earlier ones.
fn rules(state: &State) -> String {
    let mut chains = Chains::default();
    for cut in &state.cuts {
        chains.add(state, cut);
    }
    let mut text = "table bridge sty\ndelete table bridge sty\ntable bridge sty {\n".to_owned();
    for (hook, lines) in [
        ("forward", chains.forward),
        ("input", chains.input),
        ("output", chains.output),
    ] {
        let _infallible = write!(
            text,
            "chain {hook} {{\ntype filter hook {hook} priority 0; policy accept;\n{lines}}}\n"
        );
    }
    text.push_str("}\n");
    text
}

#[derive(Default)]
struct Chains {
    forward: String,
    input: String,
    output: String,
}

impl Chains {
    fn add(&mut self, state: &State, cut: &Cut) {
        // A node that is gone from the sandbox has nothing to cut.
        let Some(node) = state.nodes.get(&cut.node).map(|node| node.port.as_str()) else {
            return;
        };
        let other = match &cut.peer {
            Peer::Node(peer) => match state.nodes.get(peer) {
                Some(peer) => Some(peer.port.as_str()),
                None => return,
            },
            Peer::OtherNodes | Peer::Everyone => None,
        };
        drop_matching(&mut self.forward, Some(node), other, cut.port);
        drop_matching(&mut self.forward, other, Some(node), cut.port);
        if cut.peer == Peer::Everyone {
            drop_matching(&mut self.input, Some(node), None, cut.port);
            drop_matching(&mut self.output, None, Some(node), cut.port);
        }
    }
}

fn drop_matching(chain: &mut String, from: Option<&str>, to: Option<&str>, port: Option<u16>) {
    let input = from
        .map(|link| format!("iifname \"{link}\" "))
        .unwrap_or_default();
    let output = to
        .map(|link| format!("oifname \"{link}\" "))
        .unwrap_or_default();
    let matches = match port {
        None => vec![String::new()],
        Some(port) => vec![format!("tcp dport {port} "), format!("tcp sport {port} ")],
    };
    for tcp in matches {
        chain.push_str(&format!("{input}{output}{tcp}drop\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::NodeRecord;
    use crate::{Address, SandboxName};

    fn state(cuts: Vec<Cut>) -> State {
        let record = |i: u8| NodeRecord {
            address: Address {
                ip: [10, 0, 0, i].into(),
                prefix: 24,
            },
            port: format!("port{i}"),
            image: "/i".into(),
            image_digest: String::new(),
            below: Vec::new(),
        };
        State {
            name: SandboxName::new("x").unwrap(),
            inventory: None,
            controller: Address {
                ip: [10, 0, 0, 1].into(),
                prefix: 24,
            },
            nodes: [(name("a"), record(2)), (name("b"), record(3))].into(),
            forwards: vec![],
            forward_helper: vec![],
            cuts,
            from: None,
            saved: false,
        }
    }

    fn name(text: &str) -> NodeName {
        NodeName::new(text).unwrap()
    }

    fn dropped(cut: Cut) -> Vec<String> {
        rules(&state(vec![cut]))
            .lines()
            .filter(|line| line.ends_with("drop"))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_cut_drops_both_ways() {
        let cut = Cut {
            node: name("a"),
            peer: Peer::Node(name("b")),
            port: None,
        };
        assert_eq!(
            dropped(cut),
            [
                r#"iifname "port2" oifname "port3" drop"#,
                r#"iifname "port3" oifname "port2" drop"#
            ]
        );
        let cut = Cut {
            node: name("a"),
            peer: Peer::OtherNodes,
            port: Some(2379),
        };
        assert_eq!(
            dropped(cut),
            [
                r#"iifname "port2" tcp dport 2379 drop"#,
                r#"iifname "port2" tcp sport 2379 drop"#,
                r#"oifname "port2" tcp dport 2379 drop"#,
                r#"oifname "port2" tcp sport 2379 drop"#,
            ]
        );
        let cut = Cut {
            node: name("a"),
            peer: Peer::Everyone,
            port: None,
        };
        assert_eq!(dropped(cut).len(), 4);
    }

    #[test]
    fn cuts_of_nodes_that_do_not_exist_are_refused() {
        let refused = |node: &str, peer: &str| {
            let cut = Cut {
                node: name(node),
                peer: Peer::Node(name(peer)),
                port: None,
            };
            check(&state(vec![]), &cut).unwrap_err().to_string()
        };
        assert!(refused("c", "a").contains("no node `c`"));
        assert!(refused("a", "c").contains("no node `c`"));
        assert!(refused("a", "a").contains("from itself"));
    }

    #[test]
    fn a_cut_reads_as_a_sentence() {
        let cut = Cut {
            node: name("a"),
            peer: Peer::Node(name("b")),
            port: Some(5432),
        };
        assert_eq!(cut.to_string(), "a from b on port 5432");
        assert!(cut.names(&name("b")));
    }
}
