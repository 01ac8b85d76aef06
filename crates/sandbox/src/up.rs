//! Bringing a sandbox up, or what is missing of it.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::life::Node;
use crate::lock::Lock;
use crate::state::{NodeRecord, State};
use crate::{
    Address, Dirs, Error, Forward, Image, NodeName, NodeState, Peer, Progress, Result, Sandbox,
    SandboxName,
};
use crate::{address, forward, host, netns, partition, saved, ssh};

/// A sandbox as it is wanted.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its name.
    pub name: SandboxName,
    /// Its nodes; all addresses are in one subnet.
    pub nodes: BTreeMap<NodeName, Address>,
    /// What new nodes boot from; a node that exists keeps its image.
    pub image: Image,
    /// The saved sandbox whose nodes of the same names they go on from.
    pub from: Option<SandboxName>,
    /// The inventory it is made for.
    pub inventory: Option<PathBuf>,
    /// Loopback forwards.
    pub forwards: Vec<Forward>,
    /// Command that runs [`forward::serve`] for this sandbox.
    pub forward_helper: Vec<String>,
    /// Longest time for a node to answer over ssh.
    pub boot_limit: Duration,
}

/// What `up` found and did.
#[derive(Debug)]
pub struct Outcome {
    /// The sandbox, whose nodes answer.
    pub sandbox: Sandbox,
    /// What happened to each node asked for.
    pub nodes: BTreeMap<NodeName, NodeOutcome>,
    /// Nodes that the sandbox has from earlier and that were not asked for; they stay as they are.
    pub unlisted: Vec<NodeName>,
    /// Whether the forwards were started or changed.
    pub forwards_started: bool,
}

impl Outcome {
    /// Whether everything was there and ran already.
    pub fn unchanged(&self) -> bool {
        let running = |outcome| matches!(outcome, &NodeOutcome::Running | &NodeOutcome::Frozen);
        !self.forwards_started && self.nodes.values().all(running)
    }
}

/// What happened to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeOutcome {
    /// It is new.
    Created,
    /// It was off, and was started with the disk it had.
    Started,
    /// It ran; nothing was done.
    Running,
    /// It is frozen; nothing was done.
    Frozen,
}

/// Makes and starts what is missing, in parallel, and waits until all nodes answer over ssh.
/// Nodes keep running after the calling process ends.
///
/// # Errors
/// When names or addresses do not fit, the host lacks a program, or a node does not come up;
/// the nodes that did stay up, and another `up` or `down` goes on from there.
pub fn up(dirs: &Dirs, request: &Request, progress: &dyn Progress) -> Result<Outcome> {
    host::require(host::NODES)?;
    let dirs = dirs.absolute()?;
    let _lock = Lock::take(&dirs, &request.name)?;
    let before = State::load(&dirs, &request.name)?;
    let source = saved::source(&dirs, before.as_ref(), request.from.as_ref())?;
    let from = source.as_ref().map(|(sandbox, _lock)| sandbox);
    let state = wanted(before.clone(), request, from)?;
    let sandbox = Sandbox { dirs, state };
    sandbox.lay_out(from)?;
    drop(source);
    sandbox.ensure_network()?;
    let nodes = sandbox.start_nodes(request, progress)?;
    let changed = before.is_none_or(|before| {
        before.forwards != sandbox.state.forwards
            || before.forward_helper != sandbox.state.forward_helper
    });
    let forwards_started = forward::ensure(&sandbox.dirs, &sandbox.state, changed)?;
    let unlisted = sandbox
        .nodes()
        .filter(|name| !request.nodes.contains_key(name))
        .cloned()
        .collect();
    Ok(Outcome {
        sandbox,
        nodes,
        unlisted,
        forwards_started,
    })
}

/// The state after this `up`: what there was, and what is asked for.
fn wanted(before: Option<State>, request: &Request, source: Option<&Sandbox>) -> Result<State> {
    let fresh = before.is_none();
    let mut state = before.unwrap_or_else(|| State {
        name: request.name.clone(),
        inventory: None,
        controller: Address {
            ip: [0, 0, 0, 0].into(),
            prefix: 0,
        },
        nodes: BTreeMap::new(),
        forwards: Vec::new(),
        forward_helper: Vec::new(),
        cuts: Vec::new(),
        from: request.from.clone(),
        saved: false,
    });
    for (name, address) in &request.nodes {
        add_node(&mut state, name, *address, &request.image, source)?;
    }
    let free = address::controller(&state.addresses())?;
    if fresh {
        // What nodes know of the controller from before holds on.
        state.controller = source.map_or(free, Sandbox::controller);
    }
    expect_controller_free(&state)?;
    state.inventory = match &request.inventory {
        Some(path) => Some(path.canonicalize().map_err(Error::io("find", path))?),
        None => state.inventory,
    };
    state.forwards.clone_from(&request.forwards);
    state.forward_helper.clone_from(&request.forward_helper);
    Ok(state)
}

