//! What the renderers of one node look at.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sty_core::Diagnostic;
use sty_inventory::model::{EtcdCluster, EtcdMember, Instance, Inventory, Node, PgCluster};
use sty_wire::facts::Facts;

use crate::Context;

/// One node with everything that its files are made from.
pub(crate) struct View<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) node: &'a Node,
    pub(crate) facts: &'a Facts,
    pub(crate) all_facts: &'a BTreeMap<String, Facts>,
    pub(crate) context: &'a Context,
    /// PostgreSQL here, when there is one.
    pub(crate) postgres: Option<Member<'a>>,
    /// The etcd member here, when there is one.
    pub(crate) etcd: Option<(&'a EtcdCluster, &'a EtcdMember)>,
}

/// A PostgreSQL instance and its cluster.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a> {
    pub(crate) cluster: &'a PgCluster,
    pub(crate) instance: &'a Instance,
}

impl<'a> View<'a> {
    /// Finds what concerns `host`.
    pub(crate) fn new(
        inventory: &'a Inventory,
        host: &str,
        all_facts: &'a BTreeMap<String, Facts>,
        context: &'a Context,
    ) -> Result<Self, Diagnostic> {
        let node = inventory.nodes.get(host).ok_or_else(|| {
            Diagnostic::error(
                "desired/unknown-node",
                format!("the inventory has no node `{host}`"),
            )
        })?;
        let facts = all_facts.get(host).ok_or_else(|| {
            Diagnostic::error(
                "desired/no-facts",
                format!("nothing is known of node `{host}`: it was not reached"),
            )
            .help("mend the connection, or leave the node out with `--limit`")
        })?;
        Ok(Self {
            inventory,
            node,
            facts,
            all_facts,
            context,
            postgres: member(inventory, node),
            etcd: inventory.etcd.as_ref().and_then(|cluster| {
                let member = cluster.members.iter().find(|member| member.host == host)?;
                Some((cluster, member))
            }),
        })
    }

    /// First line of every file: who made it, from what.
    pub(crate) fn managed(&self) -> String {
        managed()
    }
}

/// The managed-by text, without a comment sign. It names no inventory file: an inventory that was
/// copied or renamed wants nothing else than before.
pub(crate) fn managed() -> String {
    "Managed by sty. Changes made here are undone by the next apply.".to_owned()
}

/// The instance on a host. A host has one `pg_cluster`, so there is one at most; usually the node
/// cluster has its name, and the fleet need not be searched.
pub(crate) fn member<'a>(inventory: &'a Inventory, node: &Node) -> Option<Member<'a>> {
    let of = |cluster: &'a PgCluster| {
        let mut instances = cluster.instances.iter();
        let instance = instances.find(|one| one.host == node.host)?;
        Some(Member { cluster, instance })
    };
    let named = inventory.clusters.get(&node.cluster).and_then(of);
    named.or_else(|| inventory.clusters.values().find_map(of))
}

/// `host:port` with brackets around an IPv6 address.
pub(crate) fn endpoint(address: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}

/// Address as a network of one.
pub(crate) fn single(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("{v4}/32"),
        IpAddr::V6(v6) => format!("{v6}/128"),
    }
}
