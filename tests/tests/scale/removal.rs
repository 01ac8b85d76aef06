//! A cluster goes; the one whose name begins with its name stays.

use crate::fleet::{Fleet, NEIGHBOUR, TEST};
use crate::members::nothing_is_left;

/// Exactly what `pg-test` had goes, once its name was typed; its nodes can be used again.
pub(crate) fn a_cluster_is_removed(fleet: &Fleet) {
    let (leader, _) = fleet.leader().expect("a leader");
    let number = leader
        .strip_prefix("pg-test-")
        .and_then(|text| text.parse().ok());
    let primary = TEST[number.unwrap_or(1) - 1];
    let made = fleet.superuser(primary, "postgres", "create database made_by_hand");
    made.ok();
    let asked = fleet.sty(&["cluster", "remove", "pg-test"]);
    asked.exits(2);
    for word in [
        "pg-test-1",
        "pg-test-2",
        "pg-test-3",
        "does not declare: made_by_hand",
        "sty cluster remove pg-test --confirm pg-test",
    ] {
        assert!(asked.all().contains(word), "`{word}` in: {}", asked.all());
    }
    fleet
        .sty(&["cluster", "remove", "pg-test", "--confirm", "pg-test2"])
        .exits(2);
    fleet.settle();
    let neighbours = fleet.keys("/pg/pg-test2/");
    assert!(neighbours.len() > 3, "{neighbours:?}");
    fleet
        .sty(&["cluster", "remove", "pg-test", "--confirm", "pg-test"])
        .ok();
    assert_eq!(fleet.keys("/pg/pg-test/"), Vec::<String>::new());
    assert_eq!(fleet.keys("/sty/auth/"), ["/sty/auth/pg-test2"]);
    assert_eq!(fleet.etcd_users(), ["pg-test2", "root"]);
    assert_eq!(fleet.keys("/pg/pg-test2/"), neighbours);
    for node in &TEST {
        nothing_is_left(fleet, node, "pg-test");
    }
    fleet.neighbour_serves();
    without_the_group(fleet);
    fleet.settle();
    fleet.neighbour_serves();
    its_node_is_used_again(fleet);
}

/// Takes `pg-test` out of the inventory.
fn without_the_group(fleet: &Fleet) {
    fleet.edit(|text| {
        let start = text.find("    pg-test:\n").expect("the group");
        let end = text
            .find("  vars:\n    admin_ip")
            .expect("the variables of all");
        format!("{}{}", &text[..start], &text[end..])
    });
}

/// Another cluster on a node that had been a member.
fn its_node_is_used_again(fleet: &Fleet) {
    fleet.replace(
        "  vars:\n    admin_ip",
        "    pg-other:\n      hosts:\n        10.10.10.12: { pg_seq: 1, pg_role: primary }\n      \
         vars: { pg_cluster: pg-other }\n  vars:\n    admin_ip",
    );
    fleet.apply();
    fleet.settle();
    let ran = fleet.superuser(
        TEST[1],
        "postgres",
        "select current_setting('cluster_name')",
    );
    assert_eq!(ran.ok().text(), "pg-other");
    assert!(!fleet.keys("/pg/pg-other/").is_empty());
    fleet.on(NEIGHBOUR, "systemctl is-active patroni etcd").ok();
}
