//! The health of one cluster.

use std::collections::{BTreeMap, BTreeSet};

use sty_inventory::model::{Instance, Inventory, PgCluster, Synchronous};
use sty_wire::observation::is_synchronous;
use sty_wire::status::{NodeStatus, PatroniStatus};

use super::{ClusterHealth, ServiceHealth, leads, member};
use crate::run::paused;

pub(super) fn assess(
    inventory: &Inventory,
    cluster: &PgCluster,
    asked: &BTreeSet<String>,
    answers: &BTreeMap<String, NodeStatus>,
    problems: &mut Vec<String>,
) -> ClusterHealth {
    let own = |host: &str, name: &str| -> Option<&PatroniStatus> {
        answers
            .get(host)?
            .patroni
            .iter()
            .find(|member| member.name == name)
    };
    let everybody: Vec<&PatroniStatus> = cluster
        .instances
        .iter()
        .filter_map(|instance| own(&instance.host, &instance.name))
        .collect();
    let primaries: Vec<&PatroniStatus> = everybody
        .iter()
        .copied()
        .filter(|view| leads(&view.role))
        .collect();
    let leader = holder_of_lead(&primaries, &everybody);
    let mut members = Vec::new();
    for instance in cluster
        .instances
        .iter()
        .filter(|one| asked.contains(&one.host))
    {
        let member = match own(&instance.host, &instance.name) {
            Some(view) => member::told(view, instance, &everybody),
            None => member::silent(instance, &everybody),
        };
        if let Some(problem) = &member.problem {
            let since = member
                .since
                .as_ref()
                .map(|since| format!(", {}", since.words()));
            problems.push(format!(
                "{}: {problem}{}",
                member.name,
                since.unwrap_or_default()
            ));
        }
        members.push(member);
    }
    let missing = Missing::of(&everybody);
    let all_asked = cluster
        .instances
        .iter()
        .all(|instance| asked.contains(&instance.host));
    match leader
        .is_none()
        .then(|| led_from_outside(cluster, &everybody))
        .flatten()
    {
        Some(stranger) => problems.push(format!(
            "cluster {0} is led by {stranger}, which is not in the inventory: put it back, or move \
             the lead with `sty cluster switchover {0}`",
            cluster.name
        )),
        None => problems.extend(of_leadership(
            cluster,
            leader,
            &primaries,
            all_asked.then_some(&missing),
        )),
    }
    let paused = everybody.iter().any(|view| view.paused);
    let ailing = leader.is_none() || members.iter().any(|member| member.problem.is_some());
    if paused && (ailing || !cluster.settings.patroni_paused) {
        let name = &cluster.name;
        problems.push(format!("{}; {}", paused::meaning(name), paused::hint(name)));
    }
    let services = services(inventory, cluster, answers);
    for service in &services {
        if let Some(problem) = &service.problem {
            problems.push(format!(
                "service {} ({}) of {} on {}: {problem}",
                service.name, service.port, cluster.name, service.entry
            ));
        }
    }
    ClusterHealth {
        name: cluster.name.clone(),
        leader: leader.map(|view| view.name.clone()),
        without_leader: missing.headline(),
        timeline: leader.and_then(|view| view.timeline),
        paused,
        failsafe: everybody.iter().any(|view| view.failsafe),
        members,
        services,
    }
}

/// Patroni's words for who leads.
const LEADERS: [&str; 2] = ["leader", "standby_leader"];

/// Who leads, as the members that answer say.
fn listed_leader<'a>(everybody: &[&'a PatroniStatus]) -> Option<&'a str> {
    let mut listed = everybody.iter().flat_map(|view| &view.members);
    let leader = listed.find(|listed| LEADERS.contains(&listed.role.as_str()));
    leader.map(|leader| leader.name.as_str())
}

/// Why no member says that it is the primary.
enum Missing {
    /// Another one says that this one leads.
    Silent(String),
    /// No Patroni of it answers, or knows.
    Unknown,
    /// Nobody leads.
    Nobody,
}

impl Missing {
    fn of(everybody: &[&PatroniStatus]) -> Self {
        match listed_leader(everybody) {
            Some(leader) => Self::Silent(leader.to_owned()),
            None if everybody.iter().all(|view| view.members.is_empty()) => Self::Unknown,
            None => Self::Nobody,
        }
    }

