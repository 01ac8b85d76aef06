//! What breaks comes back by itself, and in a paused cluster by `sty apply`, with every state named
//! meanwhile.

#![allow(clippy::expect_used, clippy::print_stderr, reason = "a story")]

mod cluster;
mod power;
mod timelines;

use std::time::{Duration, Instant};

use cluster::{NODES, heals_within, primary, replica, shows};
use sty_stories::{World, Writer, until};

#[test]
fn what_breaks_comes_back() {
    let world = World::deployed("story-recovery");
    // Little log is kept, so that a replica soon misses some.
    world.replace(
        "        pg_cluster: pg-test\n",
        "        pg_cluster: pg-test\n        pg_parameters:\n          \
         wal_keep_size: 16MB\n          max_slot_wal_keep_size: 32MB\n          \
         min_wal_size: 32MB\n",
    );
    world.apply();
    heals_within(&world, 60);
    for (what, part) in PARTS {
        let begun = Instant::now();
        eprintln!("== {what}");
        part(&world);
        eprintln!("== {what}: {:.1} s", begun.elapsed().as_secs_f64());
    }
    world.assert_converged();
}

type Part = (&'static str, fn(&World));

const PARTS: [Part; 14] = [
    ("a killed server comes back", a_killed_server_comes_back),
    ("a killed Patroni comes back", a_killed_patroni_comes_back),
    ("a replica's power cut", power::a_replica_comes_back_soon),
    (
        "questions without a primary",
        power::who_comes_meanwhile_waits,
    ),
    (
        "a copy that was broken off",
        a_broken_off_copy_is_made_again,
    ),
    (
        "a broken data directory",
        a_broken_data_directory_is_copied_anew,
    ),
    ("data that ends its server", a_server_that_dies_of_its_data),
    ("WAL that is gone", a_replica_without_its_wal_is_copied_anew),
    (
        "a rewind that fails",
        timelines::who_cannot_be_rewound_is_copied_anew,
    ),
    (
        "a paused cluster",
        a_paused_cluster_is_mended_when_it_is_asked_for,
    ),
    ("an etcd member is killed", an_etcd_member_is_not_missed),
    ("etcd is away", the_primary_stays_while_etcd_is_away),
    (
        "who led for a moment",
        timelines::who_led_last_is_waited_for,
    ),
    ("everything is without power", power::everything_comes_back),
];

fn a_killed_server_comes_back(world: &World) {
    let (_, node) = primary(world);
    world
        .on(node, "kill -KILL $(head -1 /pg/data/postmaster.pid)")
        .ok();
    heals_within(world, 60);
}

fn a_killed_patroni_comes_back(world: &World) {
    let (name, node) = primary(world);
    let started = postmaster(world, node);
    let mut writer = Writer::start(world, node);
    writer.settles();
    world
        .on(node, "systemctl kill --kill-whom=main -s KILL patroni")
        .ok();
    writer.settles();
    heals_within(world, 30);
    writer.settles();
    writer.stop(world, node);
    assert_eq!(primary(world).0, name);
    assert_eq!(postmaster(world, node), started, "PostgreSQL ran on");
}

fn postmaster(world: &World, node: &str) -> String {
    let sql = "select pg_postmaster_start_time()";
    let ran = world.superuser(node, "postgres", sql);
    ran.ok().text().to_owned()
}

/// Left by a power cut in the middle of a base backup: its beginning without its end.
fn a_broken_off_copy_is_made_again(world: &World) {
    let (_, node) = replica(world);
    let half = "systemctl stop patroni; cd /pg/data; touch backup_label mark; \
                rm global/pg_control; systemctl start patroni";
    world.on(node, half).ok();
    heals_within(world, 60);
    assert_ne!(
        world.on(node, "ls /pg/data/mark").code,
        0,
        "it is a new copy"
    );
}

fn a_broken_data_directory_is_copied_anew(world: &World) {
    let breakings = [
        "systemctl stop patroni; rm global/pg_control; systemctl start patroni",
        "systemctl stop patroni; rm global/pg_filenode.map; systemctl start patroni",
        // Patroni tries to start it in each of its loops.
        "server=$(head -1 postmaster.pid); rm -r base PG_VERSION; kill -9 $server",
    ];
    for breaking in breakings {
        let (name, node) = replica(world);
        let breaking = format!("cd /pg/data; touch mark; {breaking}");
        world.on(node, &breaking).ok();
        shows(world, &name, "data_broken");
        is_a_new_copy(world, node);
    }
}

/// It looks whole, and the server ends whenever it replays what was written to a part of it.
fn a_server_that_dies_of_its_data(world: &World) {
    let (_, at) = primary(world);
    let (name, node) = replica(world);
    let table = "create table deadly as select 1 as id; select pg_relation_filepath('deadly')";
    let file = world.superuser(at, "test", table).ok().text().to_owned();
    let file = file.lines().last().expect("a path").to_owned();
    until("the table to arrive", Duration::from_secs(30), || {
        let there = world.on(node, &format!("test -s /pg/data/{file}"));
        (there.code == 0).then_some(()).ok_or(there.all())
    });
    let breaking = format!("systemctl stop patroni; chmod 0 /pg/data/{file}; touch /pg/data/mark");
    world.on(node, &breaking).ok();
    let more = "insert into deadly select generate_series(1, 1000)";
    world.superuser(at, "test", more).ok();
    world.on(node, "systemctl start patroni").ok();
    shows(world, &name, "data_broken");
    is_a_new_copy(world, node);
    world.superuser(at, "test", "drop table deadly").ok();
}

fn a_replica_without_its_wal_is_copied_anew(world: &World) {
    let (leader, at) = primary(world);
    let (name, node) = replica(world);
    world.on(node, "systemctl stop patroni").ok();
    shows(world, &name, "patroni_stopped");
    for _ in 0..6 {
        let fill = "create temp table filling as select repeat('x', 1000) from \
                    generate_series(1, 100); select pg_logical_emit_message(true, 'story', 'x'), \
                    pg_switch_wal()";
        world.superuser(at, "postgres", fill).ok();
    }
    world.superuser(at, "postgres", "checkpoint").ok();
    let back = "touch /pg/data/mark && systemctl start patroni";
    world.on(node, back).ok();
    shows(world, &name, "wal_gone");
    is_a_new_copy(world, node);
    assert_eq!(primary(world).0, leader);
}

/// Nobody did anything.
fn is_a_new_copy(world: &World, node: &str) {
    heals_within(world, 120);
    let mark = world.on(node, "ls /pg/data/mark");
    assert_ne!(mark.code, 0, "it is the old data");
    world.assert_converged();
}

/// Nothing happens by itself while failover is switched off. The plan says what is to be done, and
/// nothing else; `sty apply` does it.
fn a_paused_cluster_is_mended_when_it_is_asked_for(world: &World) {
    let (name, node) = replica(world);
    world.sty(&["cluster", "pause", "pg-test"]).ok();
    let breaking = "systemctl stop patroni; cd /pg/data; \
                    runuser -u postgres -- /usr/pgsql/bin/pg_ctl stop -D /pg/data -m fast; \
                    rm global/pg_control; systemctl start patroni";
    world.on(node, breaking).ok();
    shows(world, &name, "data_broken");
    let plan = world.planned();
    let copy = format!("copy {name} anew");
    let copies: Vec<&String> = plan.iter().filter(|title| title.contains("anew")).collect();
    assert!(
        matches!(&copies[..], [one] if one.ends_with(&copy)),
        "{plan:?}"
    );
    world.apply();
    world.sty(&["cluster", "resume", "pg-test"]).ok();
    heals_within(world, 30);
    world.assert_converged();
}

fn an_etcd_member_is_not_missed(world: &World) {
    let (_, node) = primary(world);
    let mut writer = Writer::start(world, node);
    writer.settles();
    world
        .on(NODES[1], "systemctl kill --kill-whom=main -s KILL etcd")
        .ok();
    heals_within(world, 30);
    writer.settles();
    let report = writer.stop(world, node);
    assert_eq!(report.errors, 0, "{report:?}");
}

fn the_primary_stays_while_etcd_is_away(world: &World) {
    const AWAY: Duration = Duration::from_secs(60);
    const ETCD: [&str; 3] = ["10.10.10.10", "10.10.10.11", "10.10.10.12"];
    let (name, node) = primary(world);
    let mut writer = Writer::start(world, node);
    writer.settles();
    for node in ETCD {
        world.on(node, "systemctl stop etcd").ok();
    }
    let told = world.sty(&["status"]).stdout;
    let silent = |line: &&str| line.starts_with("  etcd-") && line.ends_with("no answer");
    assert_eq!(told.lines().filter(silent).count(), ETCD.len(), "{told}");
    assert!(told.contains("running"), "PostgreSQL runs on: {told}");
    let begun = Instant::now();
    // Longer than a primary without etcd and without failsafe mode would stay one.
    while begun.elapsed() < AWAY {
        writer.settles();
    }
    for node in ETCD {
        world.on(node, "systemctl start --no-block etcd").ok();
    }
    heals_within(world, 60);
    let report = writer.stop(world, node);
    assert_eq!(report.errors, 0, "{report:?}");
    assert_eq!(primary(world).0, name);
}
