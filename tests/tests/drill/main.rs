//! One short drill of every class of fault, on real nodes, and what the ledger must say.
//!
//! `STY_DRILL=node-kill,restart` runs only these classes.

#![allow(clippy::expect_used, clippy::print_stderr, reason = "a story")]

mod load;
mod samples;
mod thaw;

use std::time::{Duration, Instant};

use samples::Samples;
use sty_stories::drill::{self, Report};
use sty_stories::{World, until};

/// Planned, or survived by the primary: pooled clients notice no more than a pause, and no row may
/// be lost however writes are replicated.
const HARMLESS: [&str; 4] = ["switchover", "restart", "replica-kill", "etcd-member-kill"];
/// Over in seconds.
const SHORT: [&str; 2] = ["postgres-kill", "patroni-kill"];
/// After which two take themselves for the primary: what the old one answers would be lost where
/// writes wait for nobody.
const TWOFOLD: [&str; 1] = ["node-freeze"];
/// Planned, where the replica that writes wait for changes on the way.
const PLANNED: [&str; 2] = ["restart", "switchover"];
/// The primary is away, or looks so: in a cluster where writes wait for a replica.
const SYNCHRONOUS: [&str; 6] = [
    "node-kill",
    "node-freeze",
    "partition",
    "partition-dcs",
    "etcd-quorum-loss",
    "disk-full",
];

#[test]
fn every_fault_is_drilled_and_the_ledger_holds() {
    let world = World::deployed("story-drill");
    plan(
        &world,
        "pg_cluster: pg-test",
        "pg_cluster: pg-test\n        pg_rto: fast",
    );
    world.apply();
    world.sty(&["status", "--wait", "60"]).ok();
    what_makes_no_sense_is_refused(&world);
    for fault in HARMLESS.into_iter().filter(wanted) {
        let report = drilled(&world, fault);
        assert_eq!(report.lost_rows(), 0, "{report:?}");
        report.assert_unnoticed();
    }
    for fault in SHORT.into_iter().chain(TWOFOLD).filter(wanted) {
        drilled(&world, fault);
    }
    if wanted(&"node-freeze") {
        thaw::answers_nobody_after_its_lease(&world);
    }
    a_killed_drill_leaves_nothing_broken(&world);
    // Neither a restart nor a change is wanted because of what was killed.
    world.assert_converged();
    plan(&world, "pg_rto: fast", "pg_rto: fast\n        pg_rpo: 0");
    world.apply();
    for fault in PLANNED.into_iter().filter(wanted) {
        let report = drilled(&world, fault);
        assert_eq!(report.lost_rows(), 0, "{report:?}");
        report.assert_unnoticed();
    }
    for fault in SYNCHRONOUS.into_iter().filter(wanted) {
        let report = drilled(&world, fault);
        assert_eq!(report.lost_rows(), 0, "{report:?}");
    }
    if wanted(&"node-freeze") {
        thaw::gives_no_lead_back(&world);
    }
    if wanted(&"node-kill") {
        load::keeps_nobody_from_leading(&world);
    }
    nothing_is_left_behind(&world);
    the_drills_are_in_the_history(&world);
}

fn plan(world: &World, from: &str, to: &str) {
    world.edit(|text| text.replacen(&format!("        {from}\n"), &format!("        {to}\n"), 1));
}

fn wanted(fault: &&str) -> bool {
    match std::env::var("STY_DRILL") {
        Ok(names) => names.split(',').any(|name| name == *fault),
        Err(_) => true,
    }
}

/// One run of a fault while `sty status` is asked all the time.
fn drilled(world: &World, fault: &str) -> Report {
    let begun = Instant::now();
    eprintln!("== {fault}");
    let child = drill::start(world, fault);
    let (child, samples) = Samples::until_ended(world, fault, child);
    let report = Report::of(child);
    report.assert_sound(fault);
    samples.assert_true(fault, &report);
    eprintln!(
        "== {fault}: {:.1} s, {} looks\n   {report}",
        begun.elapsed().as_secs_f64(),
        samples.count()
    );
    report
}

fn what_makes_no_sense_is_refused(world: &World) {
    let refused = |arguments: &[&str], words: &str| {
        let ran = world.sty(&[&["drill", "failover"], arguments].concat());
        ran.exits(2);
        assert!(ran.all().contains(words), "{}", ran.all());
    };
    refused(&["pg-test", "--fault", "flood"], "node-kill");
    refused(&["pg-tset", "--fault", "restart"], "pg-test");
    refused(&["pg-meta", "--fault", "node-kill"], "no replica");
    refused(
        &["pg-test", "--fault", "restart", "--service", "prim"],
        "primary",
    );
}

/// Whoever made the fault is gone; the nodes end it.
fn a_killed_drill_leaves_nothing_broken(world: &World) {
    let unwell = || {
        let (_, status) = world.status();
        let members = status["etcd"].as_array().cloned().unwrap_or_default();
        let members = members.iter().filter(|member| member["healthy"] != true);
        members.count()
    };
    let mut child = drill::start(world, "etcd-quorum-loss");
    until(
        "etcd to have lost its quorum",
        Duration::from_secs(60),
        || match unwell() {
            3 => Ok(()),
            others => Err(format!("{others} are not well")),
        },
    );
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    until(
        "etcd to be whole",
        Duration::from_secs(60),
        || match unwell() {
            0 => Ok(()),
            others => Err(format!("{others} are not well")),
        },
    );
    world.sty(&["status", "--wait", "60"]).ok();
}

fn nothing_is_left_behind(world: &World) {
    world.sty(&["status", "--wait", "60"]).ok();
    world.assert_converged();
    let left = world.sty(&[
        "connect",
        "pg-test",
        "--",
        "-Atc",
        "select count(*) from pg_namespace where nspname = 'sty_drill'",
    ]);
    assert_eq!(left.ok().text(), "0");
    for node in ["10.10.10.11", "10.10.10.12", "10.10.10.13"] {
        let mounted = world.on(node, "mountpoint -q /data/postgres && echo limited; true");
        assert_eq!(mounted.ok().text(), "");
    }
    let list = world.sandbox(&["list"]);
    assert!(!list.stdout.contains("cut off"), "{}", list.stdout);
}

fn the_drills_are_in_the_history(world: &World) {
    let ran = world.sty(&["drill", "history", "pg-test", "--output", "json"]);
    let drills: serde_json::Value = serde_json::from_str(&ran.ok().stdout).expect("a document");
    let newest = &drills[0];
    assert_eq!(newest["cluster"], "pg-test", "{newest:#}");
    assert_eq!(newest["rto_plan"], "fast", "{newest:#}");
    assert!(newest["ended"].is_string(), "{newest:#}");
    let shown = world.sty(&["drill", "history", "pg-test", "-n", "1"]);
    assert!(shown.ok().stdout.contains("pg-test"), "{}", shown.stdout);
}
