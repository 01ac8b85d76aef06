//! Restarts, one member after the other.

use sty_wire::observation::{AT_BOOT, PORT};
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
     5 n1 wait for pg-test-1 and those that follow it [safe] <- 4
     6 n1 write a checkpoint on pg-test-1 [safe] <- 5
     7 n1 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 6
     8 n2 have pooled clients wait for pg-test-1, on pg-test-2 [reload] <- 6
     9 n3 have pooled clients wait for pg-test-1, on pg-test-3 [reload] <- 6
    10 n1 switch over from pg-test-1 to pg-test-2 [failover] <- 7,8,9
    11 n1 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 7,10
    12 n2 let pooled clients go on after pg-test-1, on pg-test-2 [safe] <- 8,10
    13 n3 let pooled clients go on after pg-test-1, on pg-test-3 [safe] <- 9,10
    14 n1 wait for pg-test-1 and those that follow it [safe] <- 10,11,12,13
    15 n1 restart PostgreSQL pg-test-1 [restart] <- 14
    16 n1 wait for pg-test-1 and those that follow it [safe] <- 15
    ");
    let held = plan(&nodes, &Options::default());
    assert!(held.actions.iter().all(|action| action.held.is_some()));
    assert!(
        !held.is_empty(),
        "what waits for a restart is still a pending change"
    );
}

