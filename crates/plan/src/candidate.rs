//! From observations to candidates: which resources need an action, and on which node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use sty_core::Risk;
use sty_wire::action::Op;
use sty_wire::observation::{Change, Failure, Observation, PatroniView};
use sty_wire::resource::{BootRole, Resource, ResourceKind, Stage};

use crate::conflict::{Untouchable, is_conflict};
use crate::forsaken::Forsaken;
use crate::title::{subject, title};
use crate::{NodeInput, Plan, Problem, Skipped, patroni};

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
    /// What it goes with: held as long as any of these is.
    pub(crate) with: Vec<Key>,
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
    /// It makes a node trust another authority, of this name.
    Trust(String),
    /// It would close the ways to this member, which the inventory does not have.
    Stray(String),
    /// It would part the members of a cluster and its clients from this one, which leads and is not
    /// in the inventory.
    Led {
        /// Who leads.
        leader: String,
        /// Cluster.
        cluster: String,
    },
    /// A member of its name is still somewhere else.
    Namesake {
        /// Name.
        member: String,
        /// Where that one is.
        address: String,
    },
    /// It goes with the database of this name.
    With(String),
    /// It needs what this member would do, whose node `--limit` leaves out.
    Outside(String),
}

impl Hold {
    /// The name that lifts it.
    pub(crate) fn name(&self) -> Option<&String> {
        match self {
            Self::Destroy(name) | Self::Promote(name) | Self::Trust(name) => Some(name),
            Self::Namesake { member, .. } => Some(member),
            Self::Restart
            | Self::Stray(_)
            | Self::Led { .. }
            | Self::With(_)
            | Self::Outside(_) => None,
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
            Self::Trust(name) => format!(
                "the node trusts another authority, by which its certificates and passwords were \
                 made: put that one back into files/pki, or replace it and all of them by \
                 `--confirm {name}`"
            ),
            Self::Stray(member) => {
                format!("would close the ways to {member}, which is here and not in the inventory")
            }
            Self::Led { leader, cluster } => format!(
                "{leader} leads {cluster} and is not in the inventory: `sty cluster switchover \
                 {cluster}`, then apply again"
            ),
            Self::Namesake { member, address } => format!(
                "{member} is still the member at {address}, and goes first: needs `--confirm \
                 {member}`"
            ),
            Self::With(database) => {
                format!("goes with database {database}: needs `--confirm {database}`")
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
            with: Vec::new(),
            undoes: None,
            held: None,
        }
    }
}

/// A resource that could not be looked at.
pub(crate) struct Failed {
    /// Index of its node.
    pub(crate) node: usize,
    pub(crate) stage: Stage,
    pub(crate) problem: Problem,
}

/// One candidate per resource that is not as it should be, in the nodes' own order, and what could
/// not be looked at.
pub(crate) fn collect(
    nodes: &[NodeInput<'_>],
    forsaken: &Forsaken,
    plan: &mut Plan,
) -> (Vec<Candidate>, Vec<Failed>) {
    let acting = Acting::new(nodes);
    let more = forsaken.clusters.iter().map(String::as_str);
    let untouchable = Untouchable::find(nodes, more);
    plan.problems.extend(untouchable.problem());
    plan.problems.extend(forsaken.problems.iter().cloned());
    plan.unled = unled(nodes);
    let mut candidates = Vec::new();
    let mut failed = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let whole_node = Untouchable::is_node(node);
        for resource in concerned(node) {
            let observation = observation(node, resource);
            let blocked = (whole_node || untouchable.holds(resource))
                && !Untouchable::is_leaving(node, resource);
            if blocked && !is_conflict(observation) {
                continue;
            }
            if let Some(Observation::Failed { failure }) = observation {
                failed.push(Failed {
                    node: index,
                    stage: resource.stage,
                    problem: problem(node, resource, failure),
                });
                continue;
            }
            if let Some(candidate) = candidate(index, node, resource, observation, &acting, plan) {
                candidates.push(candidate);
            }
        }
    }
    candidates.retain(|candidate| !forsaken.members.contains(&candidate.key));
    (candidates, failed)
}

fn problem(node: &NodeInput<'_>, resource: &Resource, failure: &Failure) -> Problem {
    Problem {
        node: node.host.to_owned(),
        subject: subject(resource),
        failure: failure.clone(),
    }
}

/// Resources that are not only looked at; and, of those, what one node does for all, and what is in
/// conflict: who waits for it shall know.
fn concerned<'a>(node: &NodeInput<'a>) -> impl Iterator<Item = &'a Resource> {
    let (resources, observations) = (node.resources.iter(), node.observations);
    resources.filter(|r| {
        !node.witnesses.contains(&r.id)
            || is_cluster_wide(&r.kind)
            || is_conflict(observations.get(&r.id))
    })
}

