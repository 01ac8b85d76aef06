//! Standby clusters: clusters that follow another one.

use serde_json::{Value, json};
use sty_inventory::model::{Instance, Inventory, PgCluster};

use super::slots;

/// The cluster of this inventory that `cluster` follows.
pub(crate) fn upstream<'a>(inventory: &'a Inventory, cluster: &PgCluster) -> Option<&'a PgCluster> {
    let address = cluster.upstream?;
    inventory.clusters.values().find(|other| {
        other.name != cluster.name && other.instances.iter().any(|one| one.address == address)
    })
}

/// Patroni's `standby_cluster`, for a cluster that follows another. Of a cluster of this inventory
/// all members that may lead are named, the one written first: whichever of them is primary is
/// followed, and a slot that the upstream cluster keeps on all of them holds back the WAL.
pub(super) fn source(inventory: &Inventory, cluster: &PgCluster) -> Option<Value> {
    let address = cluster.upstream?;
    let mut source = json!({
        "host": address.to_string(),
        "port": cluster.settings.port,
        "create_replica_methods": ["basebackup"],
    });
    if let Some(upstream) = upstream(inventory, cluster) {
        let leads = |one: &&Instance| one.address != address && slots::may_lead(upstream, one);
        let others = upstream.instances.iter().filter(leads);
        let mut hosts = vec![address.to_string()];
        hosts.extend(others.map(|one| one.address.to_string()));
        source["host"] = json!(hosts.join(","));
        source["port"] = json!(upstream.settings.port);
        source["primary_slot_name"] = json!(slots::name(&cluster.name));
    }
    Some(source)
}

/// Slots that `cluster` keeps for the clusters that follow it.
pub(super) fn follower_slots(inventory: &Inventory, cluster: &PgCluster) -> Vec<String> {
    let follows = |other: &&PgCluster| {
        upstream(inventory, other).is_some_and(|upstream| upstream.name == cluster.name)
    };
    let followers = inventory.clusters.values().filter(follows);
    followers.map(|other| slots::name(&other.name)).collect()
}
