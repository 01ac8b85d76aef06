//! Roles and databases: the leader's node acts, every member's node has them.

use sty_inventory::model::{PgCluster, Presence};
use sty_wire::resource::{Module, PostgresAccess, ResourceKind, Stage};

use super::{databases, roles};
use crate::build::Desired;
use crate::view::{Member, View};

pub(super) fn resources(view: &View<'_>, desired: &mut Desired, member: Member<'_>) {
    let cluster = member.cluster;
    // A standby cluster has what its upstream has.
    if !cluster.settings.provision || cluster.upstream.is_some() {
        return;
    }
    let postgres = postgres_access(cluster);
    let mut group = desired.group(Module::Pgsql, Stage::Objects, Some(&cluster.name));
    // Who goes, goes last: what they own is looked for in the databases that stay.
    let (present, absent): (Vec<_>, Vec<_>) = cluster
        .roles
        .iter()
        .partition(|role| role.state == Presence::Present);
    let role = |role: &sty_inventory::model::Role| {
        (
            format!("role:{}/{}", cluster.name, role.name),
            ResourceKind::Role {
                postgres: postgres.clone(),
                role: roles::spec(view.context, cluster, role),
            },
        )
    };
    for (id, kind) in present.into_iter().map(role) {
        group.push(id, kind);
    }
    for spec in databases::specs(cluster) {
        group.push(
            format!("database:{}/{}", cluster.name, spec.name),
            ResourceKind::Database {
                postgres: postgres.clone(),
                database: Box::new(spec),
            },
        );
    }
    for (id, kind) in absent.into_iter().map(role) {
        group.push(id, kind);
    }
}

/// How to reach PostgreSQL on its own node.
pub(crate) fn postgres_access(cluster: &PgCluster) -> PostgresAccess {
    PostgresAccess {
        socket_dir: cluster.settings.socket_dir.clone(),
        port: cluster.settings.port,
        user: cluster.settings.dbsu.clone(),
    }
}
