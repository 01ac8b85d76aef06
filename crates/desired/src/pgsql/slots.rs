//! Replication slots: their names, and logical ones that are there after a failover.
//!
//! With `sync_replication_slots: on` in `pg_parameters` (PostgreSQL 17 and newer) every replica
//! that may lead keeps a copy of each logical slot made with `failover = true`. So that nobody is
//! told what the next primary may not have, changes go to subscribers only when all of those
//! replicas have them (`synchronized_standby_slots`).

use sty_core::Diagnostic;
use sty_inventory::model::{Instance, InstanceRole, PgCluster};

use crate::render::{render, values};
use crate::view::View;

const SYNCHRONIZE: &str = "sync_replication_slots";

/// Whether replicas keep copies of logical slots.
pub(super) fn are_synchronized(cluster: &PgCluster) -> bool {
    const YES: [&str; 4] = ["on", "true", "yes", "1"];
    let parameters = &cluster.settings.parameters;
    let written = parameters
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(SYNCHRONIZE));
    written.is_some_and(|(_, value)| YES.contains(&value.to_ascii_lowercase().as_str()))
}

/// Whether the instance may take over. A cascading replica cannot copy logical slots, so it would
/// lead without them.
pub fn may_lead(cluster: &PgCluster, instance: &Instance) -> bool {
    let slotless = instance.upstream.is_some() && are_synchronized(cluster);
    instance.role != InstanceRole::Offline && !cluster.is_delayed(instance) && !slotless
}

/// Slots of the replicas that have to have a change before a subscriber gets it, as
/// `synchronized_standby_slots` wants them: of all that may take over from `instance`.
pub(super) fn awaited(cluster: &PgCluster, instance: &Instance) -> String {
    let others = cluster.instances.iter();
    let others = others.filter(|one| one.name != instance.name && may_lead(cluster, one));
    others
        .map(|one| name(&one.name))
        .collect::<Vec<_>>()
        .join(",")
}

/// The slot of a member or a cluster, as Patroni names it.
pub(super) fn name(of: &str) -> String {
    of.to_ascii_lowercase().replace(['-', '.'], "_")
}

/// What Patroni runs when a member starts or its role changes: a former primary has the originals
/// of the slots whose copies it should keep, and they are in the way of the copies.
pub(super) fn callback(view: &View<'_>, cluster: &PgCluster) -> Result<String, Diagnostic> {
    let settings = &cluster.settings;
    render(
        "patroni-callback",
        values! {
            managed => view.managed(),
            psql => format!("{}/psql", settings.bin_dir),
            socket => settings.socket_dir,
            port => settings.port,
            dbsu => settings.dbsu,
        },
    )
}
