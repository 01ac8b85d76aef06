//! An apply on fresh nodes is interrupted again and again, at random points, in every way that
//! an operator, a controller or a node can fail; the next one goes on, and the last one ends.
//!
//! `STY_SEED` repeats a run: the seed is printed.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a story"
)]

mod apply;
mod chance;
mod history;

use std::time::Duration;

use sty_stories::World;

use apply::Apply;
use chance::Chance;
use history::Told;

/// The nodes of the template.
const NODES: [&str; 3] = ["10.10.10.10", "10.10.10.11", "10.10.10.12"];

/// How a round ends an apply.
#[derive(Debug, Clone, Copy)]
enum Blow {
    /// Ctrl-C.
    Interrupt,
    /// The controller dies.
    Kill,
    /// A node loses its power.
    PowerCut,
    /// A node stops and does not answer.
    Freeze,
}

#[test]
fn an_apply_can_be_interrupted_anywhere() {
    let world = World::new("story-interrupt", "trio");
    let mut chance = Chance::from_environment();
    let mut told = Told::default();
    let blows = [
        Blow::Kill,
        Blow::Interrupt,
        Blow::PowerCut,
        Blow::Kill,
        Blow::Freeze,
        Blow::Interrupt,
        Blow::Kill,
        Blow::PowerCut,
    ];
    for (blow, round) in blows.into_iter().zip(1..) {
        // Early rounds strike early, so that all stages are met.
        let after = Duration::from_millis(chance.between(500, 2_500 + 1_000 * round));
        strike(&world, blow, after, &mut chance, &mut told);
    }
    let last = world.apply();
    told.push(&last);
    world.sty(&["status", "--wait", "60"]).ok();
    world.assert_converged();
    let ran = world.superuser(
        NODES[0],
        "meta",
        "select count(*) from pg_extension where extname = 'hstore'",
    );
    assert_eq!(ran.ok().text(), "1");
    told.is_in_history(&world);
}

/// One apply, struck after a while, if it is not done by then.
fn strike(world: &World, blow: Blow, after: Duration, chance: &mut Chance, told: &mut Told) {
    let node = NODES[chance.below(NODES.len())];
    eprintln!("== {blow:?} after {after:?} ({node})");
    let mut apply = Apply::start(world);
    if apply.ends_within(after) {
        return told.push(&apply.result());
    }
    match blow {
        Blow::Interrupt => {
            second_is_refused(world, &mut apply);
            apply.signal("INT");
            let ran = apply.result();
            if ran.code != 0 {
                ran.exits(130);
                assert!(
                    ran.all().contains("run the same command again"),
                    "{}",
                    ran.all()
                );
            }
            told.push(&ran);
        }
        Blow::Kill => {
            apply.signal("KILL");
            told.push(&apply.result());
        }
        Blow::PowerCut => {
            world.sandbox(&["kill", node]).ok();
            lost_or_done(&apply.result(), node, told);
            world.sandbox(&["start", node]).ok();
        }
        Blow::Freeze => {
            world.sandbox(&["freeze", node]).ok();
            lost_or_done(&apply.result(), node, told);
            // Nor does the next one hang.
            let next = world.sty(&["apply"]);
            lost(&next, node, told);
            world.sandbox(&["thaw", node]).ok();
        }
    }
}

/// The same, unless all there was to do on the node was done before it was lost.
fn lost_or_done(ran: &sty_stories::Ran, node: &str, told: &mut Told) {
    match ran.code {
        0 => told.push(ran),
        _ => lost(ran, node, told),
    }
}

/// Fails, naming the node.
fn lost(ran: &sty_stories::Ran, node: &str, told: &mut Told) {
    assert!(
        [1, 4].contains(&ran.code),
        "exit {}: {}",
        ran.code,
        ran.all()
    );
    assert!(ran.all().contains(node), "{}", ran.all());
    told.push(ran);
}

/// A second apply fails at once and says who is at work. It is no run, so no history tells of it.
fn second_is_refused(world: &World, first: &mut Apply) {
    let second = world.sty(&["apply"]);
    if second.code == 0 && first.ends_within(Duration::ZERO) {
        return; // It was done already.
    }
    second.exits(1);
    let holder = format!("pid {}", first.pid());
    assert!(second.all().contains(&holder), "{}", second.all());
}
