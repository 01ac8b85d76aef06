//! The primary's node loses its power.

use std::time::Duration;

use sty_stories::until;

use crate::fleet::{Fleet, TEST};

/// Another member takes over; status and apply say what is wrong; the node comes back by itself,
/// and the role in the inventory does not move the primary back.
pub(crate) fn the_primary_s_node_dies(fleet: &Fleet) {
    fleet.sandbox(&["kill", TEST[0]]).ok();
    let leader = until(
        "another member leads",
        Duration::from_secs(60),
        || match fleet.leader() {
            Some((leader, _)) if leader != "pg-test-1" => Ok(leader),
            other => Err(format!("{other:?}")),
        },
    );
    until("writes are taken", Duration::from_secs(20), || {
        let ran = fleet.sql(
            TEST[1],
            5433,
            "test",
            "test",
            "insert into story default values",
        );
        if ran.code == 0 {
            Ok(())
        } else {
            Err(ran.all())
        }
    });
    let status = fleet.sty(&["status"]);
    status.exits(1);
    assert!(status.all().contains("10.10.10.11"), "{}", status.all());
    an_apply_names_the_node_and_does_the_rest(fleet);
    fleet.sandbox(&["start", TEST[0]]).ok();
    fleet.settle();
    let now = fleet.leader().map(|(leader, _)| leader);
    assert_eq!(now, Some(leader), "nothing moves the primary back");
    let rows = fleet.rows();
    fleet.rows_arrive(TEST[0], 5434, rows);
}

fn an_apply_names_the_node_and_does_the_rest(fleet: &Fleet) {
    let unreachable = fleet.sty(&["apply"]);
    assert_ne!(unreachable.code, 0, "{}", unreachable.all());
    assert!(
        unreachable.all().contains("10.10.10.11"),
        "{}",
        unreachable.all()
    );
    // Left to itself, ssh gives up after two minutes and more.
    let took = unreachable.took;
    assert!(took < Duration::from_secs(100), "it hung for {took:?}");
    fleet.on("10.10.10.10", "systemctl stop haproxy").ok();
    let partly = fleet.sty(&["apply"]);
    partly.exits(4);
    fleet.on("10.10.10.10", "systemctl is-active haproxy").ok();
}
