//! Patroni clusters across nodes: the leader before the others, restarts one member at a time.

mod heal;
mod restarts;
mod script;
mod seat;

use std::collections::{BTreeMap, BTreeSet};

use sty_core::Risk;
use sty_wire::action::Op;
use sty_wire::resource::{BootRole, ResourceKind, Stage};

use crate::candidate::{Candidate, Hold, Key};

use crate::{NodeInput, Options, Plan, Unwanted};
use restarts::postgres_restarts;
pub(crate) use script::Script;
pub(crate) use seat::{Seat, best_candidate, clusters, hindrance, is_leader, replicas_first};

/// Adds the order among the members of each cluster, and restarts.
pub(crate) fn sequence(
    nodes: &[NodeInput<'_>],
    options: &Options,
    candidates: &mut Vec<Candidate>,
    plan: &mut Plan,
) {
    let dcs: Vec<Key> = candidates
        .iter()
        .filter(|c| matches!(c.stage, Stage::Etcd | Stage::EtcdAuth) && c.held.is_none())
        .map(|c| c.key.clone())
        .collect();
    let by_key: BTreeMap<Key, usize> = candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| (candidate.key.clone(), index))
        .collect();
    for seats in clusters(nodes).values() {
        start_order(seats, &dcs, &by_key, candidates);
        heal::copy_anew(seats, &by_key, candidates);
        take_up_settings(seats, nodes, candidates);
        let restarts = service_restarts(seats, options, &by_key, candidates);
        postgres_restarts(seats, options, restarts, candidates);
        find_unwanted(seats, plan);
    }
}

/// Everyone waits for etcd; where no data exists yet, the others wait for the one that makes it.
fn start_order(
    seats: &[Seat<'_>],
    dcs: &[Key],
    by_key: &BTreeMap<Key, usize>,
    candidates: &mut [Candidate],
) {
    let exists = seats
        .iter()
        .any(|s| s.leads() || s.view.is_some_and(|v| v.initialized));
    let boot = seats
        .iter()
        .find(|seat| seat.member.boot == BootRole::Leader);
    let boot_key = boot.map(Seat::key).filter(|key| by_key.contains_key(key));
    for seat in seats {
        let Some(&index) = by_key.get(&seat.key()) else {
            continue;
        };
        let candidate = &mut candidates[index];
        candidate.needs.extend(dcs.iter().cloned());
        if !exists && seat.member.boot == BootRole::Replica {
            candidate.needs.extend(boot_key.clone());
            let left_out = boot.filter(|boot| boot.outside);
            candidate.held = left_out.map(|boot| Hold::Outside(boot.member.name.clone()));
        }
    }
}

/// Once the leader's node has stored a changed dynamic configuration, every other member's node
/// sees that its PostgreSQL takes it up.
fn take_up_settings(seats: &[Seat<'_>], nodes: &[NodeInput<'_>], candidates: &mut Vec<Candidate>) {
    let config = |node: usize| {
        let resources = nodes[node].resources.iter();
        let mut configs =
            resources.filter(|r| matches!(r.kind, ResourceKind::PatroniConfig { .. }));
        configs.next().map(|resource| resource.id.clone())
    };
    let Some(leader) = seats.iter().find(|seat| seat.leads()) else {
        return;
    };
    let Some(stores) = config(leader.node).map(|id| (leader.node, id)) else {
        return;
    };
    if !candidates.iter().any(|candidate| candidate.key == stores) {
        return;
    }
    let runs = |seat: &&Seat<'_>| {
        !seat.outside && !seat.leads() && seat.view.is_some_and(|view| view.running)
    };
    for seat in seats.iter().filter(runs) {
        let Some(resource) = config(seat.node) else {
            continue;
        };
        let key = (seat.node, resource.clone());
        if candidates.iter().any(|candidate| candidate.key == key) {
            continue;
        }
        let title = format!("see PostgreSQL {} take the settings up", seat.member.name);
        let op = Op::Converge { resource };
        let scope = &seat.member.scope;
        let mut candidate = Candidate::operation(seat.node, scope, Stage::Dynamic, op, title);
        candidate.key = key;
        "the cluster's settings change".clone_into(&mut candidate.reason);
        candidate.risk = Risk::Reload;
        candidate.needs.push(stores.clone());
        candidates.push(candidate);
    }
}

/// Restarts of the Patroni service itself: replicas first, one after the other, the leader last;
/// only when restarts were asked for.
fn service_restarts(
    seats: &[Seat<'_>],
    options: &Options,
    by_key: &BTreeMap<Key, usize>,
    candidates: &mut [Candidate],
) -> Option<Key> {
    let mut previous: Option<Key> = None;
    for seat in replicas_first(seats) {
        let Some(&index) = by_key.get(&seat.key()) else {
            continue;
        };
        let candidate = &mut candidates[index];
        if candidate.risk < Risk::Restart {
            continue;
        }
        if !options.restart {
            candidate.held = Some(Hold::Restart);
            continue;
        }
        candidate.needs.extend(previous.take());
        previous = Some(seat.key());
    }
    previous
}

/// Members that Patroni lists and the inventory does not.
fn find_unwanted(seats: &[Seat<'_>], plan: &mut Plan) {
    let found: BTreeSet<Unwanted> = seats
        .iter()
        .flat_map(|seat| {
            let peers = seat.view.map(|v| v.members.as_slice()).unwrap_or_default();
            peers
                .iter()
                .filter(|peer| !seat.member.members.contains(&peer.name) && peer.state != "stopped")
                .filter(|peer| !seats.iter().any(|seat| seat.is_at(&peer.host)))
                .map(|peer| Unwanted {
                    cluster: seat.member.scope.clone(),
                    member: peer.name.clone(),
                    address: peer.host.clone(),
                    leads: matches!(peer.role.as_str(), "leader" | "standby_leader"),
                })
        })
        .collect();
    plan.unwanted.extend(found);
}
