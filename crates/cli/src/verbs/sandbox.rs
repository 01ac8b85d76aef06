//! `sty sandbox ...`

use std::os::unix::process::CommandExt;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use sty_core::ExitCode;
use sty_sandbox::{Cut, Dirs, Forward, NodeName, Peer, Sandbox as Running, SandboxName};

use crate::args::Global;
use crate::context;
use crate::printer::{BOLD, DIM, GREEN, Printer, count, paint};
use crate::run::sandbox as boot;

/// How long a node may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Throw-away nodes on this machine
#[derive(Debug, Subcommand)]
pub(crate) enum Sandbox {
    /// Boot a node for every host of the inventory; what runs is left alone
    Up(Up),
    /// Stop and remove a sandbox with the disks of its nodes
    Down(Named),
    /// End a sandbox, and keep the disks of its nodes for others to go on from
    ///
    /// Its nodes lose their power, and do not run again. `sandbox up OTHER --from NAME` makes
    /// sandboxes that begin where it ended, in seconds: to rehearse the same change more than once.
    Save(Named),
    /// List sandboxes, their nodes, forwards and partitions
    List,
    /// Run a command as root on a node
    Exec(Exec),
    /// Open a shell as root on a node
    Shell(Node),
    /// Cut a node's power: every process ends at once, the disk stays
    Kill(Node),
    /// Start a node that is off, with the disk it had
    Start(Node),
    /// Stop every process of a node
    Freeze(Node),
    /// Let a frozen node go on
    Thaw(Node),
    /// Drop packets between a node and others, both ways
    Partition(Partition),
    /// End partitions: of one node, or all
    Heal(Heal),
    /// Lead a port of 127.0.0.1 to a node
    Forward(ForwardArgs),
    /// Serve forwards and packages; started by `up`
    #[command(hide = true)]
    Serve(Name),
}

/// Boot a node for every host of the inventory
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sty sandbox up                     a node for every host of ./pigsty.yml
  sty sandbox save trial             end sandbox `trial` after an apply, and then, in copies
  sty sandbox up again --from trial  of the inventory's directory, go on from there")]
pub(crate) struct Up {
    #[command(flatten)]
    named: Named,
    /// Begin with the disks of a saved sandbox
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
}

/// A sandbox, or the inventory's.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Name of the sandbox; when not given, the one of this inventory, or `default`
    name: Option<String>,
}

impl Named {
    fn name(&self, dirs: &Dirs, global: &Global) -> anyhow::Result<String> {
        if let Some(name) = self.name.as_ref().or(global.sandbox.as_ref()) {
            return Ok(name.clone());
        }
        let found = match context::inventory_path(global) {
            Ok(path) => sty_sandbox::find_for_inventory(dirs, &path)?,
            Err(_) => None,
        };
        let name = found.map(|sandbox| sandbox.name().to_string());
        Ok(name.unwrap_or_else(|| "default".to_owned()))
    }
}

/// A sandbox.
#[derive(Debug, Args)]
pub(crate) struct Name {
    /// Name of the sandbox
    #[arg(default_value = "default")]
    name: String,
}

/// A node.
#[derive(Debug, Args)]
pub(crate) struct Node {
    /// Name or address of the node
    node: String,
}

/// Run a command as root on a node
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sty sandbox exec pg-test-1 -- systemctl status patroni")]
pub(crate) struct Exec {
    /// Name or address of the node
    node: String,
    /// Command and its arguments
    #[arg(required = true, last = true)]
    command: Vec<String>,
}

/// Drop packets between a node and others, both ways
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sty sandbox partition pg-test-1                  from everyone
  sty sandbox partition pg-test-1 pg-test-2        from one node
  sty sandbox partition pg-test-1 --port 2379      from etcd alone")]
pub(crate) struct Partition {
    /// Name or address of the node to cut off
    node: String,
    /// The other node; everyone when not given
    peer: Option<String>,
    /// Only TCP to this port, at either side
    #[arg(long)]
    port: Option<u16>,
    /// Keep the controller and local clients connected
    #[arg(long, conflicts_with = "peer")]
    keep_controller: bool,
}

