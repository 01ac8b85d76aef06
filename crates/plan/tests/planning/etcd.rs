//! Members of etcd come, go and move.

use crate::fleet::*;

#[test]
fn a_new_etcd_member_is_added_before_it_starts_and_one_at_a_time() {
    let mut nodes = running(1);
    for node in nodes.iter_mut().skip(1) {
        node.observations.remove("etcd");
        node.surroundings.etcd = Some(etcd_view(false, false));
    }
    nodes[0].surroundings.etcd = Some(EtcdView {
        members: vec![peer(1)],
        ..etcd_view(true, true)
    });
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
    1 n1 add member etcd-2 to etcd [safe] <- 
    2 n2 start etcd member etcd-2 [safe] <- 1
    3 n1 add member etcd-3 to etcd [safe] <- 2
    4 n3 start etcd member etcd-3 [safe] <- 3
    ");
}

/// What becomes of a member that etcd has and the inventory has not, and of the same once `typed`
/// was typed.
fn left(stranger: EtcdPeer, typed: &str) -> String {
    let mut nodes = running(1);
    let views = nodes
        .iter_mut()
        .filter_map(|node| node.surroundings.etcd.as_mut());
    for view in views {
        view.members.push(stranger.clone());
    }
    let options = Options {
        confirm: BTreeSet::from([typed.to_owned()]),
        ..Options::default()
    };
    assert_eq!(plan(&nodes, &options).actions[0].held, None);
    show(&plan(&nodes, &Options::default()))
}

