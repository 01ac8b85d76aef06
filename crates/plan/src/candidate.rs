//! From observations to candidates: which resources need an action, and on which node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use sty_core::Risk;
use sty_wire::action::Op;
use sty_wire::observation::{Change, Observation};
use sty_wire::resource::{BootRole, Resource, ResourceKind, Stage};

use crate::forsaken::Forsaken;
use crate::title::{subject, title};
use crate::{NodeInput, Plan, Problem, Skipped};

/// An action before it has a number. `needs` are keys of other candidates.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) key: Key,
    pub(crate) cluster: Option<String>,
    pub(crate) stage: Stage,
    /// Runs after all others of its stage.
    pub(crate) last: bool,
    pub(crate) op: Op,
    pub(crate) title: String,
    pub(crate) reason: String,
    pub(crate) changes: Vec<Change>,
    pub(crate) risk: Risk,
    pub(crate) needs: Vec<Key>,
    /// What it undoes, come what may.
    pub(crate) undoes: Option<Key>,
    pub(crate) held: Option<Hold>,
}

/// Why an action does not run as long as the operator has not asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hold {
    /// It restarts something.
    Restart,
    /// It destroys something of this name.
    Destroy(String),
    /// It makes a standby cluster of this name a cluster of its own.
    Promote(String),
    /// It needs what this member would do, whose node `--limit` leaves out.
    Outside(String),
}

impl Hold {
    /// The name that lifts it.
    pub(crate) fn name(&self) -> Option<&String> {
        match self {
            Self::Destroy(name) | Self::Promote(name) => Some(name),
            Self::Restart | Self::Outside(_) => None,
        }
    }

    /// What the operator has to add.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Restart => "needs `--restart`".to_owned(),
            Self::Destroy(name) => format!("destroys data: needs `--confirm {name}`"),
            Self::Promote(name) => {
                format!("ends following another cluster: needs `--confirm {name}`")
            }
            Self::Outside(member) => format!("waits for {member}, which `--limit` leaves out"),
        }
    }
}

/// Node index and a name unique on that node.
pub(crate) type Key = (usize, String);

impl Candidate {
    /// A candidate for an operation that is not a plain convergence.
    pub(crate) fn operation(
        node: usize,
        cluster: &str,
        stage: Stage,
        op: Op,
        title: String,
    ) -> Self {
        Self {
            key: (node, title.clone()),
            cluster: Some(cluster.to_owned()),
            stage,
            last: false,
            op,
            title,
            reason: String::new(),
            changes: Vec::new(),
            risk: Risk::Safe,
            needs: Vec::new(),
            undoes: None,
            held: None,
        }
    }
}

/// One candidate per resource that is not as it should be, in the nodes' own order.
pub(crate) fn collect(
    nodes: &[NodeInput<'_>],
    forsaken: &Forsaken,
    plan: &mut Plan,
) -> Vec<Candidate> {
    let acting = Acting::new(nodes);
    let mut untouchable = conflicts(nodes);
    untouchable.extend(forsaken.clusters.iter().map(String::as_str));
    plan.problems.extend(forsaken.problems.iter().cloned());
    let mut candidates = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let whole_node = is_conflict_there(node);
        for resource in concerned(node) {
            let observation = observation(node, resource);
            let cluster = resource.cluster.as_deref();
            let blocked = whole_node || cluster.is_some_and(|name| untouchable.contains(name));
            if blocked && !is_conflict(observation) {
                continue;
            }
            if let Some(candidate) = candidate(index, node, resource, observation, &acting, plan) {
                candidates.push(candidate);
            }
        }
    }
    candidates.retain(|candidate| !forsaken.members.contains(&candidate.key));
    candidates
}

/// Resources that are not only looked at; and, of those, what one node does for all: who waits for
/// it shall know.
fn concerned<'a>(node: &NodeInput<'a>) -> impl Iterator<Item = &'a Resource> {
    let (resources, witnesses) = (node.resources.iter(), node.witnesses);
    resources.filter(|r| !witnesses.contains(&r.id) || is_cluster_wide(&r.kind))
}

