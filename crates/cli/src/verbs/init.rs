//! `sty init [TEMPLATE]`

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use sty_core::ExitCode;
use sty_inventory::Filling;

use crate::args::Global;
use crate::printer::{BOLD, GREEN, Printer, paint};
use crate::refusal::refuse;

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
            (Some(address), _) => Some(address.clone()),
            (None, true) => None,
            (None, false) => Some(own_address()?),
        };
        write_inventory(&path, &text, address.as_deref())?;
        printer.say(format!("{} {}", paint(GREEN, "wrote"), path.display()));
        printer.note("its passwords are random and stand in the file: keep it as safe as a key");
        printer.note("next: edit it, then");
        printer.note(format!("  sty check -i {}", path.display()));
        Ok(ExitCode::Done)
    }
}

fn list(printer: &Printer) -> anyhow::Result<ExitCode> {
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

/// Fills a template in and writes it for its owner alone; an existing file stays as it is.
pub(crate) fn write_inventory(
    path: &Path,
    text: &str,
    address: Option<&str>,
) -> anyhow::Result<()> {
    let filling = Filling {
        address,
        random: &mut random_secret,
    };
    let mut filled = sty_inventory::fill(text, filling);
    if let Some(address) = address {
        // This host is the controller, and serves the packages.
        filled = filled.replace(TEMPLATE_REPOSITORY, &format!("http://{address}:8080"));
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
    Ok(())
}

/// 24 letters and digits: about 142 bits, and nothing that a connection string must escape.
fn random_secret() -> String {
    use rand::distr::{Alphanumeric, SampleString};
    Alphanumeric.sample_string(&mut rand::rng(), 24)
}

/// The address from which this host would reach others; no packet is sent.
fn own_address() -> anyhow::Result<String> {
    let found = if_addrs::get_if_addrs().context("cannot list network interfaces")?;
    found
        .into_iter()
        .filter(|interface| !interface.is_loopback())
        .map(|interface| interface.ip())
        .find(|address| address.is_ipv4())
        .map(|address| address.to_string())
        .context("this host has no IPv4 address beside loopback: give one with `--address`")
}
