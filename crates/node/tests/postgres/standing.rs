//! Where roles and databases are looked after: on a primary that runs.

use std::time::{Duration, Instant};

use sty_wire::observation::Observation;
use sty_wire::resource::Resource;

use crate::node::{Node, database, plain_database, plain_role, role};
use crate::server::Server;

#[test]
fn a_replica_leaves_it_to_the_primary() {
    let server = Server::start();
    let mut node = Node::new();
    let resource = role(&server.access(), &plain_role("app"));
    server.follow_nobody();
    assert_eq!(node.observe(&resource), Observation::Elsewhere);
    let failure = node.converge(&resource).unwrap_err();
    assert!(failure.message.contains("is a replica"), "{failure:?}");
}

#[test]
fn a_server_that_is_down_is_waited_for() {
    let server = Server::start();
    let mut node = Node::new();
    let resource = role(&server.access(), &plain_role("app"));
    server.down();
    assert_eq!(
        node.observe(&resource),
        Observation::Pending {
            reason: "PostgreSQL is not running".to_owned()
        }
    );
}

#[test]
fn looking_at_ten_roles_and_two_databases_is_quick() {
    let server = Server::start();
    let mut node = Node::new();
    let postgres = server.access();
    let mut resources: Vec<Resource> = (0..10)
        .map(|n| role(&postgres, &plain_role(&format!("role{n}"))))
        .collect();
    for name in ["one", "two"] {
        let mut spec = plain_database(name);
        spec.comment = Some(name.to_owned());
        spec.schemas = vec![sty_wire::postgres::SchemaSpec {
            name: "app".to_owned(),
            owner: None,
            absent: false,
            usage_to: Vec::new(),
        }];
        resources.push(database(&postgres, &spec));
    }
    for resource in &resources {
        node.settle(resource);
    }
    let begun = Instant::now();
    let observations = node.observe_all(&resources);
    let taken = begun.elapsed();
    assert!(observations.values().all(|o| *o == Observation::InSync));
    println!("12 resources in {taken:?}, PostgreSQL {}", server.major());
    // Far above what it takes, to hold on a busy machine: it is to catch a query per role.
    assert!(taken < Duration::from_millis(500), "{taken:?}");
}
