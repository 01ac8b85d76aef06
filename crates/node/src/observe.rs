//! Comparing all resources of a node at once: files first, since others ask which of them
//! differ, then everything slow side by side.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use sty_wire::observation::{Failure, Observation, Surroundings};
use sty_wire::protocol::Reply;
use sty_wire::resource::{Resource, ResourceKind};

use crate::context::Context;
use crate::{etcd, kinds, os, patroni, postgres};

/// Databases are looked at through connections of their own: this many side by side.
const DATABASE_LANES: usize = 4;

/// What waits for the same thing is looked at one after the other; lanes run side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    /// Quick, and asked about by the others: before them.
    Files,
    Packages,
    Units,
    Etcd,
    Patroni,
    Roles,
    Databases(usize),
}

/// Compares all of `resources`. Changes nothing.
pub(crate) fn all(resources: &[Resource]) -> Reply {
    let _keeping = postgres::Keeping::begin();
    let units = resources.iter().filter_map(kinds::unit);
    let context = Context::new(Arc::new(|_| ()), units.map(str::to_owned).collect());
    let mut lanes = sort(resources);
    let mut observations = BTreeMap::new();
    for resource in lanes.remove(&Lane::Files).unwrap_or_default() {
        observations.insert(resource.id.clone(), kinds::observe(resource, &context));
    }
    let mut surroundings = Surroundings::default();
    thread::scope(|scope| {
        let running: Vec<_> = lanes
            .values()
            .map(|lane| (lane, scope.spawn(|| look(lane, &context))))
            .collect();
        for (lane, thread) in running {
            match thread.join() {
                Ok((seen, around)) => {
                    observations.extend(seen);
                    surroundings.etcd = surroundings.etcd.take().or(around.etcd);
                    surroundings.patroni.extend(around.patroni);
                }
                Err(_) => observations.extend(lane.iter().map(|resource| {
                    let failure = Failure::message("looking at this broke off: a fault of sty");
                    (resource.id.clone(), Observation::Failed { failure })
                })),
            }
        }
    });
    if surroundings.etcd.is_none() {
        surroundings.stray_etcd = etcd::present();
    }
    if surroundings.patroni.is_empty() {
        surroundings.stray_patroni = patroni::stray();
    }
    for resource in resources {
        let notes = [
            postgres::note(resource, &context),
            os::drop_ins::note(resource),
            etcd::note(resource, &context),
        ];
        surroundings.notes.extend(notes.into_iter().flatten());
        if let ResourceKind::Role { postgres, .. } = &resource.kind
            && let Some(cluster) = &resource.cluster
            && !surroundings.objects.contains_key(cluster)
            && let Some(objects) = postgres::objects(postgres, &context)
        {
            surroundings.objects.insert(cluster.clone(), objects);
        }
    }
    Reply::Observed {
        observations,
        surroundings,
    }
}

fn look(lane: &[&Resource], context: &Context) -> (BTreeMap<String, Observation>, Surroundings) {
    let mut surroundings = Surroundings::default();
    let mut observations = BTreeMap::new();
    for resource in lane {
        observations.insert(resource.id.clone(), kinds::observe(resource, context));
        match &resource.kind {
            ResourceKind::EtcdMember(member) => {
                surroundings.etcd = Some(etcd::view(member, context));
            }
            ResourceKind::PatroniMember(member) => {
                let view = patroni::view(member, context);
                surroundings.patroni.insert(member.scope.clone(), view);
            }
            _ => {}
        }
    }
    (observations, surroundings)
}

fn sort(resources: &[Resource]) -> BTreeMap<Lane, Vec<&Resource>> {
    let mut lanes: BTreeMap<Lane, Vec<&Resource>> = BTreeMap::new();
    for (position, resource) in resources.iter().enumerate() {
        let lane = lane(resource, position);
        lanes.entry(lane).or_default().push(resource);
    }
    lanes
}

fn lane(resource: &Resource, position: usize) -> Lane {
    match &resource.kind {
        ResourceKind::Packages { .. } | ResourceKind::PackageVersions { .. } => Lane::Packages,
        ResourceKind::Unit(_) | ResourceKind::Retired { .. } => Lane::Units,
        ResourceKind::EtcdMember(_)
        | ResourceKind::EtcdAuth(_)
        | ResourceKind::EtcdScopeAbsent { .. } => Lane::Etcd,
        ResourceKind::PatroniMember(_) | ResourceKind::PatroniConfig { .. } => Lane::Patroni,
        ResourceKind::Role { .. } => Lane::Roles,
        ResourceKind::Database { .. } => Lane::Databases(position % DATABASE_LANES),
        _ => Lane::Files,
    }
}
