//! Plans of small fleets, as an operator would read them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;
use sty_core::{Risk, Secret};
use sty_plan::{NodeInput, Options, Plan, build};
use sty_wire::observation::{
    Change, EtcdPeer, EtcdStray, EtcdView, Failure, Observation, PatroniPeer, PatroniView,
    Surroundings,
};
use sty_wire::postgres::DatabaseSpec;
use sty_wire::resource::{
    Access, BootRole, EtcdAccess, EtcdAuth, EtcdMember, File, Module, PatroniAccess, PatroniMember,
    PostgresAccess, PrimaryPooler, Resource, ResourceKind, Stage,
};
use sty_wire::standing::{Condition, Slot, Standing, WalKept};

/// A node under test.
#[derive(Debug, Clone, Default)]
struct Node {
    host: String,
    resources: Vec<Resource>,
    observations: BTreeMap<String, Observation>,
    surroundings: Surroundings,
    witnesses: BTreeSet<String>,
    removal: Option<String>,
}

fn plan(nodes: &[Node], options: &Options) -> Plan {
    let inputs: Vec<NodeInput<'_>> = nodes
        .iter()
        .map(|node| NodeInput {
            host: &node.host,
            resources: &node.resources,
            observations: &node.observations,
            surroundings: &node.surroundings,
            witnesses: &node.witnesses,
            removal: node.removal.as_deref(),
        })
        .collect();
    build(&inputs, options)
}

fn show(plan: &Plan) -> String {
    let mut text = String::new();
    for action in &plan.actions {
        let needs: Vec<String> = action.needs.iter().map(u32::to_string).collect();
        let held = action
            .held
            .as_deref()
            .map(|h| format!(" HELD {h}"))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "{:>2} {} {} [{}] <- {}{held}",
            action.id,
            action.node,
            action.title,
            action.risk,
            needs.join(",")
        );
    }
    for unwanted in &plan.unwanted {
        let _ = writeln!(text, "unwanted {} {}", unwanted.cluster, unwanted.member);
    }
    for waiting in &plan.waiting {
        let (cluster, member) = (&waiting.cluster, &waiting.member);
        let _ = writeln!(
            text,
            "waiting {cluster} {member}: {}",
            waiting.titles.join(", ")
        );
    }
    for problem in &plan.problems {
        let (subject, failure) = (&problem.subject, &problem.failure);
        let _ = writeln!(
            text,
            "problem {} {subject}: {}",
            problem.node, failure.message
        );
        let hint = failure.hint.as_deref().unwrap_or_default();
        let _ = writeln!(text, "  hint: {hint}");
    }
    text
}

fn resource(id: &str, stage: Stage, cluster: Option<&str>, kind: ResourceKind) -> Resource {
    Resource {
        id: id.to_owned(),
        module: Module::Node,
        stage,
        cluster: cluster.map(str::to_owned),
        kind,
    }
}

fn file(path: &str) -> Resource {
    let kind = ResourceKind::File(File {
        path: path.to_owned(),
        content: Secret::from("text"),
        secret: false,
        access: Access::root(0o644),
        check: None,
    });
    resource(path, Stage::Config, None, kind)
}

fn etcd_access() -> EtcdAccess {
    EtcdAccess {
        endpoints: Vec::new(),
        ca_path: String::new(),
        root_password: Secret::default(),
    }
}

fn etcd(number: u32, members: &[u32]) -> Resource {
    let url = |n: &u32| format!("https://10.0.0.{n}:2380");
    let kind = ResourceKind::EtcdMember(EtcdMember {
        name: format!("etcd-{number}"),
        peer_url: url(&number),
        client_url: format!("https://10.0.0.{number}:2379"),
        cluster: members
            .iter()
            .map(|n| (format!("etcd-{n}"), url(n)))
            .collect(),
        token: "etcd".to_owned(),
        data: "/data/etcd".to_owned(),
        join_path: "/etc/etcd/join.env".to_owned(),
        access: etcd_access(),
        unit: "etcd.service".to_owned(),
        restart_on: Vec::new(),
    });
    resource("etcd", Stage::Etcd, Some("etcd"), kind)
}