#[test]
fn an_etcd_member_that_left_the_inventory_goes_when_its_name_is_typed() {
    insta::assert_snapshot!(left(peer(4), "etcd-4"), @"
     1 n1 remove member etcd-4 from etcd [destroy] <-  HELD destroys data: needs `--confirm etcd-4`
    unwanted etcd etcd-4
    ");
    let never_started = EtcdPeer {
        name: String::new(),
        ..peer(4)
    };
    insta::assert_snapshot!(left(never_started, "https://10.0.0.4:2380"), @"
     1 n1 remove member https://10.0.0.4:2380 from etcd [destroy] <-  HELD destroys data: needs `--confirm https://10.0.0.4:2380`
    unwanted etcd https://10.0.0.4:2380
    ");
}

/// Another node has the number of a member that is still there.
#[test]
fn a_member_that_comes_to_another_node_goes_on_the_old_one_first() {
    let fleet = || {
        let mut nodes = running(1);
        nodes[2].host = "n9".to_owned();
        for resource in &mut nodes[2].resources {
            if let ResourceKind::EtcdMember(member) = &mut resource.kind {
                member.peer_url = "https://10.0.0.9:2380".to_owned();
            }
        }
        for node in &mut nodes {
            for resource in &mut node.resources {
                if let ResourceKind::EtcdMember(member) = &mut resource.kind {
                    let url = "https://10.0.0.9:2380".to_owned();
                    member.cluster.insert("etcd-3".to_owned(), url);
                }
            }
        }
        nodes[2].observations.remove("etcd");
        nodes[2].surroundings.etcd = Some(etcd_view(false, false));
        // The old member leads, whose node sees to them no more.
        for node in &mut nodes {
            let seen = match node.host.as_str() {
                "n9" => Observation::Pending {
                    reason: "etcd does not answer yet".to_owned(),
                },
                _ => Observation::Elsewhere,
            };
            node.observations.insert("etcd-auth".to_owned(), seen);
        }
        nodes
    };
    insta::assert_snapshot!(show(&plan(&fleet(), &Options::default())), @"
     1 n1 remove member etcd-3 from etcd [destroy] <-  HELD destroys data: needs `--confirm etcd-3`
     2 n1 add member etcd-3 to etcd [safe] <-  HELD etcd-3 is still the member at 10.0.0.3, and goes first: needs `--confirm etcd-3`
     3 n9 start etcd member etcd-3 [safe] <-  HELD etcd-3 is still the member at 10.0.0.3, and goes first: needs `--confirm etcd-3`
     4 n9 set etcd users and roles [safe] <-  HELD etcd-3 is still the member at 10.0.0.3, and goes first: needs `--confirm etcd-3`
    unwanted etcd etcd-3
    ");
    insta::assert_snapshot!(show(&plan(&fleet(), &confirmed("etcd-3"))), @"
     1 n1 remove member etcd-3 from etcd [destroy] <- 
     2 n1 add member etcd-3 to etcd [safe] <- 1
     3 n9 start etcd member etcd-3 [safe] <- 2
     4 n9 set etcd users and roles [safe] <- 
    unwanted etcd etcd-3
    ");
}

#[test]
fn members_whose_peer_port_changes_restart_and_are_no_strangers() {
    let mut nodes = running(1);
    for node in &mut nodes {
        for resource in &mut node.resources {
            if let ResourceKind::EtcdMember(member) = &mut resource.kind {
                let moved = |url: &str| url.replace(":2380", ":2480");
                member.peer_url = moved(&member.peer_url);
                let urls = member.cluster.values_mut();
                urls.for_each(|url| *url = moved(url));
            }
        }
        let observation = drift(Risk::Restart);
        node.observations.insert("etcd".to_owned(), observation);
    }
    let planned = plan(&nodes, &Options::default());
    assert!(planned.unwanted.is_empty(), "{:?}", planned.unwanted);
    assert!(planned.actions.iter().all(|one| one.risk == Risk::Restart));
}

/// `pg-test` runs on three nodes with its leader in the etcd of node 1; the inventory has etcd on
/// node 2 instead.
fn moved_etcd() -> Vec<Node> {
    let mut nodes = running(1);
    for (node, number) in nodes.iter_mut().zip(1..) {
        node.resources.retain(|r| !r.id.starts_with("etcd"));
        for resource in &mut node.resources {
            if let ResourceKind::PatroniMember(member) = &mut resource.kind {
                member.dcs = dcs(&[2]);
            }
        }
        for view in node.surroundings.patroni.values_mut() {
            view.dcs = dcs(&[1]);
        }
        node.observations
            .insert("patroni".to_owned(), drift(Risk::Reload));
        node.surroundings.etcd = (number == 2).then(|| etcd_view(false, false));
    }
    nodes[0].surroundings.stray_etcd = Some(EtcdStray {
        name: "etcd-1".to_owned(),
        cluster: "etcd".to_owned(),
        client_url: "https://10.0.0.1:2379".to_owned(),
    });
    nodes[1].resources.insert(1, etcd(2, &[2]));
    nodes[1].resources.insert(2, etcd_auth());
    nodes[1]
        .observations
        .retain(|id, _| !id.starts_with("etcd"));
    nodes
}

#[test]
fn an_etcd_that_moves_at_once_is_refused_with_what_to_do() {
    insta::assert_snapshot!(show(&plan(&moved_etcd(), &Options::default())), @"
    problem n1 PostgreSQL pg-test-1: `pg-test` keeps its leader in etcd at `10.0.0.1`, and the inventory has etcd at `10.0.0.2` only: it would lose its leader and settings
      hint: etcd moves in steps: put the old member back with two new ones beside it, `sty apply`, then take out those that should leave; where all of its data is lost for good: `sty apply --confirm etcd`, then restart Patroni on every node
    problem n2 etcd member etcd-2: it has no data and would begin a new, empty etcd, while member `etcd-1` still has its data on n1
      hint: etcd moves in steps: put the old member back with two new ones beside it, `sty apply`, then take out those that should leave; where all of its data is lost for good: `sty apply --confirm etcd`, then restart Patroni on every node
    ");
    let confirmed = plan(&moved_etcd(), &confirmed("etcd"));
    assert_eq!(confirmed.problems, []);
    insta::assert_snapshot!(show(&confirmed), @"
    1 n2 start etcd member etcd-2 [safe] <- 
    2 n2 set etcd users and roles [safe] <- 1
    3 n1 reload PostgreSQL pg-test-1 [reload] <- 1,2
    4 n2 reload PostgreSQL pg-test-2 [reload] <- 1,2
    5 n3 reload PostgreSQL pg-test-3 [reload] <- 1,2
    ");
}

#[test]
fn an_old_member_alone_keeps_a_new_etcd_from_beginning() {
    let mut nodes = moved_etcd();
    for node in &mut nodes {
        node.surroundings.patroni.clear();
        node.resources
            .retain(|r| r.cluster.as_deref() != Some("pg-test"));
    }
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
    problem n2 etcd member etcd-2: it has no data and would begin a new, empty etcd, while member `etcd-1` still has its data on n1
      hint: etcd moves in steps: put the old member back with two new ones beside it, `sty apply`, then take out those that should leave; where all of its data is lost for good: `sty apply --confirm etcd`, then restart Patroni on every node
    ");
}

#[test]
fn an_etcd_that_has_lost_all_data_begins_anew_only_when_its_name_is_typed() {
    let mut nodes = running(1);
    for node in &mut nodes {
        node.observations.remove("etcd");
        node.surroundings.etcd = Some(etcd_view(false, false));
    }
    let refused = plan(&nodes, &Options::default());
    insta::assert_snapshot!(show(&refused), @"
    problem n1 etcd member etcd-1: it has no data and would begin a new, empty etcd, while etcd keeps the leader of `pg-test`
      hint: bring a member that has data back first, then apply again; where all of its data is lost for good: `sty apply --confirm etcd`
    problem n2 etcd member etcd-2: it has no data and would begin a new, empty etcd, while etcd keeps the leader of `pg-test`
      hint: bring a member that has data back first, then apply again; where all of its data is lost for good: `sty apply --confirm etcd`
    problem n3 etcd member etcd-3: it has no data and would begin a new, empty etcd, while etcd keeps the leader of `pg-test`
      hint: bring a member that has data back first, then apply again; where all of its data is lost for good: `sty apply --confirm etcd`
    ");
    assert_eq!(refused.confirmable, BTreeSet::from(["etcd".to_owned()]));
    let confirmed = plan(&nodes, &confirmed("etcd"));
    assert!(confirmed.problems.is_empty() && confirmed.actions.len() >= 3);
}

#[test]
fn members_without_data_wait_for_one_that_has_some_and_is_down() {
    let mut nodes = running(1);
    nodes[0]
        .observations
        .insert("etcd".to_owned(), drift(Risk::Safe));
    nodes[0].surroundings.etcd.as_mut().unwrap().healthy = false;
    for node in nodes.iter_mut().skip(1) {
        node.observations.remove("etcd");
        node.surroundings.etcd = Some(etcd_view(false, false));
    }
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
     1 n1 bring up etcd member etcd-1 [safe] <- 
    problem n2 etcd member etcd-2: it has no data, and no member that has answers, while etcd keeps the leader of `pg-test`
      hint: bring a member that has data back first, then apply again
    problem n3 etcd member etcd-3: it has no data, and no member that has answers, while etcd keeps the leader of `pg-test`
      hint: bring a member that has data back first, then apply again
    ");
}

#[test]
fn what_is_only_looked_at_bears_witness_and_is_left_alone() {
    let mut nodes = moved_etcd();
    let witnesses = |node: &Node| node.resources.iter().map(|r| r.id.clone()).collect();
    nodes[0].witnesses = witnesses(&nodes[0]);
    nodes[2].witnesses = witnesses(&nodes[2]);
    nodes[1].witnesses = BTreeSet::from(["patroni".to_owned()]);
    let shown = plan(&nodes, &Options::default());
    assert_eq!(shown.problems.len(), 2, "{}", show(&shown));
    let confirmed = plan(&nodes, &confirmed("etcd"));
    assert!(confirmed.actions.iter().all(|action| action.node == "n2"));
}

#[test]
fn a_learner_is_let_in_before_the_next_member_joins() {
    let mut nodes = running(1);
    nodes[1]
        .observations
        .insert("etcd".to_owned(), drift(Risk::Safe));
    nodes[1].surroundings.etcd = Some(EtcdView {
        healthy: false,
        ..etcd_view(true, false)
    });
    nodes[2].observations.remove("etcd");
    nodes[2].surroundings.etcd = Some(etcd_view(false, false));
    nodes[0].surroundings.etcd = Some(EtcdView {
        members: vec![peer(1), peer(2)],
        ..etcd_view(true, true)
    });
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
    1 n2 bring up etcd member etcd-2 [safe] <- 
    2 n1 add member etcd-3 to etcd [safe] <- 1
    3 n3 start etcd member etcd-3 [safe] <- 2
    ");
}

#[test]
fn a_member_that_lost_its_data_is_taken_out_through_another() {
    let mut nodes = running(1);
    nodes[0].observations.remove("etcd");
    // It runs on, from files that are deleted.
    nodes[0].surroundings.etcd = Some(EtcdView {
        initialized: false,
        ..etcd_view(true, false)
    });
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
    1 n2 remove member etcd-1 from etcd [safe] <- 
    2 n2 add member etcd-1 to etcd [safe] <- 1
    3 n1 start etcd member etcd-1 [safe] <- 2
    ");
}

#[test]
fn a_member_that_was_removed_and_has_old_data_joins_anew() {
    let mut nodes = running(1);
    nodes[1]
        .observations
        .insert("etcd".to_owned(), drift(Risk::Safe));
    nodes[1].surroundings.etcd = Some(EtcdView {
        healthy: false,
        ..etcd_view(true, false)
    });
    nodes[0].surroundings.etcd = Some(EtcdView {
        members: vec![peer(1), peer(3)],
        ..etcd_view(true, true)
    });
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
    1 n1 add member etcd-2 to etcd [safe] <- 
    2 n2 bring up etcd member etcd-2 [safe] <- 1
    ");
}

#[test]
fn what_an_etcd_member_leaves_behind_goes_after_it_has_left() {
    let mut nodes = running(1);
    for node in &mut nodes {
        let view = node.surroundings.etcd.as_mut().unwrap();
        view.members.push(peer(4));
    }
    let kind = ResourceKind::PathAbsent {
        path: "/data/etcd".to_owned(),
        recursive: true,
        mark: Some("member".to_owned()),
    };
    nodes.push(Node {
        host: "n4".to_owned(),
        resources: vec![resource("data", Stage::Cleanup, Some("etcd"), kind)],
        observations: BTreeMap::from([("data".to_owned(), drift(Risk::Destroy))]),
        removal: Some("etcd-4".to_owned()),
        ..Node::default()
    });
    let options = Options {
        confirm: BTreeSet::from(["etcd-4".to_owned()]),
        ..Options::default()
    };
    insta::assert_snapshot!(show(&plan(&nodes, &options)), @"
     1 n1 remove member etcd-4 from etcd [destroy] <- 
     2 n4 remove /data/etcd [destroy] <- 1
    unwanted etcd etcd-4
    ");
}

#[test]
fn nothing_is_done_for_clusters_while_nobody_gets_into_etcd() {
    let mut nodes = running(1);
    for node in &mut nodes {
        node.observations
            .insert("patroni".to_owned(), drift(Risk::Reload));
    }
    let conflict = |node: usize, id: &str, message: &str| {
        let mut nodes = nodes.clone();
        let failure = Failure::message(message);
        let conflict = Observation::Conflict { failure };
        nodes[node].observations.insert(id.to_owned(), conflict);
        show(&plan(&nodes, &Options::default()))
    };
    insta::assert_snapshot!(conflict(0, "etcd-auth", "root is not let in"), @"
    problem n1 etcd users and roles: root is not let in
      hint:
    ");
    insta::assert_snapshot!(conflict(1, "etcd", "it serves at another port"), @"
    problem n2 etcd member etcd-2: it serves at another port
      hint:
    ");
}

/// The trio beside a cluster that is not made yet, whose user etcd lacks.
fn with_a_newcomer() -> Vec<Node> {
    let mut nodes = running(1);
    nodes[0].resources.push(database("database"));
    let observations = &mut nodes[0].observations;
    observations.insert("database".to_owned(), drift(Risk::Safe));
    let changes = ["user pg-new", "password of user pg-test"].map(Change::named);
    let users = Observation::Drift {
        changes: changes.into(),
        risk: Risk::Safe,
    };
    observations.insert("etcd-auth".to_owned(), users);
    for resource in nodes.iter_mut().flat_map(|node| &mut node.resources) {
        if let ResourceKind::EtcdAuth(auth) = &mut resource.kind {
            let mut scope = auth.scopes[0].clone();
            "pg-new".clone_into(&mut scope.user);
            auth.scopes.push(scope);
        }
    }
    let mut newcomer = postgres(4, BootRole::Leader, &[4]);
    newcomer.cluster = Some("pg-new".to_owned());
    if let ResourceKind::PatroniMember(member) = &mut newcomer.kind {
        member.scope = "pg-new".to_owned();
    }
    nodes.push(Node {
        host: "n4".to_owned(),
        resources: vec![file("/etc/hosts"), newcomer],
        ..Node::default()
    });
    nodes
}

fn be_elsewhere(node: &mut Node) {
    let failure = Failure::message("its keys are elsewhere");
    let conflict = Observation::Conflict { failure };
    node.observations.insert("patroni".to_owned(), conflict);
}

#[test]
fn users_of_etcd_stay_as_they_are_while_a_cluster_must_not_be_touched() {
    let mut nodes = with_a_newcomer();
    let shown = |nodes: &[Node]| show(&plan(nodes, &Options::default()));
    insta::assert_snapshot!(shown(&nodes), @"
    1 n4 write /etc/hosts [safe] <- 
    2 n1 set etcd users and roles [safe] <- 
    3 n4 start PostgreSQL pg-test-4 [safe] <- 2
    4 n1 alter database app in pg-test [safe] <-
    ");
    be_elsewhere(&mut nodes[1]);
    insta::assert_snapshot!(shown(&nodes), @"
     1 n4 write /etc/hosts [safe] <- 
    problem n1 etcd users and roles: they differ, and stay as they are: those of all clusters are set together, and cluster `pg-test` must not be touched
      hint: mend what is said of cluster `pg-test`, then apply again; until then no cluster is changed
    problem n2 PostgreSQL pg-test-2: its keys are elsewhere
      hint:
    ");
    let in_sync = Observation::InSync;
    nodes[0]
        .observations
        .insert("etcd-auth".to_owned(), in_sync);
    insta::assert_snapshot!(shown(&nodes), @"
     1 n4 write /etc/hosts [safe] <- 
     2 n4 start PostgreSQL pg-test-4 [safe] <- 
    problem n2 PostgreSQL pg-test-2: its keys are elsewhere
      hint:
    ");
}

/// A cluster that etcd has nothing of yet keeps nobody from anything.
#[test]
fn users_of_etcd_are_set_while_a_new_cluster_must_not_be_touched() {
    let mut nodes = with_a_newcomer();
    let changes = vec![Change::named("user pg-new"), Change::named("role pg-new")];
    let risk = Risk::Safe;
    let users = Observation::Drift { changes, risk };
    nodes[0].observations.insert("etcd-auth".to_owned(), users);
    be_elsewhere(&mut nodes[3]);
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
     1 n1 set etcd users and roles [safe] <- 
     2 n1 alter database app in pg-test [safe] <- 
    problem n4 PostgreSQL pg-test-4: its keys are elsewhere
      hint:
    ");
}

#[test]
fn a_conflict_of_a_member_that_limit_leaves_out_keeps_etcd_as_it_is() {
    let mut nodes = with_a_newcomer();
    be_elsewhere(&mut nodes[1]);
    nodes[1].witnesses.insert("patroni".to_owned());
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
     1 n4 write /etc/hosts [safe] <- 
    problem n1 etcd users and roles: they differ, and stay as they are: those of all clusters are set together, and cluster `pg-test` must not be touched
      hint: mend what is said of cluster `pg-test`, then apply again; until then no cluster is changed
    problem n2 PostgreSQL pg-test-2: its keys are elsewhere
      hint:
    ");
}
