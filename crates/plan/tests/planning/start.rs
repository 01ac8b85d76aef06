//! From nothing, and with nothing to do.

use crate::fleet::*;

#[test]
fn a_fresh_trio_starts_etcd_together_then_the_leader_then_the_replicas() {
    let plan = plan(&trio(), &Options::default());
    insta::assert_snapshot!(show(&plan), @"
     1 n1 write /etc/hosts [safe] <- 
     2 n2 write /etc/hosts [safe] <- 
     3 n3 write /etc/hosts [safe] <- 
     4 n1 start etcd member etcd-1 [safe] <- 2,3
     5 n2 start etcd member etcd-2 [safe] <- 1,3
     6 n3 start etcd member etcd-3 [safe] <- 1,2
     7 n1 set etcd users and roles [safe] <- 4,5,6
     8 n1 start PostgreSQL pg-test-1 [safe] <- 4,5,6,7
     9 n2 start PostgreSQL pg-test-2 [safe] <- 4,5,6,7,8
    10 n3 start PostgreSQL pg-test-3 [safe] <- 4,5,6,7,8
    11 n1 set Patroni's dynamic configuration [safe] <-
    ");
}

#[test]
fn new_etcd_members_wait_until_all_their_nodes_are_ready() {
    let mut nodes = trio();
    nodes[0].resources.insert(1, file("/etc/last"));
    let plan = plan(&nodes, &Options::default());
    let find = |title: &str| plan.actions.iter().find(|one| one.title == title).unwrap();
    let last = find("write /etc/last").id;
    assert!(find("start etcd member etcd-2").needs.contains(&last));
}

#[test]
fn a_converged_fleet_has_an_empty_plan() {
    assert!(plan(&running(2), &Options::default()).is_empty());
}

/// A file that is another makes the service that it is asked by answer nothing.
#[test]
fn what_cannot_be_looked_at_is_no_problem_while_something_comes_first() {
    let mut nodes = running(2);
    let failure = Failure::message("/etc/pki/ca.crt holds no certificate");
    nodes[0]
        .observations
        .insert("etcd".to_owned(), Observation::Failed { failure });
    let alone = plan(&nodes, &Options::default());
    assert_eq!((alone.problems.len(), alone.unseen.len()), (1, 0));
    // What happens on another node does not help.
    nodes[1]
        .observations
        .insert("/etc/hosts".to_owned(), drift(Risk::Safe));
    let elsewhere = plan(&nodes, &Options::default());
    assert_eq!((elsewhere.problems.len(), elsewhere.unseen.len()), (1, 0));
    nodes[0]
        .observations
        .insert("/etc/hosts".to_owned(), drift(Risk::Safe));
    let first = plan(&nodes, &Options::default());
    assert_eq!((first.problems.len(), first.unseen.len()), (0, 1));
    assert!(!first.is_empty());
}

#[test]
fn cluster_wide_drift_is_mended_once_by_the_leader() {
    let mut nodes = running(2);
    nodes[1]
        .observations
        .insert("config".to_owned(), parameter());
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
    1 n2 set Patroni's dynamic configuration [reload] <- 
    2 n1 see PostgreSQL pg-test-1 take the settings up [reload] <- 1
    3 n3 see PostgreSQL pg-test-3 take the settings up [reload] <- 1
    ");
}

#[test]
fn what_is_no_setting_of_postgresql_is_not_waited_for_there() {
    let mut nodes = running(2);
    let drift = Observation::Drift {
        changes: vec![Change::new("ttl", "30", "20")],
        risk: Risk::Reload,
    };
    nodes[1].observations.insert("config".to_owned(), drift);
    insta::assert_snapshot!(
        show(&plan(&nodes, &Options::default())),
        @"1 n2 set Patroni's dynamic configuration [reload] <- "
    );
}

#[test]
fn a_database_that_nobody_could_look_at_is_not_said_to_be_created() {
    let mut nodes = trio();
    let id = "database:pg-test/app";
    nodes[0].resources.push(database(id));
    let title = |nodes: &[Node]| {
        let plan = plan(nodes, &Options::default());
        let mut actions = plan.actions.into_iter();
        let found = actions.find(|action| action.stage == Stage::Objects);
        found.map(|action| action.title)
    };
    let reason = "PostgreSQL is not running".to_owned();
    let pending = Observation::Pending { reason };
    nodes[0].observations.insert(id.to_owned(), pending);
    assert_eq!(
        title(&nodes).as_deref(),
        Some("see to database app in pg-test")
    );
    nodes[0].observations.remove(id);
    assert_eq!(
        title(&nodes).as_deref(),
        Some("create database app in pg-test")
    );
}

#[test]
fn a_member_outside_the_inventory_is_named() {
    let mut nodes = running(1);
    for node in &mut nodes {
        node.surroundings.patroni.insert(
            "pg-test".to_owned(),
            patroni_view(node.host == "n1", &[1, 2, 3, 9]),
        );
    }
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"unwanted pg-test pg-test-9");
}

