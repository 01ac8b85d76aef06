//! Roles and databases that go.

use sty_plan::{Options, Undeclared};
use sty_wire::observation::{Change, Failure, Objects, Observation};
use sty_wire::postgres::RoleSpec;
use sty_wire::resource::{PostgresAccess, Resource, ResourceKind, Stage};

use crate::fleet::{Node, confirmed, database, drift, plan, resource, running, show};

fn leaving(name: &str) -> Resource {
    let kind = ResourceKind::Role {
        postgres: PostgresAccess {
            socket_dir: String::new(),
            port: 5432,
            user: "postgres".to_owned(),
        },
        role: RoleSpec {
            absent: true,
            going: ["app".to_owned()].into(),
            ..RoleSpec::login(name)
        },
    };
    resource(
        &format!("role/{name}"),
        Stage::Objects,
        Some("pg-test"),
        kind,
    )
}

/// A database that should go with its owner, and another role that should.
fn fleet() -> Vec<Node> {
    let mut nodes = running(1);
    let resources = [database("database/app"), leaving("owner"), leaving("other")];
    let after = Observation::AfterDatabases {
        databases: ["app".to_owned()].into(),
        changes: vec![Change::named("drop")],
    };
    let seen = [
        drift(sty_core::Risk::Destroy),
        after,
        drift(sty_core::Risk::Safe),
    ];
    for (resource, observation) in resources.into_iter().zip(seen) {
        nodes[0]
            .observations
            .insert(resource.id.clone(), observation);
        nodes[0].resources.push(resource);
    }
    nodes
}

#[test]
fn an_owner_goes_with_its_database() {
    insta::assert_snapshot!(show(&plan(&fleet(), &Options::default())), @"
    1 n1 alter database app in pg-test [destroy] <-  HELD destroys data: needs `--confirm app`
    2 n1 drop role other in pg-test [safe] <- 
    3 n1 drop role owner in pg-test [safe] <-  HELD goes with database app: needs `--confirm app`
    ");
    insta::assert_snapshot!(show(&plan(&fleet(), &confirmed("app"))), @"
    1 n1 alter database app in pg-test [destroy] <- 
    2 n1 drop role other in pg-test [safe] <- 
    3 n1 drop role owner in pg-test [safe] <- 1
    ");
    // Naming the role as well is no mistake, and does nothing by itself.
    let named = plan(&fleet(), &confirmed("owner"));
    assert_eq!(named.actions, plan(&fleet(), &Options::default()).actions);
    assert!(named.confirmable.contains("owner") && named.confirmable.contains("app"));
}

#[test]
fn what_nobody_declares_is_told_and_left_alone() {
    let mut nodes = fleet();
    let node = &mut nodes[0];
    node.observations.retain(|id, _| !id.contains('/'));
    for resource in &node.resources {
        let seen = node.observations.entry(resource.id.clone());
        seen.or_insert(Observation::InSync);
    }
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let objects = Objects {
        roles: names(&["owner", "other", "stray"]),
        databases: names(&["app", "app.unfinished"]),
    };
    let around = &mut nodes[0].surroundings.objects;
    around.insert("pg-test".to_owned(), objects);
    let found = plan(&nodes, &Options::default());
    assert!(found.is_empty(), "{found:?}");
    let stray = Undeclared {
        cluster: "pg-test".to_owned(),
        roles: vec!["stray".to_owned()],
        databases: Vec::new(),
    };
    assert_eq!(found.undeclared, [stray]);

    // It is another cluster's server.
    let failure = Failure::message("the data here is of pg-old");
    let observations = &mut nodes[0].observations;
    observations.insert("patroni".to_owned(), Observation::Conflict { failure });
    assert_eq!(plan(&nodes, &Options::default()).undeclared, []);
}