fn etcd_auth() -> Resource {
    let kind = ResourceKind::EtcdAuth(EtcdAuth {
        access: etcd_access(),
        scopes: Vec::new(),
    });
    resource("etcd-auth", Stage::EtcdAuth, Some("etcd"), kind)
}

fn postgres(number: u32, boot: BootRole, members: &[u32]) -> Resource {
    let kind = ResourceKind::PatroniMember(PatroniMember {
        scope: "pg-test".to_owned(),
        name: format!("pg-test-{number}"),
        boot,
        unit: "patroni.service".to_owned(),
        patroni: patroni_access(),
        postgres: PostgresAccess {
            socket_dir: String::new(),
            port: 5432,
            user: "postgres".to_owned(),
        },
        data: "/pg/data".to_owned(),
        reload_on: Vec::new(),
        postgres_reload_on: Vec::new(),
        restart_on: Vec::new(),
        parameters: std::collections::BTreeMap::new(),
        members: members.iter().map(|n| format!("pg-test-{n}")).collect(),
        dcs: dcs(&[1, 2, 3]),
        home: ("/pg".to_owned(), "/data/postgres/pg-test-17".to_owned()),
        pooler: Some(Box::new(PrimaryPooler {
            psql: "/usr/bin/psql".to_owned(),
            account: "postgres".to_owned(),
            socket_dir: String::new(),
            port: 6433,
            stats_socket: String::new(),
            checker: "pg-test.is-primary".to_owned(),
            replica_checker: None,
        })),
    });
    resource("patroni", Stage::Postgres, Some("pg-test"), kind)
}

fn dcs(members: &[u32]) -> BTreeSet<String> {
    members.iter().map(|n| format!("10.0.0.{n}")).collect()
}

fn patroni_access() -> PatroniAccess {
    PatroniAccess {
        url: String::new(),
        ca_path: String::new(),
        username: String::new(),
        password: Secret::default(),
    }
}

fn dynamic_config() -> Resource {
    let kind = ResourceKind::PatroniConfig {
        patroni: patroni_access(),
        postgres: PostgresAccess {
            socket_dir: String::new(),
            port: 5432,
            user: "postgres".to_owned(),
        },
        config: sty_wire_json(),
        own: std::collections::BTreeSet::new(),
    };
    resource("config", Stage::Dynamic, Some("pg-test"), kind)
}

fn database(id: &str) -> Resource {
    let kind = ResourceKind::Database {
        postgres: PostgresAccess {
            socket_dir: String::new(),
            port: 5432,
            user: "postgres".to_owned(),
        },
        database: Box::new(DatabaseSpec {
            name: "app".to_owned(),
            ..DatabaseSpec::default()
        }),
    };
    resource(id, Stage::Objects, Some("pg-test"), kind)
}

fn sty_wire_json() -> serde_json::Value {
    serde_json::json!({ "ttl": 30 })
}

fn trio() -> Vec<Node> {
    let boot = |n| {
        if n == 1 {
            BootRole::Leader
        } else {
            BootRole::Replica
        }
    };
    (1..=3)
        .map(|n| Node {
            host: format!("n{n}"),
            resources: vec![
                file("/etc/hosts"),
                etcd(n, &[1, 2, 3]),
                etcd_auth(),
                postgres(n, boot(n), &[1, 2, 3]),
                dynamic_config(),
            ],
            ..Node::default()
        })
        .collect()
}

