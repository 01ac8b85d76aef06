//! Power cuts: the nodes' memory is gone, what was on disk is there.

use std::time::Duration;

use sty_stories::{World, Writer, until};

use crate::cluster::{NODES, heals_within, primary, replica};

/// For HAProxy to notice that a node stands still.
const LONG: Duration = Duration::from_secs(30);
/// For a lease to run out and another member to take over; HAProxy lets go of who waits after 110 s.
const LONGER: Duration = Duration::from_secs(75);

pub(crate) fn a_replica_comes_back_soon(world: &World) {
    let (_, at) = primary(world);
    let (_, node) = replica(world);
    let mut writer = Writer::start(world, at);
    writer.settles();
    world.sandbox(&["kill", node]).ok();
    world.sandbox(&["start", node]).ok();
    // The primary may take its old connection for alive for as long as `wal_sender_timeout`, 20 s.
    heals_within(world, 45);
    let report = writer.stop(world, at);
    assert_eq!(report.errors, 0, "the primary was well: {report:?}");
}

/// Nobody is turned away while there is no primary, not even where a pooler was logging in to the
/// old one when that stood still; and nobody is forgotten by a HAProxy that is reloaded meanwhile.
pub(crate) fn who_comes_meanwhile_waits(world: &World) {
    let (_, node) = primary(world);
    let (_, entry) = replica(world);
    let sql = "select pg_is_in_recovery()";
    let ask = || world.sql(entry, 5433, "test", "test", sql);
    ask().ok();
    // The pooler has no connection left, and makes its next one to a server that stands still.
    let end =
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'test'";
    world.superuser(node, "postgres", end).ok();
    world.sandbox(&["freeze", node]).ok();
    std::thread::scope(|scope| {
        let first = scope.spawn(ask);
        until("HAProxy knows no primary", LONG, || {
            no_primary(world, entry)
        });
        let second = scope.spawn(ask);
        world.on(entry, "systemctl reload haproxy").ok();
        let answered = || match first.is_finished() && second.is_finished() {
            true => Ok(()),
            false => Err("not yet".to_owned()),
        };
        until("both are answered by the next primary", LONGER, answered);
        for asked in [first, second] {
            let answer = asked.join().expect("a question");
            assert_eq!(answer.ok().text(), "f");
        }
    });
    world.sandbox(&["thaw", node]).ok();
    heals_within(world, 60);
}

fn no_primary(world: &World, entry: &str) -> Result<(), String> {
    let ran = world.on(
        entry,
        "python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); \
         s.connect(\"/run/haproxy/admin.sock\"); \
         s.sendall(b\"show stat pg-test.is-primary 2 -1\\n\"); print(s.makefile().read())'",
    );
    let backend = ran
        .ok()
        .text()
        .lines()
        .find(|line| line.contains("BACKEND"));
    match backend {
        Some(line) if line.contains("DOWN") => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// All nodes at once, and back in an order of chance.
pub(crate) fn everything_comes_back(world: &World) {
    let mut writer = Writer::start(world, NODES[2]);
    writer.settles();
    let mut nodes = vec!["10.10.10.10", NODES[0], NODES[1], NODES[2]];
    std::thread::scope(|scope| {
        for node in &nodes {
            scope.spawn(|| world.sandbox(&["kill", node]).ok().code);
        }
    });
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = clock.expect("a clock").subsec_micros() as usize;
    let turn = seed % nodes.len();
    nodes.rotate_left(turn);
    if seed.is_multiple_of(2) {
        nodes.reverse();
    }
    eprintln!("   they start in this order: {}", nodes.join(", "));
    for node in &nodes {
        world.sandbox(&["start", node]).ok();
    }
    heals_within(world, 120);
    writer.settles();
    let (_, at) = primary(world);
    writer.stop(world, at);
}
