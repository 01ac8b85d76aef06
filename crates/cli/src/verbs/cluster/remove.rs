//! `sty cluster remove`

use std::collections::BTreeMap;

use clap::Args;
use sty_core::ExitCode;
use sty_inventory::model::{Inventory, PgCluster};
use sty_wire::resource::Resource;

use crate::args::Global;
use crate::context;
use crate::printer::{BOLD, Printer, RED, paint};
use crate::refusal::refuse;
use crate::run::destroy::{self, Destruction};

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
        refuse_safeguarded(cluster)?;
        blast_radius(cluster, printer);
        if self.confirm.as_deref() != Some(&self.name) {
            printer.say(format!(
                "nothing was done: repeat with\n  sty cluster remove {0} --confirm {0}",
                self.name
            ));
            return Ok(ExitCode::Usage);
        }
        let hosts = cluster.instances.iter();
        let hosts = hosts.map(|instance| instance.host.clone()).collect();
        let sandbox = context::sandbox(global, &file)?;
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

fn refuse_safeguarded(cluster: &PgCluster) -> anyhow::Result<()> {
    if cluster.settings.safeguard {
        refuse!(
            "cluster {} is guarded\nhint: set `pg_safeguard: false` in the inventory first",
            cluster.name
        );
    }
    Ok(())
}

fn blast_radius(cluster: &PgCluster, printer: &Printer) {
    printer.say(format!(
        "{} of cluster {} and its databases: {}",
        paint(RED.bold(), "this deletes all data"),
        paint(BOLD, &cluster.name),
        names(cluster.databases.iter().map(|database| &database.name))
    ));
    for instance in &cluster.instances {
        printer.say(format!("  {}  {}", instance.name, instance.address));
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
