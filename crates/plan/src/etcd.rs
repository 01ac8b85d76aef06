//! etcd across nodes: one change of membership at a time, quorum kept.

use sty_core::Risk;
use sty_wire::action::Op;
use sty_wire::observation::EtcdPeer;
use sty_wire::resource::{EtcdMember, ResourceKind, Stage};

use crate::candidate::{Candidate, Hold, Key};
use crate::{NodeInput, Plan, Unwanted};

/// An etcd member's node.
struct Seat<'a> {
    node: usize,
    id: &'a str,
    cluster: &'a str,
    member: &'a EtcdMember,
    initialized: bool,
    healthy: bool,
    leads: bool,
}

/// Adds membership changes and the order among members.
pub(crate) fn sequence(nodes: &[NodeInput<'_>], candidates: &mut Vec<Candidate>, plan: &mut Plan) {
    let seats = seats(nodes);
    // A member whose data is gone may still answer from what it holds open: not to be relied on.
    let reliable = |seat: &&Seat<'_>| seat.healthy && seat.initialized;
    let Some(healthy) = seats.iter().find(reliable) else {
        if seats.iter().all(|seat| !seat.initialized) {
            start_together(&seats, candidates);
        }
        return;
    };
    let listed = nodes[healthy.node]
        .surroundings
        .etcd
        .as_ref()
        .map(|view| view.members.as_slice())
        .unwrap_or_default();
    let mut previous: Option<Key> = None;
    // Members that have data come first: one that is down, or waits to be allowed to vote, stands
    // in the way of every change of membership. Next those that leave, which may be dead.
    let belongs = |seat: &&Seat<'_>| {
        let member = seat.member;
        let mut known = listed.iter();
        let is_expected = |peer: &EtcdPeer| peer.name == member.name && member.expects(peer);
        seat.initialized && known.any(|peer| peer.peer_url == member.peer_url || is_expected(peer))
    };
    // Nobody restarts before those that are not well, who would be missed; who leads is the last:
    // one election is enough.
    let mut restarting: Vec<&Seat<'_>> = seats.iter().filter(belongs).collect();
    restarting.sort_by_key(|seat| (seat.healthy, seat.leads));
    for seat in restarting {
        previous = chain_restart(seat, previous, candidates);
    }
    for peer in listed.iter().filter(|peer| !healthy.member.expects(peer)) {
        previous = Some(leave(peer, healthy, previous, candidates));
        plan.unwanted.push(Unwanted {
            cluster: healthy.cluster.to_owned(),
            member: known_as(peer).to_owned(),
            address: peer.address().to_owned(),
            leads: false,
            left: false,
        });
    }
    // Who has no data, or data of a membership that has ended.
    for seat in seats.iter().filter(|seat| !belongs(seat)) {
        previous = Some(join(seat, healthy, listed, previous, candidates));
        let mut others = listed.iter().filter(|peer| !healthy.member.expects(peer));
        if let Some(namesake) = others.find(|peer| peer.name == seat.member.name) {
            hold_for(namesake, seat, candidates);
        }
    }
    data_last(healthy.cluster, candidates);
}

