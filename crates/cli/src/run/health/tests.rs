//! Pictures of a small fleet.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;

use sty_wire::observation::{EtcdPeer, Note};
use sty_wire::status::{EtcdStatus, MemberStatus, NodeStatus, PatroniStatus};

use super::{Health, assess};

/// The line of the template with its only member, and one with another beside it.
const FIRST: &str = "10.10.10.10: { pg_seq: 1, pg_role: primary }";
const BOTH: &str = "10.10.10.10: { pg_seq: 1, pg_role: primary }
        10.10.10.11: { pg_seq: 2, pg_role: replica }";

fn view(name: &str, role: &str, state: &str) -> PatroniStatus {
    PatroniStatus {
        scope: "pg-meta".to_owned(),
        name: name.to_owned(),
        role: role.to_owned(),
        state: state.to_owned(),
        ..PatroniStatus::default()
    }
}

fn listed(name: &str, role: &str) -> MemberStatus {
    MemberStatus {
        name: name.to_owned(),
        host: String::new(),
        role: role.to_owned(),
        state: "streaming".to_owned(),
        timeline: None,
        lag_bytes: None,
        follows: None,
    }
}

/// A host of the template `meta`, with a member of its cluster that says `view`.
fn health(text: &str, views: Vec<PatroniStatus>) -> Health {
    health_with(text, views, &|_| ())
}

/// The same, where its node says something besides.
fn health_with(text: &str, views: Vec<PatroniStatus>, besides: &dyn Fn(&mut NodeStatus)) -> Health {
    let loaded = sty_inventory::load("x.yml", text, &|_| Ok(String::new()));
    let inventory = loaded.inventory.unwrap();
    let etcd = EtcdStatus {
        name: "etcd-1".to_owned(),
        healthy: true,
        leader: true,
        ..EtcdStatus::default()
    };
    let hosts = ["10.10.10.10", "10.10.10.11"].into_iter();
    let answer = |(host, view): (&str, PatroniStatus)| {
        let etcd = (host == "10.10.10.10").then(|| etcd.clone());
        let patroni = vec![view];
        let status = NodeStatus {
            etcd,
            patroni,
            ..NodeStatus::default()
        };
        (host.to_owned(), status)
    };
    let mut answers: BTreeMap<_, _> = hosts.zip(views).map(answer).collect();
    besides(answers.get_mut("10.10.10.10").unwrap());
    let asked = answers.keys().cloned().collect();
    assess(&inventory, &asked, &answers, &BTreeMap::new())
}

fn meta(from: &str, to: &str) -> String {
    let mut templates = sty_inventory::templates().iter();
    let text = templates.find(|one| one.name == "meta").unwrap().text;
    let changed = text.replace(from, to);
    assert_ne!(changed, text, "{from} is there");
    changed.replace(sty_inventory::template::RANDOM, "long-enough")
}

/// The health of a paused cluster of one.
fn paused(mode: &str, state: &str) -> Health {
    paused_with(mode, state, &|_| ())
}

fn paused_with(mode: &str, state: &str, besides: &dyn Fn(&mut NodeStatus)) -> Health {
    let mode = format!("pg_cluster: pg-meta\n        patroni_mode: {mode}");
    let primary = PatroniStatus {
        paused: true,
        ..view("pg-meta-1", "primary", state)
    };
    health_with(&meta("pg_cluster: pg-meta", &mode), vec![primary], besides)
}

/// A primary that only does not answer may be serving.
#[test]
fn what_is_not_known_of_the_lead_is_not_denied() {
    let told = |members: Vec<MemberStatus>| {
        let silent = view("pg-meta-1", "", "");
        let other = PatroniStatus {
            members,
            ..view("pg-meta-2", "replica", "streaming")
        };
        let health = health(&meta(FIRST, BOTH), vec![silent, other]);
        let problem = health
            .problems
            .iter()
            .find(|one| one.starts_with("cluster"));
        let cluster = &health.clusters[0];
        assert_eq!(cluster.leader, None);
        format!("{}: {}", cluster.without_leader, problem.unwrap())
    };
    let replica = listed("pg-meta-2", "replica");
    insta::assert_snapshot!(told(vec![listed("pg-meta-1", "leader"), replica.clone()]), @"primary pg-meta-1 does not answer: cluster pg-meta: pg-meta-1 holds the lead, and does not answer as a primary");
    insta::assert_snapshot!(told(vec![replica]), @"no primary: cluster pg-meta has no primary");
    insta::assert_snapshot!(told(Vec::new()), @"primary not known: cluster pg-meta: whether anybody leads is not known, as no Patroni of it tells");
}

