//! Patroni clusters across nodes: the leader before the others, restarts one member at a time.

use std::collections::{BTreeMap, BTreeSet};

use sty_core::Risk;
use sty_wire::action::Op;
use sty_wire::observation::PatroniView;
use sty_wire::resource::{BootRole, PatroniMember, ResourceKind, Stage};

use crate::candidate::{Candidate, Hold, Key};
use crate::{NodeInput, Options, Plan, Unwanted};

/// A PostgreSQL member's node.
struct Seat<'a> {
    node: usize,
    id: &'a str,
    member: &'a PatroniMember,
    view: Option<&'a PatroniView>,
    /// `--limit` leaves its node out.
    outside: bool,
}

impl Seat<'_> {
    fn leads(&self) -> bool {
        self.view.is_some_and(PatroniView::leads)
    }

    /// Whether the member wanted here has this address: who runs there under another name is no
    /// stranger, but a conflict.
    fn is_at(&self, address: &str) -> bool {
        self.member.patroni.url.contains(&format!("//{address}:"))
    }

    fn key(&self) -> Key {
        (self.node, self.id.to_owned())
    }
}

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
    let by_key: BTreeMap<Key, usize> = candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| (candidate.key.clone(), index))
        .collect();
    for seats in clusters(nodes).values() {
        start_order(seats, &dcs, &by_key, candidates);
        take_up_settings(seats, nodes, candidates);
        let restarts = service_restarts(seats, options, &by_key, candidates);
        postgres_restarts(seats, options, restarts, candidates);
        find_unwanted(seats, plan);
    }
}

fn clusters<'a>(nodes: &'a [NodeInput<'a>]) -> BTreeMap<&'a str, Vec<Seat<'a>>> {
    let mut clusters: BTreeMap<&str, Vec<Seat<'_>>> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for resource in node.resources {
            if let ResourceKind::PatroniMember(member) = &resource.kind {
                clusters.entry(&member.scope).or_default().push(Seat {
                    node: index,
                    id: &resource.id,
                    member,
                    view: node.surroundings.patroni.get(&member.scope),
                    outside: node.witnesses.contains(&resource.id),
                });
            }
        }
    }
    clusters
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

/// Once the leader's node has stored a changed dynamic configuration, every other member's node
/// sees that its PostgreSQL takes it up.
fn take_up_settings(seats: &[Seat<'_>], nodes: &[NodeInput<'_>], candidates: &mut Vec<Candidate>) {
    let config = |node: usize| {
        let resources = nodes[node].resources.iter();
        let mut configs =
            resources.filter(|r| matches!(r.kind, ResourceKind::PatroniConfig { .. }));
        configs.next().map(|resource| resource.id.clone())
    };
    let Some(leader) = seats.iter().find(|seat| seat.leads()) else {
        return;
    };
    let Some(stores) = config(leader.node).map(|id| (leader.node, id)) else {
        return;
    };
    if !candidates.iter().any(|candidate| candidate.key == stores) {
        return;
    }
    let runs = |seat: &&Seat<'_>| {
        !seat.outside && !seat.leads() && seat.view.is_some_and(|view| view.running)
    };
    for seat in seats.iter().filter(runs) {
        let Some(resource) = config(seat.node) else {
            continue;
        };
        let key = (seat.node, resource.clone());
        if candidates.iter().any(|candidate| candidate.key == key) {
            continue;
        }
        let title = format!("see PostgreSQL {} take the settings up", seat.member.name);
        let op = Op::Converge { resource };
        let scope = &seat.member.scope;
        let mut candidate = Candidate::operation(seat.node, scope, Stage::Dynamic, op, title);
        candidate.key = key;
        "the cluster's settings change".clone_into(&mut candidate.reason);
        candidate.risk = Risk::Reload;
        candidate.needs.push(stores.clone());
        candidates.push(candidate);
    }
}

/// Restarts of the Patroni service itself: replicas first, one after the other, the leader last;
/// only when restarts were asked for.
fn service_restarts(
    seats: &[Seat<'_>],
    options: &Options,
    by_key: &BTreeMap<Key, usize>,
    candidates: &mut [Candidate],
) -> Option<Key> {
    let mut previous: Option<Key> = None;
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
        candidate.needs.extend(previous.take());
        previous = Some(seat.key());
    }
    previous
}

