//! What the inventory keeps from being removed.

use sty_inventory::model::{EtcdCluster, PgCluster};

use crate::refusal::refuse;

/// Refuses to remove a cluster, or a member of it, that `pg_safeguard` guards.
pub(crate) fn cluster(cluster: &PgCluster) -> anyhow::Result<()> {
    if cluster.settings.safeguard {
        refuse!(
            "cluster {} is guarded\nhint: set `pg_safeguard: false` in the inventory first",
            cluster.name
        );
    }
    Ok(())
}

/// Refuses to remove a member of etcd that `etcd_safeguard` guards.
pub(crate) fn etcd(etcd: &EtcdCluster) -> anyhow::Result<()> {
    if etcd.safeguard {
        refuse!(
            "etcd `{}` is guarded\nhint: set `etcd_safeguard: false` in the inventory first",
            etcd.name
        );
    }
    Ok(())
}
