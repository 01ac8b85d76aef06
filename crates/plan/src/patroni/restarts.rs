//! Restarts of PostgreSQL that pending settings ask for.

use std::collections::{BTreeMap, BTreeSet};

use sty_core::Risk;
use sty_wire::action::Op;
use sty_wire::observation::Change;
use sty_wire::resource::ResourceKind;

use super::script::Script;
use super::seat::{Seat, best_candidate, restart_order};
use super::sizes::Sizes;
use crate::candidate::{Candidate, Hold, Key};
use crate::restart::resource_of;
use crate::{NodeInput, Options};

/// Replicas first, then the primary, which hands over before. Where a setting that replicas must
/// not have less of gets smaller, the primary is restarted first, where it is: a new one would
/// have the old value and keep it; where another one gets larger, the replicas also before that.
/// Members outside are left alone, but a primary that must come
/// first is waited for. Those in `restarted` have restarted with their Patroni, the last one last.
pub(super) fn postgres_restarts(
    seats: &[Seat<'_>],
    nodes: &[NodeInput<'_>],
    options: &Options,
    restarted: &[Key],
    candidates: &mut Vec<Candidate>,
) {
    let waiting: BTreeMap<Key, Vec<&Change>> = seats
        .iter()
        .map(|seat| (seat.key(), waiting(seat, nodes, candidates)))
        .collect();
    let pending =
        |seat: &&Seat<'_>| !waiting[&seat.key()].is_empty() && !restarted.contains(&seat.key());
    let leaders = seats.iter().filter(|seat| seat.leads());
    let sizes = Sizes::of(leaders.flat_map(|seat| waiting[&seat.key()].iter().copied()));
    let shrinks = sizes.shrinks;
    let concerned = |seat: &&Seat<'_>| !seat.outside || (seat.leads() && shrinks);
    let order: Vec<&Seat<'_>> = restart_order(seats, sizes)
        .into_iter()
        .filter(pending)
        .filter(concerned)
        .collect();
    let mut script = Script::new(seats, restarted.last().cloned(), false);
    for seat in order {
        script.because(told(&waiting[&seat.key()]));
        let members = seat.view.map(|view| view.members.as_slice());
        match members.and_then(|members| best_candidate(&seat.member.name, members)) {
            _ if seat.outside => script.restart(seat),
            _ if !seat.leads() => script.restart_replica(seat),
            Some(next) if !shrinks => {
                script.switch_over(seat, &next.name, false);
                script.restart_replica(seat);
            }
            _ => script.restart_leader(seat),
        }
    }
    let steps = script.finish().into_iter();
    candidates.extend(steps.filter_map(|step| match options.restart {
        true => Some(step),
        false => held(step),
    }));
}

/// What nobody has asked for yet is told without its small steps.
fn held(step: Candidate) -> Option<Candidate> {
    (step.risk >= Risk::Restart).then_some(Candidate {
        held: Some(Hold::Restart),
        ..step
    })
}

/// Settings that wait for a restart of the member. Those that the plan itself changes are judged
/// when they have changed: they may be taken back.
fn waiting<'a>(
    seat: &Seat<'a>,
    nodes: &[NodeInput<'_>],
    candidates: &[Candidate],
) -> Vec<&'a Change> {
    let changes = |candidate: &&Candidate| {
        let Op::Converge { resource } = &candidate.op else {
            return false;
        };
        let found = resource_of(&nodes[candidate.key.0], resource);
        candidate.held.is_none()
            && found.is_some_and(|found| match &found.kind {
                ResourceKind::PatroniConfig { .. } => {
                    found.cluster.as_deref() == Some(&seat.member.scope)
                }
                _ => candidate.key == seat.key(),
            })
    };
    let changed = candidates.iter().filter(changes);
    let changed = changed.flat_map(|candidate| &candidate.changes);
    let changed: BTreeSet<&str> = changed.map(Change::setting).collect();
    seat.pending()
        .filter(|change| !changed.contains(change.what.as_str()))
        .collect()
}

fn told(waiting: &[&Change]) -> String {
    let names: Vec<&str> = waiting.iter().map(|change| change.what.as_str()).collect();
    format!("{} wait for a restart", names.join(", "))
}