/// End partitions
#[derive(Debug, Args)]
pub(crate) struct Heal {
    /// Name or address of a node; all when not given
    node: Option<String>,
}

/// Lead a port of 127.0.0.1 to a node
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sty sandbox forward 15433 pg-test-1:5433")]
pub(crate) struct ForwardArgs {
    /// Port on 127.0.0.1
    listen: u16,
    /// Node and port
    #[arg(value_name = "NODE:PORT")]
    target: String,
}

impl Sandbox {
    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let dirs = Dirs::from_environment();
        match self {
            Self::Up(up) => return up.run(global, printer),
            Self::Down(named) => return down(&dirs, &named.name(&dirs, global)?, printer),
            Self::Save(named) => return save(&dirs, &named.name(&dirs, global)?, printer),
            Self::List => return list(&dirs, printer),
            Self::Serve(name) => {
                boot::serve(&dirs, &SandboxName::new(&name.name)?)?;
                return Ok(ExitCode::Done);
            }
            _ => {}
        }
        let sandbox = chosen(&dirs, global)?;
        match self {
            Self::Exec(exec) => return exec.run(&sandbox),
            Self::Shell(node) => {
                let error = sandbox.shell_command(&find(&sandbox, &node.node)?)?.exec();
                return Err(error).context("cannot open a shell");
            }
            Self::Kill(node) => sandbox.kill(&find(&sandbox, &node.node)?)?,
            Self::Start(node) => sandbox.start(&find(&sandbox, &node.node)?, START_LIMIT)?,
            Self::Freeze(node) => sandbox.freeze(&find(&sandbox, &node.node)?)?,
            Self::Thaw(node) => sandbox.thaw(&find(&sandbox, &node.node)?)?,
            Self::Partition(partition) => partition.run(&sandbox)?,
            Self::Heal(heal) => heal.run(&sandbox, printer)?,
            Self::Forward(forward) => forward.run(&sandbox)?,
            Self::Up(_) | Self::Down(_) | Self::Save(_) | Self::List | Self::Serve(_) => {}
        }
        Ok(ExitCode::Done)
    }
}

impl Up {
    fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let (file, inventory) = match context::valid_inventory(global, printer)? {
            Ok(valid) => valid,
            Err(code) => return Ok(code),
        };
        let name = self.named.name(&Dirs::from_environment(), global)?;
        let from = self.from.as_deref().map(SandboxName::new).transpose()?;
        let outcome = boot::up(&name, &file, &inventory, from, Vec::new(), printer)?;
        let text = if outcome.unchanged() {
            "runs already, unchanged"
        } else {
            "is up"
        };
        printer.note(format!("sandbox {} {text}", paint(BOLD, &name)));
        Ok(ExitCode::Done)
    }
}

impl Exec {
    fn run(&self, sandbox: &Running) -> anyhow::Result<ExitCode> {
        let error = sandbox
            .exec_command(&find(sandbox, &self.node)?, &self.command)?
            .exec();
        Err(error).context("cannot run the command")
    }
}

impl Partition {
    fn run(&self, sandbox: &Running) -> anyhow::Result<()> {
        let peer = match &self.peer {
            Some(peer) => Peer::Node(find(sandbox, peer)?),
            None if self.keep_controller => Peer::OtherNodes,
            None => Peer::Everyone,
        };
        let node = find(sandbox, &self.node)?;
        sandbox.partition(Cut {
            node,
            peer,
            port: self.port,
        })?;
        Ok(())
    }
}

impl Heal {
    fn run(&self, sandbox: &Running, printer: &Printer) -> anyhow::Result<()> {
        let node = match &self.node {
            Some(node) => Some(find(sandbox, node)?),
            None => None,
        };
        for cut in sandbox.heal(node.as_ref())? {
            printer.note(format!("healed: {cut}"));
        }
        Ok(())
    }
}

