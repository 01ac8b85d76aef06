//! Small fleets, and their plans as an operator would read them.

pub(crate) use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

pub(crate) use proptest::prelude::*;
pub(crate) use sty_core::{Risk, Secret};
pub(crate) use sty_plan::{NodeInput, Options, Plan, build};
pub(crate) use sty_wire::observation::{
    Change, EtcdPeer, EtcdStray, EtcdView, Failure, Observation, PatroniPeer, PatroniStray,
    PatroniView, Surroundings,
};
pub(crate) use sty_wire::postgres::DatabaseSpec;
pub(crate) use sty_wire::resource::{
    Access, BootRole, EtcdAccess, EtcdAuth, EtcdMember, EtcdScope, File, Module, PatroniAccess,
    PatroniMember, PoolerConsole, PostgresAccess, PrimaryPooler, Resource, ResourceKind, Stage,
};
pub(crate) use sty_wire::standing::{Condition, Slot, Standing, WalKept};

/// A node under test.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub(crate) host: String,
    pub(crate) resources: Vec<Resource>,
    pub(crate) observations: BTreeMap<String, Observation>,
    pub(crate) surroundings: Surroundings,
    pub(crate) witnesses: BTreeSet<String>,
    pub(crate) removal: Option<String>,
}

pub(crate) fn plan(nodes: &[Node], options: &Options) -> Plan {
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

pub(crate) fn show(plan: &Plan) -> String {
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
    for restart in &plan.restarts {
        let due = if restart.due { "due" } else { "coming" };
        let because: Vec<&str> = restart.because.iter().map(String::as_str).collect();
        let _ = writeln!(
            text,
            "restart {due} {}: {}",
            restart.member,
            because.join(", ")
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

pub(crate) fn resource(
    id: &str,
    stage: Stage,
    cluster: Option<&str>,
    kind: ResourceKind,
) -> Resource {
    Resource {
        id: id.to_owned(),
        module: Module::Node,
        stage,
        cluster: cluster.map(str::to_owned),
        kind,
    }
}

pub(crate) fn file(path: &str) -> Resource {
    let kind = ResourceKind::File(File {
        path: path.to_owned(),
        content: Secret::from("text"),
        secret: false,
        access: Access::root(0o644),
        check: None,
    });
    resource(path, Stage::Config, None, kind)
}

pub(crate) fn etcd_access() -> EtcdAccess {
    EtcdAccess {
        endpoints: Vec::new(),
        ca_path: String::new(),
        root_password: Secret::default(),
    }
}

pub(crate) fn etcd(number: u32, members: &[u32]) -> Resource {
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

pub(crate) fn etcd_auth() -> Resource {
    let kind = ResourceKind::EtcdAuth(EtcdAuth {
        access: etcd_access(),
        scopes: vec![EtcdScope {
            user: "pg-test".to_owned(),
            password: Secret::default(),
            prefix: "/pg/pg-test/".to_owned(),
        }],
    });
    resource("etcd-auth", Stage::EtcdAuth, Some("etcd"), kind)
}

pub(crate) fn postgres(number: u32, boot: BootRole, members: &[u32]) -> Resource {
    let kind = ResourceKind::PatroniMember(PatroniMember {
        scope: "pg-test".to_owned(),
        namespace: "/pg/".to_owned(),
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
        creation: None,
        members: members.iter().map(|n| format!("pg-test-{n}")).collect(),
        dcs: dcs(&[1, 2, 3]),
        home: ("/pg".to_owned(), "/data/postgres/pg-test-17".to_owned()),
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
    });
    resource("patroni", Stage::Postgres, Some("pg-test"), kind)
}

pub(crate) fn dcs(members: &[u32]) -> BTreeSet<String> {
    members.iter().map(|n| format!("10.0.0.{n}")).collect()
}

pub(crate) fn patroni_access() -> PatroniAccess {
    PatroniAccess {
        url: String::new(),
        ca_path: String::new(),
        username: String::new(),
        password: Secret::default(),
    }
}

pub(crate) fn dynamic_config() -> Resource {
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

pub(crate) fn database(id: &str) -> Resource {
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

pub(crate) fn sty_wire_json() -> serde_json::Value {
    serde_json::json!({ "ttl": 30 })
}

pub(crate) fn trio() -> Vec<Node> {
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
pub(crate) fn running(leader: u32) -> Vec<Node> {
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

pub(crate) fn etcd_view(initialized: bool, leader: bool) -> EtcdView {
    EtcdView {
        initialized,
        healthy: initialized,
        leader,
        members: (1..=3).map(peer).collect(),
    }
}

pub(crate) fn peer(number: u32) -> EtcdPeer {
    EtcdPeer {
        id: number.to_string(),
        name: format!("etcd-{number}"),
        peer_url: format!("https://10.0.0.{number}:2380"),
    }
}

pub(crate) fn patroni_view(leads: bool, members: &[u32]) -> PatroniView {
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
        timeline: None,
        wal_position: None,
        pending_restart: Vec::new(),
        paused: false,
        standing: Standing::default(),
    }
}

pub(crate) fn restart_wanted() -> Options {
    Options {
        restart: true,
        ..Options::default()
    }
}

pub(crate) fn confirmed(name: &str) -> Options {
    Options {
        confirm: BTreeSet::from([name.to_owned()]),
        ..Options::default()
    }
}

pub(crate) fn drift(risk: Risk) -> Observation {
    Observation::Drift {
        changes: vec![Change::new("state", "wrong", "right")],
        risk,
    }
}

/// A PostgreSQL parameter of the cluster differs.
pub(crate) fn parameter() -> Observation {
    Observation::Drift {
        changes: vec![Change::new("postgresql.parameters.work_mem", "4MB", "8MB")],
        risk: Risk::Reload,
    }
}

/// Whether `from` waits, directly or not, for `to`; on one node the order of the plan counts too.
pub(crate) fn reaches(plan: &Plan, from: u32, to: u32) -> bool {
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