#[test]
fn a_node_that_holds_something_else_is_left_alone_and_so_is_its_cluster() {
    let mut nodes = trio();
    let failure = Failure::message("`/pg` leads elsewhere");
    nodes[0]
        .observations
        .insert("patroni".to_owned(), Observation::Conflict { failure });
    let plan = plan(&nodes, &restart_wanted());
    let on_the_node = plan
        .actions
        .iter()
        .filter(|action| action.node == "n1")
        .count();
    let of_the_cluster = plan
        .actions
        .iter()
        .filter(|a| a.cluster.as_deref() == Some("pg-test"));
    assert_eq!(
        (on_the_node, of_the_cluster.count()),
        (0, 0),
        "{}",
        show(&plan)
    );
    assert_eq!(plan.problems.len(), 1);
    assert!(!plan.is_empty());
}

/// What somebody wants away is not kept by what cannot begin before.
#[test]
fn the_member_that_a_node_holds_instead_can_be_removed() {
    let mut nodes = trio();
    let failure = Failure::message("`/pg` leads to a member of pg-old");
    nodes[0]
        .observations
        .insert("patroni".to_owned(), Observation::Conflict { failure });
    for (id, cluster) in [("old", "pg-old"), ("own", "pg-test")] {
        let kind = ResourceKind::PathAbsent {
            path: format!("/data/{id}"),
            recursive: true,
            mark: None,
        };
        let gone = resource(id, Stage::Cleanup, Some(cluster), kind);
        nodes[0].resources.push(gone);
    }
    let shown = |nodes: &[Node]| show(&plan(nodes, &Options::default()));
    assert!(!shown(&nodes).contains("/data/"), "{}", shown(&nodes));
    nodes[0].removal = Some("pg-old-1".to_owned());
    let found = shown(&nodes);
    assert!(found.contains("remove /data/old"), "{found}");
    assert!(!found.contains("/data/own"), "{found}");
}

#[test]
fn whether_a_cluster_follows_is_decided_before_anything_else() {
    let mut nodes = running(1);
    let found = |risk| drift(risk);
    nodes[0]
        .observations
        .insert("config".to_owned(), found(Risk::Failover));
    nodes[1]
        .observations
        .insert("/etc/hosts".to_owned(), found(Risk::Safe));
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @" 1 n1 set Patroni's dynamic configuration [failover] <-  HELD ends following another cluster: needs `--confirm pg-test`");
    nodes[0]
        .observations
        .insert("config".to_owned(), found(Risk::Destroy));
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @" 1 n1 set Patroni's dynamic configuration [destroy] <-  HELD destroys data: needs `--confirm pg-test`");
    let confirmed = Options {
        confirm: ["pg-test".to_owned()].into(),
        ..Options::default()
    };
    assert_eq!(plan(&nodes, &confirmed).active().count(), 2);
}