/// Clusters of the run of which no leader is known, and not foreseen either: some member has data,
/// or one that was not to make it runs already, since its node began anew half-way.
fn unled(nodes: &[NodeInput<'_>]) -> BTreeSet<String> {
    let clusters = patroni::clusters(nodes);
    let unled = clusters.into_iter().filter(|(_, seats)| {
        let mut views = seats.iter().filter_map(|seat| seat.view);
        let led = |view: &PatroniView| view.members.iter().any(patroni::is_leader);
        let early = |seat: &patroni::Seat<'_>| {
            let found = nodes[seat.node].observations.get(seat.id);
            seat.member.boot == BootRole::Replica
                && matches!(found, Some(Observation::Drift { .. }))
        };
        seats.iter().any(|seat| !seat.outside)
            && (views.clone().any(|view| view.initialized) || seats.iter().any(early))
            && !views.any(led)
            && !seats.iter().any(patroni::Seat::serves)
    });
    unled.map(|(name, _)| name.to_owned()).collect()
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
        Some(Observation::InSync | Observation::Elsewhere | Observation::Failed { .. }) => {
            return None;
        }
        Some(Observation::Skipped { reason }) => {
            plan.skipped.push(Skipped {
                subject: subject(resource),
                reason: reason.clone(),
                node: node.host.to_owned(),
            });
            return None;
        }
        Some(Observation::Conflict { failure }) => {
            plan.problems.push(problem(node, resource, failure));
            return None;
        }
        Some(Observation::Drift { changes, risk }) => (changes.clone(), *risk, reason_of(changes)),
        Some(Observation::AfterDatabases { changes, .. }) => {
            (changes.clone(), Risk::Safe, reason_of(changes))
        }
        Some(Observation::Pending { reason }) => (Vec::new(), Risk::Safe, reason.clone()),
        None => (Vec::new(), Risk::Safe, "not there yet".to_owned()),
    };
    let pending = matches!(observation, None | Some(Observation::Pending { .. }));
    let cluster = resource.cluster.as_ref();
    if pending && is_object(resource) && cluster.is_some_and(|name| plan.unled.contains(name)) {
        return None;
    }
    let with = with_databases(index, node, resource, observation);
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
        needs: with.clone(),
        with,
        undoes: None,
        held,
    })
}

/// The databases that have to go before a role does.
fn with_databases(
    index: usize,
    node: &NodeInput<'_>,
    role: &Resource,
    observation: Option<&Observation>,
) -> Vec<Key> {
    let Some(Observation::AfterDatabases { databases, .. }) = observation else {
        return Vec::new();
    };
    let named = |resource: &&Resource| match &resource.kind {
        ResourceKind::Database { database, .. } => databases.contains(&database.name),
        _ => false,
    };
    let own = |resource: &&Resource| resource.cluster == role.cluster;
    let resources = node.resources.iter().filter(own).filter(named);
    resources.map(|found| (index, found.id.clone())).collect()
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
        ResourceKind::Authority { name, .. } => return (Some(Hold::Trust(name.clone())), risk),
        ResourceKind::Database { database, .. } => database.name.clone(),
        ResourceKind::Role { role, .. } => role.name.clone(),
        _ => node.host.to_owned(),
    };
    (Some(Hold::Destroy(name)), risk)
}

/// Differences in few words; what needs a restart comes first and is never left out.
pub(crate) fn reason_of(changes: &[Change]) -> String {
    const SHOWN: usize = 3;
    let mut ordered: Vec<&Change> = changes.iter().collect();
    ordered.sort_by_key(|change| !change.restart);
    let restarts = ordered.iter().filter(|change| change.restart).count();
    let shown = restarts.max(SHOWN);
    let mut words: Vec<String> = ordered.iter().copied().take(shown).map(describe).collect();
    if changes.len() > shown {
        words.push(format!("and {} more", changes.len() - shown));
    }
    words.join(", ")
}

fn describe(change: &Change) -> String {
    const LONG: usize = 60;
    let short = |text: &str| {
        let line = text.lines().next().unwrap_or_default();
        line.chars().count() <= LONG && text.lines().count() <= 1
    };
    let label = change.label();
    match (&change.from, &change.to) {
        (Some(from), Some(to)) if short(from) && short(to) => {
            format!("{label}: `{from}` should be `{to}`")
        }
        (None, Some(to)) if short(to) => format!("{label}: should be `{to}`"),
        (Some(from), None) if short(from) => format!("{label}: `{from}` should go"),
        _ => label,
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
