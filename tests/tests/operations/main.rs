//! The operator moves, restarts and mends a cluster that is in use.

#![allow(clippy::expect_used, reason = "a story")]

mod failover;
mod load;
mod sessions;
mod update;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use sty_stories::{Ran, World, until};

use load::Load;
use sessions::Session;

const TEST: [&str; 3] = ["10.10.10.11", "10.10.10.12", "10.10.10.13"];
const IN_RECOVERY: &str = "select pg_is_in_recovery()";

#[test]
fn a_cluster_in_use_is_operated() {
    let world = World::deployed("story-operations");
    Load::prepare(&world);
    nothing_that_loses_data_is_done(&world);
    the_primary_moves_and_pooled_clients_notice_nothing(&world);
    a_session_pooled_as_such_stops_nothing(&world);
    readers_never_meet_the_primary(&world);
    a_primary_leaves_etcd_to_others(&world);
    every_member_restarts_and_pooled_clients_notice_nothing(&world);
    the_primary_restarts_where_it_is(&world);
    who_does_not_end_is_named_and_stops_nothing(&world);
    who_does_not_end_is_cut_off_on_demand(&world);
    a_controller_that_dies_leaves_nobody_waiting(&world);
    a_replica_is_copied_anew(&world);
    update::newer_packages_arrive_and_pooled_clients_notice_nothing(&world);
    failover_is_switched_off_and_on(&world);
    failover::a_lost_primary_is_replaced_by_hand(&world);
    what_patroni_keeps_is_shown(&world);
    world.sty(&["status", "--wait", "60"]).ok();
    world.assert_converged();
}

fn cluster(world: &World, words: &[&str]) -> Ran {
    world.sty(&[&["cluster"], words].concat())
}

fn status(world: &World) -> Value {
    let (_, status) = world.status();
    let mut clusters = status["clusters"].as_array().into_iter().flatten();
    let found = clusters.find(|cluster| cluster["name"] == "pg-test");
    found.cloned().unwrap_or_default()
}

fn leader(world: &World) -> String {
    let leader = status(world)["leader"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(!leader.is_empty(), "nobody leads");
    leader
}

fn node_of(member: &str) -> &'static str {
    let number = member.trim_start_matches("pg-test-").parse::<usize>();
    TEST[number.expect("pg-test-1 to 3") - 1]
}

/// Members that answer a service, wherever one comes in.
fn answering(world: &World, service: &str) -> Vec<String> {
    let status = status(world);
    let mut names: Vec<String> = status["services"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["name"] == service)
        .flat_map(|one| one["answering"].as_array().cloned().unwrap_or_default())
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The primary leads, and only replicas read, whatever the inventory calls them.
fn services_follow(world: &World) {
    let leader = leader(world);
    until("the services follow", Duration::from_secs(15), || {
        let (writes, reads) = (answering(world, "primary"), answering(world, "replica"));
        let right = writes == [leader.clone()] && reads.len() == 2 && !reads.contains(&leader);
        if right {
            Ok(())
        } else {
            Err(format!("{leader} leads; {writes:?} write, {reads:?} read"))
        }
    });
}

/// The administrator's, as `sty connect` opens it.
fn a_session_pooled_as_such_stops_nothing(world: &World) {
    let mut idle = Session::open_as(world, TEST[0], 5433, "dbuser_dba");
    cluster(world, &["switchover", "pg-test"]).ok();
    assert!(idle.is_cut_off(), "it belonged to the server that was left");
    services_follow(world);
}

/// Nodes of etcd, in the order of its members.
const ETCD: [&str; 3] = ["10.10.10.10", TEST[0], TEST[1]];

/// A node that leads etcd and a cluster would take both along when it dies: a primary there gives
/// etcd away, be it new or not.
fn a_primary_leaves_etcd_to_others(world: &World) {
    let at = match leader(world).as_str() {
        "pg-test-1" => TEST[1],
        _ => TEST[0],
    };
    let given_away = || {
        let script = "journalctl --unit=patroni | grep --count 'leader is here' || true";
        let count = world.on(at, script).ok().text().parse::<u32>();
        count.expect("a count")
    };
    let before = given_away();
    let given = |times: u32| {
        let what = format!("etcd is given away {times} times");
        until(&what, Duration::from_secs(30), || {
            match given_away() - before {
                count if count >= times => Ok(()),
                count => Err(format!("{count} times")),
            }
        });
        assert_ne!(etcd_leads_at(world), at);
    };
    have_etcd_led_at(world, at);
    assert_eq!(etcd_leads_at(world), at);
    let member = format!("pg-test-{}", if at == TEST[0] { 1 } else { 2 });
    cluster(world, &["switchover", "pg-test", "--to", &member]).ok();
    given(1);
    have_etcd_led_at(world, at);
    given(2);
}

fn etcd_leads_at(world: &World) -> &'static str {
    let (_, status) = world.status();
    let mut members = status["etcd"].as_array().into_iter().flatten();
    let leads = members.position(|member| member["leader"] == true);
    ETCD[leads.expect("etcd has a leader")]
}

