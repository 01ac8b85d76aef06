//! Who follows whom, who may lead, and what waits for whom.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use sty_wire::resource::{Resource, ResourceKind};
use support::{inventory, resources};

/// The part of a member's Patroni configuration that is about replication.
fn replication(host: &str) -> String {
    let all = resources(&inventory("topologies"), host);
    let text = file(&all, "/etc/patroni/patroni.yml");
    let own = &text[text.find("\npostgresql:").unwrap()..];
    const KEYS: [&str; 9] = [
        "synchronized_standby_slots",
        "hot_standby_feedback",
        "recovery_min_apply_delay",
        "on_role_change",
        "nofailover",
        "nosync",
        "clonefrom",
        "delay:",
        "replicatefrom",
    ];
    let wanted = |line: &&str| KEYS.iter().any(|key| line.trim().starts_with(key));
    let lines = own.lines().filter(wanted).map(str::trim);
    lines.collect::<Vec<_>>().join("\n")
}

fn file<'a>(all: &'a [Resource], path: &str) -> &'a str {
    let id = format!("file:{path}");
    let found = all.iter().find(|one| one.id == id).unwrap();
    match &found.kind {
        ResourceKind::File(file) => file.content.expose(),
        _ => unreachable!(),
    }
}

fn dynamic(host: &str) -> serde_json::Value {
    let all = resources(&inventory("topologies"), host);
    let config = |one: Resource| match one.kind {
        ResourceKind::PatroniConfig { config, .. } => Some(config),
        _ => None,
    };
    all.into_iter().find_map(config).unwrap()
}

#[test]
fn a_subscriber_waits_for_those_that_may_lead() {
    insta::assert_snapshot!(replication("10.10.10.11"), @"
    synchronized_standby_slots: pg_src_2
    on_role_change: /etc/patroni/role-changed
    nofailover: false
    nosync: false
    clonefrom: true
    ");
    insta::assert_snapshot!(replication("10.10.10.12"), @"
    synchronized_standby_slots: pg_src_1
    on_role_change: /etc/patroni/role-changed
    nofailover: false
    nosync: false
    clonefrom: true
    ");
}

#[test]
fn who_could_not_take_over_does_not() {
    insta::assert_snapshot!(replication("10.10.10.13"), @r#"
    synchronized_standby_slots: "pg_src_1,pg_src_2"
    on_role_change: /etc/patroni/role-changed
    nofailover: true
    nosync: true
    clonefrom: true
    replicatefrom: pg-src-2
    "#);
    insta::assert_snapshot!(replication("10.10.10.14"), @r#"
    hot_standby_feedback: "off"
    synchronized_standby_slots: "pg_src_1,pg_src_2"
    recovery_min_apply_delay: "1h"
    on_role_change: /etc/patroni/role-changed
    nofailover: true
    nosync: true
    clonefrom: false
    delay: "1h"
    "#);
    insta::assert_snapshot!(replication("10.10.10.15"), @r#"
    synchronized_standby_slots: "pg_src_1,pg_src_2"
    on_role_change: /etc/patroni/role-changed
    nofailover: true
    nosync: true
    clonefrom: true
    "#);
}

#[test]
fn everybody_in_a_delayed_cluster_is_late() {
    insta::assert_snapshot!(replication("10.10.20.11"), @r#"
    recovery_min_apply_delay: "30min"
    nofailover: false
    nosync: false
    clonefrom: true
    "#);
    insta::assert_snapshot!(replication("10.10.20.12"), @r#"
    recovery_min_apply_delay: "30min"
    nofailover: false
    nosync: false
    clonefrom: true
    "#);
}

#[test]
fn a_standby_cluster_follows_whoever_leads_by_a_slot_of_its_own() {
    let follower = dynamic("10.10.20.11");
    insta::assert_snapshot!(follower["standby_cluster"], @r#"{"create_replica_methods":["basebackup"],"host":"10.10.10.12,10.10.10.11","port":5432,"primary_slot_name":"pg_dst"}"#);
    insta::assert_snapshot!(dynamic("10.10.10.11")["slots"], @r#"{"pg_dst":{"type":"physical"}}"#);
}

#[test]
fn quorum_commit_lets_any_replica_take_over_that_has_the_commits() {
    let config = dynamic("10.10.10.11");
    assert_eq!(config["synchronous_mode"], "quorum");
    assert_eq!(config["maximum_lag_on_failover"], 1 << 20);
}

#[test]
fn reads_never_meet_a_late_replica() {
    let all = resources(&inventory("topologies"), "10.10.10.11");
    let proxy = file(&all, "/etc/haproxy/haproxy.cfg");
    let section = |name: &str| {
        let text = &proxy[proxy.find(&format!("listen {name}\n")).unwrap()..];
        let end = text[1..].find("\nlisten").map_or(text.len(), |end| end + 1);
        let servers = text[..end].lines().map(str::trim);
        let servers = servers.filter(|line| line.starts_with("server "));
        servers.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(section("pg-src-replica"), @"
    server pg-src-1 10.10.10.11:6432 weight 100 track pg-src.is-replica/pg-src-1
    server pg-src-2 10.10.10.12:6432 weight 100 track pg-src.is-replica/pg-src-2
    server pg-src-3 10.10.10.13:6432 weight 100 track pg-src.is-replica/pg-src-3
    server pg-src-5 10.10.10.15:6432 weight 100 track pg-src.is-replica/pg-src-5 backup
    server pg-src-1.primary 10.10.10.11:6432 weight 100 track pg-src.is-primary/pg-src-1 backup
    server pg-src-2.primary 10.10.10.12:6432 weight 100 track pg-src.is-primary/pg-src-2 backup
    server pg-src-3.primary 10.10.10.13:6432 weight 100 track pg-src.is-primary/pg-src-3 backup
    ");
    insta::assert_snapshot!(section("pg-src-offline"), @"
    server pg-src-1 10.10.10.11:5432 weight 100 track pg-src.is-replica/pg-src-1 backup
    server pg-src-2 10.10.10.12:5432 weight 100 track pg-src.is-replica/pg-src-2 backup
    server pg-src-3 10.10.10.13:5432 weight 100 track pg-src.is-replica/pg-src-3 backup
    server pg-src-5 10.10.10.15:5432 weight 100 track pg-src.is-replica/pg-src-5
    ");
}
