//! When a cluster's dynamic configuration is stored, and who takes it up.

use std::collections::BTreeSet;

use sty_core::Risk;
use sty_wire::action::Op;
use sty_wire::observation::{Change, Observation};
use sty_wire::resource::{ResourceKind, Stage};

use super::Seat;
use crate::NodeInput;
use crate::candidate::{Candidate, Key};

/// While no server of the cluster leads, none may start with the settings as they are: then one
/// node stores the changed ones before the members are brought up.
pub(super) fn before_members(
    seats: &[Seat<'_>],
    nodes: &[NodeInput<'_>],
    candidates: &mut Vec<Candidate>,
) {
    let differing = differing(seats, nodes);
    let leader = differing.iter().find(|(seat, _)| seat.serves());
    let inside = differing.iter().find(|(seat, _)| !seat.outside);
    let Some((_, chosen)) = leader.or(inside).or(differing.first()) else {
        return;
    };
    let others: Vec<&Key> = differing.iter().map(|(_, key)| key).collect();
    candidates.retain(|one| one.key == *chosen || !others.contains(&&one.key));
    if leader.is_some() {
        return;
    }
    for candidate in candidates {
        if candidate.key == *chosen {
            candidate.stage = Stage::Postgres;
        } else if seats.iter().any(|seat| seat.key() == candidate.key) {
            candidate.needs.push(chosen.clone());
        }
    }
}

/// Members whose nodes saw another dynamic configuration than the wanted one.
fn differing<'a, 'b>(seats: &'b [Seat<'a>], nodes: &[NodeInput<'_>]) -> Vec<(&'b Seat<'a>, Key)> {
    let keys = seats.iter().filter_map(|seat| {
        let id = config(nodes, seat.node)?;
        let found = nodes[seat.node].observations.get(&id);
        let differs = matches!(found, Some(Observation::Drift { .. }));
        differs.then_some((seat, (seat.node, id)))
    });
    keys.collect()
}

/// Once the leader's node has stored a changed dynamic configuration, every other member's node
/// sees that its PostgreSQL takes it up.
pub(super) fn take_up(
    seats: &[Seat<'_>],
    nodes: &[NodeInput<'_>],
    candidates: &mut Vec<Candidate>,
) {
    let Some(leader) = seats.iter().find(|seat| seat.serves()) else {
        return;
    };
    let Some(stores) = config(nodes, leader.node).map(|id| (leader.node, id)) else {
        return;
    };
    let Some(storing) = candidates.iter().find(|one| one.key == stores) else {
        return;
    };
    let changed = storing.changes.iter().filter_map(Change::parameter);
    let parameters: BTreeSet<String> = changed.map(str::to_owned).collect();
    if parameters.is_empty() {
        return;
    }
    let runs = |seat: &&Seat<'_>| !seat.outside && !seat.leads() && seat.answers();
    for seat in seats.iter().filter(runs) {
        let Some(resource) = config(nodes, seat.node) else {
            continue;
        };
        let key = (seat.node, resource.clone());
        if candidates.iter().any(|candidate| candidate.key == key) {
            continue;
        }
        let title = format!("see PostgreSQL {} take the settings up", seat.member.name);
        let op = Op::TakeUp {
            resource,
            parameters: parameters.clone(),
        };
        let scope = &seat.member.scope;
        let mut candidate = Candidate::operation(seat.node, scope, Stage::Dynamic, op, title);
        candidate.key = key;
        "the cluster's settings change".clone_into(&mut candidate.reason);
        candidate.risk = Risk::Reload;
        candidate.needs.push(stores.clone());
        candidates.push(candidate);
    }
}

/// The dynamic configuration among the resources of a node.
fn config(nodes: &[NodeInput<'_>], node: usize) -> Option<String> {
    let mut resources = nodes[node].resources.iter();
    let found = resources.find(|r| matches!(r.kind, ResourceKind::PatroniConfig { .. }))?;
    Some(found.id.clone())
}