impl ForwardArgs {
    fn run(&self, sandbox: &Running) -> anyhow::Result<()> {
        let Some((node, port)) = self.target.rsplit_once(':') else {
            bail!("`{}` is not of the form NODE:PORT", self.target);
        };
        let port = port
            .parse()
            .with_context(|| format!("`{port}` is not a port"))?;
        let node = find(sandbox, node)?;
        let status = sandbox.status()?;
        let address = status.nodes.iter().find(|known| known.name == node);
        let ip = address
            .map(|known| known.address.ip)
            .context("the node has no address")?;
        let mut forwards: Vec<Forward> = status
            .forwards
            .into_iter()
            .map(|known| known.forward)
            .collect();
        forwards.retain(|forward| forward.listen != self.listen);
        forwards.push(Forward {
            listen: self.listen,
            ip,
            port,
        });
        sandbox.set_forwards(forwards, boot::helper(sandbox.name())?)?;
        Ok(())
    }
}

fn down(dirs: &Dirs, name: &str, printer: &Printer) -> anyhow::Result<ExitCode> {
    let removed = sty_sandbox::down(dirs, &SandboxName::new(name)?)?;
    printer.note(match removed.existed {
        true => format!(
            "sandbox {name} is removed, with {}",
            count(removed.nodes.len(), "node")
        ),
        false => format!("there is no sandbox {name}"),
    });
    Ok(ExitCode::Done)
}

fn save(dirs: &Dirs, name: &str, printer: &Printer) -> anyhow::Result<ExitCode> {
    let saved = sty_sandbox::save(dirs, &SandboxName::new(name)?)?;
    printer.note(format!(
        "sandbox {name} is saved, with {}",
        count(saved.nodes().count(), "node")
    ));
    Ok(ExitCode::Done)
}

fn list(dirs: &Dirs, printer: &Printer) -> anyhow::Result<ExitCode> {
    let mut known = Vec::new();
    for status in sty_sandbox::list(dirs)? {
        match status {
            Ok(status) => known.push(status),
            Err(error) => printer.say(format!("a sandbox cannot be read: {error}")),
        }
    }
    if printer.is_json() {
        printer.json(&known)?;
        return Ok(ExitCode::Done);
    }
    for status in &known {
        let inventory = status.inventory.as_ref();
        let inventory = inventory
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        printer.data(format!(
            "{}  {}",
            paint(BOLD, &status.name),
            paint(DIM, inventory)
        ));
        if let Some(from) = &status.from {
            printer.data(format!("  began as {from}"));
        }
        for node in &status.nodes {
            let state = match status.saved {
                true => "saved".to_owned(),
                false => node.state.to_string(),
            };
            printer.data(format!(
                "  {:<24} {:<16} {}",
                node.name,
                node.address.ip,
                paint(GREEN, state)
            ));
        }
        for forward in &status.forwards {
            printer.data(format!("  forward {}", forward.forward));
        }
        for cut in &status.cuts {
            printer.data(format!("  cut off {cut}"));
        }
    }
    Ok(ExitCode::Done)
}

/// The sandbox named by `--sandbox`, or made for the inventory, or the only one.
fn chosen(dirs: &Dirs, global: &Global) -> anyhow::Result<Running> {
    if let Some(name) = &global.sandbox {
        return Ok(Running::open(dirs, &SandboxName::new(name)?)?);
    }
    if let Ok(path) = context::inventory_path(global)
        && let Some(sandbox) = sty_sandbox::find_for_inventory(dirs, &path)?
    {
        return Ok(sandbox);
    }
    let all: Vec<_> = sty_sandbox::list(dirs)?.into_iter().flatten().collect();
    match all.as_slice() {
        [one] => Ok(Running::open(dirs, &one.name)?),
        [] => bail!("there is no sandbox: start one with `sty sandbox up`"),
        _ => bail!("there are several sandboxes: name one with `--sandbox`"),
    }
}

/// A node by its name or address.
fn find(sandbox: &Running, node: &str) -> anyhow::Result<NodeName> {
    let status = sandbox.status()?;
    let found = status
        .nodes
        .into_iter()
        .find(|known| known.name.as_str() == node || known.address.ip.to_string() == node);
    match found {
        Some(known) => Ok(known.name),
        None => {
            let names: Vec<String> = sandbox.nodes().map(ToString::to_string).collect();
            bail!(
                "sandbox {} has no node `{node}`: it has {}",
                sandbox.name(),
                names.join(", ")
            )
        }
    }
}