/// The trio, running and as it should be, led by `leader`.
fn running(leader: u32) -> Vec<Node> {
    let mut nodes = trio();
    for (node, number) in nodes.iter_mut().zip(1..) {
        for resource in &node.resources {
            let elsewhere =
                number != leader && matches!(resource.id.as_str(), "config" | "etcd-auth");
            let state = if elsewhere {
                Observation::Elsewhere
            } else {
                Observation::InSync
            };
            node.observations.insert(resource.id.clone(), state);
        }
        node.surroundings.etcd = Some(etcd_view(true, number == leader));
        node.surroundings.patroni.insert(
            "pg-test".to_owned(),
            patroni_view(number == leader, &[1, 2, 3]),
        );
    }
    nodes
}

fn etcd_view(initialized: bool, leader: bool) -> EtcdView {
    EtcdView {
        initialized,
        healthy: initialized,
        leader,
        members: (1..=3).map(peer).collect(),
    }
}

fn peer(number: u32) -> EtcdPeer {
    EtcdPeer {
        id: number.to_string(),
        name: format!("etcd-{number}"),
        peer_url: format!("https://10.0.0.{number}:2380"),
    }
}

fn patroni_view(leads: bool, members: &[u32]) -> PatroniView {
    PatroniView {
        initialized: true,
        dcs: dcs(&[1, 2, 3]),
        running: true,
        role: if leads { "primary" } else { "replica" }.to_owned(),
        state: "running".to_owned(),
        members: members
            .iter()
            .map(|n| PatroniPeer {
                name: format!("pg-test-{n}"),
                host: format!("10.0.0.{n}"),
                role: "replica".to_owned(),
                state: "streaming".to_owned(),
                timeline: Some(1),
                lag_bytes: Some(0),
                nofailover: false,
                follows: None,
            })
            .collect(),
        pending_restart: Vec::new(),
        standing: Standing::default(),
    }
}

fn restart_wanted() -> Options {
    Options {
        restart: true,
        ..Options::default()
    }
}

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

