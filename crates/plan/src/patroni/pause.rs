//! Maintenance mode: Patroni starts and promotes nothing by itself.

use std::collections::{BTreeMap, BTreeSet};

use sty_wire::resource::{ResourceKind, Stage};

use super::Seat;
use crate::NodeInput;
use crate::candidate::{Candidate, Key};

/// Clusters of the run that are paused, and not because the inventory says so.
pub(super) fn unasked(
    clusters: &BTreeMap<&str, Vec<Seat<'_>>>,
    nodes: &[NodeInput<'_>],
) -> BTreeSet<String> {
    let paused = |seat: &Seat<'_>| seat.view.is_some_and(|view| view.paused);
    let unasked = |seat: &Seat<'_>| config(seat, nodes).is_some_and(|(_, wanted)| !wanted);
    let found = clusters.iter().filter(|(_, seats)| {
        let concerned = seats.iter().any(|seat| !seat.outside);
        concerned && seats.iter().any(paused) && seats.iter().any(unasked)
    });
    found.map(|(name, _)| (*name).to_owned()).collect()
}

/// A cluster that the inventory wants paused is paused once its members are up: afterwards they
/// would not get there.
pub(super) fn last(seats: &[Seat<'_>], nodes: &[NodeInput<'_>], candidates: &mut [Candidate]) {
    let members: Vec<Key> = seats.iter().map(Seat::key).collect();
    let configs = seats.iter().filter_map(|seat| config(seat, nodes));
    let pausing: BTreeSet<Key> = configs
        .filter_map(|(key, wanted)| wanted.then_some(key))
        .collect();
    for candidate in candidates {
        if candidate.stage == Stage::Dynamic && pausing.contains(&candidate.key) {
            candidate.needs.extend(members.iter().cloned());
        }
    }
}

/// The dynamic configuration on a member's node, and whether it pauses the cluster.
fn config(seat: &Seat<'_>, nodes: &[NodeInput<'_>]) -> Option<(Key, bool)> {
    let mut resources = nodes[seat.node].resources.iter();
    resources.find_map(|resource| match &resource.kind {
        ResourceKind::PatroniConfig { config, .. } => {
            let key = (seat.node, resource.id.clone());
            Some((key, config["pause"] == true))
        }
        _ => None,
    })
}
