//! Where roles and databases are looked after: on a primary that runs.

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
fn many_roles_and_databases_are_looked_at_together() {
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
    let observations = node.observe_all(&resources);
    assert_eq!(observations.len(), resources.len());
    assert!(observations.values().all(|o| *o == Observation::InSync));
}
