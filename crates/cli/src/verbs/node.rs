//! `sty node ...`

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use sty_core::ExitCode;
use sty_inventory::model::{EtcdCluster, Inventory, Node as Host, PgCluster};
use sty_wire::resource::Resource;

use crate::args::Global;
use crate::context;
use crate::printer::{BOLD, Printer, RED, paint};
use crate::refusal::{self, refuse, refused};
use crate::run::destroy::{self, Destruction};
use crate::run::safeguard;

/// Work on one node
#[derive(Debug, Subcommand)]
pub(crate) enum Node {
    /// Stop what a node runs and delete its data; its clusters go on without it
    Remove(Remove),
}

/// Stop what a node runs and delete its data; its clusters go on without it
///
/// Refused for the only member of a cluster, and for its primary: switch over first. The
/// inventory must still name the node; take it out afterwards.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sty node remove 10.10.10.13 --confirm 10.10.10.13")]
pub(crate) struct Remove {
    /// Host or node name
    name: String,
    /// The name again
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

impl Node {
    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        match self {
            Self::Remove(remove) => remove.run(global, printer),
        }
    }
}

impl Remove {
    fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let (file, inventory) = match context::valid_inventory(global, &printer.calm())? {
            Ok(valid) => valid,
            Err(code) => return Ok(code),
        };
        let node = inventory
            .nodes
            .values()
            .find(|node| node.host == self.name || node.name == self.name)
            .ok_or_else(|| refused(format!("the inventory has no node `{}`", self.name)))?;
        let clusters = clusters_on(&inventory, node);
        let etcd = inventory.etcd.as_ref().filter(|etcd| is_member(etcd, node));
        for cluster in &clusters {
            refuse_last(cluster)?;
        }
        if let Some(etcd) = etcd {
            refuse!(
                "node {} holds a member of etcd `{}`\nhint: take it out of the group in the inventory, run `sty apply --confirm MEMBER`, then remove the node",
                node.name,
                etcd.name
            );
        }
        for cluster in &clusters {
            printer.say(format!(
                "{} of cluster {} on {} ({})",
                paint(RED.bold(), "this deletes the copy"),
                paint(BOLD, &cluster.name),
                node.name,
                node.address
            ));
        }
        if self.confirm.as_deref() != Some(&self.name) {
            let text = format!(
                "nothing was done: repeat with\n  sty node remove {0} --confirm {0}",
                self.name
            );
            return refusal::tell_unconfirmed(&text, printer);
        }
        let stays = sty_desired::Stays::on(&inventory, &node.host);
        let removal: Vec<Resource> = clusters
            .iter()
            .flat_map(|cluster| sty_desired::removed_instance(cluster, stays))
            .collect();
        let sandbox = context::sandbox(global, &file)?;
        destroy::run(
            &Destruction {
                file: &file,
                inventory: &inventory,
                sandbox: sandbox.as_ref(),
                name: &self.name,
                clusters_stay: true,
                printer,
            },
            vec![node.host.clone()],
            &|_| BTreeMap::from([(node.host.clone(), removal.clone())]),
        )
    }
}

fn clusters_on<'a>(inventory: &'a Inventory, node: &Host) -> Vec<&'a PgCluster> {
    let clusters = inventory.clusters.values();
    clusters
        .filter(|cluster| {
            cluster
                .instances
                .iter()
                .any(|instance| instance.host == node.host)
        })
        .collect()
}

fn is_member(etcd: &EtcdCluster, node: &Host) -> bool {
    etcd.members.iter().any(|member| member.host == node.host)
}

fn refuse_last(cluster: &PgCluster) -> anyhow::Result<()> {
    safeguard::cluster(cluster)?;
    if cluster.instances.len() == 1 {
        refuse!(
            "it is the only member of cluster {0}\nhint: to remove the whole cluster: sty cluster remove {0}",
            cluster.name
        );
    }
    Ok(())
}