/// PostgreSQL clusters of which some node holds something else.
pub(crate) fn conflicts<'a>(nodes: &'a [NodeInput<'a>]) -> BTreeSet<&'a str> {
    let resources = nodes.iter().flat_map(|node| {
        let conflicting = |r: &&Resource| is_conflict(node.observations.get(&r.id));
        node.resources.iter().filter(conflicting)
    });
    resources
        .filter_map(|resource| resource.cluster.as_deref())
        .collect()
}

fn is_conflict_there(node: &NodeInput<'_>) -> bool {
    node.observations
        .values()
        .any(|observation| is_conflict(Some(observation)))
}

fn is_conflict(observation: Option<&Observation>) -> bool {
    matches!(observation, Some(Observation::Conflict { .. }))
}

/// What was observed. Roles and databases of a standby cluster are its upstream's to see to, until
/// the cluster is promoted: then its leader does, as soon as it is a primary.
fn observation<'a>(node: &'a NodeInput<'_>, resource: &Resource) -> Option<&'a Observation> {
    static PROMOTED: LazyLock<Observation> = LazyLock::new(|| Observation::Pending {
        reason: "the cluster has no primary yet".to_owned(),
    });
    match node.observations.get(&resource.id) {
        Some(Observation::Elsewhere) if is_object(resource) && is_promoted(node, resource) => {
            Some(&PROMOTED)
        }
        found => found,
    }
}

/// Whether the resource's cluster is led by this node, as a standby cluster that should be none.
fn is_promoted(node: &NodeInput<'_>, resource: &Resource) -> bool {
    let mut configs = node.resources.iter().filter(|one| {
        matches!(one.kind, ResourceKind::PatroniConfig { .. }) && one.cluster == resource.cluster
    });
    configs.any(|config| {
        let found = node.observations.get(&config.id);
        matches!(found, Some(Observation::Drift { risk, .. }) if *risk == Risk::Failover)
    })
}

fn candidate(
    index: usize,
    node: &NodeInput<'_>,
    resource: &Resource,
    observation: Option<&Observation>,
    acting: &Acting<'_>,
    plan: &mut Plan,
) -> Option<Candidate> {
    let (changes, risk, reason) = match observation {
        Some(Observation::InSync | Observation::Elsewhere) => return None,
        Some(Observation::Skipped { reason }) => {
            plan.skipped.push(Skipped {
                subject: subject(resource),
                reason: reason.clone(),
                node: node.host.to_owned(),
            });
            return None;
        }
        Some(Observation::Failed { failure } | Observation::Conflict { failure }) => {
            plan.problems.push(Problem {
                node: node.host.to_owned(),
                subject: subject(resource),
                failure: failure.clone(),
            });
            return None;
        }
        Some(Observation::Drift { changes, risk }) => (changes.clone(), *risk, reason_of(changes)),
        Some(Observation::Pending { reason }) => (Vec::new(), Risk::Safe, reason.clone()),
        None => (Vec::new(), Risk::Safe, "not there yet".to_owned()),
    };
    let pending = !matches!(observation, Some(Observation::Drift { .. }));
    if pending && !acting.acts(index, resource) {
        return None;
    }
    let (held, risk) = hold_removal(node, resource, risk);
    Some(Candidate {
        key: (index, resource.id.clone()),
        cluster: resource.cluster.clone(),
        stage: resource.stage,
        last: false,
        op: Op::Converge {
            resource: resource.id.clone(),
        },
        title: match observation {
            Some(Observation::Pending { .. }) if is_object(resource) => {
                format!("see to {}", subject(resource))
            }
            _ => title(resource, &changes, pending, risk),
        },
        reason,
        changes,
        risk,
        needs: Vec::new(),
        undoes: None,
        held,
    })
}

/// What only a leader can show.
fn is_object(resource: &Resource) -> bool {
    matches!(
        resource.kind,
        ResourceKind::Role { .. } | ResourceKind::Database { .. }
    )
}

/// What removes data carries the name to be typed; [`crate::build`] lifts it when it was.
fn hold_removal(node: &NodeInput<'_>, resource: &Resource, risk: Risk) -> (Option<Hold>, Risk) {
    if let Some(name) = node.removal
        && resource.stage == Stage::Cleanup
    {
        return (Some(Hold::Destroy(name.to_owned())), Risk::Destroy);
    }
    if matches!(resource.kind, ResourceKind::PatroniConfig { .. }) && risk >= Risk::Failover {
        let name = resource.cluster.clone().unwrap_or_default();
        let hold = match risk {
            Risk::Destroy => Hold::Destroy(name),
            _ => Hold::Promote(name),
        };
        return (Some(hold), risk);
    }
    if risk < Risk::Destroy {
        return (None, risk);
    }
    let name = match &resource.kind {
        ResourceKind::Database { database, .. } => database.name.clone(),
        ResourceKind::Role { role, .. } => role.name.clone(),
        _ => node.host.to_owned(),
    };
    (Some(Hold::Destroy(name)), risk)
}

fn reason_of(changes: &[Change]) -> String {
    const SHOWN: usize = 3;
    let mut words: Vec<String> = changes.iter().take(SHOWN).map(describe).collect();
    if changes.len() > SHOWN {
        words.push(format!("and {} more", changes.len() - SHOWN));
    }
    words.join(", ")
}

fn describe(change: &Change) -> String {
    const LONG: usize = 60;
    let short = |text: &str| {
        let line = text.lines().next().unwrap_or_default();
        line.chars().count() <= LONG && text.lines().count() <= 1
    };
    match (&change.from, &change.to) {
        (Some(from), Some(to)) if short(from) && short(to) => {
            format!("{}: `{from}` should be `{to}`", change.what)
        }
        (None, Some(to)) if short(to) => format!("{}: should be `{to}`", change.what),
        (Some(from), None) if short(from) => format!("{}: `{from}` should go", change.what),
        _ => change.what.clone(),
    }
}

/// Which node acts for a cluster-wide resource as long as nobody leads.
struct Acting<'a> {
    nodes: BTreeMap<&'a str, usize>,
    answered: BTreeSet<&'a str>,
}