#[test]
fn a_promoted_cluster_gets_its_databases() {
    const ID: &str = "database:pg-test/app";
    let mut nodes = running(1);
    for node in &mut nodes {
        node.resources.push(database(ID));
        node.observations
            .insert(ID.to_owned(), Observation::Elsewhere);
    }
    assert!(plan(&nodes, &Options::default()).is_empty());
    nodes[0]
        .observations
        .insert("config".to_owned(), drift(Risk::Failover));
    let confirmed = Options {
        confirm: ["pg-test".to_owned()].into(),
        ..Options::default()
    };
    insta::assert_snapshot!(show(&plan(&nodes, &confirmed)), @"
    1 n1 set Patroni's dynamic configuration [failover] <- 
    2 n1 see to database app in pg-test [safe] <-
    ");
}

#[test]
fn settings_with_which_nobody_starts_are_taken_back_before_the_members_come_up() {
    let mut nodes = running(1);
    for node in &mut nodes {
        let view = node.surroundings.patroni.get_mut("pg-test").unwrap();
        "replica".clone_into(&mut view.role);
        "start failed".clone_into(&mut view.state);
        for id in ["config", "patroni"] {
            node.observations.insert(id.to_owned(), drift(Risk::Safe));
        }
    }
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
    1 n1 set Patroni's dynamic configuration [safe] <- 
    2 n1 bring up PostgreSQL pg-test-1 [safe] <- 1
    3 n2 bring up PostgreSQL pg-test-2 [safe] <- 1
    4 n3 bring up PostgreSQL pg-test-3 [safe] <- 1
    ");
}

#[test]
fn the_leader_stores_settings_that_others_saw_differ_while_it_was_away() {
    let mut nodes = running(2);
    for node in &mut nodes[..2] {
        node.observations.insert("config".to_owned(), parameter());
    }
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
    1 n2 set Patroni's dynamic configuration [reload] <- 
    2 n1 see PostgreSQL pg-test-1 take the settings up [reload] <- 1
    3 n3 see PostgreSQL pg-test-3 take the settings up [reload] <- 1
    ");
}

#[test]
fn another_authority_is_trusted_by_name_only_and_before_anything_else() {
    const ID: &str = "file:/etc/pki/ca.crt";
    let mut nodes = running(1);
    let ResourceKind::File(file) = file("/etc/pki/ca.crt").kind else {
        unreachable!()
    };
    for node in &mut nodes {
        let name = "fleet-ca".to_owned();
        let kind = ResourceKind::Authority {
            name,
            file: file.clone(),
        };
        node.resources
            .insert(0, resource(ID, Stage::Config, None, kind));
        let observation = drift(Risk::Safe);
        node.observations
            .insert("/etc/hosts".to_owned(), observation);
    }
    for node in &mut nodes[..2] {
        let observation = drift(Risk::Destroy);
        node.observations.insert(ID.to_owned(), observation);
    }
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
    1 n1 trust authority fleet-ca [destroy] <-  HELD the node trusts another authority, by which its certificates and passwords were made: put that one back into files/pki, or replace it and all of them by `--confirm fleet-ca`
    2 n2 trust authority fleet-ca [destroy] <-  HELD the node trusts another authority, by which its certificates and passwords were made: put that one back into files/pki, or replace it and all of them by `--confirm fleet-ca`
    ");
    insta::assert_snapshot!(show(&plan(&nodes, &confirmed("fleet-ca"))), @"
    1 n1 trust authority fleet-ca [destroy] <- 
    2 n1 write /etc/hosts [safe] <- 
    3 n2 trust authority fleet-ca [destroy] <- 
    4 n2 write /etc/hosts [safe] <- 
    5 n3 trust authority fleet-ca [safe] <- 
    6 n3 write /etc/hosts [safe] <-
    ");
}

/// What most nodes trust is what the fleet was made by.
#[test]
fn an_authority_that_one_node_alone_trusts_is_drift() {
    const ID: &str = "file:/etc/pki/ca.crt";
    let mut nodes = running(1);
    for (node, observation) in nodes.iter_mut().zip([
        drift(Risk::Destroy),
        Observation::InSync,
        Observation::InSync,
    ]) {
        let ResourceKind::File(file) = file("/etc/pki/ca.crt").kind else {
            unreachable!()
        };
        let name = "fleet-ca".to_owned();
        let kind = ResourceKind::Authority { name, file };
        node.resources
            .insert(0, resource(ID, Stage::Config, None, kind));
        node.observations.insert(ID.to_owned(), observation);
        node.observations
            .insert("/etc/hosts".to_owned(), drift(Risk::Safe));
    }
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
    1 n1 trust authority fleet-ca [reload] <- 
    2 n1 write /etc/hosts [safe] <- 
    3 n2 write /etc/hosts [safe] <- 
    4 n3 write /etc/hosts [safe] <-
    ");
    nodes[1]
        .observations
        .insert(ID.to_owned(), drift(Risk::Destroy));
    let planned = plan(&nodes, &Options::default());
    assert!(planned.actions.iter().all(|one| one.held.is_some()));
}

#[test]
fn what_is_in_a_cluster_that_nobody_leads_is_left_for_later() {
    const ID: &str = "database:pg-test/app";
    let mut nodes = running(1);
    for node in &mut nodes {
        let view = node.surroundings.patroni.get_mut("pg-test").unwrap();
        "replica".clone_into(&mut view.role);
        let reason = "PostgreSQL is not running".to_owned();
        node.resources.push(database(ID));
        node.observations
            .insert(ID.to_owned(), Observation::Pending { reason });
    }
    let later = plan(&nodes, &Options::default());
    assert_eq!(later.unled, BTreeSet::from(["pg-test".to_owned()]));
    assert!(later.actions.is_empty() && !later.is_empty());
}

/// Its node lost power half-way: it began by itself, and may be the one that makes the data.
#[test]
fn a_replica_that_runs_before_there_is_data_may_come_to_lead() {
    const ID: &str = "database:pg-test/app";
    let mut nodes = trio();
    for node in &mut nodes {
        node.resources.push(database(ID));
    }
    let sees_to = |plan: &Plan| plan.actions.iter().any(|one| one.title.contains("app"));
    let first = plan(&nodes, &Options::default());
    assert!(first.unled.is_empty() && sees_to(&first));
    let member = nodes[2].resources[3].id.clone();
    nodes[2].observations.insert(member, drift(Risk::Safe));
    let later = plan(&nodes, &Options::default());
    assert_eq!(later.unled, BTreeSet::from(["pg-test".to_owned()]));
    assert!(!sees_to(&later));
}
