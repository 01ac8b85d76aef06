//! Operations on a cluster: what is done in which order, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use sty_core::{Risk, Secret};
use sty_plan::{NodeInput, Operation, operate};
use sty_wire::observation::{Change, Observation, PatroniPeer, PatroniView, Surroundings};
use sty_wire::resource::{
    BootRole, Module, PatroniAccess, PatroniMember, PostgresAccess, PrimaryPooler, Resource,
    ResourceKind, Stage,
};
use sty_wire::standing::Standing;

/// A member: name, role and state as Patroni lists it, timeline, lag.
type Member = (&'static str, &'static str, &'static str, u64, u64);

const HEALTHY: [Member; 3] = [
    ("pg-test-1", "leader", "running", 1, 0),
    ("pg-test-2", "replica", "streaming", 1, 4096),
    ("pg-test-3", "replica", "streaming", 1, 0),
];

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
            members: peers.clone(),
            pending_restart: Vec::new(),
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
        members: BTreeSet::new(),
        home: ("/pg".to_owned(), "/data/postgres/pg-test-17".to_owned()),
        dcs: BTreeSet::new(),
        pooler: Some(Box::new(PrimaryPooler {
            psql: "/usr/bin/psql".to_owned(),
            account: "postgres".to_owned(),
            socket_dir: String::new(),
            port: 6433,
            stats_socket: String::new(),
            checker: "pg-test.is-primary".to_owned(),
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
    let mut nodes = nodes(members);
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
    1 write a checkpoint on pg-test-1 [safe] <- 
    2 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 1
    3 have pooled clients wait for pg-test-1, on pg-test-2 [reload] <- 1
    4 have pooled clients wait for pg-test-1, on pg-test-3 [reload] <- 1
    5 switch over from pg-test-1 to pg-test-3 [failover] <- 2,3,4
    6 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 2,5, undoes 2
    7 let pooled clients go on after pg-test-1, on pg-test-2 [safe] <- 3,5, undoes 3
    8 let pooled clients go on after pg-test-1, on pg-test-3 [safe] <- 4,5, undoes 4
    9 wait for pg-test-1 and those that follow it [safe] <- 6,7,8
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

#[test]
fn a_failover_is_for_clusters_without_a_primary() {
    let failover = Operation::Failover {
        to: "pg-test-2".to_owned(),
    };
    insta::assert_snapshot!(check(&HEALTHY, &failover, false), @"
    refused: pg-test-1 is the primary, and well
    hint: a switchover loses nothing: `sty cluster switchover`
    ");
    insta::assert_snapshot!(check(&HEALTHY[1..], &failover, false), @"1 make pg-test-2 the primary [failover] <-");
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
    5 write a checkpoint on pg-test-1 [safe] <- 4
    6 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 5
    7 have pooled clients wait for pg-test-1, on pg-test-2 [reload] <- 5
    8 have pooled clients wait for pg-test-1, on pg-test-3 [reload] <- 5
    9 switch over from pg-test-1 to pg-test-3 [failover] <- 6,7,8
    10 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 6,9, undoes 6
    11 let pooled clients go on after pg-test-1, on pg-test-2 [safe] <- 7,9, undoes 7
    12 let pooled clients go on after pg-test-1, on pg-test-3 [safe] <- 8,9, undoes 8
    13 wait for pg-test-1 and those that follow it [safe] <- 10,11,12
    14 restart PostgreSQL pg-test-1 [restart] <- 13
    15 wait for pg-test-1 and those that follow it [safe] <- 14
    ");
    insta::assert_snapshot!(check(&HEALTHY[..1], &restart(true), false), @"
    1 write a checkpoint on pg-test-1 [safe] <- 
    2 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 1
    3 restart PostgreSQL pg-test-1 [restart] <- 2
    4 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 2,3, undoes 2
    5 wait for pg-test-1 and those that follow it [safe] <- 4
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
fn newer_packages_come_to_replicas_first_and_to_the_primary_after_it_has_handed_over() {
    insta::assert_snapshot!(check(&HEALTHY, &Operation::Update, false), @"
    1 install newer packages for pg-test-2 [safe] <- 
    2 restart Patroni and PostgreSQL pg-test-2 [restart] <- 1
    3 wait for pg-test-2 and those that follow it [safe] <- 2
    4 install newer packages for pg-test-3 [safe] <- 3
    5 restart Patroni and PostgreSQL pg-test-3 [restart] <- 4
    6 wait for pg-test-3 and those that follow it [safe] <- 5
    7 write a checkpoint on pg-test-1 [safe] <- 6
    8 have pooled clients wait for pg-test-1, on pg-test-1 [reload] <- 7
    9 have pooled clients wait for pg-test-1, on pg-test-2 [reload] <- 7
    10 have pooled clients wait for pg-test-1, on pg-test-3 [reload] <- 7
    11 switch over from pg-test-1 to pg-test-3 [failover] <- 8,9,10
    12 let pooled clients go on after pg-test-1, on pg-test-1 [safe] <- 8,11, undoes 8
    13 let pooled clients go on after pg-test-1, on pg-test-2 [safe] <- 9,11, undoes 9
    14 let pooled clients go on after pg-test-1, on pg-test-3 [safe] <- 10,11, undoes 10
    15 wait for pg-test-1 and those that follow it [safe] <- 12,13,14
    16 install newer packages for pg-test-1 [safe] <- 15
    17 restart Patroni and PostgreSQL pg-test-1 [restart] <- 16
    18 wait for pg-test-1 and those that follow it [safe] <- 17
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
    6 wait for pg-test-1 and those that follow it [safe] <- 5
    ");
}
