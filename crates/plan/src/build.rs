//! Puts a plan together: candidates, order across nodes, what is held back, numbers.

use std::collections::{BTreeMap, BTreeSet};

use sty_core::Risk;
use sty_wire::action::{Action, Op};
use sty_wire::resource::{FileCheck, ResourceKind, Stage};

use crate::candidate::{Candidate, Hold, Key, collect};
use crate::{NodeInput, Options, Plan, etcd, forsaken, outside, patroni};

/// Plans what brings every node from what it is to what it should be.
///
/// `nodes` are in the order in which actions should be listed. The plan is empty when every
/// observation is in sync. Destructive actions are held unless their name is in
/// `options.confirm`, restarts unless `options.restart`.
pub fn build(nodes: &[NodeInput<'_>], options: &Options) -> Plan {
    let mut plan = Plan::default();
    let forsaken = forsaken::find(nodes, &options.confirm);
    let mut candidates = collect(nodes, &forsaken, &mut plan);
    hold_restarts(nodes, options, &mut candidates);
    hold_entrances(nodes, &mut candidates);
    etcd::sequence(nodes, &mut candidates, &mut plan);
    etcd_auth_last(&mut candidates);
    patroni::sequence(nodes, options, &mut candidates, &mut plan);
    keys_last(nodes, &mut candidates);
    outside::leave(nodes, &mut candidates, &mut plan);
    plan.confirmable = confirmable(&candidates);
    plan.confirmable.extend(forsaken.confirmable);
    lift_confirmed(options, &mut candidates);
    decide_first(&mut candidates);
    plan.actions = number(nodes, sorted(candidates));
    plan
}

/// By stage; within a stage, what others need comes first, then by node. The order is total and
/// agrees with every need, so nodes that work in order cannot wait for each other in a circle.
pub(crate) fn sorted(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let index: BTreeMap<&Key, usize> = candidates
        .iter()
        .enumerate()
        .map(|(index, c)| (&c.key, index))
        .collect();
    let mut depths = vec![None; candidates.len()];
    for start in 0..candidates.len() {
        depth(start, &candidates, &index, &mut depths);
    }
    let mut order: Vec<(Option<u32>, Candidate)> = depths.into_iter().zip(candidates).collect();
    order.sort_by_key(|(depth, c)| (c.stage, c.last, *depth, c.key.0));
    order.into_iter().map(|(_, candidate)| candidate).collect()
}

/// Length of the longest chain of needs within the candidate's stage.
fn depth(
    at: usize,
    candidates: &[Candidate],
    index: &BTreeMap<&Key, usize>,
    depths: &mut [Option<u32>],
) -> u32 {
    if let Some(known) = depths[at] {
        return known;
    }
    let stage = candidates[at].stage;
    let needs = candidates[at]
        .needs
        .iter()
        .filter_map(|key| index.get(key).copied());
    let deepest = needs
        .filter(|need| candidates[*need].stage == stage)
        .map(|need| 1 + depth(need, candidates, index, depths))
        .max()
        .unwrap_or(0);
    depths[at] = Some(deepest);
    deepest
}

/// Users and roles in etcd wait for its members.
fn etcd_auth_last(candidates: &mut [Candidate]) {
    let members: Vec<Key> = candidates
        .iter()
        .filter(|c| c.stage == Stage::Etcd && c.held.is_none())
        .map(|c| c.key.clone())
        .collect();
    for candidate in candidates.iter_mut().filter(|c| c.stage == Stage::EtcdAuth) {
        candidate.needs.extend(members.iter().cloned());
    }
}

/// A removed cluster's keys go after its members have stopped, or they would write them again.
fn keys_last(nodes: &[NodeInput<'_>], candidates: &mut [Candidate]) {
    let is_scope = |candidate: &Candidate| match &candidate.op {
        Op::Converge { resource } => nodes[candidate.key.0]
            .resources
            .iter()
            .any(|r| r.id == *resource && matches!(r.kind, ResourceKind::EtcdScopeAbsent { .. })),
        _ => false,
    };
    let cleanup = |c: &&Candidate| c.stage == Stage::Cleanup;
    let scopes: Vec<(Key, Option<String>)> = candidates
        .iter()
        .filter(cleanup)
        .filter(|c| is_scope(c))
        .map(|c| (c.key.clone(), c.cluster.clone()))
        .collect();
    for (key, cluster) in scopes {
        let before: Vec<Key> = candidates
            .iter()
            .filter(cleanup)
            .filter(|c| c.cluster == cluster && c.key != key)
            .map(|c| c.key.clone())
            .collect();
        if let Some(candidate) = candidates.iter_mut().find(|c| c.key == key) {
            candidate.needs.extend(before);
            candidate.last = true;
        }
    }
}

/// What runs and serves a cluster is not restarted unasked; when asked, one node after the other.
/// Restarts of etcd and Patroni are ordered with their clusters.
fn hold_restarts(nodes: &[NodeInput<'_>], options: &Options, candidates: &mut [Candidate]) {
    let mut previous: BTreeMap<(String, String), Key> = BTreeMap::new();
    for candidate in candidates.iter_mut().filter(|c| c.risk == Risk::Restart) {
        let Some(cluster) = candidate.cluster.clone() else {
            continue;
        };
        let Some(kind) = restarted(nodes, candidate) else {
            continue;
        };
        if !options.restart {
            candidate.held = Some(Hold::Restart);
        } else if let ResourceKind::Unit(unit) = kind
            && let Some(before) =
                previous.insert((cluster, unit.name.clone()), candidate.key.clone())
        {
            candidate.needs.push(before);
        }
    }
}

/// While a service of a cluster waits for its restart it may listen at another port than the one
/// that HAProxy shall lead to: then the ways into the cluster wait too.
fn hold_entrances(nodes: &[NodeInput<'_>], candidates: &mut [Candidate]) {
    let waiting: BTreeSet<String> = candidates
        .iter()
        .filter(|c| c.held == Some(Hold::Restart))
        .filter(|c| matches!(restarted(nodes, c), Some(ResourceKind::Unit(_))))
        .filter_map(|c| c.cluster.clone())
        .collect();
    let leads_there = |node: usize| {
        let clusters = nodes[node]
            .resources
            .iter()
            .filter_map(|r| r.cluster.as_ref());
        clusters
            .into_iter()
            .any(|cluster| waiting.contains(cluster))
    };
    for candidate in candidates {
        if is_entrance(nodes, candidate) && leads_there(candidate.key.0) {
            candidate.held = Some(Hold::Restart);
        }
    }
}

/// Whether it writes the file that says where HAProxy leads.
fn is_entrance(nodes: &[NodeInput<'_>], candidate: &Candidate) -> bool {
    let Op::Converge { resource } = &candidate.op else {
        return false;
    };
    let mut resources = nodes[candidate.key.0].resources.iter();
    resources.any(|r| {
        r.id == *resource
            && matches!(&r.kind, ResourceKind::File(file) if file.check == Some(FileCheck::Haproxy))
    })
}

/// The service that a candidate restarts.
fn restarted<'a>(nodes: &[NodeInput<'a>], candidate: &Candidate) -> Option<&'a ResourceKind> {
    let Op::Converge { resource } = &candidate.op else {
        return None;
    };
    let mut resources = nodes[candidate.key.0].resources.iter();
    let kind = &resources.find(|r| r.id == *resource)?.kind;
    matches!(kind, ResourceKind::Unit(_) | ResourceKind::EtcdMember(_)).then_some(kind)
}

fn confirmable(candidates: &[Candidate]) -> BTreeSet<String> {
    let names = candidates
        .iter()
        .filter_map(|candidate| candidate.held.as_ref()?.name().cloned());
    names.collect()
}

/// Lifts what the operator has confirmed; restarts that were asked for were never held.
fn lift_confirmed(options: &Options, candidates: &mut [Candidate]) {
    for candidate in candidates {
        let name = candidate.held.as_ref().and_then(Hold::name);
        if name.is_some_and(|name| options.confirm.contains(name)) {
            candidate.held = None;
        }
    }
}

/// Whether a cluster follows another one is decided before anything else: slots, access rules and
/// roles elsewhere follow from it.
fn decide_first(candidates: &mut Vec<Candidate>) {
    let undecided = |one: &Candidate| match &one.held {
        Some(Hold::Promote(_)) => true,
        Some(Hold::Destroy(_)) => one.stage == Stage::Dynamic,
        Some(Hold::Restart | Hold::Outside(_)) | None => false,
    };
    if candidates.iter().any(undecided) {
        candidates.retain(undecided);
    }
}

pub(crate) fn number(nodes: &[NodeInput<'_>], candidates: Vec<Candidate>) -> Vec<Action> {
    let ids: BTreeMap<Key, u32> = candidates
        .iter()
        .zip(1u32..)
        .map(|(candidate, id)| (candidate.key.clone(), id))
        .collect();
    let held: BTreeMap<Key, Vec<Key>> = candidates
        .iter()
        .filter(|c| c.held.is_some())
        .map(|c| (c.key.clone(), c.needs.clone()))
        .collect();
    candidates
        .into_iter()
        .zip(1u32..)
        .map(|(candidate, id)| {
            let mut needs: Vec<u32> = beyond_held(&candidate.needs, &held)
                .iter()
                .filter_map(|key| ids.get(key).copied())
                .collect();
            needs.sort_unstable();
            needs.dedup();
            Action {
                id,
                node: nodes[candidate.key.0].host.to_owned(),
                cluster: candidate.cluster,
                stage: candidate.stage,
                op: candidate.op,
                title: candidate.title,
                reason: candidate.reason,
                changes: candidate.changes,
                risk: candidate.risk,
                needs,
                undoes: candidate.undoes.and_then(|key| ids.get(&key).copied()),
                held: candidate.held.as_ref().map(Hold::text),
            }
        })
        .collect()
}

/// What is held back is waited for by nobody, but what it would have waited for is.
fn beyond_held(needs: &[Key], held: &BTreeMap<Key, Vec<Key>>) -> BTreeSet<Key> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Key> = needs.iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(key) = open.pop() {
        match held.get(key) {
            Some(further) if seen.insert(key) => open.extend(further),
            Some(_) => {}
            None => drop(found.insert(key.clone())),
        }
    }
    found
}
