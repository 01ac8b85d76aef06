//! Packages: one transaction for everything that the node's modules need.

use std::collections::BTreeSet;

use sty_catalog::{Catalog, CatalogError, Os, Role};
use sty_core::Diagnostic;
use sty_inventory::model::{Inventory, Node, PgCluster, Presence};
use sty_wire::resource::{Module, ResourceKind, Stage};

use crate::build::Desired;
use crate::view::{View, member};

pub(super) fn resources(view: &View<'_>, desired: &mut Desired) {
    let facts = view.facts;
    let found = os(
        view.context.catalogue,
        &facts.os,
        &facts.os_version,
        &view.node.host,
    );
    let Some(os) = desired.take(found) else {
        return;
    };
    match packages(view.inventory, view.node, os) {
        Ok(names) => desired
            .group(Module::Node, Stage::Base, None)
            .push("packages", ResourceKind::Packages { names }),
        Err(problems) => problems.into_iter().for_each(|one| desired.problem(one)),
    }
}

/// The catalogue's row for a node's operating system.
pub(crate) fn os<'a>(
    catalogue: &'a Catalog,
    id: &str,
    version: &str,
    host: &str,
) -> Result<&'a Os, Diagnostic> {
    catalogue
        .detect(id, version)
        .map_err(|error| lacking(host, &error))
}

/// Names of every package that a node of this operating system needs.
///
/// # Errors
/// One diagnostic for each role that the system has no packages for.
pub fn packages(
    inventory: &Inventory,
    node: &Node,
    os: &Os,
) -> Result<BTreeSet<String>, Vec<Diagnostic>> {
    let mut names = BTreeSet::new();
    let mut problems = Vec::new();
    for (role, major) in roles(inventory, node) {
        match os.packages(role, major) {
            Ok(found) => names.extend(found),
            Err(error) => problems.push(lacking(&node.host, &error)),
        }
    }
    names.extend(node.settings.packages.iter().cloned());
    for cluster in clusters(inventory, node) {
        names.extend(cluster.settings.packages.iter().cloned());
    }
    if problems.is_empty() {
        Ok(names)
    } else {
        Err(problems)
    }
}

/// Names of the packages that a member of `cluster` runs from: PostgreSQL with what belongs to it,
/// and Patroni. Those that an operating system lacks are left out.
pub fn cluster_packages(cluster: &PgCluster, os: &Os) -> BTreeSet<String> {
    let major = cluster.version;
    let roles = [
        (Role::PostgresqlServer, major),
        (Role::PostgresqlClient, major),
        (Role::PostgresqlContrib, major),
        (Role::PostgresqlRepack, major),
        (Role::Patroni, 0),
    ];
    let found = roles.map(|(role, major)| os.packages(role, major).unwrap_or_default());
    let own = cluster.settings.packages.iter().cloned();
    found.into_iter().flatten().chain(own).collect()
}

fn roles(inventory: &Inventory, node: &Node) -> BTreeSet<(Role, u32)> {
    let mut roles = BTreeSet::from([(Role::Node, 0)]);
    if node.settings.ntp_servers.is_some() {
        roles.insert((Role::Chrony, 0));
    }
    if has_jobs(inventory, node) {
        roles.insert((Role::Cron, 0));
    }
    if node.haproxy.enabled {
        roles.insert((Role::Haproxy, 0));
    }
    let has_member = |etcd: &sty_inventory::model::EtcdCluster| {
        etcd.members.iter().any(|member| member.host == node.host)
    };
    if inventory.etcd.as_ref().is_some_and(has_member) {
        roles.extend([(Role::EtcdServer, 0), (Role::EtcdClient, 0)]);
    }
    for cluster in clusters(inventory, node) {
        let major = cluster.version;
        roles.extend([
            (Role::PostgresqlServer, major),
            (Role::PostgresqlClient, major),
            (Role::PostgresqlContrib, major),
            (Role::Patroni, 0),
        ]);
        if cluster.settings.pgbouncer {
            roles.insert((Role::Pgbouncer, 0));
        }
        if has_repack(cluster) {
            roles.insert((Role::PostgresqlRepack, major));
        }
    }
    if has_virtual_ip(inventory, node) {
        roles.insert((Role::Keepalived, 0));
    }
    roles
}

/// Whether cron has something to do.
pub(super) fn has_jobs(inventory: &Inventory, node: &Node) -> bool {
    let of_cluster = |cluster: &PgCluster| !cluster.settings.crontab.is_empty();
    !node.settings.crontab.is_empty() || clusters(inventory, node).any(of_cluster)
}

fn has_virtual_ip(inventory: &Inventory, node: &Node) -> bool {
    node.vip.is_some() || clusters(inventory, node).any(|cluster| cluster.vip.is_some())
}

fn clusters<'a>(inventory: &'a Inventory, node: &Node) -> impl Iterator<Item = &'a PgCluster> {
    member(inventory, node).into_iter().map(|one| one.cluster)
}

fn has_repack(cluster: &PgCluster) -> bool {
    let mut declared = cluster
        .default_extensions
        .iter()
        .chain(cluster.databases.iter().flat_map(|one| &one.extensions));
    declared.any(|one| one.name == "pg_repack" && one.state == Presence::Present)
}

fn lacking(host: &str, error: &CatalogError) -> Diagnostic {
    Diagnostic::error("desired/no-package", format!("node `{host}`: {error}"))
        .help("choose a version or an operating system that the catalogue has: `sty repo list`")
}
