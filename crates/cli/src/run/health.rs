//! From what nodes tell to one picture of the fleet's health.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sty_inventory::model::{Instance, Inventory, PgCluster};
use sty_wire::observation::Failure;
use sty_wire::standing::{Condition, Standing};
use sty_wire::status::{EtcdStatus, NodeStatus, PatroniStatus};

use crate::run::since::Since;

/// A fleet's health.
#[derive(Debug, Serialize)]
pub(crate) struct Health {
    /// Whether nothing is wrong.
    pub(crate) healthy: bool,
    /// What is wrong, in words.
    pub(crate) problems: Vec<String>,
    /// etcd members.
    pub(crate) etcd: Vec<EtcdStatus>,
    /// PostgreSQL clusters.
    pub(crate) clusters: Vec<ClusterHealth>,
}

/// A cluster's health.
#[derive(Debug, Serialize)]
pub(crate) struct ClusterHealth {
    pub(crate) name: String,
    pub(crate) leader: Option<String>,
    pub(crate) timeline: Option<u64>,
    pub(crate) paused: bool,
    pub(crate) members: Vec<MemberHealth>,
    pub(crate) services: Vec<ServiceHealth>,
}

/// A member's health.
#[derive(Debug, Serialize)]
pub(crate) struct MemberHealth {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) role: String,
    /// Writes wait for it: `sync` when Patroni has chosen it, `quorum` when any of several will do.
    pub(crate) synchronous: Option<&'static str>,
    /// Member that it follows instead of the leader.
    pub(crate) follows: Option<String>,
    /// Behind on purpose, by this much.
    pub(crate) delay: Option<String>,
    pub(crate) state: String,
    pub(crate) timeline: Option<u64>,
    pub(crate) lag_bytes: Option<u64>,
    pub(crate) server_version: Option<u64>,
    pub(crate) pending_restart: Vec<String>,
    /// Why it is not well, by name.
    pub(crate) condition: Option<Condition>,
    /// Since when, at least, it is not well.
    pub(crate) since: Option<Since>,
    pub(crate) problem: Option<String>,
}

/// A service on one entry node.
#[derive(Debug, Serialize)]
pub(crate) struct ServiceHealth {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) entry: String,
    pub(crate) answering: Vec<String>,
    pub(crate) problem: Option<String>,
}

/// Puts the picture together.
///
/// `asked` are the hosts it is about: what is on others is left out.
pub(crate) fn assess(
    inventory: &Inventory,
    asked: &BTreeSet<String>,
    answers: &BTreeMap<String, NodeStatus>,
    unreachable: &BTreeMap<String, Failure>,
) -> Health {
    let mut problems: Vec<String> = unreachable
        .iter()
        .map(|(host, failure)| format!("node {host}: {}", failure.message))
        .collect();
    let etcd = etcd_members(inventory, asked, answers);
    for member in etcd.iter().filter(|member| !member.healthy) {
        let why = member.problem.as_deref().unwrap_or("does not answer");
        problems.push(format!("etcd member {}: {why}", member.name));
    }
    let members = inventory.etcd.as_ref().map_or(0, |etcd| etcd.members.len());
    if members > 0 && etcd.len() == members && !etcd.iter().any(|member| member.leader) {
        problems.push("etcd has no leader".to_owned());
    }
    for (host, answer) in answers {
        for (unit, state) in answer.units.iter().filter(|(_, state)| state != "active") {
            problems.push(format!("node {host}: {unit} is {state}"));
        }
    }
    let concerned = |cluster: &&PgCluster| {
        let mut instances = cluster.instances.iter();
        instances.any(|instance| asked.contains(&instance.host))
    };
    let clusters: Vec<ClusterHealth> = inventory
        .clusters
        .values()
        .filter(concerned)
        .map(|cluster| assess_cluster(inventory, cluster, asked, answers, &mut problems))
        .collect();
    Health {
        healthy: problems.is_empty(),
        problems,
        etcd,
        clusters,
    }
}

/// Every member of etcd on the hosts asked, also one that does not answer.
fn etcd_members(
    inventory: &Inventory,
    asked: &BTreeSet<String>,
    answers: &BTreeMap<String, NodeStatus>,
) -> Vec<EtcdStatus> {
    let members = inventory.etcd.iter().flat_map(|etcd| &etcd.members);
    members
        .filter(|member| asked.contains(&member.host))
        .map(|member| {
            let answer = answers
                .get(&member.host)
                .and_then(|answer| answer.etcd.clone());
            answer.unwrap_or_else(|| EtcdStatus {
                name: member.name.clone(),
                healthy: false,
                leader: false,
                version: String::new(),
                db_size_bytes: 0,
                problem: Some("its node does not answer".to_owned()),
            })
        })
        .collect()
}

