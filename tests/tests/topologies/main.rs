//! One fleet goes from one topology to the next by its inventory, while it serves.

#![allow(clippy::expect_used, clippy::print_stderr, reason = "a story")]

mod feed;
mod replicas;
mod sites;
mod view;

use std::time::Instant;

use sty_stories::World;

/// The members of `pg-test`.
const TEST: [&str; 3] = ["10.10.10.11", "10.10.10.12", "10.10.10.13"];
/// The other node: of `pg-meta`, later of `pg-dr`.
const OTHER: &str = "10.10.10.10";
/// The third member, as the template has it.
const THIRD: &str = "pg_role: replica, pg_offline_query: true }";

/// A title and what happens.
type Chapter = (&'static str, fn(&World));

#[test]
fn a_fleet_goes_from_one_topology_to_the_next() {
    let world = World::deployed("story-topologies");
    set(&world, "pg_cluster: pg-test", "pg_rto: fast");
    world.apply();
    world.sty(&["status", "--wait", "60"]).ok();
    let chapters: [Chapter; 6] = [
        ("offline, synchronous", replicas::one_is_offline),
        ("cascading", replicas::one_follows_a_replica),
        ("delayed", replicas::one_is_late),
        (
            "quorum, logical slots",
            feed::a_subscriber_misses_and_repeats_nothing,
        ),
        ("standby cluster", sites::a_second_site_follows),
        (
            "promotion and the way back",
            sites::it_is_promoted_and_comes_back,
        ),
    ];
    for (title, chapter) in chapters {
        let begun = Instant::now();
        eprintln!("== {title}");
        chapter(&world);
        world.sty(&["status", "--wait", "60"]).ok();
        world.assert_converged();
        eprintln!("== {title}: {:.1} s", begun.elapsed().as_secs_f64());
    }
}

/// Writes a line below `after`, at the same depth.
fn set(world: &World, after: &str, line: &str) {
    let after = format!("        {after}\n");
    world.replace(&after, &format!("{after}        {line}\n"));
}
