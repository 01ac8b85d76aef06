//! What takes away a cluster, an instance or an etcd member: exactly what it had.
//!
//! Services stop before their files go, and the data goes last. Names in etcd are exact: the
//! prefix ends in a slash, so `pg-test` never reaches `pg-test2`.

use std::collections::BTreeMap;

use sty_core::Diagnostic;
use sty_inventory::model::{EtcdCluster, Inventory, PgCluster};
use sty_wire::facts::Facts;
use sty_wire::resource::{Module, PATRONI_SERVICE, Resource, ResourceKind, Stage};

use crate::build::{Desired, Group, file_id};
use crate::context::Context;
use crate::node::admin::sudoers_path;
use crate::pgsql::paths;
use crate::pooler::{self, Pooler};
use crate::view::View;
use crate::{etcd, proxy, vip};

/// What goes on beside an instance on its node.
#[derive(Debug, Clone, Copy)]
pub struct Stays {
    /// HAProxy; see [`proxy_is_free`].
    pub proxy: bool,
    /// keepalived, for an address of the node's own.
    pub vip: bool,
}

impl Stays {
    /// What goes on on a host without its PostgreSQL instance.
    pub fn on(inventory: &Inventory, host: &str) -> Self {
        let node = inventory.nodes.get(host);
        Self {
            proxy: !proxy_is_free(inventory, host),
            vip: node.is_some_and(|node| node.vip.is_some()),
        }
    }
}

/// What the node of one instance has to undo when only that instance leaves its cluster. Keys in
/// etcd stay: they are the cluster's.
pub fn removed_instance(cluster: &PgCluster, stays: Stays) -> Vec<Resource> {
    let mut desired = Desired::default();
    let mut group = cleanup(&mut desired, Module::Pgsql, &cluster.name);
    instance(&mut group, cluster, stays);
    finish(desired)
}

/// How HAProxy and keepalived of a node go on without its PostgreSQL instance, where they do.
///
/// # Errors
/// What cannot be rendered, and missing facts of the node.
pub fn staying(
    inventory: &Inventory,
    host: &str,
    facts: &BTreeMap<String, Facts>,
    context: &Context,
) -> Result<Vec<Resource>, Vec<Diagnostic>> {
    let stays = Stays::on(inventory, host);
    let mut desired = Desired::default();
    let mut view = View::new(inventory, host, facts, context).map_err(|one| vec![one])?;
    view.postgres = None;
    if stays.proxy {
        proxy::resources(&view, &mut desired);
    }
    if stays.vip {
        vip::resources(&view, &mut desired);
    }
    let is_configuration = |one: &Resource| {
        let files = [proxy::CONFIG, vip::CONFIG].map(file_id);
        matches!(one.kind, ResourceKind::Unit(_)) || files.contains(&one.id)
    };
    let mut resources = desired.finish()?;
    resources.retain(is_configuration);
    Ok(resources)
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
    instance(&mut group, cluster, Stays::on(inventory, host));
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
    group.data_absent(&store.data, "member");
    finish(desired)
}

fn instance(group: &mut Group<'_>, cluster: &PgCluster, stays: Stays) {
    if !stays.proxy {
        group.retired(proxy::UNIT, proxy::CONFIG, &proxy::FURTHER);
    }
    if cluster.settings.pgbouncer {
        for pooler in Pooler::BOTH {
            group.stopped(pooler.unit());
        }
    } else {
        for pooler in Pooler::BOTH {
            pooler.retired(group);
        }
    }
    if !stays.vip {
        group.retired(vip::UNIT, vip::CONFIG, &[]);
    }
    group.stopped(PATRONI_SERVICE);
    group.absent(paths::PATRONI_UNIT, false);
    for path in paths::PATRONI_FILES {
        group.absent(path, false);
    }
    if cluster.settings.pgbouncer {
        group.absent(pooler::DIRECTORY, true);
        group.absent(pooler::DROP_IN_DIRECTORY, true);
        group.absent(pooler::PRIMARY_UNIT_PATH, false);
    }
    group.absent("/etc/cron.d/sty-postgres", false);
    group.absent(&sudoers_path(&cluster.settings.dbsu), false);
    if !cluster.settings.data.starts_with("/pg/") {
        group.data_absent(&cluster.settings.data, "PG_VERSION");
    }
    let programs = paths::parent(&cluster.settings.bin_dir);
    if programs == "/usr/pgsql" {
        group.absent(programs, false);
    }
    // The link last: by it the node is known to hold what is not gone yet.
    group.absent(&paths::home(cluster), true);
    group.absent(paths::HOME_LINK, false);
}

fn cleanup<'a>(desired: &'a mut Desired, module: Module, cluster: &str) -> Group<'a> {
    desired.group(module, Stage::Cleanup, Some(cluster))
}

fn finish(desired: Desired) -> Vec<Resource> {
    // Nothing here renders, so nothing can fail.
    desired.finish().unwrap_or_default()
}
