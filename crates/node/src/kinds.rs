//! Which code looks after which kind of resource.

use std::collections::BTreeSet;
use std::path::Path;

use sty_wire::observation::{Failure, Observation};
use sty_wire::protocol::Supply;
use sty_wire::resource::{Resource, ResourceKind};

use crate::context::Context;
use crate::{etcd, os, patroni, postgres};

/// What can only be asked over TLS waits for the authority's certificate.
fn too_early(kind: &ResourceKind) -> Option<String> {
    let authority = match kind {
        ResourceKind::EtcdAuth(auth) => &auth.access.ca_path,
        ResourceKind::PatroniConfig { patroni, .. } => &patroni.ca_path,
        _ => return None,
    };
    (!Path::new(authority).exists()).then(|| format!("{authority} does not exist"))
}

/// Compares `resource` with what is there. Changes nothing.
pub(crate) fn observe(resource: &Resource, context: &Context) -> Observation {
    if let Some(reason) = too_early(&resource.kind) {
        return Observation::Pending { reason };
    }
    match &resource.kind {
        ResourceKind::EtcdMember(member) => etcd::observe_member(member, context),
        ResourceKind::EtcdAuth(auth) => etcd::observe_auth(auth, context),
        ResourceKind::EtcdScopeAbsent { etcd, prefix, user } => {
            etcd::observe_scope_absent(etcd, prefix, user, context)
        }
        ResourceKind::PatroniMember(member) => patroni::observe_member(member, context),
        ResourceKind::PatroniConfig {
            patroni,
            postgres,
            config,
            own,
        } => patroni::observe_config(patroni, postgres, config, own, context),
        ResourceKind::Role { postgres, role } => postgres::observe_role(postgres, role, context),
        ResourceKind::Database { postgres, database } => {
            postgres::observe_database(postgres, database, context)
        }
        _ => os::observe(&resource.kind, context)
            .unwrap_or_else(|failure| Observation::Failed { failure }),
    }
}

/// Brings `resource` about. The caller looks again afterwards.
pub(crate) fn converge(
    resource: &Resource,
    context: &Context,
    supply: Option<&Supply>,
) -> Result<(), Failure> {
    match &resource.kind {
        ResourceKind::EtcdMember(member) => etcd::converge_member(member, context),
        ResourceKind::EtcdAuth(auth) => etcd::converge_auth(auth, context),
        ResourceKind::EtcdScopeAbsent { etcd, prefix, user } => {
            etcd::converge_scope_absent(etcd, prefix, user, context)
        }
        ResourceKind::PatroniMember(member) => patroni::converge_member(member, context),
        ResourceKind::PatroniConfig {
            patroni,
            postgres,
            config,
            own,
        } => patroni::converge_config(patroni, postgres, config, own, context),
        ResourceKind::Role { postgres, role } => postgres::converge_role(postgres, role, context),
        ResourceKind::Database { postgres, database } => {
            postgres::converge_database(postgres, database, context)
        }
        _ => os::converge(&resource.kind, context, supply),
    }
}

/// Does what the service that `resource` is about needs no restart for.
pub(crate) fn meanwhile(resource: &Resource, context: &Context) -> Result<(), Failure> {
    match &resource.kind {
        ResourceKind::Unit(unit) => os::unit_meanwhile(unit, context),
        ResourceKind::EtcdMember(member) => etcd::member_meanwhile(member),
        ResourceKind::PatroniMember(member) => patroni::member_meanwhile(member, context),
        _ => Err(Failure::message(format!(
            "`{}` is no service; this is a fault of sty",
            resource.id
        ))),
    }
}

/// Waits until what another node has stored for the cluster counts here: the settings `parameters`.
pub(crate) fn take_up(
    resource: &Resource,
    parameters: &BTreeSet<String>,
    context: &Context,
) -> Result<(), Failure> {
    match &resource.kind {
        ResourceKind::PatroniConfig {
            postgres,
            config,
            own,
            ..
        } => patroni::take_up(postgres, config, own, parameters, context),
        _ => Err(Failure::message(format!(
            "`{}` has no settings to take up; this is a fault of sty",
            resource.id
        ))),
    }
}

/// The systemd unit that `resource` is about.
pub(crate) fn unit(resource: &Resource) -> Option<&str> {
    match &resource.kind {
        ResourceKind::Unit(unit) => Some(&unit.name),
        ResourceKind::Retired { unit, .. } => Some(unit),
        ResourceKind::EtcdMember(member) => Some(&member.unit),
        ResourceKind::PatroniMember(member) => Some(&member.unit),
        _ => None,
    }
}
