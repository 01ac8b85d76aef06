//! A second site: a standby cluster that follows, is promoted, and comes back.

use sty_stories::World;
use sty_stories::drill::drilled;

use super::view::{cluster, gives, leader, member};
use super::{OTHER, TEST, set};

const ALONE: &str = "10.10.10.10: { pg_seq: 1, pg_role: primary }";
const FOLLOWING: &str = "10.10.10.10: { pg_seq: 1, pg_role: primary, pg_upstream: 10.10.10.11 }";
const IDS: &str = "select string_agg(id::text, ',' order by id) from sites";

/// A cluster made by following has what the other has, and follows it through a switchover.
pub(crate) fn a_second_site_follows(world: &World) {
    world
        .sty(&["cluster", "remove", "pg-meta", "--confirm", "pg-meta"])
        .ok();
    world.edit(|text| text.replace("pg-meta", "pg-dr"));
    world.replace(ALONE, FOLLOWING);
    world.apply();
    write(world, "create table sites as select 1 as id");
    gives(world, OTHER, "test", IDS, "1");
    let found = cluster(world, "pg-dr");
    assert_eq!(member(&found, "pg-dr-1", "role"), "standby_leader");
    let before = leader(world);
    world.sty(&["cluster", "switchover", "pg-test"]).ok();
    assert_ne!(leader(world), before);
    write(world, "insert into sites values (2)");
    gives(world, OTHER, "test", IDS, "1,2");
    drilled(world, "node-kill");
    write(world, "insert into sites values (5)");
    gives(world, OTHER, "test", IDS, "1,2,5");
    it_can_be_late(world);
}

/// What is deleted here is still there.
fn it_can_be_late(world: &World) {
    let delay = "show recovery_min_apply_delay";
    set(world, "pg_cluster: pg-dr", "pg_delay: 1h");
    world.apply();
    gives(world, OTHER, "postgres", delay, "1h");
    write(world, "create table late as select 1 as id");
    let there = "select to_regclass('late') is not null";
    gives(world, TEST[1], "test", there, "t");
    world.sty(&["status", "--wait", "30"]).ok();
    gives(world, OTHER, "test", there, "f");
    world.replace("        pg_delay: 1h\n", "");
    world.apply();
    gives(world, OTHER, "postgres", delay, "0");
    gives(world, OTHER, "test", there, "t");
}

/// The inventory says whether it follows; what would not come back by itself wants its name.
pub(crate) fn it_is_promoted_and_comes_back(world: &World) {
    world.replace(FOLLOWING, ALONE);
    let ran = world.apply();
    assert!(ran.all().contains("held back"), "{}", ran.all());
    write(world, "insert into sites values (3)");
    gives(world, OTHER, "test", IDS, "1,2,3,5");
    world.sty(&["apply", "--confirm", "pg-dr"]).ok();
    world.assert_converged();
    let found = cluster(world, "pg-dr");
    assert_eq!(member(&found, "pg-dr-1", "role"), "primary");
    let own = "insert into sites values (100)";
    world.superuser(OTHER, "test", own).ok();
    write(world, "insert into sites values (4)");
    world.replace(ALONE, FOLLOWING);
    let ran = world.apply();
    assert!(ran.all().contains("held back"), "{}", ran.all());
    gives(world, OTHER, "test", IDS, "1,2,3,5,100");
    world.sty(&["apply", "--confirm", "pg-dr"]).ok();
    gives(world, OTHER, "test", IDS, "1,2,3,4,5");
}

/// Through whichever member one comes in.
fn write(world: &World, sql: &str) {
    world.sql(TEST[2], 5436, "test", "test", sql).ok();
}
