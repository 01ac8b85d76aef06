//! Replicas that only a fresh copy of the data brings back.

use std::collections::BTreeMap;

use sty_core::Risk;
use sty_wire::action::Op;
use sty_wire::observation::PatroniView;
use sty_wire::resource::Stage;
use sty_wire::standing::Condition;

use super::seat::Seat;
use crate::candidate::{Candidate, Key};

/// Copies such replicas anew, one after the other. What they have is of no use and is had by the
/// leader, which must be there: it needs no leave, and never concerns the leader itself.
pub(super) fn copy_anew(
    seats: &[Seat<'_>],
    by_key: &BTreeMap<Key, usize>,
    candidates: &mut Vec<Candidate>,
) {
    let Some(leader) = seats.iter().find(|seat| seat.leads()) else {
        return;
    };
    // A standby cluster's leader streams itself.
    let serves = |state: &str| matches!(state, "running" | "streaming");
    // What is copied is deleted first: a leader whose own files are broken gives no copy.
    let broken = |view: &PatroniView| view.standing.condition == Some(Condition::DataBroken);
    if leader
        .view
        .is_none_or(|view| !serves(&view.state) || broken(view))
    {
        return;
    }
    let mut previous: Option<Key> = None;
    for seat in seats.iter().filter(|seat| !seat.leads()) {
        let Some(condition) = condition(seat, seats, leader).filter(|one| one.needs_copy()) else {
            continue;
        };
        let op = Op::Reinitialize {
            member: seat.id.to_owned(),
        };
        let title = format!("copy {} anew", seat.member.name);
        let scope = &seat.member.scope;
        let mut candidate = Candidate::operation(seat.node, scope, Stage::Postgres, op, title);
        candidate.reason = condition.words().to_owned();
        candidate.risk = Risk::Restart;
        candidate.needs.extend(previous.take());
        candidate
            .needs
            .extend(by_key.get(&leader.key()).map(|_| leader.key()));
        if let Some(drop) = drop_slot(leader, &seat.member.name) {
            candidate.needs.push(drop.key.clone());
            candidates.push(drop);
        }
        let key = candidate.key.clone();
        // What else is to be done for the member waits for its data.
        if let Some(&index) = by_key.get(&seat.key()) {
            candidates[index].needs.push(key.clone());
        }
        previous = Some(key);
        candidates.push(candidate);
    }
}

/// Why a replica is not well, with what is known of the one that it follows.
fn condition(seat: &Seat<'_>, seats: &[Seat<'_>], leader: &Seat<'_>) -> Option<Condition> {
    let standing = &seat.view?.standing;
    let view = leader.view?;
    let peer = view
        .members
        .iter()
        .find(|peer| peer.name == seat.member.name);
    let follows = peer.and_then(|peer| peer.follows.as_deref());
    let upstream = seats
        .iter()
        .find(|one| Some(one.member.name.as_str()) == follows);
    let runs = |one: &&Seat<'_>| one.view.is_some_and(|view| view.state == "streaming");
    let upstream = upstream.filter(runs).unwrap_or(leader);
    standing.behind(&seat.member.name, &upstream.view?.standing)
}

/// The slot of a replica that has lost its log is of no more use, whatever the replica has.
fn drop_slot(leader: &Seat<'_>, replica: &str) -> Option<Candidate> {
    let slot = leader.view?.standing.slot_of(replica)?;
    let op = Op::DropLostSlot {
        member: leader.id.to_owned(),
        slot: slot.name.clone(),
    };
    let title = format!("drop the slot of {replica}");
    let scope = &leader.member.scope;
    let mut candidate = Candidate::operation(leader.node, scope, Stage::Postgres, op, title);
    "it keeps nothing any more; Patroni makes a new one".clone_into(&mut candidate.reason);
    slot.lost.then_some(candidate)
}
