//! Sandboxes made from inventories.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context as _, bail};
use sty_inventory::model::Inventory;
use sty_sandbox::{Address, Dirs, Forward, NodeName, Outcome, Request, Sandbox, SandboxName};

use crate::context::InventoryFile;
use crate::printer::Printer;
use crate::run::packages;

/// Where a sandbox serves packages: the port that inventory templates name.
pub(crate) const REPOSITORY_PORT: u16 = 8080;
/// Every sandbox is one network of this size.
const PREFIX: u8 = 24;
/// How long a node may take until it answers over ssh.
const BOOT_LIMIT: Duration = Duration::from_secs(90);

/// Boots a node for every host of the inventory, with the package repository served to them.
pub(crate) fn up(
    name: &str,
    file: &InventoryFile,
    inventory: &Inventory,
    from: Option<SandboxName>,
    forwards: Vec<Forward>,
    printer: &Printer,
) -> anyhow::Result<Outcome> {
    let dirs = Dirs::from_environment();
    let name = SandboxName::new(name)?;
    let progress = |subject: &str, text: &str| printer.progress(&format!("{subject}: {text}"));
    let image = sty_sandbox::image::ensure(&dirs, &progress)?;
    let kept = match Sandbox::open(&dirs, &name) {
        Ok(sandbox) => sandbox.status()?.forwards,
        Err(_) => Vec::new(), // there is none yet
    };
    let forwards = if forwards.is_empty() {
        kept.into_iter().map(|status| status.forward).collect()
    } else {
        forwards
    };
    let request = Request {
        forward_helper: helper(&name)?,
        name,
        nodes: nodes(inventory)?,
        image,
        from,
        inventory: Some(file.path.canonicalize()?),
        forwards,
        boot_limit: BOOT_LIMIT,
    };
    let outcome = sty_sandbox::up(&dirs, &request, &progress)?;
    printer.progress("");
    Ok(outcome)
}

/// The command that serves a sandbox's forwards and packages.
pub(crate) fn helper(name: &SandboxName) -> anyhow::Result<Vec<String>> {
    let own = std::env::current_exe().context("cannot find the running program")?;
    let own = own
        .to_str()
        .context("the path of the running program is not text")?;
    let words = [own, "sandbox", "serve", name.as_str()];
    Ok(words.map(str::to_owned).to_vec())
}

/// Serves packages to a sandbox's nodes, and its forwards, until killed. Says that it is ready
/// when both listen.
pub(crate) fn serve(dirs: &Dirs, name: &SandboxName) -> anyhow::Result<()> {
    let sandbox = Sandbox::open(dirs, name)?;
    let address = SocketAddr::from((sandbox.controller().ip, REPOSITORY_PORT));
    let listener = sandbox
        .within(|| TcpListener::bind(address))?
        .with_context(|| format!("cannot serve packages at {address}"))?;
    let _packages = packages::serve_on(listener)?;
    Ok(sty_sandbox::forward::serve(dirs, name, std::io::stdout())?)
}

fn nodes(inventory: &Inventory) -> anyhow::Result<BTreeMap<NodeName, Address>> {
    let mut nodes = BTreeMap::new();
    for node in inventory.nodes.values() {
        let IpAddr::V4(ip) = node.address else {
            bail!(
                "node {} has an IPv6 address: a sandbox is an IPv4 network",
                node.name
            );
        };
        nodes.insert(NodeName::new(&node.name)?, Address { ip, prefix: PREFIX });
    }
    Ok(nodes)
}