    fn problem(&self, cluster: &str) -> String {
        match self {
            Self::Silent(leader) => {
                format!(
                    "cluster {cluster}: {leader} holds the lead, and does not answer as a primary"
                )
            }
            Self::Unknown => {
                format!(
                    "cluster {cluster}: whether anybody leads is not known, as no Patroni of it tells"
                )
            }
            Self::Nobody => format!("cluster {cluster} has no primary"),
        }
    }

    fn headline(self) -> String {
        match self {
            Self::Silent(leader) => format!("primary {leader} does not answer"),
            Self::Unknown => "primary not known".to_owned(),
            Self::Nobody => "no primary".to_owned(),
        }
    }
}

/// Who leads, as its members say, and is none of those that the cluster should have.
fn led_from_outside(cluster: &PgCluster, everybody: &[&PatroniStatus]) -> Option<String> {
    let leader = listed_leader(everybody)?;
    let mut own = cluster.instances.iter();
    let declared = own.any(|instance| instance.name == leader);
    (!declared).then(|| leader.to_owned())
}

/// What is wrong with who leads.
fn of_leadership(
    cluster: &PgCluster,
    leader: Option<&PatroniStatus>,
    primaries: &[&PatroniStatus],
    missing: Option<&Missing>,
) -> Vec<String> {
    let name = &cluster.name;
    let Some(leader) = leader else {
        return missing.map(|why| why.problem(name)).into_iter().collect();
    };
    let mut problems = Vec::new();
    if primaries.len() > 1 {
        problems.push(two_primaries(name, leader, primaries));
    }
    if waits_for_nobody(cluster, leader) {
        problems.push(format!(
            "cluster {name}: no replica is synchronous, so none may take over"
        ));
    }
    problems
}

/// Of several primaries the one that others know as the leader: one that stood still or is cut off
/// may take itself for it. Where they tell of none, the last that was promoted.
fn holder_of_lead<'a>(
    primaries: &[&'a PatroniStatus],
    everybody: &[&PatroniStatus],
) -> Option<&'a PatroniStatus> {
    let told = |name: &str| {
        let others = everybody.iter().filter(|view| view.name != name);
        let mut listed = others.flat_map(|view| &view.members);
        listed.any(|listed| listed.name == name && LEADERS.contains(&listed.role.as_str()))
    };
    let last = primaries.iter().rev();
    last.max_by_key(|view| (told(&view.name), view.timeline))
        .copied()
}

/// Whether writes should wait for a replica, and Patroni has none that they wait for: it lets nobody
/// take over then, since anybody may lack something.
fn waits_for_nobody(cluster: &PgCluster, leader: &PatroniStatus) -> bool {
    let may_lead = |instance: &&Instance| sty_desired::may_lead(cluster, instance);
    let replicas = cluster.instances.iter().filter(may_lead);
    let mut replicas = replicas.filter(|instance| instance.name != leader.name);
    let mut listed = leader.members.iter();
    cluster.settings.synchronous != Synchronous::Off
        && leader.role != "standby_leader"
        && !leader.members.is_empty()
        && replicas.next().is_some()
        && !listed.any(|listed| is_synchronous(&listed.role))
}

fn two_primaries(cluster: &str, leader: &PatroniStatus, primaries: &[&PatroniStatus]) -> String {
    let others = primaries.iter().filter(|view| view.name != leader.name);
    let others: Vec<&str> = others.map(|view| view.name.as_str()).collect();
    format!(
        "cluster {cluster} has {} primaries: {} holds the lead, and what is written to {} will be \
         lost; stop PostgreSQL there",
        primaries.len(),
        leader.name,
        others.join(", ")
    )
}

fn services(
    inventory: &Inventory,
    cluster: &PgCluster,
    answers: &BTreeMap<String, NodeStatus>,
) -> Vec<ServiceHealth> {
    let mut found = Vec::new();
    for service in &cluster.services {
        // A standby cluster has no primary.
        let nobody_writes = cluster.upstream.is_some() && service.leads_to_primary();
        for instance in &cluster.instances {
            let Some(answer) = answers.get(&instance.host) else {
                continue;
            };
            let haproxy = inventory
                .nodes
                .get(&instance.host)
                .is_some_and(|n| n.haproxy.enabled);
            let status = answer
                .services
                .iter()
                .find(|status| status.cluster == cluster.name && status.name == service.name);
            if let Some(status) = status.filter(|_| haproxy) {
                found.push(ServiceHealth {
                    name: service.name.clone(),
                    port: service.port,
                    entry: instance.name.clone(),
                    answering: status.answering.clone(),
                    problem: status.problem.clone().filter(|_| !nobody_writes),
                });
            }
        }
    }
    found
}