impl<'a> Acting<'a> {
    fn new(nodes: &'a [NodeInput<'a>]) -> Self {
        let mut acting = Self {
            nodes: BTreeMap::new(),
            answered: BTreeSet::new(),
        };
        let boot_leaders: BTreeMap<&str, usize> = boot_leaders(nodes).collect();
        for (index, node) in nodes.iter().enumerate() {
            for resource in node.resources.iter().filter(|r| is_cluster_wide(&r.kind)) {
                let id = resource.id.as_str();
                match observation(node, resource) {
                    Some(_) if is_object(resource) && is_promoted(node, resource) => {
                        acting.nodes.insert(id, index);
                    }
                    None | Some(Observation::Pending { .. }) => {
                        let boots = resource
                            .cluster
                            .as_deref()
                            .and_then(|c| boot_leaders.get(c));
                        let chosen = boots.copied().unwrap_or(index);
                        acting.nodes.entry(id).or_insert(chosen);
                    }
                    Some(Observation::Elsewhere) => {}
                    Some(_) => {
                        acting.answered.insert(id);
                    }
                }
            }
        }
        acting
    }

    fn acts(&self, index: usize, resource: &Resource) -> bool {
        let id = resource.id.as_str();
        !is_cluster_wide(&resource.kind)
            || (!self.answered.contains(id) && self.nodes.get(id) == Some(&index))
    }
}

/// The node that makes each PostgreSQL cluster, by cluster.
fn boot_leaders<'a>(nodes: &'a [NodeInput<'a>]) -> impl Iterator<Item = (&'a str, usize)> {
    nodes.iter().enumerate().flat_map(|(index, node)| {
        node.resources.iter().filter_map(move |r| match &r.kind {
            ResourceKind::PatroniMember(member) if leads_or_boots(node, member) => {
                Some((member.scope.as_str(), index))
            }
            _ => None,
        })
    })
}

fn leads_or_boots(node: &NodeInput<'_>, member: &sty_wire::resource::PatroniMember) -> bool {
    let leads = node
        .surroundings
        .patroni
        .get(&member.scope)
        .is_some_and(|view| view.leads());
    leads || member.boot == BootRole::Leader
}

/// Resources of which one node acts for the whole cluster.
pub fn is_cluster_wide(kind: &ResourceKind) -> bool {
    matches!(
        kind,
        ResourceKind::PatroniConfig { .. }
            | ResourceKind::Role { .. }
            | ResourceKind::Database { .. }
            | ResourceKind::EtcdAuth(_)
            | ResourceKind::EtcdScopeAbsent { .. }
    )
}
