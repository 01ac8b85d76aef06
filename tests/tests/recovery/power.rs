//! Power cuts: the nodes' memory is gone, what was on disk is there.

use std::time::{Duration, Instant};

use sty_stories::{World, Writer};

use crate::cluster::{NODES, heals_within, primary, replica};

/// The primary may take the replica's old connection for alive for as long as `wal_sender_timeout`.
const REPLICA_BACK: Duration = Duration::from_secs(25);

pub(crate) fn a_replica_comes_back_soon(world: &World) {
    let (_, at) = primary(world);
    let (_, node) = replica(world);
    let mut writer = Writer::start(world, at);
    writer.settles();
    world.sandbox(&["kill", node]).ok();
    world.sandbox(&["start", node]).ok();
    let begun = Instant::now();
    heals_within(world, 60);
    let took = begun.elapsed();
    assert!(took <= REPLICA_BACK, "the replica streams after {took:?}");
    let report = writer.stop(world, at);
    assert_eq!(report.errors, 0, "the primary was well: {report:?}");
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