#[test]
fn cluster_wide_drift_is_mended_once_by_the_leader() {
    let mut nodes = running(2);
    let drift = Observation::Drift {
        changes: vec![Change::new("ttl", "30", "20")],
        risk: Risk::Reload,
    };
    nodes[1].observations.insert("config".to_owned(), drift);
    insta::assert_snapshot!(show(&plan(&nodes, &Options::default())), @"
    1 n2 set Patroni's dynamic configuration [reload] <- 
    2 n1 see PostgreSQL pg-test-1 take the settings up [reload] <- 1
    3 n3 see PostgreSQL pg-test-3 take the settings up [reload] <- 1
    ");
}

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

#[test]
fn an_etcd_member_that_left_the_inventory_goes_when_its_name_is_typed() {
    let mut nodes = running(1);
    let mut members: Vec<EtcdPeer> = (1..=3).map(peer).collect();
    members.push(peer(4));
    for node in &mut nodes {
        if let Some(view) = &mut node.surroundings.etcd {
            view.members.clone_from(&members);
        }
    }
    let shown = plan(&nodes, &Options::default());
    insta::assert_snapshot!(show(&shown), @"
     1 n1 remove member etcd-4 from etcd [destroy] <-  HELD destroys data: needs `--confirm etcd-4`
    unwanted etcd etcd-4
    ");
    let options = Options {
        confirm: BTreeSet::from(["etcd-4".to_owned()]),
        ..Options::default()
    };
    assert_eq!(plan(&nodes, &options).actions[0].held, None);
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

fn confirmed(name: &str) -> Options {
    Options {
        confirm: BTreeSet::from([name.to_owned()]),
        ..Options::default()
    }
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
    observations.insert("config".to_owned(), drift(Risk::Reload));
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

fn drift(risk: Risk) -> Observation {
    Observation::Drift {
        changes: vec![Change::new("state", "wrong", "right")],
        risk,
    }
}

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

#[test]
fn nothing_is_copied_without_a_leader_that_runs() {
    let mut nodes = running(2);
    for node in &mut nodes {
        stand(node, broken());
    }
    let copies = |nodes: &[Node]| {
        let plan = plan(nodes, &Options::default());
        let mut titles = plan.actions.into_iter().map(|action| action.title);
        titles.any(|title| title.contains("pg-test-2 anew"))
    };
    assert!(!copies(&nodes), "never the leader");
    let leader = nodes[1].surroundings.patroni.get_mut("pg-test").unwrap();
    "starting".clone_into(&mut leader.state);
    assert!(plan(&nodes, &Options::default()).is_empty());
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

fn any_observation() -> impl Strategy<Value = Option<Observation>> {
    prop_oneof![
        Just(None),
        Just(Some(Observation::InSync)),
        Just(Some(Observation::Elsewhere)),
        Just(Some(Observation::Pending {
            reason: "later".to_owned()
        })),
        (0..3u8).prop_map(|risk| Some(Observation::Drift {
            changes: vec![Change::named("x")],
            risk: [Risk::Safe, Risk::Reload, Risk::Restart][usize::from(risk)],
        })),
    ]
}

fn any_fleet() -> impl Strategy<Value = Vec<Node>> {
    let states = prop::collection::vec(any_observation(), 15);
    let views = prop::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), 3);
    (states, views, 0..4u32).prop_map(|(states, views, leader)| {
        let mut nodes = trio();
        let mut states = states.into_iter();
        for ((node, view), number) in nodes.iter_mut().zip(views).zip(1..) {
            for resource in &node.resources {
                if let Some(Some(state)) = states.next() {
                    node.observations.insert(resource.id.clone(), state);
                }
            }
            node.surroundings.etcd = Some(etcd_view(view.0, false));
            let mut patroni = patroni_view(number == leader, &[1, 2, 3]);
            patroni.initialized = view.1;
            if view.2 {
                patroni.pending_restart = vec![Change::named("max_connections")];
            }
            node.surroundings
                .patroni
                .insert("pg-test".to_owned(), patroni);
        }
        nodes
    })
}

proptest! {
    #[test]
    fn needs_point_back_and_never_to_held_actions(nodes in any_fleet(), restart in any::<bool>()) {
        let options = Options { restart, ..Options::default() };
        let plan = plan(&nodes, &options);
        for (index, action) in plan.actions.iter().enumerate() {
            prop_assert_eq!(action.id as usize, index + 1);
            for need in &action.needs {
                prop_assert!(*need < action.id, "{}", show(&plan));
                prop_assert!(plan.actions[*need as usize - 1].held.is_none());
            }
        }
    }

    #[test]
    fn members_of_one_cluster_never_restart_together(nodes in any_fleet()) {
        let plan = plan(&nodes, &restart_wanted());
        let restarts: Vec<_> = plan
            .active()
            .filter(|a| a.stage == Stage::Postgres || a.cluster.as_deref() == Some("pg-test"))
            .filter(|a| a.risk >= Risk::Restart && a.title.contains("PostgreSQL"))
            .collect();
        for pair in restarts.windows(2) {
            if pair[0].node != pair[1].node {
                prop_assert!(reaches(&plan, pair[1].id, pair[0].id), "{}", show(&plan));
            }
        }
    }
}

/// Whether `from` waits, directly or not, for `to`; on one node the order of the plan counts too.
fn reaches(plan: &Plan, from: u32, to: u32) -> bool {
    let mut open = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if id == to {
            return true;
        }
        if !seen.insert(id) {
            continue;
        }
        let action = &plan.actions[id as usize - 1];
        open.extend(&action.needs);
        let earlier = plan.active().filter(|a| a.id < id && a.node == action.node);
        open.extend(earlier.last().map(|a| a.id));
    }
    false
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
    assert_eq!(plan(&nodes, &confirmed).active().count(), 4);
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
    2 n2 see PostgreSQL pg-test-2 take the settings up [reload] <- 1
    3 n3 see PostgreSQL pg-test-3 take the settings up [reload] <- 1
    4 n1 see to database app in pg-test [safe] <-
    ");
}