fn have_etcd_led_at(world: &World, node: &str) {
    let etcdctl =
        |at: &str| format!("etcdctl --cacert /etc/pki/ca.crt --endpoints https://{at}:2379");
    let before = etcd_leads_at(world);
    if before != node {
        let (there, here) = (etcdctl(node), etcdctl(before));
        let script = format!("{here} move-leader $({there} endpoint status | cut -d, -f2)");
        world.on(before, &script).ok();
    }
}

fn nothing_that_loses_data_is_done(world: &World) {
    let refused = |words: &[&str], why: &str| {
        let ran = cluster(world, words);
        ran.exits(2);
        assert!(ran.all().contains(why), "{}", ran.all());
    };
    let before = leader(world);
    refused(
        &["switchover", "pg-test", "--to", "pg-test-9"],
        "pg-test-1, pg-test-2",
    );
    refused(
        &["switchover", "pg-test", "--to", &before, "--force"],
        "it leads already",
    );
    refused(&["switchover", "pg-meta"], "no member can take over");
    refused(&["switchover", "pg-none"], "no cluster `pg-none`");
    refused(
        &["failover", "pg-test", "--to", "pg-test-2"],
        "--confirm pg-test",
    );
    refused(
        &[
            "failover",
            "pg-test",
            "--to",
            "pg-test-2",
            "--confirm",
            "pg-test",
        ],
        "is the primary, and well",
    );
    refused(&["reinit", "pg-test", "pg-test-2"], "--confirm pg-test-2");
    refused(
        &["reinit", "pg-test", &before, "--confirm", &before],
        "do a switchover first",
    );
    assert_eq!(leader(world), before);
}

fn the_primary_moves_and_pooled_clients_notice_nothing(world: &World) {
    let before = leader(world);
    let mut idle = Session::open(world, TEST[2], 5433);
    let mut readers = TEST.map(|entry| [(); 2].map(|()| Session::open(world, entry, 5434)));
    let load = Load::start(world, TEST[2]);
    let ran = cluster(world, &["switchover", "pg-test"]);
    ran.ok();
    assert!(ran.all().contains("stood still for"), "{}", ran.all());
    load.ends_without_error();
    assert_eq!(
        idle.ask("select 1 + 1"),
        "2",
        "an idle client stays connected"
    );
    assert_ne!(leader(world), before);
    services_follow(world);
    until(
        "no reader is left at the new primary",
        Duration::from_secs(15),
        || {
            let mut left = readers.iter_mut().flatten();
            match left.any(|reader| reader.try_ask(IN_RECOVERY).as_deref() == Some("f")) {
                false => Ok(()),
                true => Err("one reads from it".to_owned()),
            }
        },
    );
}

/// Not even from a proxy that has just begun and asked nobody yet.
fn readers_never_meet_the_primary(world: &World) {
    for _ in 0..3 {
        world.on(TEST[2], "sudo systemctl reload haproxy").ok();
        let mut readers = [(); 6].map(|()| Session::open(world, TEST[2], 5434));
        for reader in &mut readers {
            assert_eq!(reader.ask(IN_RECOVERY), "t");
        }
    }
}

fn every_member_restarts_and_pooled_clients_notice_nothing(world: &World) {
    let started = |node: &str| {
        let sql = "select pg_postmaster_start_time()";
        world
            .superuser(node, "postgres", sql)
            .ok()
            .text()
            .to_owned()
    };
    let before = TEST.map(started);
    let load = Load::start(world, TEST[0]);
    cluster(world, &["restart", "pg-test"]).ok();
    load.ends_without_error();
    for (before, after) in before.into_iter().zip(TEST.map(started)) {
        assert_ne!(before, after);
    }
    services_follow(world);
}

fn the_primary_restarts_where_it_is(world: &World) {
    let before = leader(world);
    let load = Load::start(world, TEST[1]);
    cluster(world, &["restart", "pg-test", &before, "--in-place"]).ok();
    load.ends_without_error();
    assert_eq!(leader(world), before);
}

fn who_does_not_end_is_named_and_stops_nothing(world: &World) {
    let before = leader(world);
    let mut slow = Session::open(world, TEST[1], 5433);
    slow.ask("begin; select 1");
    let load = Load::start(world, TEST[2]);
    let started = || {
        let sql = "select pg_postmaster_start_time()";
        let ran = world.superuser(node_of(&before), "postgres", sql);
        ran.ok().text().to_owned()
    };
    let since = started();
    for words in [
        ["switchover", "pg-test"].as_slice(),
        &["restart", "pg-test", &before],
    ] {
        let ran = cluster(world, words);
        assert_ne!(ran.code, 0, "{}", ran.all());
        assert!(ran.all().contains("test in database test"), "{}", ran.all());
        assert!(ran.all().contains("--force"), "{}", ran.all());
    }
    load.ends_without_error();
    assert_eq!(started(), since, "the primary was left alone");
    assert_eq!(
        slow.ask("select 2; commit"),
        "2",
        "it goes on as if nothing had been"
    );
    assert_eq!(leader(world), before);
}

