//! Whether a cluster has everything that it should have.

use super::stage::Sight;
use crate::run::health::{ClusterHealth, leads};

/// A replica this far behind could still not be told from one that keeps up.
const LAG_LIMIT_BYTES: u64 = 1 << 20;

/// Who leads, and on which timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) name: String,
    pub(crate) timeline: Option<u64>,
}

/// What is asked of a cluster.
pub(crate) struct Wanted<'a> {
    pub(crate) cluster: &'a str,
    /// Service that leads to the leader.
    pub(crate) service: &'a str,
    /// Writes wait for a replica: there must be one.
    pub(crate) synchronous: bool,
}

/// The leader of a cluster that is fully redundant: exactly one member leads, every other one
/// streams on its timeline with little lag (but one that is late on purpose), every service answers
/// at every entry, `service` by the leader alone, every member of etcd is healthy, failsafe mode is
/// over, and there is a replica that writes wait for where they should.
///
/// # Errors
/// What is lacking, in words.
pub(crate) fn judge(sight: &Sight, wanted: &Wanted<'_>) -> Result<Leader, String> {
    let Wanted {
        cluster, service, ..
    } = wanted;
    let mut clusters = sight.health.clusters.iter();
    let found = clusters.find(|found| found.name == *cluster);
    let found = found.ok_or_else(|| format!("nothing is known of cluster {cluster}"))?;
    let leader = leader(found)?;
    for member in &found.members {
        if let Some(problem) = &member.problem {
            return Err(format!("{}: {problem}", member.name));
        }
        if member.name == leader.name || member.delay.is_some() {
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
        if one.name == *service && leads_elsewhere(&one.answering, &leader.name) {
            let answering = one.answering.join(", ");
            return Err(format!(
                "service {service} on {} is answered by {answering}",
                one.entry
            ));
        }
    }
    if found.failsafe {
        return Err("failsafe mode is active: nobody takes over yet".to_owned());
    }
    if let Some(member) = sight.health.etcd.iter().find(|member| !member.healthy) {
        return Err(format!("etcd member {} is not healthy", member.name));
    }
    if wanted.synchronous && sight.waited_for.is_empty() {
        return Err("there is no replica that writes wait for".to_owned());
    }
    Ok(leader)
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
    use crate::run::health::{Health, MemberHealth, ServiceHealth};

    const WANTED: Wanted<'_> = Wanted {
        cluster: "pg",
        service: "primary",
        synchronous: true,
    };

    fn member(name: &str, role: &str) -> MemberHealth {
        MemberHealth {
            name: name.to_owned(),
            address: "10.10.10.11".to_owned(),
            role: role.to_owned(),
            synchronous: None,
            follows: None,
            delay: None,
            state: "streaming".to_owned(),
            timeline: Some(3),
            lag_bytes: Some(0),
            server_version: None,
            pending_restart: Vec::new(),
            condition: None,
            since: None,
            problem: None,
        }
    }

    fn sight() -> Sight {
        let health = Health {
            healthy: true,
            problems: Vec::new(),
            etcd: Vec::new(),
            notes: Vec::new(),
            clusters: vec![ClusterHealth {
                without_leader: String::new(),
                name: "pg".to_owned(),
                leader: Some("pg-1".to_owned()),
                timeline: Some(3),
                paused: false,
                failsafe: false,
                members: vec![member("pg-1", "primary"), member("pg-2", "replica")],
                services: vec![ServiceHealth {
                    name: "primary".to_owned(),
                    port: 5433,
                    entry: "pg-2".to_owned(),
                    answering: vec!["pg-1".to_owned()],
                    problem: None,
                }],
            }],
        };
        Sight {
            health,
            waited_for: ["pg-2".to_owned()].into(),
        }
    }

    fn lacking(change: impl FnOnce(&mut ClusterHealth)) -> String {
        let mut sight = sight();
        change(&mut sight.health.clusters[0]);
        judge(&sight, &WANTED).unwrap_err()
    }

    #[test]
    fn everything_is_needed() {
        let mut sight = sight();
        let leader = judge(&sight, &WANTED).unwrap();
        assert_eq!((leader.name.as_str(), leader.timeline), ("pg-1", Some(3)));
        sight.waited_for.clear();
        let said = [
            judge(&sight, &WANTED).unwrap_err(),
            lacking(|it| it.members[0].role = "replica".to_owned()),
            lacking(|it| it.members[1].role = "primary".to_owned()),
            lacking(|it| it.members[1].state = "running".to_owned()),
            lacking(|it| it.members[1].timeline = Some(2)),
            lacking(|it| it.members[1].lag_bytes = Some(9_000_000)),
            lacking(|it| it.members[1].lag_bytes = None),
            lacking(|it| it.services[0].answering = vec!["pg-2".to_owned()]),
            lacking(|it| it.failsafe = true),
        ];
        insta::assert_snapshot!(said.join("\n"), @"
        there is no replica that writes wait for
        nobody leads
        pg-1 and pg-2 both lead
        pg-2 is running
        pg-2 is on another timeline
        pg-2 is 9000000 bytes behind
        the lag of pg-2 is unknown
        service primary on pg-2 is answered by pg-2
        failsafe mode is active: nobody takes over yet
        ");
    }
}