/// A new cluster's members start when the last of their nodes is ready. When a leader is elected
/// before all answer, they agree on the oldest protocol first and correct that seconds later; until
/// then Patroni cannot use them.
fn start_together(seats: &[Seat<'_>], candidates: &mut [Candidate]) {
    let before: Vec<Key> = seats
        .iter()
        .filter_map(|seat| {
            let earlier = |c: &&Candidate| c.key.0 == seat.node && c.stage < Stage::Etcd;
            let last = candidates.iter().filter(earlier).max_by_key(|c| c.stage);
            Some(last?.key.clone())
        })
        .collect();
    for seat in seats {
        let own = |c: &&mut Candidate| c.key.0 == seat.node && c.key.1 == seat.id;
        if let Some(start) = candidates.iter_mut().find(own) {
            let others = before.iter().filter(|key| key.0 != seat.node);
            start.needs.extend(others.cloned());
        }
    }
}

/// What a member leaves behind on its node goes after it has left.
fn data_last(cluster: &str, candidates: &mut [Candidate]) {
    let leaving: Vec<Key> = candidates
        .iter()
        .filter(|c| matches!(c.op, Op::EtcdMemberRemove { .. }))
        .map(|c| c.key.clone())
        .collect();
    let left =
        |c: &&mut Candidate| c.stage == Stage::Cleanup && c.cluster.as_deref() == Some(cluster);
    for candidate in candidates.iter_mut().filter(left) {
        candidate.needs.extend(leaving.iter().cloned());
    }
}

fn seats<'a>(nodes: &'a [NodeInput<'a>]) -> Vec<Seat<'a>> {
    let mut seats = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        for resource in node.resources {
            if let ResourceKind::EtcdMember(member) = &resource.kind {
                let view = node.surroundings.etcd.as_ref();
                seats.push(Seat {
                    node: index,
                    id: &resource.id,
                    cluster: resource.cluster.as_deref().unwrap_or("etcd"),
                    member,
                    initialized: view.is_some_and(|view| view.initialized),
                    healthy: view.is_some_and(|view| view.healthy),
                    leads: view.is_some_and(|view| view.leader),
                });
            }
        }
    }
    seats
}

/// A member that has no data joins a running cluster: out with its predecessor if it lost its
/// data, in with the new one, then it starts.
fn join(
    seat: &Seat<'_>,
    via: &Seat<'_>,
    listed: &[EtcdPeer],
    mut previous: Option<Key>,
    candidates: &mut Vec<Candidate>,
) -> Key {
    let known = listed
        .iter()
        .find(|peer| peer.peer_url == seat.member.peer_url);
    if let Some(peer) = known.filter(|peer| !peer.name.is_empty()) {
        previous = Some(remove(peer, via, "its data is gone", previous, candidates));
    }
    if known.is_none_or(|peer| !peer.name.is_empty()) {
        let op = Op::EtcdMemberAdd {
            via: via.id.to_owned(),
            peer_url: seat.member.peer_url.clone(),
        };
        let title = format!("add member {} to etcd", seat.member.name);
        let mut add = Candidate::operation(via.node, via.cluster, Stage::Etcd, op, title);
        "not a member yet".clone_into(&mut add.reason);
        add.needs.extend(previous.take());
        previous = Some(add.key.clone());
        candidates.push(add);
    }
    let key: Key = (seat.node, seat.id.to_owned());
    if let Some(start) = candidates.iter_mut().find(|candidate| candidate.key == key) {
        start.needs.extend(previous);
    }
    key
}

/// etcd tells members apart by their names: one that comes to another node goes on the old one
/// first. Users and roles are not for a node to set whose member does not run.
fn hold_for(namesake: &EtcdPeer, seat: &Seat<'_>, candidates: &mut [Candidate]) {
    let joins = |candidate: &&mut Candidate| match &candidate.op {
        Op::EtcdMemberAdd { peer_url, .. } => *peer_url == seat.member.peer_url,
        _ => {
            let own = candidate.key.1 == seat.id || candidate.stage == Stage::EtcdAuth;
            own && candidate.key.0 == seat.node
        }
    };
    for candidate in candidates.iter_mut().filter(joins) {
        candidate.held = Some(Hold::Namesake {
            member: namesake.name.clone(),
            address: namesake.address().to_owned(),
        });
    }
}

/// Restarts of members wait for each other.
fn chain_restart(
    seat: &Seat<'_>,
    previous: Option<Key>,
    candidates: &mut [Candidate],
) -> Option<Key> {
    let key: Key = (seat.node, seat.id.to_owned());
    match candidates.iter_mut().find(|candidate| candidate.key == key) {
        Some(candidate) => {
            candidate.needs.extend(previous);
            Some(key)
        }
        None => previous,
    }
}

/// A member that the inventory no longer has goes, once its name was typed.
fn leave(
    peer: &EtcdPeer,
    via: &Seat<'_>,
    previous: Option<Key>,
    candidates: &mut Vec<Candidate>,
) -> Key {
    let key = remove(peer, via, "not in the inventory", previous, candidates);
    if let Some(candidate) = candidates.iter_mut().find(|candidate| candidate.key == key) {
        candidate.risk = Risk::Destroy;
        candidate.held = Some(Hold::Destroy(known_as(peer).to_owned()));
    }
    key
}

fn remove(
    peer: &EtcdPeer,
    via: &Seat<'_>,
    reason: &str,
    previous: Option<Key>,
    candidates: &mut Vec<Candidate>,
) -> Key {
    let op = Op::EtcdMemberRemove {
        via: via.id.to_owned(),
        name: known_as(peer).to_owned(),
        peer_url: peer.peer_url.clone(),
    };
    let title = format!("remove member {} from etcd", known_as(peer));
    let mut candidate = Candidate::operation(via.node, via.cluster, Stage::Etcd, op, title);
    reason.clone_into(&mut candidate.reason);
    candidate.needs.extend(previous);
    let key = candidate.key.clone();
    candidates.push(candidate);
    key
}

/// A member that never started has no name.
fn known_as(peer: &EtcdPeer) -> &str {
    match peer.name.as_str() {
        "" => &peer.peer_url,
        name => name,
    }
}
