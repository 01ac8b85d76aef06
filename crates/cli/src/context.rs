//! From the command line to an inventory and the nodes it names.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sty_core::{Diagnostic, ExitCode};
use sty_engine::{SshTarget, Target};
use sty_inventory::Loaded;
use sty_inventory::model::{Connection, Inventory, Node};
use sty_sandbox::{Dirs, Sandbox, SandboxName};

use crate::args::Global;
use crate::diagnostics::{self, Report};
use crate::printer::Printer;
use crate::reading::{self, Unreadable};
use crate::refusal::{refuse, unreadable};
use crate::run::packages;

/// Inventory files looked for in the current directory when none is given.
const DEFAULT_NAMES: [&str; 2] = ["pigsty.yml", "sty.yml"];

/// An inventory file.
#[derive(Debug, Clone)]
pub(crate) struct InventoryFile {
    /// Path as the operator gave it.
    pub(crate) name: String,
    /// Absolute path.
    pub(crate) path: PathBuf,
    /// What it holds.
    pub(crate) content: Vec<u8>,
}

impl InventoryFile {
    /// Directory that holds the authority and other files beside the inventory.
    pub(crate) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// SHA-256 of the content, lower case hex.
    pub(crate) fn sha256(&self) -> String {
        use sha2::{Digest, Sha256};
        format!("{:x}", Sha256::digest(&self.content))
    }

    /// Directory of the certificate authority.
    pub(crate) fn authority(&self) -> PathBuf {
        self.directory().join("files/pki/ca")
    }
}

/// The inventory file that the command line means.
pub(crate) fn inventory_path(global: &Global) -> anyhow::Result<PathBuf> {
    if let Some(path) = &global.inventory {
        return Ok(path.clone());
    }
    let found = DEFAULT_NAMES
        .iter()
        .map(PathBuf::from)
        .find(|path| path.is_file());
    match found {
        Some(path) => Ok(path),
        None => Err(unreadable(
            None,
            "there is no `pigsty.yml` here\nhint: name an inventory with `-i FILE`, or write one with `sty init meta`",
        )),
    }
}

/// Reads and checks the inventory; problems are in the result.
pub(crate) fn read_inventory(global: &Global) -> anyhow::Result<(InventoryFile, Loaded)> {
    let given = inventory_path(global)?;
    let content = reading::read(&given).map_err(|error| cannot_read(&given, &error))?;
    let path = std::path::absolute(&given)?;
    let file = InventoryFile {
        name: given.display().to_string(),
        path,
        content,
    };
    let beside = |name: &str| text_of(&file.directory().join(name));
    let mut loaded = sty_inventory::load_bytes(&file.name, &file.content, &beside);
    let expired: Vec<_> = loaded.expired(today()?).collect();
    loaded.diagnostics.extend(expired);
    Ok((file, loaded))
}

/// The refusal of an inventory that cannot be read.
fn cannot_read(given: &Path, error: &Unreadable) -> anyhow::Error {
    let name = given.display();
    let hint = match error.missing {
        true => format!("\nhint: write one from a template: `sty init meta -i {name}`"),
        false => String::new(),
    };
    let message = format!("cannot read inventory `{name}`: {}{hint}", error.why);
    unreadable(Some(name.to_string()), message)
}

/// The text of a file that an inventory refers to; an error names the file.
fn text_of(path: &Path) -> Result<String, String> {
    let name = path.display();
    let content = reading::read(path).map_err(|error| format!("{name}: {}", error.why))?;
    String::from_utf8(content).map_err(|_| format!("{name}: it is not UTF-8"))
}

/// Days since 1970-01-01.
fn today() -> anyhow::Result<u32> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(u32::try_from(since.as_secs() / 86_400)?)
}

/// The same, and whether there are packages for what it wants.
pub(crate) fn read_inventory_and_packages(
    global: &Global,
) -> anyhow::Result<(InventoryFile, Loaded)> {
    let (file, mut loaded) = read_inventory(global)?;
    if let Some(inventory) = loaded.inventory.as_ref().or(loaded.draft.as_ref()) {
        let lacking = packages::lacking(inventory)?;
        if !lacking.is_empty() {
            loaded.diagnostics.extend(lacking);
            loaded.diagnostics.sort_by_key(|one| Reverse(one.severity));
            loaded.inventory = None;
        }
    }
    Ok((file, loaded))
}

