//! Patroni clusters across nodes: the leader before the others, restarts one member at a time.

mod heal;
mod pause;
mod restarts;
mod script;
mod seat;
mod settings;
mod sizes;

use std::collections::{BTreeMap, BTreeSet};

use sty_core::Risk;
use sty_wire::resource::{BootRole, Stage};

use crate::candidate::{Candidate, Hold, Key};

use crate::{NodeInput, Options, Plan, Unwanted, stray};
use restarts::postgres_restarts;
pub(crate) use script::Script;
pub(crate) use seat::{
    Seat, best_candidate, clusters, hindrance, is_leader, led_from_outside, replicas_first,
    restart_order, unfit,
};
pub(crate) use sizes::Sizes;
pub use sizes::shrinks;

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
    let clusters = clusters(nodes);
    for seats in clusters.values() {
        settings::before_members(seats, nodes, candidates);
    }
    let by_key: BTreeMap<Key, usize> = candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| (candidate.key.clone(), index))
        .collect();
    for seats in clusters.values() {
        start_order(seats, &dcs, &by_key, candidates);
        heal::copy_anew(seats, &by_key, candidates);
        settings::take_up(seats, nodes, candidates);
        let restarts = service_restarts(seats, options, &by_key, candidates);
        postgres_restarts(seats, nodes, options, &restarts, candidates);
        find_unwanted(seats, nodes, plan);
        pause::last(seats, nodes, candidates);
    }
    plan.paused = pause::unasked(&clusters, nodes);
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

/// Restarts of the Patroni service itself, and with it of PostgreSQL: replicas first, one after the
/// other, then the leader, which hands over before; only when restarts were asked for. Returns the
/// members, in this order.
fn service_restarts(
    seats: &[Seat<'_>],
    options: &Options,
    by_key: &BTreeMap<Key, usize>,
    candidates: &mut Vec<Candidate>,
) -> Vec<Key> {
    let mut restarts: Vec<Key> = Vec::new();
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
        let (before, steps) = prepare(seat, seats, restarts.last());
        candidate.needs.extend(before);
        candidates.extend(steps);
        restarts.push(seat.key());
    }
    restarts
}

/// What a restart of a member's Patroni waits for, and the steps about it. Of a leader: another
/// member leads before, and the clients of every pooler wait for that; where nobody can take over
/// they wait until it is back. The Patroni of a paused cluster leaves its server as it is.
fn prepare(
    seat: &Seat<'_>,
    seats: &[Seat<'_>],
    previous: Option<&Key>,
) -> (Vec<Key>, Vec<Candidate>) {
    let before: Vec<Key> = previous.cloned().into_iter().collect();
    let Some(view) = seat.view.filter(|view| seat.leads() && !view.paused) else {
        return (before, Vec::new());
    };
    let mut script = Script::new(seats, previous.cloned(), false);
    script.because("its Patroni restarts");
    let before = match best_candidate(&seat.member.name, &view.members) {
        Some(next) => {
            script.switch_over(seat, &next.name, false);
            script.last()
        }
        None => script.around(seat, seat.key()),
    };
    let steps = script.finish().into_iter();
    let steps = steps.map(|step| Candidate {
        stage: Stage::Postgres,
        last: false,
        ..step
    });
    (before, steps.collect())
}

/// Members that Patroni lists and the inventory does not. One that has stopped may have gone; one
/// whose node has its data has not.
fn find_unwanted(seats: &[Seat<'_>], nodes: &[NodeInput<'_>], plan: &mut Plan) {
    let is_there = |cluster: &str, name: &str| {
        let mut strays = nodes.iter().filter_map(stray::of);
        strays.any(|stray| stray.cluster == cluster && stray.name == name)
    };
    let found: BTreeSet<Unwanted> = seats
        .iter()
        .flat_map(|seat| {
            let peers = seat.view.map(|v| v.members.as_slice()).unwrap_or_default();
            peers
                .iter()
                .filter(|peer| !seat.member.members.contains(&peer.name))
                .filter(|peer| peer.state != "stopped" || is_there(&seat.member.scope, &peer.name))
                .filter(|peer| !seats.iter().any(|seat| seat.is_at(&peer.host)))
                .map(|peer| Unwanted {
                    cluster: seat.member.scope.clone(),
                    member: peer.name.clone(),
                    address: peer.host.clone(),
                    leads: is_leader(peer),
                    left: false,
                })
        })
        .collect();
    plan.unwanted.extend(found);
}