/// The controller keeps the address that it had first.
fn expect_controller_free(state: &State) -> Result<()> {
    let mut nodes = state.nodes.values();
    if nodes.all(|node| node.address.ip != state.controller.ip) {
        return Ok(());
    }
    Err(Error::BadAddress(format!(
        "{} is the controller's address in sandbox `{name}`, so no new node can have it\n\
         hint: take the sandbox down first: `sty sandbox down {name}`",
        state.controller.ip,
        name = state.name
    )))
}

fn add_node(
    state: &mut State,
    name: &NodeName,
    address: Address,
    image: &Image,
    source: Option<&Sandbox>,
) -> Result<()> {
    if let Some(node) = state.nodes.get(name) {
        if node.address == address {
            return Ok(());
        }
        return Err(Error::AddressChanged {
            sandbox: state.name.to_string(),
            node: name.to_string(),
            found: node.address,
            wanted: address,
        });
    }
    let record = NodeRecord {
        address,
        port: state.free_port(),
        image: image.path.clone(),
        image_digest: image.digest.clone(),
        below: Vec::new(),
    };
    let record = match source {
        Some(source) => saved::goes_on(source, name, record)?,
        None => record,
    };
    state.nodes.insert(name.clone(), record);
    Ok(())
}

impl Sandbox {
    /// Makes the files that do not depend on anything running. The state comes first: `down`
    /// and `list` know of everything that is made after it.
    fn lay_out(&self, source: Option<&Sandbox>) -> Result<()> {
        let place = self.place();
        fs::create_dir_all(place.dir()).map_err(Error::io("create", place.dir()))?;
        fs::set_permissions(place.dir(), Permissions::from_mode(0o700))
            .map_err(Error::io("protect", place.dir()))?;
        self.state.save(&self.dirs)?;
        if let Some(source) = source {
            saved::copy_keys(source, self)?;
        }
        ssh::ensure_key(&place.key(), &format!("sandbox {}", self.name()))?;
        for name in self.nodes() {
            self.node(name)?.prepare()?;
        }
        ssh::write_settings(&place, &self.state)
    }

    /// Makes the bridge, if it is not there, and the partitions in force.
    pub(crate) fn ensure_network(&self) -> Result<()> {
        if netns::ensure_bridge(self.name(), self.controller())? {
            // Nodes that ran on a bridge that is gone have no link any more.
            for name in self.nodes() {
                self.node(name)?.group.kill()?;
            }
        }
        partition::enforce(&self.state)
    }

    /// Starts the nodes asked for that are off, all at once.
    fn start_nodes(
        &self,
        request: &Request,
        progress: &dyn Progress,
    ) -> Result<BTreeMap<NodeName, NodeOutcome>> {
        let results: Vec<(NodeName, Result<NodeOutcome>)> = thread::scope(|scope| {
            let start =
                |name| scope.spawn(move || self.start_node(name, request.boot_limit, progress));
            let threads: Vec<_> = request
                .nodes
                .keys()
                .map(|name| (name.clone(), start(name)))
                .collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads
                .into_iter()
                .map(|(name, thread)| (name, join(thread)))
                .collect()
        });
        let mut outcomes = BTreeMap::new();
        let mut errors = Vec::new();
        for (name, result) in results {
            match result {
                Ok(outcome) => drop(outcomes.insert(name, outcome)),
                Err(error) => errors.push(error),
            }
        }
        match errors.len() {
            0 => Ok(outcomes),
            1 => Err(errors.remove(0)),
            _ => Err(Error::Nodes(errors)),
        }
    }

    fn start_node(
        &self,
        name: &NodeName,
        limit: Duration,
        progress: &dyn Progress,
    ) -> Result<NodeOutcome> {
        let node = self.node(name)?;
        match node.state()? {
            NodeState::Frozen => Ok(NodeOutcome::Frozen),
            NodeState::Running => {
                if self.reachable(name) {
                    node.wait_ready(limit)?;
                }
                Ok(NodeOutcome::Running)
            }
            NodeState::Off => self.boot(&node, limit, progress),
        }
    }

    fn boot(
        &self,
        node: &Node<'_>,
        limit: Duration,
        progress: &dyn Progress,
    ) -> Result<NodeOutcome> {
        let begin = Instant::now();
        let existed = node.place.upper().exists();
        progress.say(
            node.name.as_str(),
            if existed { "starting" } else { "creating" },
        );
        node.power_on(&self.place().key())?;
        if self.reachable(node.name) {
            node.wait_ready(limit)?;
        }
        progress.say(
            node.name.as_str(),
            &format!("answers after {:.1} s", begin.elapsed().as_secs_f32()),
        );
        Ok(if existed {
            NodeOutcome::Started
        } else {
            NodeOutcome::Created
        })
    }

    /// Whether no partition keeps the controller from the node's sshd.
    pub(crate) fn reachable(&self, node: &NodeName) -> bool {
        let hidden = |cut: &crate::Cut| {
            &cut.node == node && cut.peer == Peer::Everyone && cut.port.is_none_or(|p| p == 22)
        };
        !self.state.cuts.iter().any(hidden)
    }
}
