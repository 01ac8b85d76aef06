//! Replicas that are copied anew.

use crate::fleet::*;

fn stand(node: &mut Node, standing: Standing) {
    if let Some(view) = node.surroundings.patroni.get_mut("pg-test") {
        view.standing = standing;
    }
}

fn broken() -> Standing {
    Standing {
        condition: Some(Condition::DataBroken),
        ..Standing::default()
    }
}

/// A leader that keeps the log from its sixteenth file on.
fn keeps_little(node: &mut Node) {
    let wal_kept = Some(WalKept {
        from: 16 << 24,
        segment_bytes: 1 << 24,
    });
    stand(
        node,
        Standing {
            wal_kept,
            slots: vec![Slot {
                name: "pg_test_3".to_owned(),
                active: false,
                lost: true,
                inactive_since: None,
            }],
            ..Standing::default()
        },
    );
}

#[test]
fn replicas_that_need_a_copy_get_one_after_the_other() {
    let mut nodes = running(2);
    keeps_little(&mut nodes[1]);
    stand(&mut nodes[0], broken());
    nodes[0]
        .observations
        .insert("patroni".to_owned(), drift(Risk::Safe));
    let behind = Standing {
        condition: Some(Condition::NotStreaming),
        wal_end: Some(15 << 24),
        ..Standing::default()
    };
    stand(&mut nodes[2], behind);
    let plan = plan(&nodes, &Options::default());
    insta::assert_snapshot!(show(&plan), @"
    1 n1 copy pg-test-1 anew [restart] <- 
    2 n2 drop the slot of pg-test-3 [safe] <- 
    3 n1 bring up PostgreSQL pg-test-1 [safe] <- 1
    4 n3 copy pg-test-3 anew [restart] <- 1,2
    ");
    insta::assert_snapshot!(
        plan.actions[3].reason,
        @"it cannot catch up: the WAL it needs is gone from the leader"
    );
}

#[test]
fn a_replica_that_only_waits_is_left_alone() {
    let mut nodes = running(2);
    keeps_little(&mut nodes[1]);
    let waits = Standing {
        condition: Some(Condition::NotStreaming),
        wal_end: Some(16 << 24),
        ..Standing::default()
    };
    stand(&mut nodes[2], waits);
    assert!(plan(&nodes, &Options::default()).is_empty());
}

/// What is copied is deleted first.
#[test]
fn nothing_is_copied_without_a_leader_that_runs_and_is_whole() {
    let mut nodes = running(2);
    let copies = |nodes: &[Node]| {
        let plan = plan(nodes, &Options::default());
        let titles = plan.actions.into_iter().map(|action| action.title);
        titles.filter(|title| title.contains("anew")).count()
    };
    stand(&mut nodes[0], broken());
    assert_eq!(copies(&nodes), 1);
    stand(&mut nodes[1], broken());
    assert_eq!(copies(&nodes), 0, "the leader's files are broken as well");
    stand(&mut nodes[1], Standing::default());
    let leader = nodes[1].surroundings.patroni.get_mut("pg-test").unwrap();
    "starting".clone_into(&mut leader.state);
    assert!(plan(&nodes, &Options::default()).actions.is_empty());
}
