//! A power cut in the middle of a load that was not committed.

use std::time::Duration;

use sty_stories::{World, until};

use crate::samples::member;
use crate::thaw::{MEMBERS, leader, node};

/// What the replicas do not have when the primary goes: far more than Patroni lets a member lack by
/// itself.
const LACKING_BYTES: u64 = 16 << 20;

/// Every acknowledged row is on the replica that writes wait for; nobody was promised the rest.
pub(crate) fn keeps_nobody_from_leading(world: &World) {
    const LOAD: &str = "systemd-run --quiet --unit=load --uid=postgres psql -h /var/run/postgresql \
        -d test -c \"create table load as select repeat('x', 1000) from generate_series(1, 30000); \
        select pg_sleep(600)\"";
    let receiver = |signal: &str| format!("kill -{signal} $(pgrep -u postgres -f walreceiver)");
    world.sty(&["status", "--wait", "120"]).ok();
    let old = leader(world).expect("a leader");
    let others = MEMBERS.map(|(name, _)| name).into_iter();
    let others: Vec<&str> = others.filter(|name| *name != old).collect();
    for other in &others {
        world.on(node(other), &receiver("STOP")).ok();
    }
    world.on(node(&old), LOAD).ok();
    until("replicas to lack the load", Duration::from_secs(30), || {
        let (_, status) = world.status();
        let lacks = |name: &&str| member(&status, name)["lag_bytes"].as_u64() > Some(LACKING_BYTES);
        match others.iter().all(lacks) {
            true => Ok(()),
            false => Err(format!("{status:#}")),
        }
    });
    world.sandbox(&["kill", node(&old)]).ok();
    for other in &others {
        world.on(node(other), &receiver("CONT")).ok();
    }
    until("another primary", Duration::from_secs(60), || {
        let next = leader(world).filter(|name| *name != old);
        next.map(drop).ok_or_else(|| "nobody else leads".to_owned())
    });
    world.sandbox(&["start", node(&old)]).ok();
    world.sty(&["status", "--wait", "120"]).ok();
    let there = world.superuser(
        node(others[0]),
        "test",
        "select to_regclass('load') is null",
    );
    assert_eq!(there.ok().text(), "t");
}
