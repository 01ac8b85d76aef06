//! Clusters that a plan would part from the etcd that keeps their leader.
//!
//! A new, empty etcd knows no leader and no settings: Patroni would have to find both anew. So
//! members without data start only where nothing is lost by it, or where the operator typed the
//! name of the etcd cluster.

use std::collections::{BTreeMap, BTreeSet};

use sty_wire::observation::{EtcdStray, Failure, PatroniView};
use sty_wire::resource::{PatroniMember, Resource, ResourceKind};

use crate::candidate::Key;
use crate::title::subject;
use crate::{NodeInput, Problem};

/// What must not be done, and why.
#[derive(Debug, Default)]
pub(crate) struct Forsaken {
    /// Clusters that nothing is done for.
    pub(crate) clusters: BTreeSet<String>,
    /// Members that are not started.
    pub(crate) members: BTreeSet<Key>,
    /// Why, for the operator.
    pub(crate) problems: Vec<Problem>,
    /// Names that allow it.
    pub(crate) confirmable: BTreeSet<String>,
}

/// Finds what would be parted, leaving out what `confirm` allows.
pub(crate) fn find(nodes: &[NodeInput<'_>], confirm: &BTreeSet<String>) -> Forsaken {
    let mut found = Forsaken::default();
    let (users, stores) = (users(nodes), seats(nodes));
    if users.iter().any(User::is_left_behind) {
        found.confirmable.extend(stores.keys().cloned());
    }
    moved(nodes, &users, &mut found);
    for (name, seats) in &stores {
        if !seats.iter().any(Seat::is_reliable) {
            without_data(nodes, name, seats, &users, &mut found);
        }
    }
    if found.confirmable.is_disjoint(confirm) {
        return found;
    }
    Forsaken {
        confirmable: found.confirmable,
        ..Forsaken::default()
    }
}

/// A PostgreSQL member that has data.
struct User<'a> {
    node: usize,
    resource: &'a Resource,
    member: &'a PatroniMember,
    view: &'a PatroniView,
}

impl User<'_> {
    /// Whether its cluster's leader is kept by members of which none is wanted any more.
    fn is_left_behind(&self) -> bool {
        !self.view.dcs.is_empty()
            && !self.member.dcs.is_empty()
            && self.view.dcs.is_disjoint(&self.member.dcs)
    }
}

fn users<'a>(nodes: &'a [NodeInput<'a>]) -> Vec<User<'a>> {
    let members = nodes.iter().enumerate().flat_map(|(node, input)| {
        input.resources.iter().filter_map(move |resource| {
            let ResourceKind::PatroniMember(member) = &resource.kind else {
                return None;
            };
            let view = input.surroundings.patroni.get(&member.scope)?;
            view.initialized.then_some(User {
                node,
                resource,
                member,
                view,
            })
        })
    });
    members.collect()
}

/// A node that should have a member of etcd.
struct Seat<'a> {
    key: Key,
    resource: &'a Resource,
    initialized: bool,
    healthy: bool,
}

impl Seat<'_> {
    fn is_reliable(&self) -> bool {
        self.initialized && self.healthy
    }
}

fn seats<'a>(nodes: &'a [NodeInput<'a>]) -> BTreeMap<String, Vec<Seat<'a>>> {
    let mut seats: BTreeMap<String, Vec<Seat<'_>>> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let is_member = |r: &&Resource| matches!(r.kind, ResourceKind::EtcdMember(_));
        for resource in node.resources.iter().filter(is_member) {
            let view = node.surroundings.etcd.as_ref();
            let name = resource.cluster.clone().unwrap_or_default();
            seats.entry(name).or_default().push(Seat {
                key: (index, resource.id.clone()),
                resource,
                initialized: view.is_some_and(|view| view.initialized),
                healthy: view.is_some_and(|view| view.healthy),
            });
        }
    }
    seats
}

/// Clusters whose Patroni would be led to members that know nothing of it: one problem each.
fn moved(nodes: &[NodeInput<'_>], users: &[User<'_>], found: &mut Forsaken) {
    for user in users.iter().filter(|user| user.is_left_behind()) {
        let scope = &user.member.scope;
        if !found.clusters.insert(scope.clone()) {
            continue;
        }
        let message = format!(
            "`{scope}` keeps its leader in etcd at {}, and the inventory has etcd at {} only: \
             it would lose its leader and settings",
            list(&user.view.dcs),
            list(&user.member.dcs)
        );
        let hint = match found.confirmable.first() {
            Some(name) => or_elsewhere(name),
            None => STEPS.to_owned(),
        };
        let problem = problem(nodes, user.node, user.resource, message, &hint);
        found.problems.push(problem);
    }
}

const STEPS: &str = "etcd moves in steps: put the old member back with two new ones beside it, \
                     `sty apply`, then take out those that should leave";
const BACK: &str = "bring a member that has data back first, then apply again";

/// Members without data while none with data answers.
fn without_data(
    nodes: &[NodeInput<'_>],
    name: &str,
    seats: &[Seat<'_>],
    users: &[User<'_>],
    found: &mut Forsaken,
) {
    let stray = strays(nodes, name).next();
    if users.is_empty() && stray.is_none() {
        return;
    }
    let anew = seats.iter().all(|seat| !seat.initialized);
    let lost = match stray {
        Some((host, stray)) => format!("member `{}` still has its data on {host}", stray.name),
        None => format!("etcd keeps the leader of {}", scopes(users)),
    };
    let hint = match (anew, stray.is_some() || !found.clusters.is_empty()) {
        (true, true) => or_elsewhere(name),
        (true, false) => or_anew(BACK, name),
        (false, _) => BACK.to_owned(),
    };
    if anew {
        found.clusters.insert(name.to_owned());
        found.confirmable.insert(name.to_owned());
    }
    for seat in seats.iter().filter(|seat| !seat.initialized) {
        let message = if anew {
            format!("it has no data and would begin a new, empty etcd, while {lost}")
        } else {
            format!("it has no data, and no member that has answers, while {lost}")
        };
        found.members.insert(seat.key.clone());
        found
            .problems
            .push(problem(nodes, seat.key.0, seat.resource, message, &hint));
    }
}

fn or_anew(hint: &str, name: &str) -> String {
    format!("{hint}; where all of its data is lost for good: `sty apply --confirm {name}`")
}

/// Patroni keeps to the members that it knew when it started, and to those that they name.
fn or_elsewhere(name: &str) -> String {
    format!(
        "{}, then restart Patroni on every node",
        or_anew(STEPS, name)
    )
}

/// Members of this etcd on nodes that should have none.
fn strays<'a>(
    nodes: &'a [NodeInput<'a>],
    name: &'a str,
) -> impl Iterator<Item = (&'a str, &'a EtcdStray)> {
    let strays = nodes.iter().filter_map(|node| {
        let stray = node.surroundings.stray_etcd.as_ref()?;
        Some((node.host, stray))
    });
    strays.filter(move |(_, stray)| stray.cluster == name)
}

fn scopes(users: &[User<'_>]) -> String {
    let names: BTreeSet<String> = users.iter().map(|user| user.member.scope.clone()).collect();
    list(&names)
}

fn list(names: &BTreeSet<String>) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn problem(
    nodes: &[NodeInput<'_>],
    node: usize,
    resource: &Resource,
    message: String,
    hint: &str,
) -> Problem {
    Problem {
        node: nodes[node].host.to_owned(),
        subject: subject(resource),
        failure: Failure {
            hint: Some(hint.to_owned()),
            ..Failure::message(message)
        },
    }
}
