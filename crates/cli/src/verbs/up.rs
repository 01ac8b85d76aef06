//! `sty up [TEMPLATE]`

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use sty_catalog::Catalog;
use sty_core::ExitCode;
use sty_inventory::model::{Inventory, PgCluster};
use sty_sandbox::{Dirs, Forward, Sandbox, SandboxName};

use crate::args::{Global, Output, Selection};
use crate::context::{self, InventoryFile};
use crate::printer::{BLUE, BOLD, DIM, GREEN, Printer, count, paint, seconds};
use crate::run::{packages, sandbox};
use crate::verbs::apply::Apply;
use crate::verbs::status::Status;
use crate::verbs::{connect, init};

/// How long services may take to answer after an apply.
const SERVICES_LIMIT: Duration = Duration::from_secs(60);

/// Start here: a sandbox with running clusters from a template, on this machine
///
/// Boots a node per host, deploys the template and says how to connect. What runs already is
/// left alone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sty up                       one node: etcd and PostgreSQL
  sty up full                  four nodes, two clusters
  sty down                     remove all of it")]
pub(crate) struct Up {
    /// Template name or file
    #[arg(default_value = "meta")]
    template: String,
}

impl Up {
    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let name = sandbox_name(&self.template)?;
        let directory = home(&name);
        let global = Global {
            inventory: Some(directory.join("pigsty.yml")),
            sandbox: None,
            output: Output::Text,
            ..global.clone()
        };
        self.write_inventory(&directory, printer)?;
        let (file, inventory) = match context::valid_inventory(&global, &printer.calm())? {
            Ok(valid) => valid,
            Err(code) => return Ok(code),
        };
        self.packages(&inventory, printer)?;
        boot(&name, &file, &inventory, printer)?;
        let apply = Apply {
            selection: Selection::default(),
            restart: false,
            confirm: Vec::new(),
        };
        let code = apply.run(&global, printer)?;
        if code != ExitCode::Done {
            return Ok(code);
        }
        printer.note("");
        let code = Status::waiting(SERVICES_LIMIT).run(&global, printer)?;
        if code != ExitCode::Done {
            return Ok(code);
        }
        goodbye(&name, &file, &inventory, printer)?;
        printer.note(format!(
            "{} in {}",
            paint(GREEN.bold(), "ready"),
            seconds(started.elapsed())
        ));
        Ok(ExitCode::Done)
    }

    fn write_inventory(&self, directory: &Path, printer: &Printer) -> anyhow::Result<()> {
        let path = directory.join("pigsty.yml");
        if path.exists() {
            return Ok(());
        }
        let text = init::template_text(&self.template)?;
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot make `{}`", directory.display()))?;
        init::write_inventory(&path, &text, None)?;
        printer.note(format!("wrote {} with random passwords", path.display()));
        Ok(())
    }

    fn packages(&self, inventory: &Inventory, printer: &Printer) -> anyhow::Result<()> {
        let started = Instant::now();
        let os = Catalog::builtin().os(packages::NODE_OS)?;
        let report = packages::build(os, Some(inventory), false, printer)?;
        if !report.unchanged {
            let took = seconds(started.elapsed());
            printer.note(format!(
                "package repository: {}  {took}",
                count(report.packages, "package")
            ));
        }
        Ok(())
    }
}

/// Sandbox of a template: its file name without the ending.
fn sandbox_name(template: &str) -> anyhow::Result<SandboxName> {
    let stem = Path::new(template)
        .file_stem()
        .and_then(|stem| stem.to_str());
    Ok(SandboxName::new(stem.unwrap_or(template))?)
}

/// Directory of what `up` writes for a sandbox: inventory, authority, passwords.
fn home(name: &SandboxName) -> PathBuf {
    Dirs::from_environment()
        .state
        .join("up")
        .join(name.as_str())
}

/// Directory that holds all of them.
pub(crate) fn homes() -> PathBuf {
    Dirs::from_environment().state.join("up")
}

fn boot(
    name: &SandboxName,
    file: &InventoryFile,
    inventory: &Inventory,
    printer: &Printer,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let known = Sandbox::open(&Dirs::from_environment(), name).is_ok();
    let forwards = if known {
        Vec::new()
    } else {
        forwards(inventory)?
    };
    let outcome = sandbox::up(name.as_str(), file, inventory, None, forwards, printer)?;
    if outcome.unchanged() {
        printer.note(format!(
            "sandbox {name}: {} up already",
            count(outcome.nodes.len(), "node")
        ));
    } else {
        let took = seconds(started.elapsed());
        printer.note(format!(
            "sandbox {name}: {} up  {took}",
            count(outcome.nodes.len(), "node")
        ));
    }
    Ok(())
}

/// A block of ports of 127.0.0.1 per cluster: 5433, 5434, ... for the first, 6433, 6434, ... for
/// the second; the next block where one is taken.
fn forwards(inventory: &Inventory) -> anyhow::Result<Vec<Forward>> {
    const BLOCK: u16 = 1000;
    let mut forwards = Vec::new();
    let mut offset = 0;
    for cluster in inventory.clusters.values() {
        loop {
            let block = block(cluster, offset)?;
            offset += BLOCK;
            if block.iter().all(|forward| is_free(forward.listen)) {
                forwards.extend(block);
                break;
            }
        }
    }
    Ok(forwards)
}

