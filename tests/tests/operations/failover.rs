//! Nobody takes over by itself, and the operator names who does.

use std::time::Duration;

use sty_stories::{World, until};

use crate::{cluster, leader, node_of, services_follow, status};

/// The lease is 30 s.
const LEASE: Duration = Duration::from_secs(60);

pub(crate) fn a_lost_primary_is_replaced_by_hand(world: &World) {
    cluster(world, &["pause", "pg-test"]).ok();
    let lost = leader(world);
    let names = ["pg-test-1", "pg-test-2", "pg-test-3"];
    let next = names.into_iter().find(|name| *name != lost);
    let next = next.expect("a replica");
    write(world);
    let before = rows(world);
    world.sandbox(&["kill", node_of(&lost)]).ok();
    let failover = || {
        let words = ["failover", "pg-test", "--to", next, "--confirm", "pg-test"];
        cluster(world, &words)
    };
    // It may be alive for others. When it had etcd's leader beside it, nobody knows at first.
    const ELECTION: Duration = Duration::from_secs(20);
    let words = format!("{lost} holds the lead");
    until("the one that is lost to be named", ELECTION, || {
        let early = failover();
        early.exits(2);
        match early.all().contains(&words) {
            true => Ok(()),
            false => Err(early.all()),
        }
    });
    assert_eq!(status(world)["leader"], serde_json::Value::Null);
    // It may go on serving somebody.
    let resumed = cluster(world, &["resume", "pg-test"]);
    resumed.exits(2);
    assert!(
        resumed.all().contains(&format!("and {lost} may")),
        "{}",
        resumed.all()
    );
    let done = until("the lease to run out", LEASE, || {
        let ran = failover();
        match ran.code {
            0 => Ok(ran),
            _ => Err(ran.all()),
        }
    });
    let told = "writes of pg-test stood still for";
    assert!(done.all().contains(told), "{}", done.all());
    assert_eq!(leader(world), next);
    write(world);
    assert_eq!(rows(world), before + 1);
    world.sandbox(&["start", node_of(&lost)]).ok();
    cluster(world, &["resume", "pg-test"]).ok();
    world.sty(&["status", "--wait", "120"]).ok();
    services_follow(world);
}

fn write(world: &World) {
    const SQL: &str = "create table if not exists by_hand (); insert into by_hand default values";
    sql(world, SQL);
}

fn rows(world: &World) -> u64 {
    let count = sql(world, "select count(*) from by_hand");
    count.parse().expect("a count")
}

fn sql(world: &World, sql: &str) -> String {
    let ran = world.sty(&["connect", "pg-test", "-U", "test", "--", "-qAtc", sql]);
    ran.ok().text().to_owned()
}
