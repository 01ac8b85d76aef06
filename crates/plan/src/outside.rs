//! What is due on nodes that `--limit` leaves out: it is told, and what needs it waits.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use sty_wire::action::Op;
use sty_wire::resource::{Resource, ResourceKind};

use crate::candidate::{Candidate, Hold, Key};
use crate::{NodeInput, Plan, Waiting};

/// Takes what nodes outside would do out of `candidates` and into `plan.waiting`, and holds back
/// what needs it.
pub(crate) fn leave(nodes: &[NodeInput<'_>], candidates: &mut Vec<Candidate>, plan: &mut Plan) {
    let (mut outside, inside): (Vec<_>, Vec<_>) = std::mem::take(candidates)
        .into_iter()
        .partition(|candidate| is_outside(nodes, candidate));
    *candidates = inside;
    hold_dependents(nodes, &outside, candidates);
    let mut waiting: BTreeMap<(String, usize), Vec<String>> = BTreeMap::new();
    // What restarts comes first: of long lists only the beginning is shown.
    outside.sort_by_key(|candidate| Reverse(candidate.risk));
    for candidate in outside {
        let key = (candidate.cluster.unwrap_or_default(), candidate.key.0);
        waiting.entry(key).or_default().push(candidate.title);
    }
    plan.waiting = waiting
        .into_iter()
        .map(|((cluster, node), titles)| Waiting {
            member: member(&nodes[node], &cluster),
            node: nodes[node].host.to_owned(),
            cluster,
            titles,
        })
        .collect();
}

/// Whether a candidate acts through a resource that is only looked at.
fn is_outside(nodes: &[NodeInput<'_>], candidate: &Candidate) -> bool {
    let resource = match &candidate.op {
        Op::Converge { resource } | Op::Meanwhile { resource } | Op::TakeUp { resource, .. } => {
            resource
        }
        Op::EtcdMemberAdd { via, .. } | Op::EtcdMemberRemove { via, .. } => via,
        Op::PostgresRestart { member }
        | Op::Switchover { member, .. }
        | Op::DropLostSlot { member, .. }
        | Op::Reinitialize { member } => member,
        // What goes with an action that was chosen.
        _ => return false,
    };
    nodes[candidate.key.0].witnesses.contains(resource)
}

fn hold_dependents(nodes: &[NodeInput<'_>], outside: &[Candidate], inside: &mut [Candidate]) {
    let name = |candidate: &Candidate| {
        let cluster = candidate.cluster.as_deref().unwrap_or_default();
        member(&nodes[candidate.key.0], cluster)
    };
    let mut missing: BTreeMap<Key, String> = outside
        .iter()
        .map(|candidate| (candidate.key.clone(), name(candidate)))
        .collect();
    loop {
        let known: BTreeSet<Key> = missing.keys().cloned().collect();
        for candidate in inside.iter_mut().filter(|c| !known.contains(&c.key)) {
            let awaited = candidate.needs.iter().find_map(|need| missing.get(need));
            if let Some(awaited) = awaited.cloned() {
                candidate.held = Some(Hold::Outside(awaited.clone()));
                missing.insert(candidate.key.clone(), awaited);
            }
        }
        if missing.len() == known.len() {
            return;
        }
    }
}

/// The node's member of `cluster`, or the node.
fn member(node: &NodeInput<'_>, cluster: &str) -> String {
    let of_cluster = |r: &&Resource| r.cluster.as_deref() == Some(cluster);
    let mut names = node
        .resources
        .iter()
        .filter(of_cluster)
        .filter_map(|resource| match &resource.kind {
            ResourceKind::PatroniMember(member) => Some(&member.name),
            ResourceKind::EtcdMember(member) => Some(&member.name),
            _ => None,
        });
    names.next().map_or(node.host.to_owned(), Clone::clone)
}