fn block(cluster: &PgCluster, offset: u16) -> anyhow::Result<Vec<Forward>> {
    let Some(IpAddr::V4(ip)) = cluster.instances.first().map(|first| first.address) else {
        bail!("cluster {} has no IPv4 address", cluster.name);
    };
    let listen = |port: u16| {
        port.checked_add(offset)
            .context("no free ports on 127.0.0.1")
    };
    cluster
        .services
        .iter()
        .filter(|service| service.is_served())
        .map(|service| {
            Ok(Forward {
                listen: listen(service.port)?,
                ip,
                port: service.port,
            })
        })
        .collect()
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// How to connect, and what to try next.
fn goodbye(
    name: &SandboxName,
    file: &InventoryFile,
    inventory: &Inventory,
    printer: &Printer,
) -> anyhow::Result<()> {
    let sandbox = Sandbox::open(&Dirs::from_environment(), name)?;
    let forwards: Vec<Forward> = sandbox
        .status()?
        .forwards
        .into_iter()
        .map(|status| status.forward)
        .collect();
    for cluster in inventory.clusters.values() {
        let passwords = write_passwords(file, cluster)?;
        printer.note(format!(
            "\n{}",
            paint(BOLD, format_args!("cluster {}", cluster.name))
        ));
        for service in cluster
            .services
            .iter()
            .filter(|service| service.is_served())
        {
            if let Some(line) = psql(cluster, service.port, &forwards, &passwords) {
                printer.note(format!(
                    "  {}",
                    paint(DIM, format_args!("# {}", service.name))
                ));
                printer.data(format!("  {line}"));
            }
        }
    }
    let inventory = file.path.display();
    let sty = program();
    let editor = match behind_sudo() {
        Some(_) => format!("sudoedit {inventory}"),
        None => format!("$EDITOR {inventory}"),
    };
    printer.note(format!("\n{}", paint(BOLD, "next")));
    for (command, about) in [
        (format!("{sty} status -i {inventory}"), "how things are"),
        (
            format!("{sty} plan -i {inventory}"),
            "what differs from the inventory: nothing",
        ),
        (editor, "then:"),
        (format!("{sty} apply -i {inventory}"), "change what differs"),
        (
            format!("{sty} sandbox list"),
            "the nodes; `sandbox shell NODE` opens one",
        ),
        (format!("{sty} down"), "remove all of it"),
    ] {
        printer.note(format!(
            "  {}  {}",
            paint(BLUE, command),
            paint(DIM, format_args!("# {about}"))
        ));
    }
    Ok(())
}

fn psql(cluster: &PgCluster, port: u16, forwards: &[Forward], passwords: &Path) -> Option<String> {
    let first = cluster.instances.first()?.address;
    let forward = forwards
        .iter()
        .find(|f| IpAddr::V4(f.ip) == first && f.port == port)?;
    let (user, database) = client(cluster);
    Some(format!(
        "PGPASSFILE={} psql 'host=127.0.0.1 port={} user={user} dbname={database} sslmode=require'",
        passwords.display(),
        forward.listen
    ))
}

/// The first business user, or the administrator, and its database.
fn client(cluster: &PgCluster) -> (String, String) {
    let business = cluster
        .roles
        .iter()
        .find(|role| !role.system && role.login && role.pgbouncer && role.password.is_some());
    let user = business.map_or(&cluster.accounts.admin.name, |role| &role.name);
    (user.clone(), connect::first_database(cluster))
}

/// A libpq password file beside the inventory, for its owner alone: whoever typed the command,
/// also where `sudo` made root of them.
fn write_passwords(file: &InventoryFile, cluster: &PgCluster) -> anyhow::Result<PathBuf> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let path = file.directory().join(format!("{}.pgpass", cluster.name));
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    let (user, _) = client(cluster);
    if let Some(password) = connect::password_of(cluster, &user) {
        writeln!(out, "*:*:*:{user}:{}", connect::escape(password.expose()))?;
    }
    if let Some((user, group)) = behind_sudo() {
        std::os::unix::fs::fchown(&out, Some(user), Some(group))
            .with_context(|| format!("cannot give `{}` to its reader", path.display()))?;
    }
    Ok(path)
}

/// User and group of the person who runs this program by `sudo`.
fn behind_sudo() -> Option<(u32, u32)> {
    let id = |name| std::env::var(name).ok()?.parse().ok();
    Some((id("SUDO_UID")?, id("SUDO_GID")?))
}

/// This program as the operator's shell finds it.
fn program() -> String {
    let name = std::env::args().next().unwrap_or_else(|| "sty".to_owned());
    match behind_sudo() {
        // Inventory and authority are root's.
        Some(_) => format!("sudo {name}"),
        None => name,
    }
}
