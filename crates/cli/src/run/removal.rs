//! Members that run and are in no inventory: adds to a scene what removes those whose names were
//! typed.

use std::collections::BTreeMap;

use anyhow::Context as _;
use sty_engine::{Interrupt, Target};
use sty_inventory::model::{Inventory, Node};
use sty_plan::Unwanted;
use sty_sandbox::Sandbox;
use sty_wire::resource::Resource;

use crate::context;
use crate::printer::Printer;
use crate::refusal::refuse;
use crate::run::holder::{self, Holder};
use crate::run::look::{self, Scene};
use crate::run::safeguard;

/// What is needed to remove members.
pub(crate) struct Removal<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) sandbox: Option<&'a Sandbox>,
    pub(crate) printer: &'a Printer,
    /// Who takes the nodes.
    pub(crate) holder: &'a Holder,
    /// The operator's wish to stop.
    pub(crate) interrupt: &'a Interrupt,
}

impl Removal<'_> {
    /// Connects to the nodes of confirmed unwanted members and adds what removes them.
    ///
    /// # Errors
    /// When one of them leads its cluster or is guarded, or its node is taken; nothing was touched
    /// then.
    pub(crate) fn add(&self, scene: &mut Scene, leaving: &[Unwanted]) -> anyhow::Result<()> {
        for member in leaving {
            if member.leads {
                refuse!("{}", leads(&member.member, &member.cluster));
            }
            let removal = self.removal(member)?;
            self.add_node(scene, member, removal)?;
        }
        Ok(())
    }

    /// Whether a node of the inventory is without the member when it has gone.
    pub(crate) fn frees(&self, member: &Unwanted) -> bool {
        self.host_at(&member.address).is_some()
    }

    /// What is to be undone on the member's node.
    fn removal(&self, member: &Unwanted) -> anyhow::Result<Vec<Resource>> {
        if let Some(cluster) = self.inventory.clusters.get(&member.cluster) {
            safeguard::cluster(cluster)?;
            // A node that stays in the inventory has its HAProxy and keepalived looked after there.
            let stays = self.host_at(&member.address).is_some();
            let stays = sty_desired::Stays {
                proxy: stays,
                vip: stays,
            };
            return Ok(sty_desired::removed_instance(cluster, stays));
        }
        let etcd = self.inventory.etcd.as_ref();
        let Some(etcd) = etcd.filter(|etcd| etcd.name == member.cluster) else {
            return Ok(Vec::new());
        };
        safeguard::etcd(etcd)?;
        Ok(sty_desired::removed_etcd(etcd))
    }

    fn add_node(
        &self,
        scene: &mut Scene,
        member: &Unwanted,
        removal: Vec<Resource>,
    ) -> anyhow::Result<()> {
        let host = self
            .host_at(&member.address)
            .map_or(member.address.clone(), |n| n.host.clone());
        if !scene.fleet.sessions.contains_key(&host) {
            let target = self.target(member)?;
            let mut fleet = look::connect(&[(host.clone(), target)], self.printer)?;
            holder::take(&mut fleet, self.holder, self.interrupt, self.printer)?;
            scene.absorb(fleet);
        }
        let mut resources = scene.resources.get(&host).cloned().unwrap_or_default();
        // Where the node was given to another cluster, the services of both have the same names.
        resources.retain(|one| removal.iter().all(|gone| gone.id != one.id));
        resources.extend(removal);
        scene.removals.insert(host.clone(), member.member.clone());
        if !scene.hosts.contains(&host) {
            scene.hosts.push(host.clone());
        }
        scene.look(BTreeMap::from([(host, resources)]), self.printer);
        Ok(())
    }

    fn host_at(&self, address: &str) -> Option<&Node> {
        self.inventory
            .nodes
            .values()
            .find(|node| node.address.to_string() == address)
    }

    /// The way to the member's address: its sandbox node, or ssh as to the other members.
    fn target(&self, member: &Unwanted) -> anyhow::Result<Target> {
        if let Some(sandbox) = self.sandbox {
            let address = member.address.parse();
            let address = address.with_context(|| format!("`{}` is no address", member.address))?;
            return context::sandbox_target(sandbox, address);
        }
        let peer = self
            .inventory
            .clusters
            .get(&member.cluster)
            .and_then(|cluster| {
                let first = cluster.instances.first()?;
                self.inventory.nodes.get(&first.host)
            });
        let mut target = match peer {
            Some(node) => context::target(node, None)?,
            None => Target::Ssh(sty_engine::SshTarget::default()),
        };
        if let Target::Ssh(ssh) = &mut target {
            ssh.host.clone_from(&member.address);
        } else {
            target = Target::Ssh(sty_engine::SshTarget {
                host: member.address.clone(),
                ..sty_engine::SshTarget::default()
            });
        }
        Ok(target)
    }
}

/// Why a member that leads is not removed.
pub(crate) fn leads(member: &str, cluster: &str) -> String {
    format!(
        "{member} is the primary of cluster {cluster}; nothing was done\nhint: do a switchover first: \
         `sty cluster switchover {cluster}`"
    )
}