fn who_does_not_end_is_cut_off_on_demand(world: &World) {
    let before = leader(world);
    let mut slow = Session::open(world, TEST[1], 5433);
    slow.ask("begin; select 1");
    let load = Load::start(world, TEST[2]);
    cluster(world, &["switchover", "pg-test", "--force"]).ok();
    load.ends_without_error();
    assert!(slow.is_cut_off(), "its transaction cannot be saved");
    assert_ne!(leader(world), before);
    services_follow(world);
}

/// In the middle of a move, by a signal that nobody can catch: clients go on by themselves, sooner
/// than the timer has them.
fn a_controller_that_dies_leaves_nobody_waiting(world: &World) {
    let load = Load::start(world, TEST[0]);
    let mut moving = world
        .command(&["cluster", "switchover", "pg-test"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("sty can be started");
    let said = moving.stderr.take().expect("what it says");
    let lines = BufReader::new(said).lines().map_while(Result::ok);
    let held = lines.filter(|line| line.starts_with("done") && line.contains("clients wait"));
    assert_eq!(held.take(TEST.len()).count(), TEST.len());
    moving.kill().expect("it can be killed");
    moving.wait().expect("it has ended");
    let state = "runuser -u postgres -- /usr/pgsql/bin/psql -X -At -h /run/postgresql -p 6433 \
                 pgbouncer -c 'show state'";
    for node in TEST {
        until("clients go on", Duration::from_secs(40), || {
            let ran = world.on(node, state);
            let goes_on = ran.ok().stdout.contains("paused|no");
            goes_on.then_some(()).ok_or(ran.all())
        });
    }
    load.ends_without_error();
    world.sty(&["status", "--wait", "60"]).ok();
    services_follow(world);
}

fn a_replica_is_copied_anew(world: &World) {
    let leader = leader(world);
    let names = ["pg-test-1", "pg-test-2", "pg-test-3"];
    let replica = names.into_iter().find(|name| *name != leader);
    let replica = replica.expect("a replica");
    let mark = "touch /pg/data/mark; ls /pg/data/mark";
    world.on(node_of(replica), mark).ok();
    cluster(world, &["reinit", "pg-test", replica, "--confirm", replica]).ok();
    assert_ne!(world.on(node_of(replica), "ls /pg/data/mark").code, 0);
    services_follow(world);
}

fn failover_is_switched_off_and_on(world: &World) {
    cluster(world, &["pause", "pg-test"]).ok();
    let named = "cluster pg-test is paused";
    let status = world.sty(&["status"]);
    status.exits(1);
    assert!(status.all().contains(named), "{}", status.all());
    let plan = world.sty(&["plan", "--exit-code"]);
    assert!(plan.ok().all().contains(named), "{}", plan.all());
    a_paused_cluster_starts_no_server(world);
    cluster(world, &["resume", "pg-test"]).ok();
    world.sty(&["status", "--wait", "60"]).ok();
    world.sty(&["status"]).ok();
    cluster(world, &["reload", "pg-test"]).ok();
}

/// Nobody waits for what Patroni will not do.
fn a_paused_cluster_starts_no_server(world: &World) {
    let leader = leader(world);
    let names = ["pg-test-1", "pg-test-2", "pg-test-3"];
    let replica = names.into_iter().find(|name| *name != leader);
    let replica = replica.expect("a replica");
    let stop = "runuser -u postgres -- /usr/lib/postgresql/17/bin/pg_ctl stop -D /pg/data -m fast";
    world.on(node_of(replica), stop).ok();
    let stopped = || match world.sty(&["plan"]).all() {
        plan if plan.contains("bring up PostgreSQL") => Ok(()),
        plan => Err(plan),
    };
    until("Patroni notices", Duration::from_secs(30), stopped);
    let applied = world.sty(&["apply"]);
    applied.exits(1);
    let hint = "run `sty cluster resume pg-test`, then apply again";
    assert!(applied.all().contains(hint), "{}", applied.all());
}

fn what_patroni_keeps_is_shown(world: &World) {
    let history = cluster(world, &["history", "pg-test", "--output", "json"]);
    let history: Value = serde_json::from_str(&history.ok().stdout).expect("JSON");
    let lines = history.as_array().expect("promotions");
    assert!(lines.len() >= 3, "{history:#}");
    assert_eq!(lines[lines.len() - 1]["new_leader"], leader(world));
    let config = cluster(world, &["config", "pg-test"]);
    assert!(config.ok().text().contains("ttl = 30"), "{}", config.all());
    let listed = world.sty(&["history"]);
    assert!(listed.ok().text().contains("pg-test"), "{}", listed.all());
}
