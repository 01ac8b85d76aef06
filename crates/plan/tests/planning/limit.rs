//! What `--limit` leaves out.

use crate::fleet::*;

/// Leaves all nodes but these numbers out, as `--limit` does.
fn limit(nodes: &mut [Node], chosen: &[usize]) {
    for (node, number) in nodes.iter_mut().zip(1..) {
        if !chosen.contains(&number) {
            node.resources.retain(|r| r.stage != Stage::Config);
            node.witnesses = node.resources.iter().map(|r| r.id.clone()).collect();
        }
    }
}

#[test]
fn what_a_leader_outside_the_limit_must_do_waits_and_so_does_what_needs_it() {
    let mut nodes = running(1);
    let observations = &mut nodes[0].observations;
    observations.insert("config".to_owned(), parameter());
    observations.insert("patroni".to_owned(), drift(Risk::Reload));
    limit(&mut nodes, &[2]);
    let shown = plan(&nodes, &Options::default());
    insta::assert_snapshot!(show(&shown), @"
     1 n2 see PostgreSQL pg-test-2 take the settings up [reload] <-  HELD waits for pg-test-1, which `--limit` leaves out
    waiting pg-test pg-test-1: set Patroni's dynamic configuration
    ");
    assert!(!shown.is_empty());
}

#[test]
fn a_replica_does_not_start_before_a_leader_outside_the_limit() {
    let mut nodes = trio();
    for node in &mut nodes {
        node.resources
            .retain(|r| r.cluster.as_deref() != Some("etcd"));
    }
    limit(&mut nodes, &[2]);
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
     1 n2 write /etc/hosts [safe] <- 
     2 n2 start PostgreSQL pg-test-2 [safe] <-  HELD waits for pg-test-1, which `--limit` leaves out
    waiting pg-test pg-test-1: set Patroni's dynamic configuration
    ");
}

#[test]
fn an_etcd_member_waits_to_be_added_by_one_outside_the_limit() {
    let mut nodes = running(1);
    nodes[1].observations.remove("etcd");
    nodes[1].surroundings.etcd = Some(etcd_view(false, false));
    nodes[0].surroundings.etcd = Some(EtcdView {
        members: vec![peer(1), peer(3)],
        ..etcd_view(true, true)
    });
    limit(&mut nodes, &[2]);
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
     1 n2 start etcd member etcd-2 [safe] <-  HELD waits for etcd-1, which `--limit` leaves out
    waiting etcd etcd-1: add member etcd-2 to etcd
    ");
}

#[test]
fn a_cluster_outside_the_limit_that_nobody_leads_is_nobody_s_business() {
    let mut nodes = running(1);
    for view in nodes
        .iter_mut()
        .flat_map(|node| node.surroundings.patroni.values_mut())
    {
        "replica".clone_into(&mut view.role);
    }
    assert_eq!(plan(&nodes, &Options::default()).unled.len(), 1);
    limit(&mut nodes, &[]);
    assert!(plan(&nodes, &Options::default()).unled.is_empty());
}

#[test]
fn restarts_outside_the_limit_are_nobody_s_business() {
    let mut nodes = running(1);
    for node in &mut nodes {
        for view in node.surroundings.patroni.values_mut() {
            view.pending_restart = vec![Change::new("work_mem", "1", "2")];
        }
    }
    limit(&mut nodes, &[2]);
    insta::assert_snapshot!(show(&plan(&nodes, &restart_wanted())), @"
    1 n2 restart PostgreSQL pg-test-2 [restart] <- 
    2 n2 wait for pg-test-2 and those that follow it [safe] <- 1
    ");
}
