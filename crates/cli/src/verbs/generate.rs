//! `sty generate`: large inventories for measuring.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use sty_core::ExitCode;
use sty_inventory::model::Node;
use sty_wire::facts::{Facts, Interface};

use crate::printer::{Printer, count};

/// Write an inventory of any size, and facts of its nodes as if they had been recorded
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// PostgreSQL clusters, of three members each
    #[arg(value_parser = clap::value_parser!(u16).range(1..=20_000))]
    clusters: u16,
    /// Directory for `pigsty.yml` and `facts.json`; made when it is not there
    #[arg(default_value = ".")]
    directory: PathBuf,
}

impl Generate {
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<ExitCode> {
        let text = sty_inventory::generate::generate(usize::from(self.clusters));
        let no_file = |name: &str| Err(format!("{name}: not part of a generated inventory"));
        let loaded = sty_inventory::load("pigsty.yml", &text, &no_file);
        let Some(inventory) = loaded.inventory else {
            bail!("the generated inventory is not valid: a fault of sty itself");
        };
        let facts: BTreeMap<&String, Facts> = inventory
            .nodes
            .iter()
            .map(|(host, node)| (host, machine(node)))
            .collect();
        std::fs::create_dir_all(&self.directory)
            .with_context(|| format!("cannot make `{}`", self.directory.display()))?;
        write(&self.directory.join("pigsty.yml"), &text)?;
        write(
            &self.directory.join("facts.json"),
            &serde_json::to_string(&facts)?,
        )?;
        printer.note(count(facts.len(), "node"));
        Ok(ExitCode::Done)
    }
}

/// 4 processors, 16 GiB, 200 GiB.
fn machine(node: &Node) -> Facts {
    Facts {
        hostname: node.host.clone(),
        os: "debian".into(),
        os_version: "13".into(),
        arch: "x86_64".into(),
        cpus: 4,
        memory_bytes: 16 << 30,
        data_disk_bytes: 200 << 30,
        virtualization: "kvm".into(),
        container: false,
        network_admin: true,
        open_files_limit: 524_288,
        interfaces: vec![Interface {
            name: "eth0".into(),
            addresses: vec![(node.address, 8)],
        }],
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}
