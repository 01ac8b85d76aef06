//! What must not be touched, because a node holds something else than what is wanted there.

use std::collections::BTreeSet;

use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::resource::{Resource, ResourceKind, Stage};

use crate::title::subject;
use crate::{NodeInput, Problem, patroni};

/// Nodes are found by [`Untouchable::is_node`].
#[derive(Debug, Default)]
pub(crate) struct Untouchable<'a> {
    /// Clusters for which nothing is done, on any node.
    pub(crate) clusters: BTreeSet<&'a str>,
    /// Users and roles in etcd, which are those of all clusters, stay as they are.
    users: Option<Problem>,
}

impl<'a> Untouchable<'a> {
    /// What conflicts keep from being touched, and `more` clusters.
    pub(crate) fn find(nodes: &'a [NodeInput<'a>], more: impl Iterator<Item = &'a str>) -> Self {
        let mut clusters = conflicts(nodes);
        let users = users(nodes, &clusters);
        // What needs them is not begun.
        if users.is_some() {
            clusters.extend(patroni::clusters(nodes).into_keys());
        }
        clusters.extend(more);
        Self { clusters, users }
    }

    /// Whether `resource` stays as it is, for the sake of its cluster or of others.
    pub(crate) fn holds(&self, resource: &Resource) -> bool {
        let cluster = resource.cluster.as_deref();
        let is_users = matches!(resource.kind, ResourceKind::EtcdAuth(_));
        cluster.is_some_and(|name| self.clusters.contains(name))
            || (is_users && self.users.is_some())
    }

    /// Nothing is done on a node that holds something else.
    pub(crate) fn is_node(node: &NodeInput<'_>) -> bool {
        let mut observations = node.observations.values();
        observations.any(|observation| is_conflict(Some(observation)))
    }

    /// Whether `resource` is of a member that the operator takes away: perhaps the very one that is
    /// there instead of what is wanted.
    pub(crate) fn is_leaving(node: &NodeInput<'_>, resource: &Resource) -> bool {
        let mut resources = node.resources.iter();
        let is_wanted = resources.any(|one| {
            one.cluster == resource.cluster && is_conflict(node.observations.get(&one.id))
        });
        node.removal.is_some() && resource.stage == Stage::Cleanup && !is_wanted
    }

    /// What the operator should know beside the conflicts themselves.
    pub(crate) fn problem(&self) -> Option<Problem> {
        self.users.clone()
    }
}

/// Whether what is there belongs to something else.
pub(crate) fn is_conflict(observation: Option<&Observation>) -> bool {
    observation.is_some_and(|found| found.conflict().is_some())
}

/// PostgreSQL clusters of which some node holds something else.
fn conflicts<'a>(nodes: &'a [NodeInput<'a>]) -> BTreeSet<&'a str> {
    let resources = nodes.iter().flat_map(|node| {
        let conflicting = |r: &&Resource| is_conflict(node.observations.get(&r.id));
        node.resources.iter().filter(conflicting)
    });
    let conflicts: Vec<&Resource> = resources.collect();
    let mut clusters: BTreeSet<&str> = conflicts
        .iter()
        .filter_map(|resource| resource.cluster.as_deref())
        .collect();
    // Nobody gets into etcd, or it is not where it should be: nothing that needs it is begun.
    let locked = |one: &&Resource| {
        matches!(
            one.kind,
            ResourceKind::EtcdAuth(_) | ResourceKind::EtcdMember(_)
        )
    };
    if conflicts.iter().any(locked) {
        clusters.extend(patroni::clusters(nodes).into_keys());
    }
    clusters
}

/// Why etcd's users and roles, which differ, must stay: a running Patroni of one of `clusters` has
/// the password and the prefix that they have now.
fn users(nodes: &[NodeInput<'_>], clusters: &BTreeSet<&str>) -> Option<Problem> {
    let mut all = nodes.iter().flat_map(|node| {
        let resources = node.resources.iter();
        resources.map(move |resource| (node, resource))
    });
    all.find_map(|(node, resource)| {
        let ResourceKind::EtcdAuth(auth) = &resource.kind else {
            return None;
        };
        let changes = node.observations.get(&resource.id)?.changes();
        let mut scopes = auth.scopes.iter().map(|scope| scope.user.as_str());
        let cluster = scopes.find(|name| clusters.contains(name) && is_altered(name, changes))?;
        Some(Problem {
            node: node.host.to_owned(),
            subject: subject(resource),
            failure: withheld(cluster),
        })
    })
}

/// Whether something would change about the user of a cluster that etcd has already. One that is new
/// is nobody's yet.
fn is_altered(cluster: &str, changes: &[Change]) -> bool {
    let is_new =
        |change: &Change| change.from.is_none() && change.what == format!("user {cluster}");
    let is_about = |change: &Change| change.what.split(' ').any(|word| word == cluster);
    changes.iter().any(is_about) && !changes.iter().any(is_new)
}

fn withheld(cluster: &str) -> Failure {
    Failure {
        hint: Some(format!(
            "mend what is said of cluster `{cluster}`, then apply again; until then no cluster \
             is changed"
        )),
        ..Failure::message(format!(
            "they differ, and stay as they are: those of all clusters are set together, and \
             cluster `{cluster}` must not be touched"
        ))
    }
}
