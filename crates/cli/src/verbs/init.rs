//! `sty init [TEMPLATE]`

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use sty_core::ExitCode;
use sty_inventory::Filling;

use crate::args::Global;
use crate::printer::{BOLD, GREEN, Printer, paint};
use crate::refusal::{refuse, refused};

/// Write an inventory from a template, with a random secret for every password
///
/// Without a template, lists them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sty init                      list the templates
  sty init meta                 one node: this host
  sty init full --keep-addresses -i fleet.yml")]
pub(crate) struct Init {
    /// Template name, or a file with `${random}` where secrets belong
    template: Option<String>,
    /// Address that replaces the template's first one; this host's when not given
    #[arg(long, value_name = "ADDRESS", conflicts_with = "keep_addresses")]
    address: Option<String>,
    /// Leave the template's addresses as they are
    #[arg(long)]
    keep_addresses: bool,
}

/// Where templates have the package repository: the sandbox's own.
const TEMPLATE_REPOSITORY: &str = "http://10.10.10.1:8080";
const REPOSITORY_PORT: u16 = 8080;

impl Init {
    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let Some(name) = &self.template else {
            return list(printer);
        };
        let path = global
            .inventory
            .clone()
            .unwrap_or_else(|| PathBuf::from("pigsty.yml"));
        let text = template_text(name)?;
        let address = match (&self.address, self.keep_addresses) {
            (Some(address), _) => Some(parse(address)?),
            (None, true) => None,
            (None, false) => Some(own_address()?),
        };
        let filled = write_inventory(&path, &text, address)?;
        if printer.is_json() {
            let inventory = path.display().to_string();
            printer.json(&serde_json::json!({ "inventory": inventory }))?;
            return Ok(ExitCode::Done);
        }
        printer.say(format!("{} {}", paint(GREEN, "wrote"), path.display()));
        printer.note("its passwords are random and stand in the file: keep it as safe as a key");
        let others = address.map(|own| others(&filled, own)).unwrap_or_default();
        if !others.is_empty() {
            printer.note(format!(
                "its other nodes still have the template's addresses, {}: put in those of yours",
                others.join(", ")
            ));
        }
        printer.note("next: edit it, then");
        printer.note(format!("  sty check -i {}", path.display()));
        Ok(ExitCode::Done)
    }
}

/// Addresses of nodes beside `own`, which a template brought along.
fn others(filled: &str, own: IpAddr) -> Vec<String> {
    let nothing = |_: &str| Err(String::new());
    let loaded = sty_inventory::load("template", filled, &nothing);
    let nodes = loaded
        .inventory
        .map(|found| found.nodes)
        .unwrap_or_default();
    let addresses = nodes.values().map(|node| node.address);
    let mut others: Vec<IpAddr> = addresses.filter(|address| *address != own).collect();
    others.sort();
    others.iter().map(IpAddr::to_string).collect()
}

fn list(printer: &Printer) -> anyhow::Result<ExitCode> {
    if printer.is_json() {
        let templates = sty_inventory::templates().iter();
        let lines =
            templates.map(|one| serde_json::json!({ "name": one.name, "about": one.about }));
        printer.json(&lines.collect::<Vec<_>>())?;
        return Ok(ExitCode::Done);
    }
    for template in sty_inventory::templates() {
        let name = format!("{:<8}", template.name);
        printer.data(format!("{} {}", paint(BOLD, name), template.about));
    }
    Ok(ExitCode::Done)
}

/// The text of a built-in template or of a template file.
pub(crate) fn template_text(name: &str) -> anyhow::Result<String> {
    if let Some(template) = sty_inventory::templates().iter().find(|t| t.name == name) {
        return Ok(template.text.to_owned());
    }
    if Path::new(name).is_file() {
        return std::fs::read_to_string(name).with_context(|| format!("cannot read `{name}`"));
    }
    let known: Vec<&str> = sty_inventory::templates().iter().map(|t| t.name).collect();
    refuse!(
        "there is no template `{name}`: choose one of {}, or a file",
        known.join(", ")
    )
}

/// Fills a template in and writes it for its owner alone; an existing file stays as it is. Gives
/// what was written.
pub(crate) fn write_inventory(
    path: &Path,
    text: &str,
    address: Option<IpAddr>,
) -> anyhow::Result<String> {
    let host = address.map(|address| address.to_string());
    let filling = Filling {
        address: host.as_deref(),
        random: &mut random_secret,
    };
    let mut filled = sty_inventory::fill(text, filling);
    if let Some(address) = address {
        // This host is the controller, and serves the packages.
        let endpoint = SocketAddr::new(address, REPOSITORY_PORT);
        filled = filled.replace(TEMPLATE_REPOSITORY, &format!("http://{endpoint}"));
    }
    if path.exists() {
        refuse!(
            "`{}` is there already and is kept\nhint: choose another file with `-i FILE`",
            path.display()
        );
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    file.write_all(filled.as_bytes())?;
    file.sync_all()?;
    Ok(filled)
}

/// 24 letters and digits: about 142 bits, and nothing that a connection string must escape.
fn random_secret() -> String {
    use rand::distr::{Alphanumeric, SampleString};
    Alphanumeric.sample_string(&mut rand::rng(), 24)
}

/// An address under which other hosts can reach this one.
fn parse(text: &str) -> anyhow::Result<IpAddr> {
    let of_a_host = |address: &IpAddr| {
        !(address.is_loopback() || address.is_unspecified() || address.is_multicast())
    };
    let found = text.parse().ok().filter(of_a_host);
    found.ok_or_else(|| {
        refused(format!(
            "`{text}` is no address of a host\n\
             hint: give the IPv4 or IPv6 address under which other nodes reach this one, such as \
             192.168.1.10 or fd00::10"
        ))
    })
}

/// The address from which this host would reach others; no packet is sent.
fn own_address() -> anyhow::Result<IpAddr> {
    let found = if_addrs::get_if_addrs().context("cannot list network interfaces")?;
    found
        .into_iter()
        .filter(|interface| !interface.is_loopback())
        .map(|interface| interface.ip())
        .find(IpAddr::is_ipv4)
        .context("this host has no IPv4 address beside loopback: give one with `--address`")
}
