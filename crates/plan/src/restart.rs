//! Restarts that are needed: who waits, and what for.

use std::collections::BTreeSet;

use sty_core::Risk;
use sty_wire::action::Op;
use sty_wire::observation::Change;
use sty_wire::resource::{Resource, ResourceKind};

use crate::candidate::{Candidate, Hold};
use crate::patroni::{self, Seat};
use crate::{NodeInput, Restart};

/// Those that are held back, and those that the changes of the plan will call for; several actions
/// may be why.
pub(crate) fn find(nodes: &[NodeInput<'_>], candidates: &[Candidate]) -> Vec<Restart> {
    let clusters = patroni::clusters(nodes);
    let each = candidates.iter().flat_map(|candidate| {
        let cluster = candidate.cluster.as_deref().unwrap_or_default();
        let seats = clusters.get(cluster).map(Vec::as_slice);
        let seats = seats.unwrap_or_default();
        match candidate.held == Some(Hold::Restart) && candidate.risk >= Risk::Restart {
            true => due(nodes, candidate, seats).into_iter().collect(),
            false => coming(nodes, candidate, seats),
        }
    });
    let mut found: Vec<Restart> = each.collect();
    found.sort();
    let mut merged: Vec<Restart> = Vec::new();
    for one in found {
        match merged.last_mut() {
            Some(last) if who(last) == who(&one) => last.because.extend(one.because),
            _ => merged.push(one),
        }
    }
    merged
}

/// Whom it is about.
fn who(restart: &Restart) -> (&str, &str, &str, bool) {
    let Restart {
        cluster,
        member,
        node,
        due,
        ..
    } = restart;
    (cluster, member, node, *due)
}

/// The restart that a held action is.
fn due(nodes: &[NodeInput<'_>], candidate: &Candidate, seats: &[Seat<'_>]) -> Option<Restart> {
    let node = candidate.key.0;
    let (member, because) = match &candidate.op {
        Op::PostgresRestart { .. } => {
            let seat = seats.iter().find(|seat| seat.node == node)?;
            (seat.member.name.as_str(), waiting(seat))
        }
        Op::Converge { resource } => {
            let mut because = files(&candidate.changes);
            because.extend(settings(&candidate.changes));
            (name(resource_of(&nodes[node], resource)?)?, because)
        }
        _ => return None,
    };
    Some(Restart {
        cluster: candidate.cluster.clone().unwrap_or_default(),
        member: member.to_owned(),
        node: nodes[node].host.to_owned(),
        due: true,
        because,
    })
}

/// Restarts that what an action changes will call for: of every member where it changes what all
/// of them have.
fn coming(nodes: &[NodeInput<'_>], candidate: &Candidate, seats: &[Seat<'_>]) -> Vec<Restart> {
    let Op::Converge { resource } = &candidate.op else {
        return Vec::new();
    };
    let changed = settings(&candidate.changes);
    let node = candidate.key.0;
    let kind = resource_of(&nodes[node], resource).map(|found| &found.kind);
    let everywhere = matches!(kind, Some(ResourceKind::PatroniConfig { .. }));
    let concerned = seats.iter().filter(|seat| everywhere || seat.node == node);
    let restarts = concerned.map(|seat| {
        let own = own(nodes, seat).filter(|_| everywhere);
        let mut because = changed.clone();
        because.retain(|name| own.is_none_or(|own| !own.contains(name)));
        because.retain(|name| !is_taken_back(name, &candidate.changes, seat));
        Restart {
            cluster: seat.member.scope.clone(),
            member: seat.member.name.clone(),
            node: nodes[seat.node].host.to_owned(),
            due: false,
            because,
        }
    });
    restarts.filter(|one| !one.because.is_empty()).collect()
}

/// Whether a setting that waits for a restart of the member goes back to what its server has.
fn is_taken_back(name: &str, changes: &[Change], seat: &Seat<'_>) -> bool {
    let coming = changes.iter().find(|change| change.setting() == name);
    let waiting = seat.view.iter().flat_map(|view| &view.pending_restart);
    let mut waiting = waiting.filter(|change| change.what == name);
    let value = coming.and_then(|change| change.to.as_ref());
    value.is_some() && waiting.any(|change| change.from.as_ref() == value)
}

/// The resource of a node by its id.
pub(crate) fn resource_of<'a>(node: &NodeInput<'a>, id: &str) -> Option<&'a Resource> {
    node.resources.iter().find(|resource| resource.id == id)
}

fn name(resource: &Resource) -> Option<&str> {
    match &resource.kind {
        ResourceKind::Unit(unit) => Some(&unit.name),
        ResourceKind::EtcdMember(member) => Some(&member.name),
        ResourceKind::PatroniMember(member) => Some(&member.name),
        _ => None,
    }
}

/// Settings that wait on the member already.
fn waiting(seat: &Seat<'_>) -> BTreeSet<String> {
    let changes = seat.view.iter().flat_map(|view| &view.pending_restart);
    changes.map(|change| change.what.clone()).collect()
}

/// Files that a service takes up by a restart, as its node says.
fn files(changes: &[Change]) -> BTreeSet<String> {
    let restarts = changes.iter().filter(|change| change.what == "restart");
    let files = restarts.filter_map(|change| change.to.as_deref());
    files.map(str::to_owned).collect()
}

/// Settings that count from the next restart on.
fn settings(changes: &[Change]) -> BTreeSet<String> {
    let restarts = changes.iter().filter(|change| change.restart);
    restarts.map(|change| change.setting().to_owned()).collect()
}

/// Settings of which the member has values of its own.
fn own<'a>(nodes: &[NodeInput<'a>], seat: &Seat<'_>) -> Option<&'a BTreeSet<String>> {
    let mut resources = nodes[seat.node].resources.iter();
    resources.find_map(|resource| match &resource.kind {
        ResourceKind::PatroniConfig { own, .. }
            if resource.cluster.as_deref() == Some(&seat.member.scope) =>
        {
            Some(own)
        }
        _ => None,
    })
}
