//! `sty cluster remove`

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use sty_core::ExitCode;
use sty_inventory::model::{Inventory, PgCluster};
use sty_wire::resource::Resource;

use super::databases;
use crate::args::Global;
use crate::context;
use crate::printer::{BOLD, Printer, RED, paint};
use crate::refusal;
use crate::run::destroy::{self, Destruction};
use crate::run::safeguard;

/// Stop a cluster and delete its data on every member, and its keys in etcd
///
/// The inventory must still name it; take it out afterwards. Nodes stay, with their packages.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sty cluster remove pg-test --confirm pg-test")]
pub(crate) struct Remove {
    /// Cluster
    name: String,
    /// The name again
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

impl Remove {
    pub(super) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let (file, inventory) = match context::valid_inventory(global, &printer.calm())? {
            Ok(valid) => valid,
            Err(code) => return Ok(code),
        };
        let cluster = super::named(&inventory, &self.name)?;
        safeguard::cluster(cluster)?;
        let sandbox = context::sandbox(global, &file)?;
        let found = databases::of_primary(&inventory, cluster, sandbox.as_ref(), printer)?;
        blast_radius(cluster, found.as_ref(), printer);
        if self.confirm.as_deref() != Some(&self.name) {
            let text = format!(
                "nothing was done: repeat with\n  sty cluster remove {0} --confirm {0}",
                self.name
            );
            return refusal::tell_unconfirmed(&text, printer);
        }
        let hosts = cluster.instances.iter();
        let hosts = hosts.map(|instance| instance.host.clone()).collect();
        destroy::run(
            &Destruction {
                file: &file,
                inventory: &inventory,
                sandbox: sandbox.as_ref(),
                name: &self.name,
                clusters_stay: false,
                printer,
            },
            hosts,
            &|keys| removals(&inventory, cluster, keys),
        )
    }
}

fn blast_radius(cluster: &PgCluster, found: Option<&BTreeSet<String>>, printer: &Printer) {
    let declared = databases::declared(cluster);
    printer.say(format!(
        "{} of cluster {} and its databases: {}",
        paint(RED.bold(), "this deletes all data"),
        paint(BOLD, &cluster.name),
        names(declared.iter().copied())
    ));
    for instance in &cluster.instances {
        printer.say(format!("  {}  {}", instance.name, instance.address));
    }
    let Some(found) = found else {
        return printer
            .say("no primary answers: it may have databases that the inventory does not declare");
    };
    let undeclared: Vec<&String> = found
        .iter()
        .filter(|name| !declared.contains(name))
        .collect();
    if !undeclared.is_empty() {
        printer.say(format!(
            "{} that the inventory does not declare: {}",
            paint(RED.bold(), "it deletes databases"),
            names(undeclared.into_iter())
        ));
    }
}

fn names<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.cloned().collect::<Vec<_>>().join(", ")
}

/// Every member undoes what it had; the node `keys` removes the keys in etcd as well.
fn removals(
    inventory: &Inventory,
    cluster: &PgCluster,
    keys: &str,
) -> BTreeMap<String, Vec<Resource>> {
    let hosts = cluster.instances.iter().map(|instance| &instance.host);
    hosts
        .map(|host| {
            let removal = sty_desired::removed_cluster(inventory, cluster, host, host == keys);
            (host.clone(), removal)
        })
        .collect()
}
