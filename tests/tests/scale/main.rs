//! A fleet that grows, shrinks, fails over and loses a cluster, while its neighbours serve on.
//!
//! Beside `pg-test` lives `pg-test2`, whose name begins with the other's.

#![allow(clippy::expect_used, clippy::print_stderr, reason = "a story")]

mod etcd;
mod failover;
mod fleet;
mod members;
mod removal;
mod vip;
mod writer;

use std::time::Instant;

use fleet::Fleet;

/// A title and what happens.
type Chapter = (&'static str, fn(&Fleet));

#[test]
fn a_fleet_grows_shrinks_fails_over_and_loses_a_cluster() {
    let fleet = Fleet::deployed("story-scale");
    let chapters: [Chapter; 18] = [
        ("a replica is added", members::a_replica_is_added),
        ("a replica is removed", members::a_replica_is_removed),
        ("the leader is taken out", members::the_leader_is_taken_out),
        (
            "a limit leaves the leader out",
            members::a_limit_leaves_the_leader_out,
        ),
        ("a node is removed", members::a_node_is_removed),
        (
            "a node goes to another cluster",
            members::a_node_goes_to_another_cluster,
        ),
        ("etcd is not moved at once", etcd::is_not_moved_at_once),
        (
            "etcd has another password",
            etcd::has_a_password_of_somebody_else,
        ),
        ("etcd has another user", etcd::has_a_user_of_somebody_else),
        ("etcd is open", etcd::is_open_to_everybody),
        ("etcd grows", etcd::grows),
        (
            "etcd loses the data of a member",
            etcd::a_member_loses_its_data,
        ),
        (
            "etcd loses the data of a member that starts again",
            etcd::a_member_loses_its_data_and_starts_again,
        ),
        ("etcd shrinks", etcd::shrinks),
        (
            "the virtual address follows",
            vip::the_address_follows_the_primary,
        ),
        ("the primary's node dies", failover::the_primary_s_node_dies),
        ("the virtual address goes", vip::the_address_goes),
        ("a cluster is removed", removal::a_cluster_is_removed),
    ];
    for (title, chapter) in chapters {
        let begun = Instant::now();
        eprintln!("== {title}");
        chapter(&fleet);
        eprintln!("== {title}: {:.1} s", begun.elapsed().as_secs_f64());
    }
}
