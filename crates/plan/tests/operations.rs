//! Operations on a cluster: what is done in which order, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use sty_core::{Risk, Secret};
use sty_plan::{NodeInput, Operation, operate};
use sty_wire::observation::{Change, Observation, PatroniPeer, PatroniView, Surroundings};
use sty_wire::resource::{
    BootRole, Module, PatroniAccess, PatroniMember, PoolerConsole, PostgresAccess, PrimaryPooler,
    Resource, ResourceKind, Stage,
};
use sty_wire::standing::Standing;

/// A member: name, role and state as Patroni lists it, timeline, lag.
type Member = (&'static str, &'static str, &'static str, u64, u64);

const HEALTHY: [Member; 3] = [
    ("pg-test-1", "leader", "running", 1, 0),
    ("pg-test-2", "replica", "streaming", 1, 4096),
    ("pg-test-3", "replica", "streaming", 1, 0),
];

#[derive(Clone)]
struct Node {
    host: String,
    resources: Vec<Resource>,
    surroundings: Surroundings,
}

fn nodes(members: &[Member]) -> Vec<Node> {
    let peer = |member: &Member| PatroniPeer {
        name: member.0.to_owned(),
        host: String::new(),
        role: member.1.to_owned(),
        state: member.2.to_owned(),
        timeline: Some(member.3),
        lag_bytes: Some(member.4),
        nofailover: member.0 == "pg-test-offline",
        follows: None,
    };
    let peers: Vec<PatroniPeer> = members.iter().map(peer).collect();
    let node = |member: &Member| {
        let view = PatroniView {
            initialized: true,
            running: true,
            role: match member.1 {
                "leader" => "primary",
                _ => "replica",
            }
            .to_owned(),
            state: member.2.to_owned(),
            timeline: Some(member.3),
            wal_position: Some(1_000_000 - member.4),
            members: peers.clone(),
            pending_restart: Vec::new(),
            paused: false,
            dcs: BTreeSet::new(),
            standing: Standing::default(),
        };
        Node {
            host: format!("on-{}", member.0),
            resources: vec![resource(member.0)],
            surroundings: Surroundings {
                patroni: BTreeMap::from([("pg-test".to_owned(), view)]),
                ..Surroundings::default()
            },
        }
    };
    members.iter().map(node).collect()
}

fn resource(name: &str) -> Resource {
    let member = PatroniMember {
        scope: "pg-test".to_owned(),
        namespace: "/pg/".to_owned(),
        name: name.to_owned(),
        boot: BootRole::Replica,
        unit: "patroni.service".to_owned(),
        patroni: PatroniAccess {
            url: String::new(),
            ca_path: String::new(),
            username: String::new(),
            password: Secret::default(),
        },
        postgres: PostgresAccess {
            socket_dir: String::new(),
            port: 5432,
            user: "postgres".to_owned(),
        },
        data: "/pg/data".to_owned(),
        reload_on: Vec::new(),
        postgres_reload_on: Vec::new(),
        restart_on: Vec::new(),
        parameters: BTreeMap::new(),
        creation: None,
        members: HEALTHY.iter().map(|member| member.0.to_owned()).collect(),
        home: ("/pg".to_owned(), "/data/postgres/pg-test-17".to_owned()),
        dcs: BTreeSet::new(),
        pooler: Some(Box::new(PrimaryPooler {
            console: PoolerConsole {
                psql: "/usr/bin/psql".to_owned(),
                account: "postgres".to_owned(),
                socket_dir: String::new(),
                port: 6433,
            },
            stats_socket: String::new(),
            checker: "pg-test.is-primary".to_owned(),
            replica_checker: None,
        })),
    };
    Resource {
        id: format!("patroni:{name}"),
        module: Module::Pgsql,
        stage: Stage::Postgres,
        cluster: Some("pg-test".to_owned()),
        kind: ResourceKind::PatroniMember(member),
    }
}

/// Every node should have newer packages, and says so.
fn with_older_packages(nodes: &mut [Node]) -> BTreeMap<String, Observation> {
    for node in nodes {
        node.resources.push(Resource {
            id: "package-versions".to_owned(),
            module: Module::Pgsql,
            stage: Stage::Base,
            cluster: Some("pg-test".to_owned()),
            kind: ResourceKind::PackageVersions {
                versions: BTreeMap::new(),
            },
        });
    }
    let changes = vec![Change::new("package patroni", "4.0.6", "4.0.7")];
    let risk = Risk::Safe;
    let drift = Observation::Drift { changes, risk };
    BTreeMap::from([("package-versions".to_owned(), drift)])
}

fn check(members: &[Member], operation: &Operation, force: bool) -> String {
    check_nodes(nodes(members), operation, force)
}

fn check_nodes(mut nodes: Vec<Node>, operation: &Operation, force: bool) -> String {
    let observations = match operation {
        Operation::Update => with_older_packages(&mut nodes),
        _ => BTreeMap::new(),
    };
    let nobody = BTreeSet::new();
    let inputs: Vec<NodeInput<'_>> = nodes
        .iter()
        .map(|node| NodeInput {
            witnesses: &nobody,
            host: &node.host,
            resources: &node.resources,
            observations: &observations,
            surroundings: &node.surroundings,
            removal: None,
        })
        .collect();
    match operate(&inputs, "pg-test", operation, force) {
        Err(refusal) => format!("refused: {refusal}"),
        Ok(plan) => plan.actions.iter().fold(String::new(), |mut text, action| {
            let needs: Vec<String> = action.needs.iter().map(u32::to_string).collect();
            let undoes = action
                .undoes
                .map_or_else(String::new, |id| format!(", undoes {id}"));
            let (id, title, risk) = (action.id, &action.title, action.risk);
            writeln!(text, "{id} {title} [{risk}] <- {}{undoes}", needs.join(",")).unwrap();
            text
        }),
    }
}

fn switchover(to: Option<&str>) -> Operation {
    Operation::Switchover {
        to: to.map(str::to_owned),
    }
}

#[test]
fn clients_wait_while_the_primary_moves_to_who_has_least_to_catch_up() {
    insta::assert_snapshot!(check(&HEALTHY, &switchover(None), false), @"
    1 wait for pg-test-1 and those that follow it [safe] <- 
    2 write a checkpoint on pg-test-1 [safe] <- 1
    3 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 2
    4 have pooled clients wait for pg-test-1, on pg-test-2 [reload] <- 2
    5 have pooled clients wait for pg-test-1, on pg-test-3 [reload] <- 2
    6 switch over from pg-test-1 to pg-test-3 [failover] <- 3,4,5
    7 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 3,6, undoes 3
    8 let pooled clients go on after pg-test-1, on pg-test-2 [safe] <- 4,6, undoes 4
    9 let pooled clients go on after pg-test-1, on pg-test-3 [safe] <- 5,6, undoes 5
    10 wait for pg-test-1 and those that follow it [safe] <- 6,7,8,9
    ");
}

#[test]
fn nobody_takes_over_who_would_lose_something() {
    let to = |members: &[Member], name| check(members, &switchover(Some(name)), false);
    insta::assert_snapshot!(to(&HEALTHY, "pg-test-1"), @"
    refused: pg-test-1 cannot take over: it leads already
    hint: leave the member out, and the best one is taken
    ");
    insta::assert_snapshot!(to(&HEALTHY, "pg-test-9"), @"
    refused: the cluster has no member `pg-test-9`
    hint: its members: pg-test-1, pg-test-2, pg-test-3
    ");
    let mut members = HEALTHY;
    members[1].2 = "starting";
    members[2].3 = 7;
    insta::assert_snapshot!(check(&members, &switchover(None), false), @"
    refused: no member can take over (pg-test-2: it does not stream from the leader: starting; pg-test-3: it is on another timeline)
    hint: mend a replica first, or add one
    ");
    members = HEALTHY;
    members[1].1 = "sync_standby";
    insta::assert_snapshot!(to(&members, "pg-test-3"), @"
    refused: pg-test-3 cannot take over: it is not synchronous: it may lack acknowledged transactions
    hint: leave the member out, and the best one is taken
    ");
    assert!(check(&members, &switchover(None), false).contains("to pg-test-2"));
    members = HEALTHY;
    members[2].0 = "pg-test-offline";
    insta::assert_snapshot!(to(&members, "pg-test-offline"), @"
    refused: pg-test-offline cannot take over: it is never to lead (offline, or tagged `nofailover`)
    hint: leave the member out, and the best one is taken
    ");
}

fn failover(to: &str) -> Operation {
    Operation::Failover { to: to.to_owned() }
}

/// Two replicas whose primary is gone, and its lead with it.
const ORPHANS: [Member; 2] = [
    ("pg-test-2", "replica", "running", 1, 4096),
    ("pg-test-3", "replica", "running", 1, 0),
];

#[test]
fn a_failover_is_for_clusters_without_a_primary() {
    insta::assert_snapshot!(check(&HEALTHY, &failover("pg-test-2"), true), @"
    refused: pg-test-1 is the primary, and well
    hint: a switchover loses nothing: `sty cluster switchover`
    ");
    insta::assert_snapshot!(check(&ORPHANS, &failover("pg-test-3"), false), @"1 make pg-test-3 the primary [failover] <-");
}

#[test]
fn who_holds_the_lead_and_cannot_be_reached_is_left_alone() {
    let mut nodes = nodes(&HEALTHY);
    nodes.remove(0);
    insta::assert_snapshot!(check_nodes(nodes, &failover("pg-test-3"), false), @"
    refused: pg-test-1 holds the lead (running), though it does not serve as seen from here
    hint: a primary that is lost loses the lead by itself, within its lease; with `--force` pg-test-3 takes over at once, and what it has not received is lost
    ");
    let mut members = HEALTHY;
    members[0].2 = "starting";
    insta::assert_snapshot!(check(&members, &failover("pg-test-3"), false), @"
    refused: pg-test-1 holds the lead (starting), though it does not serve as seen from here
    hint: a primary that is lost loses the lead by itself, within its lease; with `--force` pg-test-3 takes over at once, and what it has not received is lost
    ");
    insta::assert_snapshot!(check(&members, &failover("pg-test-3"), true), @"1 make pg-test-3 the primary [failover] <-");
}

/// The node that is lost had etcd's leader as well: for a moment Patroni can list nobody.
#[test]
fn nothing_is_decided_while_patroni_cannot_list_the_members() {
    let cut_off = |members: &[Member], operation: &Operation| {
        let mut nodes = nodes(members);
        for node in &mut nodes {
            for view in node.surroundings.patroni.values_mut() {
                view.members.clear();
            }
        }
        check_nodes(nodes, operation, false)
    };
    insta::assert_snapshot!(cut_off(&ORPHANS, &failover("pg-test-3")), @"
    refused: the Patroni of pg-test-3 cannot list the members: etcd does not answer it
    hint: when etcd has lost its leader, a new one is elected within seconds: try again; `sty status` tells how etcd is
    ");
    let switchover = Operation::Switchover { to: None };
    insta::assert_snapshot!(cut_off(&HEALTHY, &switchover), @"
    refused: the Patroni of pg-test-1 cannot list the members: etcd does not answer it
    hint: when etcd has lost its leader, a new one is elected within seconds: try again; `sty status` tells how etcd is
    ");
    let restart = Operation::Restart {
        members: BTreeSet::new(),
        in_place: false,
    };
    insta::assert_snapshot!(cut_off(&HEALTHY, &restart), @"
    refused: the Patroni of pg-test-1 cannot list the members: etcd does not answer it
    hint: when etcd has lost its leader, a new one is elected within seconds: try again; `sty status` tells how etcd is
    ");
}

/// Members whose settings wait for a restart.
fn waiting(changes: &[Change]) -> Vec<Node> {
    let mut nodes = nodes(&HEALTHY);
    for node in &mut nodes {
        for view in node.surroundings.patroni.values_mut() {
            view.pending_restart = changes.to_vec();
        }
    }
    nodes
}

#[test]
fn a_setting_that_shrinks_restarts_the_primary_first() {
    let nodes = waiting(&[Change::new("max_connections", "200", "100")]);
    let restart = |members: &[&str], nodes| {
        let members = members.iter().map(|name| (*name).to_owned()).collect();
        let in_place = false;
        check_nodes(nodes, &Operation::Restart { members, in_place }, false)
    };
    insta::assert_snapshot!(restart(&["pg-test-2"], nodes.clone()), @"
    refused: `max_connections` waits to become smaller, and replicas must have as much of it as the primary pg-test-1: they would wait for a restart as before
    hint: restart the primary first: `sty cluster restart` of all members does so; or add `--force`
    ");
    insta::assert_snapshot!(restart(&[], nodes), @"
    1 write a checkpoint on pg-test-1 [safe] <- 
    2 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 1
    3 have pooled clients wait for pg-test-1, on pg-test-2 [reload] <- 1
    4 have pooled clients wait for pg-test-1, on pg-test-3 [reload] <- 1
    5 restart PostgreSQL pg-test-1 [restart] <- 2,3,4
    6 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 2,5, undoes 2
    7 let pooled clients go on after pg-test-1, on pg-test-2 [safe] <- 3,5, undoes 3
    8 let pooled clients go on after pg-test-1, on pg-test-3 [safe] <- 4,5, undoes 4
    9 wait for pg-test-1 and those that follow it [safe] <- 5,6,7,8
    10 restart PostgreSQL pg-test-2 [restart] <- 9
    11 wait for pg-test-2 and those that follow it [safe] <- 10
    12 restart PostgreSQL pg-test-3 [restart] <- 11
    13 wait for pg-test-3 and those that follow it [safe] <- 12
    ");
}

/// The primary stays as it is: there is no before and after.
#[test]
fn a_replica_that_is_named_restarts_once() {
    let nodes = waiting(&[
        Change::new("max_connections", "200", "100"),
        Change::new("max_worker_processes", "8", "16"),
    ]);
    let restart = Operation::Restart {
        members: BTreeSet::from(["pg-test-2".to_owned()]),
        in_place: false,
    };
    insta::assert_snapshot!(check_nodes(nodes, &restart, true), @"
    1 restart PostgreSQL pg-test-2 [restart] <- 
    2 wait for pg-test-2 and those that follow it [safe] <- 1
    ");
}

/// After a failover, the line of the member that leads now was taken out.
#[test]
fn who_leads_and_is_not_in_the_inventory_hands_over() {
    let outside = |operation: &Operation| {
        let mut nodes = nodes(&HEALTHY);
        nodes.remove(0);
        for resource in nodes.iter_mut().flat_map(|node| &mut node.resources) {
            if let ResourceKind::PatroniMember(member) = &mut resource.kind {
                member.members.remove("pg-test-1");
            }
        }
        check_nodes(nodes, operation, false)
    };
    insta::assert_snapshot!(outside(&switchover(None)), @"
    1 have pooled clients wait for pg-test-1, on pg-test-2 [reload] <- 
    2 have pooled clients wait for pg-test-1, on pg-test-3 [reload] <- 
    3 switch over from pg-test-1 to pg-test-3 [failover] <- 1,2
    4 let pooled clients go on after pg-test-1, on pg-test-2 [safe] <- 1,3, undoes 1
    5 let pooled clients go on after pg-test-1, on pg-test-3 [safe] <- 2,3, undoes 2
    6 wait for pg-test-2 and those that follow it [safe] <- 3,4,5
    ");
    insta::assert_snapshot!(outside(&switchover(Some("pg-test-2"))), @"
    1 have pooled clients wait for pg-test-1, on pg-test-2 [reload] <- 
    2 have pooled clients wait for pg-test-1, on pg-test-3 [reload] <- 
    3 switch over from pg-test-1 to pg-test-2 [failover] <- 1,2
    4 let pooled clients go on after pg-test-1, on pg-test-2 [safe] <- 1,3, undoes 1
    5 let pooled clients go on after pg-test-1, on pg-test-3 [safe] <- 2,3, undoes 2
    6 wait for pg-test-2 and those that follow it [safe] <- 3,4,5
    ");
    insta::assert_snapshot!(outside(&failover("pg-test-3")), @"
    refused: pg-test-1 is the primary, and well, though it is not in the inventory
    hint: a switchover loses nothing: `sty cluster switchover`
    ");
}

#[test]
fn a_failover_goes_to_who_has_everything() {
    insta::assert_snapshot!(check(&ORPHANS, &failover("pg-test-2"), false), @"
    refused: pg-test-2 should not take over: pg-test-3 has received more of the log
    hint: choose another member; with `--force` acknowledged transactions may be lost
    ");
    insta::assert_snapshot!(check(&ORPHANS, &failover("pg-test-2"), true), @"1 make pg-test-2 the primary [failover] <-");
    let mut members = ORPHANS;
    members[1].1 = "sync_standby";
    members[1].4 = 4096;
    insta::assert_snapshot!(check(&members, &failover("pg-test-2"), false), @"
    refused: pg-test-2 should not take over: it is not synchronous: it may lack acknowledged transactions
    hint: choose another member; with `--force` acknowledged transactions may be lost
    ");
    members[0].2 = "stopped";
    insta::assert_snapshot!(check(&members, &failover("pg-test-2"), true), @"
    refused: pg-test-2 cannot take over: its server is stopped
    hint: start it first, or choose another member
    ");
}

#[test]
fn a_restart_goes_through_the_replicas_first() {
    let restart = |in_place| Operation::Restart {
        members: BTreeSet::new(),
        in_place,
    };
    insta::assert_snapshot!(check(&HEALTHY, &restart(false), false), @"
    1 restart PostgreSQL pg-test-2 [restart] <- 
    2 wait for pg-test-2 and those that follow it [safe] <- 1
    3 restart PostgreSQL pg-test-3 [restart] <- 2
    4 wait for pg-test-3 and those that follow it [safe] <- 3
    5 wait for pg-test-1 and those that follow it [safe] <- 4
    6 write a checkpoint on pg-test-1 [safe] <- 5
    7 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 6
    8 have pooled clients wait for pg-test-1, on pg-test-2 [reload] <- 6
    9 have pooled clients wait for pg-test-1, on pg-test-3 [reload] <- 6
    10 switch over from pg-test-1 to pg-test-3 [failover] <- 7,8,9
    11 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 7,10, undoes 7
    12 let pooled clients go on after pg-test-1, on pg-test-2 [safe] <- 8,10, undoes 8
    13 let pooled clients go on after pg-test-1, on pg-test-3 [safe] <- 9,10, undoes 9
    14 wait for pg-test-1 and those that follow it [safe] <- 10,11,12,13
    15 restart PostgreSQL pg-test-1 [restart] <- 14
    16 wait for pg-test-1 and those that follow it [safe] <- 15
    ");
    insta::assert_snapshot!(check(&HEALTHY[..1], &restart(true), false), @"
    1 write a checkpoint on pg-test-1 [safe] <- 
    2 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 1
    3 restart PostgreSQL pg-test-1 [restart] <- 2
    4 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 2,3, undoes 2
    5 wait for pg-test-1 and those that follow it [safe] <- 3,4
    ");
}

#[test]
fn the_primary_is_not_copied_from_anywhere() {
    let reinitialize = |member: &str| Operation::Reinitialize {
        member: member.to_owned(),
    };
    insta::assert_snapshot!(check(&HEALTHY, &reinitialize("pg-test-1"), false), @"
    refused: pg-test-1 is the primary: its data is what the others are copied from
    hint: do a switchover first
    ");
    insta::assert_snapshot!(check(&HEALTHY, &reinitialize("pg-test-2"), false), @"1 copy pg-test-2 anew [destroy] <-");
    insta::assert_snapshot!(check(&HEALTHY, &reinitialize("pg-test-9"), false), @"
    refused: no member `pg-test-9` could be reached
    hint: members that answer: pg-test-1, pg-test-2, pg-test-3
    ");
}

#[test]
fn the_only_one_that_could_take_over_is_not_copied_anew_without_being_told() {
    let reinitialize = Operation::Reinitialize {
        member: "pg-test-3".to_owned(),
    };
    let mut members = HEALTHY;
    members[1].2 = "starting";
    insta::assert_snapshot!(check(&members, &reinitialize, false), @"
    refused: pg-test-3 is the only member that could take over from pg-test-1: until it is copied, nobody can
    hint: mend another replica first, or add `--force`
    ");
    insta::assert_snapshot!(check(&members, &reinitialize, true), @"1 copy pg-test-3 anew [destroy] <-");
    members[2].2 = "running";
    insta::assert_snapshot!(check(&members, &reinitialize, false), @"1 copy pg-test-3 anew [destroy] <-");
    members[0].2 = "starting";
    insta::assert_snapshot!(check(&members, &reinitialize, true), @"
    refused: the primary pg-test-1 does not run: there is nobody to copy from, and the data of pg-test-3 may be needed
    hint: look at it with `sty status`
    ");
}

#[test]
fn newer_packages_come_to_replicas_first_and_to_the_primary_after_it_has_handed_over() {
    insta::assert_snapshot!(check(&HEALTHY, &Operation::Update, false), @"
    1 install newer packages for pg-test-2 [safe] <- 
    2 restart Patroni and PostgreSQL pg-test-2 [restart] <- 1
    3 wait for pg-test-2 and those that follow it [safe] <- 2
    4 install newer packages for pg-test-3 [safe] <- 3
    5 restart Patroni and PostgreSQL pg-test-3 [restart] <- 4
    6 wait for pg-test-3 and those that follow it [safe] <- 5
    7 wait for pg-test-1 and those that follow it [safe] <- 6
    8 write a checkpoint on pg-test-1 [safe] <- 7
    9 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 8
    10 have pooled clients wait for pg-test-1, on pg-test-2 [reload] <- 8
    11 have pooled clients wait for pg-test-1, on pg-test-3 [reload] <- 8
    12 switch over from pg-test-1 to pg-test-3 [failover] <- 9,10,11
    13 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 9,12, undoes 9
    14 let pooled clients go on after pg-test-1, on pg-test-2 [safe] <- 10,12, undoes 10
    15 let pooled clients go on after pg-test-1, on pg-test-3 [safe] <- 11,12, undoes 11
    16 wait for pg-test-1 and those that follow it [safe] <- 12,13,14,15
    17 install newer packages for pg-test-1 [safe] <- 16
    18 restart Patroni and PostgreSQL pg-test-1 [restart] <- 17
    19 wait for pg-test-1 and those that follow it [safe] <- 18
    ");
}

#[test]
fn newer_packages_come_to_a_primary_that_is_alone_where_it_is() {
    insta::assert_snapshot!(check(&HEALTHY[..1], &Operation::Update, false), @"
    1 install newer packages for pg-test-1 [safe] <- 
    2 write a checkpoint on pg-test-1 [safe] <- 1
    3 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 2
    4 restart Patroni and PostgreSQL pg-test-1 [restart] <- 3
    5 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 3,4, undoes 3
    6 wait for pg-test-1 and those that follow it [safe] <- 4,5
    ");
}

/// A primary of a paused cluster goes on without the lead, and nobody may know.
#[test]
fn a_cluster_whose_primary_may_be_out_of_reach_stays_paused() {
    let resume = Operation::Pause(false);
    let replicas = [HEALTHY[1], HEALTHY[2]];
    insta::assert_snapshot!(check(&replicas, &resume, false), @"
    refused: nobody that answers leads, and pg-test-1 may: in a paused cluster a primary that has lost the lead goes on serving whoever reaches it, also beside the one that the others choose
    hint: bring pg-test-1 back into reach; where you know that it is off, or that it still holds the lead, add `--force`
    ");
    insta::assert_snapshot!(check(&replicas, &resume, true), @"1 switch automatic failover on [reload] <-");
    // Whoever leads is known, or all are.
    let led = [HEALTHY[0], HEALTHY[1]];
    insta::assert_snapshot!(check(&led, &resume, false), @"1 switch automatic failover on [reload] <-");
    let stopped = [
        ("pg-test-1", "replica", "stopped", 1, 0),
        HEALTHY[1],
        HEALTHY[2],
    ];
    insta::assert_snapshot!(check(&stopped, &resume, false), @"1 switch automatic failover on [reload] <-");
    insta::assert_snapshot!(check(&replicas, &Operation::Pause(true), false), @"1 switch automatic failover off [reload] <-");
}

#[test]
fn a_paused_cluster_gets_no_newer_packages() {
    let mut nodes = nodes(&HEALTHY);
    for view in nodes
        .iter_mut()
        .flat_map(|node| node.surroundings.patroni.values_mut())
    {
        view.paused = true;
    }
    insta::assert_snapshot!(check_nodes(nodes, &Operation::Update, false), @"
    refused: cluster pg-test is paused: its servers would not restart
    hint: run `sty cluster resume pg-test` first
    ");
}
