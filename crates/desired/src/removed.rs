//! What takes away a cluster, an instance or an etcd member: exactly what it had.
//!
//! Services stop before their files go, and the data goes last. Names in etcd are exact: the
//! prefix ends in a slash, so `pg-test` never reaches `pg-test2`.

use sty_inventory::model::{EtcdCluster, Inventory, PgCluster};
use sty_wire::resource::{Module, Resource, ResourceKind, Stage};

use crate::build::{Desired, Group};
use crate::etcd;
use crate::pgsql::{self, paths};
use crate::pooler::{self, Pooler};
use crate::proxy;

/// What the node of one instance has to undo when only that instance leaves its cluster. Keys in
/// etcd stay: they are the cluster's. `proxy`: with HAProxy, since nothing else there needs it;
/// see [`proxy_is_free`].
pub fn removed_instance(cluster: &PgCluster, proxy: bool) -> Vec<Resource> {
    let mut desired = Desired::default();
    let mut group = cleanup(&mut desired, Module::Pgsql, &cluster.name);
    instance(&mut group, cluster, proxy);
    finish(desired)
}

/// Whether nothing would be left for HAProxy to do on `host` without its PostgreSQL instance: a
/// node that stays in the inventory for something else keeps it.
pub fn proxy_is_free(inventory: &Inventory, host: &str) -> bool {
    let Some(node) = inventory.nodes.get(host) else {
        return true;
    };
    let etcd = inventory.etcd.iter().flat_map(|etcd| &etcd.members);
    let stays = etcd.into_iter().any(|member| member.host == host)
        || inventory.infra.contains(&node.address)
        || !node.haproxy.services.is_empty();
    !stays
}

/// What the node `host` of a cluster has to undo when the whole cluster goes. `with_etcd` on one
/// node only, the last: it removes the cluster's keys, user and role, and the Patroni of every
/// other member must have stopped before, or it would write them again.
pub fn removed_cluster(
    inventory: &Inventory,
    cluster: &PgCluster,
    host: &str,
    with_etcd: bool,
) -> Vec<Resource> {
    let mut desired = Desired::default();
    let mut group = cleanup(&mut desired, Module::Pgsql, &cluster.name);
    instance(&mut group, cluster, proxy_is_free(inventory, host));
    if let Some(store) = inventory.etcd.as_ref().filter(|_| with_etcd) {
        let scope = etcd::scope(store, cluster);
        group.push(
            format!("etcd-scope-absent:{}", cluster.name),
            ResourceKind::EtcdScopeAbsent {
                etcd: etcd::access(store, None),
                prefix: scope.prefix,
                user: scope.user,
            },
        );
    }
    finish(desired)
}

/// What the node of an etcd member has to undo. Leaving the membership is an action of its own
/// and comes before.
pub fn removed_etcd(store: &EtcdCluster) -> Vec<Resource> {
    let mut desired = Desired::default();
    let mut group = cleanup(&mut desired, Module::Etcd, &store.name);
    group.stopped(etcd::UNIT);
    group.absent(etcd::UNIT_PATH, false);
    group.absent(etcd::DIRECTORY, true);
    group.absent(&store.data, true);
    finish(desired)
}

fn instance(group: &mut Group<'_>, cluster: &PgCluster, proxy: bool) {
    if proxy {
        group.stopped(proxy::UNIT);
        for path in [proxy::CONFIG, proxy::CERT, proxy::OPERATORS, proxy::WAIT] {
            group.absent(path, false);
        }
    }
    if cluster.settings.pgbouncer {
        for pooler in Pooler::BOTH {
            group.stopped(pooler.unit());
        }
    }
    if cluster.vip.is_some() {
        group.stopped(crate::vip::UNIT);
        group.absent(crate::vip::CONFIG, false);
    }
    group.stopped(pgsql::UNIT);
    group.absent(paths::PATRONI_UNIT, false);
    group.absent(paths::PATRONI, false);
    if cluster.settings.pgbouncer {
        group.absent(pooler::DIRECTORY, true);
        group.absent(pooler::DROP_IN_DIRECTORY, true);
        group.absent(pooler::PRIMARY_UNIT_PATH, false);
    }
    group.absent("/etc/cron.d/sty-postgres", false);
    if !cluster.settings.data.starts_with("/pg/") {
        group.absent(&cluster.settings.data, true);
    }
    let programs = paths::parent(&cluster.settings.bin_dir);
    if programs == "/usr/pgsql" {
        group.absent(programs, false);
    }
    group.absent(paths::HOME_LINK, false);
    group.absent(&paths::home(cluster), true);
}

fn cleanup<'a>(desired: &'a mut Desired, module: Module, cluster: &str) -> Group<'a> {
    desired.group(module, Stage::Cleanup, Some(cluster))
}

fn finish(desired: Desired) -> Vec<Resource> {
    // Nothing here renders, so nothing can fail.
    desired.finish().unwrap_or_default()
}