#[test]
fn two_primaries_are_told_and_which_holds_the_lead() {
    let new = PatroniStatus {
        members: vec![listed("pg-meta-2", "leader")],
        timeline: Some(2),
        ..view("pg-meta-2", "primary", "running")
    };
    // It stood still, and has not heard of the other one.
    let old = PatroniStatus {
        members: vec![listed("pg-meta-1", "leader")],
        timeline: Some(1),
        ..view("pg-meta-1", "primary", "running")
    };
    // What others tell comes before what a member says of itself, and before its timeline.
    let heard = PatroniStatus {
        members: vec![listed("pg-meta-2", "leader")],
        timeline: Some(3),
        ..old.clone()
    };
    let leads = |old: PatroniStatus| {
        let health = health(&meta(FIRST, BOTH), vec![old, new.clone()]);
        health.clusters[0].leader.clone()
    };
    assert_eq!(leads(heard).as_deref(), Some("pg-meta-2"));
    let health = health(&meta(FIRST, BOTH), vec![old, new.clone()]);
    assert_eq!(health.clusters[0].leader.as_deref(), Some("pg-meta-2"));
    insta::assert_snapshot!(health.problems.join("\n"), @"cluster pg-meta has 2 primaries: pg-meta-2 holds the lead, and what is written to pg-meta-1 will be lost; stop PostgreSQL there");
}

#[test]
fn a_replica_that_writes_wait_for_is_missed() {
    let text = meta(FIRST, BOTH).replace(
        "pg_cluster: pg-meta",
        "pg_cluster: pg-meta\n        pg_rpo: 0",
    );
    let problems = |role| {
        let leads = PatroniStatus {
            members: vec![listed("pg-meta-1", "leader"), listed("pg-meta-2", role)],
            ..view("pg-meta-1", "primary", "running")
        };
        let views = vec![leads, view("pg-meta-2", "replica", "streaming")];
        health(&text, views).problems.join("\n")
    };
    assert_eq!(problems("sync_standby"), "");
    insta::assert_snapshot!(problems("replica"), @"cluster pg-meta: no replica is synchronous, so none may take over");
}

#[test]
fn a_cluster_is_not_well_while_somebody_has_paused_it() {
    insta::assert_snapshot!(paused("default", "running").problems.join("\n"), @"cluster pg-meta is paused: Patroni starts and promotes nothing by itself; `sty cluster resume pg-meta` switches automatic failover on again");
    assert!(paused("pause", "running").healthy, "the inventory says so");
    let ailing = paused("pause", "stopped").problems;
    assert!(ailing[1].contains("resume"), "nobody mends it: {ailing:?}");
}

#[test]
fn what_somebody_stopped_in_a_pooler_is_a_problem() {
    let stopped = paused_with("pause", "running", &|status| {
        let words = vec!["database app is disabled".to_owned()];
        status.poolers = vec![("pgbouncer.service".to_owned(), words)];
    });
    insta::assert_snapshot!(stopped.problems.join("\n"), @"node 10.10.10.10: pgbouncer.service: database app is disabled");
}

#[test]
fn members_of_etcd_that_left_the_inventory_are_a_problem() {
    let left = paused_with("pause", "running", &|status| {
        let stranger = |name: &str| EtcdPeer {
            id: String::new(),
            name: name.to_owned(),
            peer_url: "https://10.10.10.9:2380".to_owned(),
        };
        let etcd = status.etcd.as_mut().unwrap();
        etcd.strangers = vec![stranger("etcd-9"), stranger("")];
    });
    insta::assert_snapshot!(left.problems.join("\n"), @"
    etcd has a member etcd-9 at https://10.10.10.9:2380, which the inventory does not know: `sty apply --confirm etcd-9` removes it
    etcd waits for a member at https://10.10.10.9:2380, which the inventory does not know: `sty apply --confirm https://10.10.10.9:2380` removes it
    ");
}

#[test]
fn a_note_is_no_problem() {
    let noted = paused_with("pause", "running", &|status| {
        status.notes = vec![Note {
            subject: "etcd.service".to_owned(),
            message: String::new(),
            hint: String::new(),
        }];
    });
    assert!(noted.healthy);
    assert_eq!(noted.notes[0].node, "10.10.10.10");
}