/// Reads an inventory that is to be installed: prints its problems, missing packages too, and
/// gives the exit code when it cannot be used.
pub(crate) fn installable_inventory(
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<Result<(InventoryFile, Inventory), ExitCode>> {
    usable(read_inventory_and_packages(global)?, printer)
}

/// Reads an inventory that is to be used: prints its problems, and gives the exit code when it
/// cannot be used.
pub(crate) fn valid_inventory(
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<Result<(InventoryFile, Inventory), ExitCode>> {
    usable(read_inventory(global)?, printer)
}

fn usable(
    (file, loaded): (InventoryFile, Loaded),
    printer: &Printer,
) -> anyhow::Result<Result<(InventoryFile, Inventory), ExitCode>> {
    match loaded.inventory {
        Some(inventory) => {
            diagnostics::print(printer, &loaded.diagnostics);
            Ok(Ok((file, inventory)))
        }
        None => tell_invalid(&file, &loaded.diagnostics, printer).map(Err),
    }
}

/// Tells what is wrong with an inventory that cannot be used, and gives the exit code.
pub(crate) fn tell_invalid(
    file: &InventoryFile,
    found: &[Diagnostic],
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    if printer.is_json() {
        printer.json(&Report {
            inventory: Some(&file.name),
            valid: Some(false),
            diagnostics: found,
        })?;
    } else {
        diagnostics::print(printer, found);
        printer.say("the inventory has errors; nothing was touched");
    }
    Ok(ExitCode::Usage)
}

/// The sandbox whose nodes the inventory means: named, or made for this inventory.
pub(crate) fn sandbox(global: &Global, file: &InventoryFile) -> anyhow::Result<Option<Sandbox>> {
    let dirs = Dirs::from_environment();
    match &global.sandbox {
        Some(name) => Ok(Some(Sandbox::open(&dirs, &SandboxName::new(name)?)?)),
        None => Ok(sty_sandbox::find_for_inventory(&dirs, &file.path)?),
    }
}

/// How a node is reached: through its sandbox, or as the inventory says.
pub(crate) fn target(node: &Node, sandbox: Option<&Sandbox>) -> anyhow::Result<Target> {
    if let Some(sandbox) = sandbox {
        return sandbox_target(sandbox, node.address);
    }
    Ok(match &node.connection {
        Connection::Local => Target::Local,
        Connection::Ssh {
            host,
            user,
            port,
            private_key,
        } => Target::Ssh(SshTarget {
            host: host.clone(),
            user: user.clone(),
            port: *port,
            private_key: private_key.as_ref().map(PathBuf::from),
            ..SshTarget::default()
        }),
    })
}

/// The sandbox node that has an address. Names change with what runs on a node, addresses do not.
pub(crate) fn sandbox_target(sandbox: &Sandbox, address: IpAddr) -> anyhow::Result<Target> {
    let Some(node) = sandbox.node_at(address) else {
        refuse!(
            "sandbox {0} has no node at {address}\nhint: boot it with `sty sandbox up {0}`",
            sandbox.name()
        );
    };
    let ssh = sandbox.ssh_target(node)?;
    Ok(Target::Ssh(SshTarget {
        host: ssh.address.ip.to_string(),
        ssh_config: Some(ssh.config),
        prefix: sandbox.enter_prefix(),
        ..SshTarget::default()
    }))
}

/// Hosts that `--limit` names: hosts, node names, groups of nodes and clusters.
pub(crate) fn limited(inventory: &Inventory, limit: &[String]) -> anyhow::Result<Vec<String>> {
    if limit.is_empty() {
        return Ok(inventory.nodes.keys().cloned().collect());
    }
    let mut chosen = std::collections::BTreeSet::new();
    for name in limit {
        let before = chosen.len();
        chosen.extend(hosts_named(inventory, name));
        if chosen.len() == before && hosts_named(inventory, name).is_empty() {
            refuse!("no host, node or cluster is named `{name}` in the inventory");
        }
    }
    Ok(chosen.into_iter().collect())
}

fn hosts_named(inventory: &Inventory, name: &str) -> Vec<String> {
    let nodes = inventory.nodes.values().filter(|node| {
        node.host == name || node.name == name || node.cluster == name || name == "all"
    });
    let mut hosts: Vec<String> = nodes.map(|node| node.host.clone()).collect();
    if let Some(cluster) = inventory.clusters.get(name) {
        hosts.extend(
            cluster
                .instances
                .iter()
                .map(|instance| instance.host.clone()),
        );
    }
    if let Some(etcd) = inventory.etcd.as_ref().filter(|etcd| etcd.name == name) {
        hosts.extend(etcd.members.iter().map(|member| member.host.clone()));
    }
    hosts
}