/// As where Patroni's own files are newer than what runs.
#[test]
fn a_leader_hands_over_before_its_patroni_restarts() {
    let mut nodes = running(1);
    for node in &mut nodes {
        let member = node.resources.iter().find(|one| is_member(one)).unwrap();
        let id = member.id.clone();
        node.observations.insert(id, drift(Risk::Restart));
    }
    insta::assert_snapshot!(show(&plan(&nodes, &restart_wanted())), @"
     1 n2 restart PostgreSQL pg-test-2 [restart] <- 
     2 n3 restart PostgreSQL pg-test-3 [restart] <- 1
     3 n1 wait for pg-test-1 and those that follow it [safe] <- 2
     4 n1 write a checkpoint on pg-test-1 [safe] <- 3
     5 n1 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 1,2,3,4
     6 n2 have pooled clients wait for pg-test-1, on pg-test-2 [reload] <- 1,2,3,4
     7 n3 have pooled clients wait for pg-test-1, on pg-test-3 [reload] <- 1,2,3,4
     8 n1 switch over from pg-test-1 to pg-test-2 [failover] <- 5,6,7
     9 n1 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 5,8
    10 n2 let pooled clients go on after pg-test-1, on pg-test-2 [safe] <- 6,8
    11 n3 let pooled clients go on after pg-test-1, on pg-test-3 [safe] <- 7,8
    12 n1 wait for pg-test-1 and those that follow it [safe] <- 8,9,10,11
    13 n1 restart PostgreSQL pg-test-1 [restart] <- 12
    ");
    let held = plan(&nodes, &Options::default());
    assert_eq!(held.actions.len(), 3);
    assert!(held.actions.iter().all(|action| action.held.is_some()));
}

/// Nobody can take over: who comes through a pooler waits until it is back.
#[test]
fn clients_wait_while_the_patroni_of_a_lone_leader_restarts() {
    let mut nodes = running(1);
    nodes.truncate(1);
    let node = &mut nodes[0];
    let member = node.resources.iter().find(|one| is_member(one)).unwrap();
    let id = member.id.clone();
    node.observations.insert(id, drift(Risk::Restart));
    let view = patroni_view(true, &[1]);
    node.surroundings.patroni.insert("pg-test".to_owned(), view);
    insta::assert_snapshot!(show(&plan(&nodes, &restart_wanted())), @"
    1 n1 write a checkpoint on pg-test-1 [safe] <- 
    2 n1 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 1
    3 n1 restart PostgreSQL pg-test-1 [restart] <- 2
    4 n1 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 2,3
    ");
}

/// It has none.
#[test]
fn nobody_waits_for_a_primary_in_a_standby_cluster() {
    let mut nodes = running(1);
    nodes.truncate(1);
    let mut view = patroni_view(true, &[1]);
    "standby_leader".clone_into(&mut view.role);
    view.pending_restart = vec![Change::new("max_connections", "100", "200")];
    let around = &mut nodes[0].surroundings.patroni;
    around.insert("pg-test".to_owned(), view);
    insta::assert_snapshot!(show(&plan(&nodes, &restart_wanted())), @"
    1 n1 write a checkpoint on pg-test-1 [safe] <- 
    2 n1 restart PostgreSQL pg-test-1 [restart] <- 1
    3 n1 wait for pg-test-1 and those that follow it [safe] <- 2
    ");
}

fn is_member(resource: &Resource) -> bool {
    matches!(resource.kind, ResourceKind::PatroniMember(_))
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
     9 n1 wait for pg-test-1 and those that follow it [safe] <- 5,6,7,8
    10 n2 restart PostgreSQL pg-test-2 [restart] <- 9
    11 n2 wait for pg-test-2 and those that follow it [safe] <- 10
    12 n3 restart PostgreSQL pg-test-3 [restart] <- 11
    13 n3 wait for pg-test-3 and those that follow it [safe] <- 12
    ");
}

/// With less than the primary begins with, all replicas would stop at once.
#[test]
fn where_one_setting_shrinks_and_one_grows_replicas_restart_before_and_after() {
    let mut nodes = running(1);
    for node in &mut nodes {
        for view in node.surroundings.patroni.values_mut() {
            view.pending_restart = vec![
                Change::new("max_connections", "200", "100"),
                Change::new("max_wal_senders", "20", "50"),
            ];
        }
    }
    let plan = plan(&nodes, &restart_wanted());
    let restarts = plan.actions.iter().map(|action| action.title.as_str());
    let restarts: Vec<&str> = restarts
        .filter(|title| title.starts_with("restart"))
        .collect();
    assert_eq!(
        restarts,
        [
            "restart PostgreSQL pg-test-2",
            "restart PostgreSQL pg-test-3",
            "restart PostgreSQL pg-test-1",
            "restart PostgreSQL pg-test-2",
            "restart PostgreSQL pg-test-3",
        ]
    );
}

fn etcd_to_restart() -> Vec<Node> {
    let mut nodes = running(1);
    for node in &mut nodes {
        let found = drift(Risk::Restart);
        node.observations.insert("etcd".to_owned(), found);
    }
    nodes
}

/// What takes long on one node would have the clients of all of them wait for it.
#[test]
fn clients_begin_to_wait_when_all_else_is_done_on_every_node() {
    let mut nodes = running(1);
    for node in &mut nodes {
        for view in node.surroundings.patroni.values_mut() {
            view.pending_restart = vec![Change::new("max_connections", "100", "200")];
        }
    }
    let hosts = drift(Risk::Safe);
    nodes[2].observations.insert("/etc/hosts".to_owned(), hosts);
    let plan = plan(&nodes, &restart_wanted());
    let ids = |words: &str| {
        let found = plan.actions.iter().filter(|one| one.title.contains(words));
        found.map(|action| action.id).collect::<Vec<u32>>()
    };
    let (hosts, holds) = (ids("/etc/hosts"), ids("have pooled clients wait"));
    assert_eq!((hosts.len(), holds.len()), (1, 3), "{}", show(&plan));
    for hold in holds {
        let needs = &plan.actions[hold as usize - 1].needs;
        assert!(needs.contains(&hosts[0]), "{}", show(&plan));
    }
}

/// One election is enough, and a member that is down would be missed.
#[test]
fn members_of_etcd_that_are_not_well_restart_first_and_who_leads_last() {
    let mut nodes = etcd_to_restart();
    nodes[2].surroundings.etcd.as_mut().unwrap().healthy = false;
    let plan = plan(&nodes, &restart_wanted());
    let etcd = plan
        .actions
        .iter()
        .filter(|action| action.title.contains("etcd"));
    let order: Vec<&str> = etcd.map(|action| action.node.as_str()).collect();
    assert_eq!(order, ["n3", "n2", "n1"], "{}", show(&plan));
}

#[test]
fn what_serves_a_cluster_is_restarted_only_when_asked_and_one_after_the_other() {
    let nodes = etcd_to_restart();
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

/// It listens where it should.
#[test]
fn haproxy_is_mended_beside_a_pooler_that_waits_for_its_restart() {
    let mut nodes = running(1);
    for node in &mut nodes {
        leads_elsewhere(node);
        let pooler = service("pooler", Some("pg-test"));
        let changes = vec![Change::new("console", "does not answer", "answers")];
        let risk = Risk::Restart;
        node.observations
            .insert(pooler.id.clone(), Observation::Drift { changes, risk });
        node.resources.push(pooler);
    }
    let planned = plan(&nodes, &Options::default());
    let (held, done): (Vec<_>, Vec<_>) = planned.actions.iter().partition(|one| one.held.is_some());
    assert!(
        held.iter().all(|one| one.title.contains("pooler")),
        "{}",
        show(&planned)
    );
    assert!(!done.is_empty(), "{}", show(&planned));
}

#[test]
fn haproxy_goes_on_leading_to_a_pooler_whose_port_changes_with_its_restart() {
    let mut nodes = running(1);
    for node in &mut nodes {
        leads_elsewhere(node);
        let pooler = service("pooler", Some("pg-test"));
        let changes = vec![Change::named("restart"), Change::named(PORT)];
        let risk = Risk::Restart;
        node.observations
            .insert(pooler.id.clone(), Observation::Drift { changes, risk });
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

fn service(id: &str, cluster: Option<&str>) -> Resource {
    let unit = Unit {
        name: format!("{id}.service"),
        state: UnitState::Running,
        reload_on: Vec::new(),
        restart_on: Vec::new(),
        console: None,
        stats_socket: None,
    };
    resource(id, Stage::Services, cluster, ResourceKind::Unit(unit))
}

/// The node's HAProxy shall lead elsewhere than it does.
fn leads_elsewhere(node: &mut Node) {
    const CONFIG: &str = "/etc/haproxy/haproxy.cfg";
    let mut config = file(CONFIG);
    if let ResourceKind::File(file) = &mut config.kind {
        file.check = Some(FileCheck::Haproxy);
    }
    let reload = Observation::Drift {
        changes: vec![Change {
            what: "reload".to_owned(),
            from: None,
            to: Some(format!("with {CONFIG} as changed")),
            ..Change::default()
        }],
        risk: Risk::Reload,
    };
    let proxy = service("haproxy", None);
    node.observations
        .insert(config.id.clone(), drift(Risk::Safe));
    node.observations.insert(proxy.id.clone(), reload);
    node.resources.extend([config, proxy]);
}

/// The line of the member that leads since a failover was taken out.
#[test]
fn nothing_changes_while_a_member_outside_the_inventory_leads() {
    let mut nodes = running(1);
    nodes.remove(0);
    for node in &mut nodes {
        for resource in &mut node.resources {
            if let ResourceKind::PatroniMember(member) = &mut resource.kind {
                member.members.remove("pg-test-1");
            }
        }
        for view in node.surroundings.patroni.values_mut() {
            view.members[0].role = "leader".to_owned();
        }
        node.observations
            .insert("patroni".to_owned(), drift(Risk::Reload));
        leads_elsewhere(node);
    }
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
     1 n2 write /etc/haproxy/haproxy.cfg [safe] <-  HELD pg-test-1 leads pg-test and is not in the inventory: `sty cluster switchover pg-test`, then apply again
     2 n3 write /etc/haproxy/haproxy.cfg [safe] <-  HELD pg-test-1 leads pg-test and is not in the inventory: `sty cluster switchover pg-test`, then apply again
     3 n2 reload PostgreSQL pg-test-2 [reload] <-  HELD pg-test-1 leads pg-test and is not in the inventory: `sty cluster switchover pg-test`, then apply again
     4 n3 reload PostgreSQL pg-test-3 [reload] <-  HELD pg-test-1 leads pg-test and is not in the inventory: `sty cluster switchover pg-test`, then apply again
     5 n2 reload haproxy.service [reload] <-  HELD pg-test-1 leads pg-test and is not in the inventory: `sty cluster switchover pg-test`, then apply again
     6 n3 reload haproxy.service [reload] <-  HELD pg-test-1 leads pg-test and is not in the inventory: `sty cluster switchover pg-test`, then apply again
    unwanted pg-test pg-test-1
    ");
}

#[test]
fn the_ways_to_a_member_that_left_the_inventory_stay_open() {
    let mut nodes = running(1);
    let node = &mut nodes[2];
    node.resources
        .retain(|r| r.cluster.as_deref() != Some("pg-test"));
    node.surroundings.patroni.clear();
    node.surroundings.stray_patroni = Some(PatroniStray {
        cluster: "pg-old".to_owned(),
        name: "pg-old-1".to_owned(),
    });
    leads_elsewhere(node);
    let held = plan(&nodes, &Options::default());
    insta::assert_snapshot!(show(&held), @"
     1 n3 write /etc/haproxy/haproxy.cfg [safe] <-  HELD would close the ways to pg-old-1, which is here and not in the inventory
     2 n3 reload haproxy.service [reload] <-  HELD would close the ways to pg-old-1, which is here and not in the inventory
    problem n3 PostgreSQL pg-old-1: this member of cluster `pg-old` has its data here, and the inventory has no PostgreSQL on this node: the ways to it are left as they are
      hint: put it back into group `pg-old` of the inventory and apply; to be rid of it, then run `sty cluster remove pg-old`, or `sty node remove n3` where the cluster goes on
    ");
    nodes[2].removal = Some("pg-old".to_owned());
    let removed = plan(&nodes, &Options::default());
    assert_eq!(removed.problems, []);
    insta::assert_snapshot!(show(&removed), @"
    1 n3 write /etc/haproxy/haproxy.cfg [safe] <- 
    2 n3 reload haproxy.service [reload] <-
    ");
}

#[test]
fn what_waits_for_a_restart_reads_its_files_meanwhile() {
    let mut nodes = running(1);
    let found = Observation::Drift {
        changes: vec![Change::named("restart"), Change::named("reload")],
        risk: Risk::Restart,
    };
    nodes[1].observations.insert("patroni".to_owned(), found);
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
     1 n2 restart PostgreSQL pg-test-2 [restart] <-  HELD needs `--restart`
     2 n2 reload PostgreSQL pg-test-2 [reload] <- 
    restart due pg-test-2:
    ");
    insta::assert_snapshot!(show(&plan(&nodes, &restart_wanted())), @" 1 n2 restart PostgreSQL pg-test-2 [restart] <-");
}

#[test]
fn what_waits_for_a_restart_starts_at_boot_meanwhile() {
    let mut nodes = running(1);
    let found = Observation::Drift {
        changes: vec![Change::named("restart"), Change::named(AT_BOOT)],
        risk: Risk::Restart,
    };
    nodes[1].observations.insert("etcd".to_owned(), found);
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
     1 n2 restart etcd member etcd-2 [restart] <-  HELD needs `--restart`
     2 n2 enable etcd member etcd-2 [safe] <- 
    restart due etcd-2:
    ");
}

#[test]
fn a_setting_that_needs_a_restart_is_told_however_many_others_change() {
    let mut nodes = running(1);
    let mut changes: Vec<Change> = (1..=6)
        .map(|n| Change::new(format!("postgresql.parameters.setting_{n}"), "1", "2"))
        .collect();
    changes.push(Change {
        restart: true,
        ..Change::new("postgresql.parameters.max_connections", "100", "200")
    });
    let risk = Risk::Reload;
    nodes[0]
        .observations
        .insert("config".to_owned(), Observation::Drift { changes, risk });
    // One member has a value of its own, which the cluster's does not change.
    for resource in &mut nodes[2].resources {
        if let ResourceKind::PatroniConfig { own, .. } = &mut resource.kind {
            own.insert("max_connections".to_owned());
        }
    }
    let found = plan(&nodes, &Options::default());
    insta::assert_snapshot!(found.actions[0].reason, @"postgresql.parameters.max_connections (needs a restart): `100` should be `200`, postgresql.parameters.setting_1: `1` should be `2`, postgresql.parameters.setting_2: `1` should be `2`, and 4 more");
    insta::assert_snapshot!(show(&found), @"
     1 n1 set Patroni's dynamic configuration [reload] <- 
     2 n2 see PostgreSQL pg-test-2 take the settings up [reload] <- 1
     3 n3 see PostgreSQL pg-test-3 take the settings up [reload] <- 1
    restart coming pg-test-1: max_connections
    restart coming pg-test-2: max_connections
    ");
}

#[test]
fn who_waits_for_a_restart_and_what_for_is_told_until_it_is_asked_for() {
    let mut nodes = running(1);
    for node in &mut nodes {
        for view in node.surroundings.patroni.values_mut() {
            view.pending_restart = vec![Change::new("max_connections", "100", "200")];
        }
    }
    let changes = vec![Change {
        to: Some("with /etc/etcd/etcd.conf as changed".to_owned()),
        ..Change::named("restart")
    }];
    let risk = Risk::Restart;
    nodes[1]
        .observations
        .insert("etcd".to_owned(), Observation::Drift { changes, risk });
    let found = plan(&nodes, &Options::default());
    insta::assert_snapshot!(show(&found), @"
     1 n2 restart etcd member etcd-2 [restart] <-  HELD needs `--restart`
     2 n1 switch over from pg-test-1 to pg-test-2 [failover] <-  HELD needs `--restart`
     3 n1 restart PostgreSQL pg-test-1 [restart] <-  HELD needs `--restart`
     4 n2 restart PostgreSQL pg-test-2 [restart] <-  HELD needs `--restart`
     5 n3 restart PostgreSQL pg-test-3 [restart] <-  HELD needs `--restart`
    restart due etcd-2: with /etc/etcd/etcd.conf as changed
    restart due pg-test-1: max_connections
    restart due pg-test-2: max_connections
    restart due pg-test-3: max_connections
    ");
    assert_eq!(plan(&nodes, &restart_wanted()).restarts, []);
}

#[test]
fn a_pooler_that_somebody_paused_goes_on_without_a_restart() {
    let mut nodes = running(1);
    let pooler = service("pgbouncer", Some("pg-test"));
    let changes = vec![Change::new("database app", "paused", "serving")];
    let risk = Risk::Safe;
    nodes[1]
        .observations
        .insert(pooler.id.clone(), Observation::Drift { changes, risk });
    nodes[1].resources.push(pooler);
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"1 n2 resume pgbouncer.service [safe] <-");
}

#[test]
fn what_the_file_of_one_member_changes_is_told_of_that_member() {
    let mut nodes = running(1);
    let setting = Change {
        restart: true,
        ..Change::new("shared_buffers", "1GB", "2GB")
    };
    let mut observe = |changes: Vec<Change>, risk: Risk| {
        let found = Observation::Drift { changes, risk };
        nodes[1].observations.insert("patroni".to_owned(), found);
        let restarts = plan(&nodes, &Options::default()).restarts;
        let line = |one: &sty_plan::Restart| {
            let because: Vec<&str> = one.because.iter().map(String::as_str).collect();
            format!("{} {} {}", one.member, one.due, because.join(", "))
        };
        restarts.iter().map(line).collect::<Vec<_>>()
    };
    let reload = Change::named("reload");
    assert_eq!(
        observe(vec![reload, setting.clone()], Risk::Reload),
        ["pg-test-2 false shared_buffers"]
    );
    let restart = Change {
        to: Some("with /etc/systemd/system/patroni.service as changed".to_owned()),
        ..Change::named("restart")
    };
    assert_eq!(
        observe(vec![restart, setting], Risk::Restart),
        ["pg-test-2 true shared_buffers, with /etc/systemd/system/patroni.service as changed"]
    );
}

#[test]
fn a_pooler_that_is_switched_off_ends_when_asked_and_when_nobody_leads_to_it() {
    let mut nodes = running(1);
    for node in nodes.iter_mut().take(2) {
        let kind = ResourceKind::Retired {
            unit: "pgbouncer.service".to_owned(),
            config: "/etc/pgbouncer/pgbouncer.ini".to_owned(),
            files: Vec::new(),
        };
        let retired = resource("retired", Stage::Cleanup, Some("pg-test"), kind);
        let proxy = service("haproxy", None);
        node.resources.extend([proxy, retired]);
        node.observations
            .insert("haproxy".to_owned(), drift(Risk::Reload));
    }
    let runs = Observation::Drift {
        changes: vec![Change::named("state"), Change::named(AT_BOOT)],
        risk: Risk::Restart,
    };
    nodes[0].observations.insert("retired".to_owned(), runs);
    // It runs no more, and only files are left.
    nodes[1]
        .observations
        .insert("retired".to_owned(), drift(Risk::Safe));
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
    1 n1 reload haproxy.service [reload] <- 
    2 n2 reload haproxy.service [reload] <- 
    3 n1 retire pgbouncer.service [restart] <- 1,2 HELD needs `--restart`
    4 n2 retire pgbouncer.service [safe] <- 1,2
    ");
    let options = Options {
        restart: true,
        ..Options::default()
    };
    insta::assert_snapshot!(show(&plan(&nodes, &options)), @"
    1 n1 reload haproxy.service [reload] <- 
    2 n2 reload haproxy.service [reload] <- 
    3 n1 retire pgbouncer.service [restart] <- 1,2
    4 n2 retire pgbouncer.service [safe] <- 1,2
    ");
}
