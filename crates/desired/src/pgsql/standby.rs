//! Standby clusters: clusters that follow another one.

use serde_json::{Value, json};
use sty_inventory::model::{Inventory, PgCluster};

/// The cluster of this inventory that `cluster` follows.
pub(crate) fn upstream<'a>(inventory: &'a Inventory, cluster: &PgCluster) -> Option<&'a PgCluster> {
    let address = cluster.upstream?;
    inventory.clusters.values().find(|other| {
        other.name != cluster.name && other.instances.iter().any(|one| one.address == address)
    })
}

/// Patroni's `standby_cluster`, for a cluster that follows another.
pub(super) fn source(inventory: &Inventory, cluster: &PgCluster) -> Option<Value> {
    let address = cluster.upstream?;
    let port = upstream(inventory, cluster).map_or(cluster.settings.port, |up| up.settings.port);
    let mut source = json!({
        "host": address.to_string(),
        "port": port,
        "create_replica_methods": ["basebackup"],
    });
    if !cluster.settings.delay.is_empty() {
        source["recovery_min_apply_delay"] = json!(cluster.settings.delay);
    }
    Some(source)
}
