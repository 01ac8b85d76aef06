//! Roles and databases that no inventory declares: told, and left alone.

use std::collections::BTreeSet;

use sty_wire::observation::Objects;
use sty_wire::resource::ResourceKind;

use crate::conflict::Untouchable;
use crate::postgres::database::unfinished;
use crate::{NodeInput, Plan, Undeclared};

/// Adds what every primary has and its cluster's resources do not name. What runs on a node that
/// holds something else is of another cluster.
pub(crate) fn find(nodes: &[NodeInput<'_>], plan: &mut Plan) {
    for node in nodes.iter().filter(|node| !Untouchable::is_node(node)) {
        for (cluster, objects) in &node.surroundings.objects {
            let declared = declared(node, cluster);
            let roles = objects.roles.difference(&declared.roles);
            let databases = objects.databases.difference(&declared.databases);
            let found = Undeclared {
                cluster: cluster.clone(),
                roles: roles.cloned().collect(),
                databases: databases.cloned().collect(),
            };
            if !(found.roles.is_empty() && found.databases.is_empty()) {
                plan.undeclared.push(found);
            }
        }
    }
}

/// What a cluster's resources name, whether it should be there or go.
fn declared(node: &NodeInput<'_>, cluster: &str) -> Objects {
    let mut declared = Objects::default();
    let own =
        |resource: &&sty_wire::resource::Resource| resource.cluster.as_deref() == Some(cluster);
    for resource in node.resources.iter().filter(own) {
        match &resource.kind {
            ResourceKind::Role { role, .. } => {
                declared.roles.insert(role.name.clone());
            }
            ResourceKind::Database { database, .. } => {
                let names = [database.name.clone(), unfinished(&database.name)];
                declared.databases.extend(BTreeSet::from(names));
            }
            _ => {}
        }
    }
    declared
}
