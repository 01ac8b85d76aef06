//! A sandbox that exists, and what can be done with it and its nodes.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::dirs::Place;
use crate::life::Node;
use crate::lock::Lock;
use crate::state::State;
use crate::{Cut, Dirs, Error, Forward, NodeName, NodeState, Result, SandboxName, SshTarget};
use crate::{forward, host, netns, partition};

/// A sandbox that exists. Its nodes may run or not.
#[derive(Debug, Clone)]
pub struct Sandbox {
    pub(crate) dirs: Dirs,
    pub(crate) state: State,
}

impl Sandbox {
    /// Finds a sandbox by its name.
    ///
    /// # Errors
    /// When there is none, or its state cannot be read.
    pub fn open(dirs: &Dirs, name: &SandboxName) -> Result<Sandbox> {
        let dirs = dirs.absolute()?;
        match State::load(&dirs, name)? {
            Some(state) => Ok(Sandbox { dirs, state }),
            None => Err(Error::NoSandbox {
                name: name.to_string(),
                dir: dirs.sandboxes(),
            }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &SandboxName {
        &self.state.name
    }

    /// The inventory it was made for.
    pub fn inventory(&self) -> Option<&PathBuf> {
        self.state.inventory.as_ref()
    }

    /// Names of its nodes, in order.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeName> {
        self.state.nodes.keys()
    }

    /// The node that has an address; its name may be another than an inventory gives it today.
    pub fn node_at(&self, address: std::net::IpAddr) -> Option<&NodeName> {
        let mut nodes = self.state.nodes.iter();
        let found = nodes.find(|(_, node)| std::net::IpAddr::from(node.address.ip) == address);
        found.map(|(name, _)| name)
    }

    /// Address of the controller within the sandbox's network.
    pub fn controller(&self) -> crate::Address {
        self.state.controller
    }

    pub(crate) fn place(&self) -> Place {
        self.dirs.place(&self.state.name)
    }

    pub(crate) fn node<'a>(&'a self, name: &'a NodeName) -> Result<Node<'a>> {
        Node::new(
            &self.state.name,
            &self.place(),
            name,
            self.state.node(name)?,
        )
    }

    /// Whether a node has power.
    pub fn node_state(&self, node: &NodeName) -> Result<NodeState> {
        self.node(node)?.state()
    }

    /// How ssh reaches a node from within the sandbox's network.
    pub fn ssh_target(&self, node: &NodeName) -> Result<SshTarget> {
        Ok(SshTarget::new(
            &self.place(),
            self.state.node(node)?.address,
        ))
    }

    /// Words to put before a command, so that it runs in the sandbox's network as the controller.
    pub fn enter_prefix(&self) -> Vec<String> {
        let namespace = netns::path(&self.state.name.namespace());
        vec![
            "nsenter".to_owned(),
            format!("--net={}", namespace.display()),
            "--".to_owned(),
        ]
    }

    /// A command that runs `program` in the sandbox's network as the controller. Only the
    /// network differs: files and processes are the host's.
    pub fn enter_command(&self, program: impl AsRef<OsStr>) -> Command {
        let prefix = self.enter_prefix();
        let mut command = Command::new(&prefix[0]);
        command.args(&prefix[1..]).arg(program);
        command
    }

    /// Runs `work` on a thread in the sandbox's network, and returns what it returns.
    ///
    /// # Errors
    /// When the network does not exist or this is not root.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        netns::within(&self.state.name.namespace(), work)
    }

    /// A command that runs as root inside a node, independently of its network and sshd.
    /// It belongs to the node: a freeze or a power cut hits it too.
    ///
    /// # Errors
    /// When the node is not running.
    pub fn exec_command<S: AsRef<OsStr>>(&self, node: &NodeName, words: &[S]) -> Result<Command> {
        let node = self.node(node)?;
        host::require(host::NODES)?;
        node.expect(NodeState::Running, "start or thaw it first")?;
        let init = node.init_process()?.ok_or_else(|| Error::WrongState {
            node: node.name.to_string(),
            state: NodeState::Running,
            hint: "but has no process 1 yet; try again when it has booted",
        })?;
        let join = r#"echo 0 >"$1"/cgroup.procs && shift && exec "$@""#;
        let mut command = Command::new("sh");
        command
            .args(["-c", join, "sh"])
            .arg(node.group.child("exec").path());
        // A shell waits for the program, not nsenter: that one stops itself when its child is
        // stopped, as everything is when a node shuts down, and is then never continued. The
        // node would wait for it for ever.
        command.args(["nsenter", "--all", "--no-fork", "--target"]);
        command.args([&init.to_string(), "--", "/bin/sh", "-c", r#""$@"; exit $?"#]);
        command.args([
            "sh",
            "env",
            "-i",
            "--chdir=/root",
            "HOME=/root",
            "USER=root",
            "LOGNAME=root",
            "LANG=C.UTF-8",
        ]);
        command.arg("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        if let Ok(terminal) = std::env::var("TERM") {
            command.arg(format!("TERM={terminal}"));
        }
        command.args(words);
        Ok(command)
    }

    /// A command that opens an interactive root shell inside a node, on a terminal of its own.
    ///
    /// # Errors
    /// When the node is not running.
    pub fn shell_command(&self, node: &NodeName) -> Result<Command> {
        self.exec_command(
            node,
            &[
                "script",
                "--quiet",
                "--command",
                "exec bash --login",
                "/dev/null",
            ],
        )
    }

    /// Power cut: the cable, then SIGKILL for every process at once. Disk contents stay, and so
    /// does the host's page cache: this does not test `fsync`.
    ///
    /// # Errors
    /// When the node is off already.
    pub fn kill(&self, node: &NodeName) -> Result<()> {
        let (_lock, current) = self.locked()?;
        let node = current.node(node)?;
        if node.state()? == NodeState::Off {
            return Err(node.wrong_state(NodeState::Off, "there is nothing to kill"));
        }
        node.power_cut()
    }

    /// Starts a node that is off, with the disk it had; waits until it answers over ssh.
    ///
    /// # Errors
    /// When it is not off, or does not answer within `limit`.
    pub fn start(&self, node: &NodeName, limit: Duration) -> Result<()> {
        let (_lock, current) = self.locked()?;
        let node = current.node(node)?;
        host::require(host::NODES)?;
        node.expect(NodeState::Off, "it needs no start")?;
        current.ensure_network()?;
        node.power_on(&current.place().key())?;
        if current.reachable(node.name) {
            node.wait_ready(limit)
        } else {
            Ok(())
        }
    }

    /// Stops every process of a node, also those that it would fork.
    ///
    /// # Errors
    /// When the node is not running.
    pub fn freeze(&self, node: &NodeName) -> Result<()> {
        let (_lock, current) = self.locked()?;
        let node = current.node(node)?;
        node.expect(NodeState::Running, "only a running node can freeze")?;
        node.group.set_frozen(true)
    }

    /// Lets a frozen node go on.
    ///
    /// # Errors
    /// When the node is not frozen.
    pub fn thaw(&self, node: &NodeName) -> Result<()> {
        let (_lock, current) = self.locked()?;
        let node = current.node(node)?;
        node.expect(NodeState::Frozen, "only a frozen node can thaw")?;
        node.group.set_frozen(false)
    }

    /// Drops packets both ways; see [`Cut`]. A cut that exists already stays.
    ///
    /// # Errors
    /// When a node does not exist, or `nft` is missing or fails.
    pub fn partition(&self, cut: Cut) -> Result<()> {
        host::require(host::PARTITION)?;
        self.change(|state| {
            partition::check(state, &cut)?;
            if !state.cuts.contains(&cut) {
                state.cuts.push(cut);
            }
            partition::enforce(state)
        })
    }

    /// Removes the cuts that name a node, or all of them. Returns those removed.
    ///
    /// # Errors
    /// When the node does not exist, or `nft` is missing or fails.
    pub fn heal(&self, node: Option<&NodeName>) -> Result<Vec<Cut>> {
        host::require(host::PARTITION)?;
        self.change(|state| {
            if let Some(node) = node {
                state.node(node)?;
            }
            let (removed, kept) = std::mem::take(&mut state.cuts)
                .into_iter()
                .partition(|cut| node.is_none_or(|node| cut.names(node)));
            state.cuts = kept;
            partition::enforce(state)?;
            Ok(removed)
        })
    }

    /// Replaces the port forwards. `helper` is a command that runs [`forward::serve`] for this
    /// sandbox, such as `sty sandbox forward-serve NAME`.
    ///
    /// # Errors
    /// When a port cannot be listened on; then no forward is left.
    pub fn set_forwards(&self, forwards: Vec<Forward>, helper: Vec<String>) -> Result<()> {
        self.change(|state| {
            state.forwards = forwards;
            state.forward_helper = helper;
            state.save(&self.dirs)?;
            forward::ensure(&self.dirs, state, true).map(drop)
        })
    }

    /// Takes the lock, and the state as it is now, which may still change.
    fn locked(&self) -> Result<(Lock, Sandbox)> {
        host::require_root()?;
        let lock = Lock::take(&self.dirs, self.name())?;
        let current = Sandbox::open(&self.dirs, self.name())?;
        current.state.expect_open()?;
        Ok((lock, current))
    }

    /// Changes the state under the lock; it is saved when `change` succeeds.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let (_lock, mut current) = self.locked()?;
        let value = change(&mut current.state)?;
        current.state.save(&self.dirs)?;
        Ok(value)
    }
}

impl Node<'_> {
    fn expect(&self, wanted: NodeState, hint: &'static str) -> Result<()> {
        let found = self.state()?;
        if found == wanted {
            Ok(())
        } else {
            Err(self.wrong_state(found, hint))
        }
    }

    fn wrong_state(&self, state: NodeState, hint: &'static str) -> Error {
        Error::WrongState {
            node: self.name.to_string(),
            state,
            hint,
        }
    }
}