fn assess_cluster(
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
    let leader = everybody.iter().find(|view| leads(&view.role));
    let mut members = Vec::new();
    for instance in cluster
        .instances
        .iter()
        .filter(|one| asked.contains(&one.host))
    {
        let member = match own(&instance.host, &instance.name) {
            Some(view) => member(view, instance, &everybody),
            None => silent(instance, &everybody),
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
    let all_asked = cluster
        .instances
        .iter()
        .all(|instance| asked.contains(&instance.host));
    if leader.is_none() && all_asked {
        problems.push(format!("cluster {} has no primary", cluster.name));
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
        timeline: leader.and_then(|view| view.timeline),
        paused: everybody.iter().any(|view| view.paused),
        members,
        services,
    }
}

/// Whether this is the role of a member that leads its cluster.
pub(crate) fn leads(role: &str) -> bool {
    matches!(role, "primary" | "master" | "standby_leader")
}

fn member(view: &PatroniStatus, instance: &Instance, everybody: &[&PatroniStatus]) -> MemberHealth {
    let listed = everybody
        .iter()
        .flat_map(|view| &view.members)
        .find(|listed| listed.name == view.name);
    // Patroni has it follow the leader when its upstream is gone.
    let known = |name: &str| {
        let mut listed = everybody.iter().flat_map(|view| &view.members);
        listed.any(|listed| listed.name == name)
    };
    let runs = matches!(view.state.as_str(), "running" | "streaming");
    let condition = condition(view, everybody);
    let problem = match (condition, &view.problem) {
        (Some(condition), _) => Some(condition.words().to_owned()),
        (None, Some(problem)) => Some(problem.clone()),
        (None, None) if !runs => Some(format!("is {}", view.state)),
        (None, None) => None,
    };
    MemberHealth {
        name: view.name.clone(),
        address: instance.address.to_string(),
        role: view.role.clone(),
        synchronous: listed.and_then(|listed| match listed.role.as_str() {
            "sync_standby" => Some("sync"),
            "quorum_standby" => Some("quorum"),
            _ => None,
        }),
        follows: listed
            .filter(|_| !leads(&view.role))
            .and_then(|listed| listed.follows.clone())
            .filter(|name| known(name)),
        delay: delay(instance),
        state: listed.map_or(view.state.clone(), |listed| listed.state.clone()),
        timeline: view.timeline,
        lag_bytes: listed.and_then(|listed| listed.lag_bytes),
        server_version: view.server_version,
        pending_restart: view.pending_restart.clone(),
        condition,
        since: condition.and(view.standing.since).and_then(Since::at),
        problem,
    }
}

fn delay(instance: &Instance) -> Option<String> {
    Some(instance.delay.clone()).filter(|delay| !delay.is_empty())
}

/// Why a member is not well, with what is known of the one that it follows.
fn condition(view: &PatroniStatus, everybody: &[&PatroniStatus]) -> Option<Condition> {
    let mut listed = everybody.iter().flat_map(|view| &view.members);
    let own = listed.find(|listed| listed.name == view.name);
    let follows = own.and_then(|own| own.follows.as_deref());
    let streams =
        |one: &&&PatroniStatus| Some(one.name.as_str()) == follows && one.state == "streaming";
    let leader = || everybody.iter().find(|one| leads(&one.role));
    let nobody = Standing::default();
    let upstream = everybody.iter().find(streams).or_else(leader);
    let upstream = upstream.map_or(&nobody, |one| &one.standing);
    view.standing.behind(&view.name, upstream)
}

/// A member whose node says nothing; the leader may know since when.
fn silent(instance: &Instance, everybody: &[&PatroniStatus]) -> MemberHealth {
    let slots = everybody
        .iter()
        .filter_map(|view| view.standing.slot_of(&instance.name));
    let mut gone = slots.filter(|slot| !slot.active);
    MemberHealth {
        name: instance.name.clone(),
        address: instance.address.to_string(),
        role: "unknown".to_owned(),
        synchronous: None,
        follows: None,
        delay: delay(instance),
        state: "unknown".to_owned(),
        timeline: None,
        lag_bytes: None,
        server_version: None,
        pending_restart: Vec::new(),
        condition: None,
        since: gone
            .find_map(|slot| slot.inactive_since)
            .and_then(Since::at),
        problem: Some("its node does not answer".to_owned()),
    }
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