/// Restarts of PostgreSQL that pending settings ask for: replicas first, then the primary, which
/// hands over before. Where a setting that replicas must not have less of gets smaller, the
/// primary is restarted first, where it is: a new one would have the old value and keep it. Members
/// outside are left alone, but a primary that must come first is waited for.
fn postgres_restarts(
    seats: &[Seat<'_>],
    options: &Options,
    mut previous: Option<Key>,
    candidates: &mut Vec<Candidate>,
) {
    let pending = |seat: &&Seat<'_>| seat.view.is_some_and(|v| !v.pending_restart.is_empty());
    let others = seats.iter().filter(|seat| !seat.leads()).count();
    let shrinks = seats.iter().any(|seat| seat.leads() && shrinks(seat));
    let mut order = replicas_first(seats);
    if shrinks {
        order.sort_by_key(|seat| !seat.leads());
    }
    let concerned = |seat: &&Seat<'_>| !seat.outside || (seat.leads() && shrinks);
    for seat in order.into_iter().filter(pending).filter(concerned) {
        if seat.leads() && others > 0 && !shrinks {
            let op = Op::Switchover {
                member: seat.id.to_owned(),
                to: None,
            };
            let title = format!("switch over from {}", seat.member.name);
            let reason = "its restart must not stop writes for long";
            previous = Some(push(
                seat,
                op,
                title,
                reason,
                Risk::Failover,
                previous,
                options,
                candidates,
            ));
        }
        let op = Op::PostgresRestart {
            member: seat.id.to_owned(),
        };
        let title = format!("restart PostgreSQL {}", seat.member.name);
        let reason = waiting(seat);
        previous = Some(push(
            seat,
            op,
            title,
            &reason,
            Risk::Restart,
            previous,
            options,
            candidates,
        ));
    }
}

#[allow(
    clippy::too_many_arguments,
    reason = "one private call site, all different things"
)]
fn push(
    seat: &Seat<'_>,
    op: Op,
    title: String,
    reason: &str,
    risk: Risk,
    previous: Option<Key>,
    options: &Options,
    candidates: &mut Vec<Candidate>,
) -> Key {
    let mut candidate =
        Candidate::operation(seat.node, &seat.member.scope, Stage::Services, op, title);
    candidate.last = true;
    reason.clone_into(&mut candidate.reason);
    candidate.risk = risk;
    candidate.needs.extend(previous);
    if !options.restart {
        candidate.held = Some(Hold::Restart);
    }
    let key = candidate.key.clone();
    candidates.push(candidate);
    key
}

/// Whether a setting waits to become smaller that the replicas' must not be below: they start
/// with no less than the primary has.
fn shrinks(seat: &Seat<'_>) -> bool {
    const AT_LEAST_THE_PRIMARYS: [&str; 5] = [
        "max_connections",
        "max_locks_per_transaction",
        "max_prepared_transactions",
        "max_wal_senders",
        "max_worker_processes",
    ];
    let number = |side: &Option<String>| side.as_ref()?.parse::<u64>().ok();
    let waiting = seat.view.map(|view| view.pending_restart.iter());
    waiting.into_iter().flatten().any(|change| {
        AT_LEAST_THE_PRIMARYS.contains(&change.what.as_str())
            && number(&change.to) < number(&change.from)
    })
}

fn waiting(seat: &Seat<'_>) -> String {
    let changes = seat
        .view
        .map(|v| v.pending_restart.as_slice())
        .unwrap_or_default();
    let names: Vec<&str> = changes.iter().map(|change| change.what.as_str()).collect();
    format!("{} wait for a restart", names.join(", "))
}

fn replicas_first<'a, 'b>(seats: &'b [Seat<'a>]) -> Vec<&'b Seat<'a>> {
    let mut order: Vec<&Seat<'_>> = seats.iter().collect();
    order.sort_by_key(|seat| seat.leads());
    order
}

/// Members that Patroni lists and the inventory does not.
fn find_unwanted(seats: &[Seat<'_>], plan: &mut Plan) {
    let found: BTreeSet<Unwanted> = seats
        .iter()
        .flat_map(|seat| {
            let peers = seat.view.map(|v| v.members.as_slice()).unwrap_or_default();
            peers
                .iter()
                .filter(|peer| !seat.member.members.contains(&peer.name) && peer.state != "stopped")
                .filter(|peer| !seats.iter().any(|seat| seat.is_at(&peer.host)))
                .map(|peer| Unwanted {
                    cluster: seat.member.scope.clone(),
                    member: peer.name.clone(),
                    address: peer.host.clone(),
                    leads: matches!(peer.role.as_str(), "leader" | "standby_leader"),
                })
        })
        .collect();
    plan.unwanted.extend(found);
}
