//! Whether a cluster has everything that it should have.

use crate::run::health::{ClusterHealth, Health, leads};

/// A replica this far behind could still not be told from one that keeps up.
const LAG_LIMIT_BYTES: u64 = 1 << 20;

/// Who leads, and on which timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) name: String,
    pub(crate) timeline: Option<u64>,
}

/// The leader of a cluster that is fully redundant: exactly one member leads, every other one
/// streams on its timeline with little lag, every service answers at every entry, `service` by
/// the leader alone, and every member of etcd is healthy.
///
/// # Errors
/// What is lacking, in words.
pub(crate) fn judge(health: &Health, cluster: &str, service: &str) -> Result<Leader, String> {
    let mut clusters = health.clusters.iter();
    let found = clusters.find(|found| found.name == cluster);
    let found = found.ok_or_else(|| format!("nothing is known of cluster {cluster}"))?;
    let leader = leader(found)?;
    for member in &found.members {
        if let Some(problem) = &member.problem {
            return Err(format!("{}: {problem}", member.name));
        }
        if member.name == leader.name {
            continue;
        }
        if member.state != "streaming" {
            return Err(format!("{} is {}", member.name, member.state));
        }
        if member.timeline != leader.timeline {
            return Err(format!("{} is on another timeline", member.name));
        }
        match member.lag_bytes {
            Some(lag) if lag <= LAG_LIMIT_BYTES => {}
            Some(lag) => return Err(format!("{} is {lag} bytes behind", member.name)),
            None => return Err(format!("the lag of {} is unknown", member.name)),
        }
    }
    for one in &found.services {
        if let Some(problem) = &one.problem {
            return Err(format!("service {} on {}: {problem}", one.name, one.entry));
        }
        if one.name == service && leads_elsewhere(&one.answering, &leader.name) {
            let answering = one.answering.join(", ");
            return Err(format!(
                "service {service} on {} is answered by {answering}",
                one.entry
            ));
        }
    }
    match health.etcd.iter().find(|member| !member.healthy) {
        Some(member) => Err(format!("etcd member {} is not healthy", member.name)),
        None => Ok(leader),
    }
}

fn leads_elsewhere(answering: &[String], leader: &str) -> bool {
    !answering.iter().any(|name| name == leader) || answering.len() > 1
}

fn leader(cluster: &ClusterHealth) -> Result<Leader, String> {
    let mut leaders = cluster.members.iter().filter(|one| leads(&one.role));
    match (leaders.next(), leaders.next()) {
        (Some(one), None) => Ok(Leader {
            name: one.name.clone(),
            timeline: one.timeline,
        }),
        (Some(one), Some(other)) => Err(format!("{} and {} both lead", one.name, other.name)),
        (None, _) => Err("nobody leads".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::health::{MemberHealth, ServiceHealth};

    fn member(name: &str, role: &str) -> MemberHealth {
        MemberHealth {
            name: name.to_owned(),
            address: "10.10.10.11".to_owned(),
            role: role.to_owned(),
            state: "streaming".to_owned(),
            timeline: Some(3),
            lag_bytes: Some(0),
            server_version: None,
            pending_restart: Vec::new(),
            problem: None,
        }
    }

    fn health() -> Health {
        Health {
            healthy: true,
            problems: Vec::new(),
            etcd: Vec::new(),
            clusters: vec![ClusterHealth {
                name: "pg".to_owned(),
                leader: Some("pg-1".to_owned()),
                timeline: Some(3),
                paused: false,
                members: vec![member("pg-1", "primary"), member("pg-2", "replica")],
                services: vec![ServiceHealth {
                    name: "primary".to_owned(),
                    port: 5433,
                    entry: "pg-2".to_owned(),
                    answering: vec!["pg-1".to_owned()],
                    problem: None,
                }],
            }],
        }
    }

    fn lacking(change: impl FnOnce(&mut ClusterHealth)) -> String {
        let mut health = health();
        change(&mut health.clusters[0]);
        judge(&health, "pg", "primary").unwrap_err()
    }

    #[test]
    fn everything_is_needed() {
        let leader = judge(&health(), "pg", "primary").unwrap();
        assert_eq!((leader.name.as_str(), leader.timeline), ("pg-1", Some(3)));
        let said = [
            lacking(|it| it.members[0].role = "replica".to_owned()),
            lacking(|it| it.members[1].role = "primary".to_owned()),
            lacking(|it| it.members[1].state = "running".to_owned()),
            lacking(|it| it.members[1].timeline = Some(2)),
            lacking(|it| it.members[1].lag_bytes = Some(9_000_000)),
            lacking(|it| it.members[1].lag_bytes = None),
            lacking(|it| it.services[0].answering = vec!["pg-2".to_owned()]),
        ];
        insta::assert_snapshot!(said.join("\n"), @"
        nobody leads
        pg-1 and pg-2 both lead
        pg-2 is running
        pg-2 is on another timeline
        pg-2 is 9000000 bytes behind
        the lag of pg-2 is unknown
        service primary on pg-2 is answered by pg-2
        ");
    }
}
