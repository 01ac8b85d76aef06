//! When the clients of a cluster begin to wait.

use std::collections::{BTreeMap, BTreeSet};

use sty_wire::action::Op;
use sty_wire::resource::Stage;

use crate::candidate::{Candidate, Key};

/// Clients begin to wait when everything else is done on every node that has them wait: what takes
/// long, or fails, on one of them would have all of them wait for it.
pub(crate) fn last(candidates: &mut [Candidate]) {
    let mut holds: BTreeMap<Option<String>, Vec<usize>> = BTreeMap::new();
    for (at, candidate) in candidates.iter().enumerate() {
        if matches!(candidate.op, Op::HoldClients { .. }) && candidate.held.is_none() {
            holds.entry(candidate.cluster.clone()).or_default().push(at);
        }
    }
    if holds.is_empty() {
        return;
    }
    let waiting = waiting(candidates);
    let mut of_node: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, candidate) in candidates.iter().enumerate() {
        of_node.entry(candidate.key.0).or_default().push(at);
    }
    for holds in holds.into_values() {
        let after = dependents(&holds, &waiting);
        let nodes: BTreeSet<usize> = holds.iter().map(|&at| candidates[at].key.0).collect();
        let on_them = nodes.iter().filter_map(|node| of_node.get(node)).flatten();
        let before = on_them.filter(|at| {
            let one = &candidates[**at];
            !one.last && one.held.is_none() && !after.contains(at)
        });
        let before: Vec<(Stage, Key)> = before
            .map(|&at| (candidates[at].stage, candidates[at].key.clone()))
            .collect();
        for at in holds {
            let stage = candidates[at].stage;
            let earlier = before.iter().filter(|(one, _)| *one <= stage);
            let earlier = earlier.map(|(_, key)| key.clone());
            candidates[at].needs.extend(earlier);
        }
    }
}

/// By candidate, those that need it.
fn waiting(candidates: &[Candidate]) -> Vec<Vec<usize>> {
    let keys = candidates.iter().enumerate();
    let index: BTreeMap<&Key, usize> = keys.map(|(at, one)| (&one.key, at)).collect();
    let mut waiting = vec![Vec::new(); candidates.len()];
    for (at, candidate) in candidates.iter().enumerate() {
        for need in candidate.needs.iter().filter_map(|key| index.get(key)) {
            waiting[*need].push(at);
        }
    }
    waiting
}

/// What needs any of `some`, at whatever distance, and these.
fn dependents(some: &[usize], waiting: &[Vec<usize>]) -> BTreeSet<usize> {
    let mut found: BTreeSet<usize> = some.iter().copied().collect();
    let mut next = some.to_vec();
    while let Some(at) = next.pop() {
        next.extend(waiting[at].iter().filter(|&&one| found.insert(one)));
    }
    found
}
