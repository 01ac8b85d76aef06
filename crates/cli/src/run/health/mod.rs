//! From what nodes tell to one picture of the fleet's health.

mod cluster;
mod member;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sty_inventory::model::{Inventory, PgCluster};
use sty_plan::Noted;
use sty_wire::observation::{EtcdPeer, Failure};
use sty_wire::standing::Condition;
use sty_wire::status::{EtcdStatus, NodeStatus};

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
    /// What nodes tell beside, which is no fault.
    pub(crate) notes: Vec<Noted>,
}

/// A cluster's health.
#[derive(Debug, Serialize)]
pub(crate) struct ClusterHealth {
    pub(crate) name: String,
    pub(crate) leader: Option<String>,
    /// Words for that nobody says that it leads.
    #[serde(skip)]
    pub(crate) without_leader: String,
    pub(crate) timeline: Option<u64>,
    pub(crate) paused: bool,
    /// Failsafe mode is active on a member: nobody takes over for a moment.
    pub(crate) failsafe: bool,
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
    // One that was not understood may lead.
    let answered = etcd.iter().filter(|member| member.version.is_some());
    if members > 0 && answered.count() == members && !etcd.iter().any(|member| member.leader) {
        problems.push("etcd has no leader".to_owned());
    }
    let strangers = etcd.iter().flat_map(|member| &member.strangers);
    let strangers: BTreeSet<String> = strangers.map(stranger).collect();
    problems.extend(strangers);
    for (host, answer) in answers {
        for (unit, state) in answer.units.iter().filter(|(_, state)| state != "active") {
            problems.push(format!("node {host}: {unit} is {state}"));
        }
        for (unit, stopped) in &answer.poolers {
            problems.push(format!("node {host}: {unit}: {}", stopped.join(", ")));
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
        .map(|cluster| cluster::assess(inventory, cluster, asked, answers, &mut problems))
        .collect();
    Health {
        healthy: problems.is_empty(),
        problems,
        etcd,
        clusters,
        notes: answers
            .iter()
            .flat_map(|(host, answer)| Noted::all(host, &answer.notes))
            .collect(),
    }
}

/// A member of etcd that the inventory does not have, in words.
fn stranger(peer: &EtcdPeer) -> String {
    let url = &peer.peer_url;
    match peer.name.as_str() {
        "" => format!(
            "etcd waits for a member at {url}, which the inventory does not know: \
             `sty apply --confirm {url}` removes it"
        ),
        name => format!(
            "etcd has a member {name} at {url}, which the inventory does not know: \
             `sty apply --confirm {name}` removes it"
        ),
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
                problem: Some("its node does not answer".to_owned()),
                ..EtcdStatus::default()
            })
        })
        .collect()
}

/// Whether this is the role of a member that leads its cluster.
pub(crate) fn leads(role: &str) -> bool {
    matches!(role, "primary" | "master" | "standby_leader")
}
