//! Restarts, one member after the other.

use sty_wire::resource::{FileCheck, Unit, UnitState};

use crate::fleet::*;

#[test]
fn pending_restarts_go_through_replicas_then_a_switchover_then_the_old_primary() {
    let mut nodes = running(1);
    for node in &mut nodes {
        for view in node.surroundings.patroni.values_mut() {
            view.pending_restart = vec![Change::new("max_connections", "100", "200")];
        }
    }
    insta::assert_snapshot!(show(&plan(&nodes, &restart_wanted())), @"
     1 n2 restart PostgreSQL pg-test-2 [restart] <- 
     2 n2 wait for pg-test-2 and those that follow it [safe] <- 1
     3 n3 restart PostgreSQL pg-test-3 [restart] <- 2
     4 n3 wait for pg-test-3 and those that follow it [safe] <- 3
     5 n1 write a checkpoint on pg-test-1 [safe] <- 4
     6 n1 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 5
     7 n2 have pooled clients wait for pg-test-1, on pg-test-2 [reload] <- 5
     8 n3 have pooled clients wait for pg-test-1, on pg-test-3 [reload] <- 5
     9 n1 switch over from pg-test-1 to pg-test-2 [failover] <- 6,7,8
    10 n1 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 6,9
    11 n2 let pooled clients go on after pg-test-1, on pg-test-2 [safe] <- 7,9
    12 n3 let pooled clients go on after pg-test-1, on pg-test-3 [safe] <- 8,9
    13 n1 wait for pg-test-1 and those that follow it [safe] <- 10,11,12
    14 n1 restart PostgreSQL pg-test-1 [restart] <- 13
    15 n1 wait for pg-test-1 and those that follow it [safe] <- 14
    ");
    let held = plan(&nodes, &Options::default());
    assert!(held.actions.iter().all(|action| action.held.is_some()));
    assert!(
        !held.is_empty(),
        "what waits for a restart is still a pending change"
    );
}

#[test]
fn a_setting_that_shrinks_reaches_the_primary_first() {
    let mut nodes = running(1);
    for node in &mut nodes {
        for view in node.surroundings.patroni.values_mut() {
            view.pending_restart = vec![Change::new("max_connections", "200", "100")];
        }
    }
    insta::assert_snapshot!(show(&plan(&nodes, &restart_wanted())), @"
     1 n1 write a checkpoint on pg-test-1 [safe] <- 
     2 n1 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 1
     3 n2 have pooled clients wait for pg-test-1, on pg-test-2 [reload] <- 1
     4 n3 have pooled clients wait for pg-test-1, on pg-test-3 [reload] <- 1
     5 n1 restart PostgreSQL pg-test-1 [restart] <- 2,3,4
     6 n1 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 2,5
     7 n2 let pooled clients go on after pg-test-1, on pg-test-2 [safe] <- 3,5
     8 n3 let pooled clients go on after pg-test-1, on pg-test-3 [safe] <- 4,5
     9 n1 wait for pg-test-1 and those that follow it [safe] <- 6,7,8
    10 n2 restart PostgreSQL pg-test-2 [restart] <- 9
    11 n2 wait for pg-test-2 and those that follow it [safe] <- 10
    12 n3 restart PostgreSQL pg-test-3 [restart] <- 11
    13 n3 wait for pg-test-3 and those that follow it [safe] <- 12
    ");
}

#[test]
fn what_serves_a_cluster_is_restarted_only_when_asked_and_one_after_the_other() {
    let mut nodes = running(1);
    for node in &mut nodes {
        let changes = vec![Change::named("restart")];
        let risk = Risk::Restart;
        node.observations
            .insert("etcd".to_owned(), Observation::Drift { changes, risk });
    }
    let held = plan(&nodes, &Options::default());
    assert!(
        held.actions.iter().all(|action| action.held.is_some()),
        "{}",
        show(&held)
    );
    let asked = plan(&nodes, &restart_wanted());
    for pair in asked.actions.windows(2) {
        assert!(reaches(&asked, pair[1].id, pair[0].id), "{}", show(&asked));
    }
}

#[test]
fn haproxy_goes_on_leading_to_a_pooler_that_waits_for_its_restart() {
    let mut nodes = running(1);
    let unit = ResourceKind::Unit(Unit {
        name: "pgbouncer.service".to_owned(),
        state: UnitState::Running,
        reload_on: Vec::new(),
        restart_on: Vec::new(),
    });
    for node in &mut nodes {
        let mut proxy = file("/etc/haproxy/haproxy.cfg");
        if let ResourceKind::File(file) = &mut proxy.kind {
            file.check = Some(FileCheck::Haproxy);
        }
        node.observations
            .insert(proxy.id.clone(), drift(Risk::Safe));
        node.resources.push(proxy);
        let pooler = resource("pooler", Stage::Services, Some("pg-test"), unit.clone());
        node.observations
            .insert(pooler.id.clone(), drift(Risk::Restart));
        node.resources.push(pooler);
    }
    let waits = plan(&nodes, &Options::default());
    assert!(!waits.is_empty());
    assert!(
        waits.actions.iter().all(|action| action.held.is_some()),
        "{}",
        show(&waits)
    );
    let asked = plan(&nodes, &restart_wanted());
    assert!(
        asked.actions.iter().all(|action| action.held.is_none()),
        "{}",
        show(&asked)
    );
}
