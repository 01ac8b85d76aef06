//! Puts a plan together: candidates, order across nodes, what is held back, numbers.

use std::collections::{BTreeMap, BTreeSet};

use sty_core::Risk;
use sty_wire::action::{Action, Op};
use sty_wire::observation::{AT_BOOT, Change, PORT};
use sty_wire::resource::{FileCheck, ResourceKind, Stage};

use crate::candidate::{Candidate, Hold, Key, collect};
use crate::{
    NodeInput, Noted, Options, Plan, candidate, etcd, forsaken, hold_clients, outside, patroni,
    restart, stray, title, trust, undeclared, unseen,
};

/// Plans what brings every node from what it is to what it should be.
///
/// `nodes` are in the order in which actions should be listed. The plan is empty when every
/// observation is in sync. Destructive actions are held unless their name is in
/// `options.confirm`, restarts unless `options.restart`.
pub fn build(nodes: &[NodeInput<'_>], options: &Options) -> Plan {
    let mut plan = Plan::default();
    let forsaken = forsaken::find(nodes, &options.confirm);
    let (mut candidates, failed) = collect(nodes, &forsaken, &mut plan);
    trust::as_most_do(nodes, &mut candidates);
    hold_restarts(nodes, options, &mut candidates);
    hold_entrances(nodes, &mut candidates);
    etcd::sequence(nodes, &mut candidates, &mut plan);
    etcd_auth_last(&mut candidates);
    patroni::sequence(nodes, options, &mut candidates, &mut plan);
    stray::tell(nodes, &mut plan);
    do_meanwhile(nodes, &mut candidates);
    keys_last(nodes, &mut candidates);
    retire_last(nodes, &mut candidates);
    hold_what_is_led_from_outside(nodes, &mut candidates);
    outside::leave(nodes, &mut candidates, &mut plan);
    undeclared::find(nodes, &mut plan);
    let notes = nodes
        .iter()
        .flat_map(|node| Noted::all(node.host, &node.surroundings.notes));
    plan.notes = notes.collect();
    plan.confirmable = confirmable(nodes, &candidates);
    plan.confirmable.extend(forsaken.confirmable);
    lift_confirmed(options, &mut candidates);
    hold_with(&mut candidates);
    decide_first(&mut candidates);
    hold_clients::last(&mut candidates);
    plan.undecided = candidates
        .iter()
        .any(|candidate| matches!(candidate.held, Some(Hold::Trust(_))));
    unseen::sort_out(failed, &candidates, &mut plan);
    plan.restarts = restart::find(nodes, &candidates);
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

/// A pooler or proxy of a cluster that is not wanted any more ends once no node leads to it.
fn retire_last(nodes: &[NodeInput<'_>], candidates: &mut [Candidate]) {
    let is_retired = |candidate: &Candidate| {
        matches!(
            restarted(nodes, candidate),
            Some(ResourceKind::Retired { .. })
        )
    };
    let services: Vec<Key> = candidates
        .iter()
        .filter(|candidate| candidate.stage == Stage::Services)
        .map(|candidate| candidate.key.clone())
        .collect();
    for candidate in candidates.iter_mut().filter(|one| one.cluster.is_some()) {
        if candidate.stage != Stage::Cleanup || !is_retired(candidate) {
            continue;
        }
        let has_part = |key: &&Key| {
            let mut resources = nodes[key.0].resources.iter();
            resources.any(|resource| resource.cluster == candidate.cluster)
        };
        let before: Vec<Key> = services.iter().filter(has_part).cloned().collect();
        candidate.needs.extend(before);
    }
}

/// What runs and serves a cluster is not restarted nor ended unasked; when asked, one node after
/// the other. Restarts of etcd and Patroni are ordered with their clusters.
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

/// What waits for its restart reads its files all the same, and starts at boot: nobody shall wait
/// for a new password or an access rule.
fn do_meanwhile(nodes: &[NodeInput<'_>], candidates: &mut Vec<Candidate>) {
    let others: Vec<Candidate> = candidates
        .iter()
        .filter(|candidate| candidate.held == Some(Hold::Restart))
        .filter_map(|candidate| meanwhile(nodes, candidate))
        .collect();
    candidates.extend(others);
}

fn meanwhile(nodes: &[NodeInput<'_>], held: &Candidate) -> Option<Candidate> {
    let Op::Converge { resource } = &held.op else {
        return None;
    };
    let (changes, others): (Vec<Change>, Vec<Change>) = held
        .changes
        .iter()
        .cloned()
        .partition(Change::is_done_meanwhile);
    if changes.is_empty() || others.is_empty() {
        return None;
    }
    let found = nodes[held.key.0]
        .resources
        .iter()
        .find(|one| one.id == *resource)?;
    // What is switched off starts at boot no more once it has ended.
    if matches!(found.kind, ResourceKind::Retired { .. }) {
        return None;
    }
    let op = Op::Meanwhile {
        resource: resource.clone(),
    };
    let (verb, risk) = match changes.iter().all(|change| change.what == AT_BOOT) {
        true => ("enable", Risk::Safe),
        false => ("reload", Risk::Reload),
    };
    let title = format!("{verb} {}", title::subject(found));
    let cluster = held.cluster.clone().unwrap_or_default();
    Some(Candidate {
        cluster: held.cluster.clone(),
        reason: candidate::reason_of(&changes),
        changes,
        risk,
        needs: held.needs.clone(),
        ..Candidate::operation(held.key.0, &cluster, held.stage, op, title)
    })
}

/// While a pooler that waits for its restart listens at another port than the one that HAProxy
/// shall lead to, and while a member that the inventory no longer has may still be in use, the ways
/// into the cluster wait too.
fn hold_entrances(nodes: &[NodeInput<'_>], candidates: &mut [Candidate]) {
    let is_elsewhere = |c: &Candidate| c.changes.iter().any(|change| change.what == PORT);
    let waiting: BTreeSet<String> = candidates
        .iter()
        .filter(|c| c.held == Some(Hold::Restart))
        .filter(|c| is_elsewhere(c))
        .filter_map(|c| c.cluster.clone())
        .collect();
    let reason = |node: &NodeInput<'_>| {
        if let Some(stray) = stray::of(node) {
            return Some(Hold::Stray(stray.name.clone()));
        }
        let clusters = node.resources.iter().filter_map(|r| r.cluster.as_ref());
        let mut waiting = clusters.filter(|cluster| waiting.contains(*cluster));
        waiting.next().map(|_| Hold::Restart)
    };
    for (index, node) in nodes.iter().enumerate() {
        let Some(hold) = reason(node) else {
            continue;
        };
        hold_entrances_of(node, index, &hold, candidates);
    }
}

fn hold_entrances_of(
    node: &NodeInput<'_>,
    index: usize,
    hold: &Hold,
    candidates: &mut [Candidate],
) {
    for path in entrances(node) {
        let own = candidates.iter_mut().filter(|c| c.key.0 == index);
        for candidate in own.filter(|c| writes(node, c, path) || only_reads(c, path)) {
            candidate.held = Some(hold.clone());
        }
    }
}

/// A cluster that is led by a member which the inventory no longer has stays as it is until the
/// lead has moved: its ways would lead nowhere, and its rules keep the leader out.
fn hold_what_is_led_from_outside(nodes: &[NodeInput<'_>], candidates: &mut [Candidate]) {
    for (cluster, seats) in patroni::clusters(nodes) {
        let Some((_, leader)) = patroni::led_from_outside(&seats) else {
            continue;
        };
        let hold = Hold::Led {
            leader: leader.name.clone(),
            cluster: cluster.to_owned(),
        };
        for seat in &seats {
            hold_entrances_of(&nodes[seat.node], seat.node, &hold, candidates);
        }
        let own = candidates.iter_mut();
        for candidate in own.filter(|c| c.cluster.as_deref() == Some(cluster)) {
            candidate.held = Some(hold.clone());
        }
    }
}

/// Files that say where HAProxy leads.
fn entrances<'a>(node: &NodeInput<'a>) -> impl Iterator<Item = &'a str> {
    node.resources.iter().filter_map(|r| match &r.kind {
        ResourceKind::File(file) if file.check == Some(FileCheck::Haproxy) => {
            Some(file.path.as_str())
        }
        _ => None,
    })
}

fn writes(node: &NodeInput<'_>, candidate: &Candidate, path: &str) -> bool {
    let Op::Converge { resource } = &candidate.op else {
        return false;
    };
    let mut resources = node.resources.iter();
    resources.any(|r| {
        r.id == *resource && matches!(&r.kind, ResourceKind::File(file) if file.path == path)
    })
}

/// Whether it reloads something for the sake of this one file.
fn only_reads(candidate: &Candidate, path: &str) -> bool {
    let reload = Change {
        what: "reload".to_owned(),
        from: None,
        to: Some(format!("with {path} as changed")),
        ..Change::default()
    };
    candidate.changes == [reload]
}

/// The service that a candidate restarts, or ends for good.
fn restarted<'a>(nodes: &[NodeInput<'a>], candidate: &Candidate) -> Option<&'a ResourceKind> {
    let Op::Converge { resource } = &candidate.op else {
        return None;
    };
    let mut resources = nodes[candidate.key.0].resources.iter();
    let kind = &resources.find(|r| r.id == *resource)?.kind;
    let ends = matches!(
        kind,
        ResourceKind::Unit(_) | ResourceKind::EtcdMember(_) | ResourceKind::Retired { .. }
    );
    ends.then_some(kind)
}

/// Names that lift something, and those of roles that go with their databases: to give both is no
/// mistake.
fn confirmable(nodes: &[NodeInput<'_>], candidates: &[Candidate]) -> BTreeSet<String> {
    let role = |candidate: &Candidate| {
        let mut resources = nodes[candidate.key.0].resources.iter();
        let resource = resources.find(|resource| resource.id == candidate.key.1)?;
        match &resource.kind {
            ResourceKind::Role { role, .. } if !candidate.with.is_empty() => {
                Some(role.name.clone())
            }
            _ => None,
        }
    };
    let lifting = |candidate: &Candidate| candidate.held.as_ref()?.name().cloned();
    let names = candidates.iter();
    let names = names.flat_map(|candidate| [lifting(candidate), role(candidate)]);
    names.flatten().collect()
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

/// What goes with something that is held is held with it.
fn hold_with(candidates: &mut [Candidate]) {
    let held: BTreeMap<Key, String> = candidates
        .iter()
        .filter_map(|one| Some((one.key.clone(), one.held.as_ref()?.name()?.clone())))
        .collect();
    for candidate in candidates {
        let name = candidate.with.iter().find_map(|key| held.get(key));
        if let Some(name) = name {
            candidate.held = Some(Hold::With(name.clone()));
        }
    }
}

/// Whether a cluster follows another one, and whom nodes trust, is decided before anything else:
/// slots, access rules and roles follow from the one, certificates and passwords from the other.
fn decide_first(candidates: &mut Vec<Candidate>) {
    let undecided = |one: &Candidate| match &one.held {
        Some(Hold::Promote(_) | Hold::Trust(_)) => true,
        Some(Hold::Destroy(_)) => one.stage == Stage::Dynamic,
        Some(
            Hold::Restart
            | Hold::Stray(_)
            | Hold::Led { .. }
            | Hold::Namesake { .. }
            | Hold::With(_)
            | Hold::Outside(_),
        )
        | None => false,
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
