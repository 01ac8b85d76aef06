//! Replicas with a place of their own: offline, cascading, delayed.

use serde_json::{Value, json};
use sty_stories::World;
use sty_stories::drill::drilled;

use super::view::{answering, gives, leader, member, shows};
use super::{TEST, THIRD, set};

/// Writes wait for a replica, which is never the offline one; that one serves 5438 and not 5434.
pub(crate) fn one_is_offline(world: &World) {
    world.replace(THIRD, "pg_role: offline }");
    set(world, "pg_cluster: pg-test", "pg_rpo: 0");
    world.apply();
    shows(world, "pg-test-2 is synchronous", |cluster| {
        member(cluster, "pg-test-2", "synchronous") == "sync"
            && member(cluster, "pg-test-3", "synchronous") == Value::Null
            && answering(cluster, "replica") == ["pg-test-2"]
            && answering(cluster, "offline") == ["pg-test-3"]
    });
    never_leads(world);
    let report = drilled(world, "postgres-kill");
    assert_eq!(report.lost_rows(), 0, "{report:?}");
    never_leads(world);
}

fn never_leads(world: &World) {
    let ran = world.sty(&["cluster", "switchover", "pg-test", "--to", "pg-test-3"]);
    ran.exits(2);
    assert!(ran.all().contains("never to lead"), "{}", ran.all());
}

/// It follows the replica it is told to, and the primary while that one is away.
pub(crate) fn one_follows_a_replica(world: &World) {
    let upstream = format!("pg_role: replica, pg_upstream: {} }}", TEST[1]);
    world.replace("pg_role: offline }", &upstream);
    world.replace("pg_rpo: 0", "pg_rpo: 1048576");
    world.apply();
    let follows = |cluster: &Value| member(cluster, "pg-test-3", "follows");
    shows(world, "it follows", |one| follows(one) == "pg-test-2");
    let sender = "select sender_host from pg_stat_wal_receiver where status = 'streaming'";
    gives(world, TEST[2], "postgres", sender, TEST[1]);
    world.sandbox(&["kill", TEST[1]]).ok();
    gives(world, TEST[2], "postgres", sender, TEST[0]);
    shows(world, "it follows the primary", |one| {
        follows(one) == Value::Null
    });
    world.sandbox(&["start", TEST[1]]).ok();
    gives(world, TEST[2], "postgres", sender, TEST[1]);
    drilled(world, "node-kill");
    world.replace(&upstream, THIRD);
    world.apply();
    the_first_leads_again(world);
}

fn the_first_leads_again(world: &World) {
    let back = ["cluster", "switchover", "pg-test", "--to", "pg-test-1"];
    world.sty(&back).ok();
}

/// What is deleted is still there, nobody is led to it, and nobody calls it unwell: not after the
/// primary has moved either.
pub(crate) fn one_is_late(world: &World) {
    let late = "pg_role: replica, pg_delay: 1h }";
    world.replace(THIRD, late);
    let sql = "create table kept as select 1 as id";
    world.sql(TEST[0], 5436, "test", "test", sql).ok();
    gives(world, TEST[2], "test", "select count(*) from kept", "1");
    world.apply();
    let delay = "show recovery_min_apply_delay";
    gives(world, TEST[2], "postgres", delay, "1h");
    world
        .sql(TEST[0], 5436, "test", "test", "delete from kept")
        .ok();
    gives(world, TEST[1], "test", "select count(*) from kept", "0");
    shows(world, "the late one serves nobody", |cluster| {
        member(cluster, "pg-test-3", "delay") == json!("1h")
            && answering(cluster, "replica") == ["pg-test-2"]
            && answering(cluster, "offline") == ["pg-test-2"]
    });
    never_leads(world);
    world.sty(&["cluster", "switchover", "pg-test"]).ok();
    assert_eq!(leader(world), "pg-test-2");
    world.sty(&["status", "--wait", "30"]).ok();
    world.sty(&["cluster", "switchover", "pg-test"]).ok();
    gives(world, TEST[2], "test", "select count(*) from kept", "1");
    drilled(world, "node-kill");
    assert_eq!(leader(world), "pg-test-2");
    world.replace(late, THIRD);
    world.apply();
    gives(world, TEST[2], "test", "select count(*) from kept", "0");
    the_first_leads_again(world);
}
