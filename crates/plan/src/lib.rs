//! The planner: what there should be and what there is, in; ordered actions, out.
//!
//! Pure. A plan of a fleet that is as it should be has no actions. Every action says why it is
//! there and what it may cost, and names the actions on other nodes that must succeed before it;
//! on one node, actions run in the order of the plan.

mod build;
mod candidate;
mod conflict;
mod etcd;
mod forsaken;
mod hold_clients;
mod operate;
mod outside;
mod patroni;
pub mod postgres;
mod restart;
mod stray;
mod title;
mod trust;
mod undeclared;
mod unseen;
mod update;

pub use build::build;
pub use candidate::is_cluster_wide;
pub use operate::{Operation, Refusal, operate};
pub use patroni::shrinks;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sty_core::Risk;
use sty_wire::action::Action;
use sty_wire::observation::{Failure, Note, Observation, Surroundings};
use sty_wire::resource::Resource;

/// One node as the planner sees it.
#[derive(Debug, Clone, Copy)]
pub struct NodeInput<'a> {
    /// Inventory hostname.
    pub host: &'a str,
    /// What should be there, in order.
    pub resources: &'a [Resource],
    /// What is there, by resource id. A resource without an observation has not been looked at:
    /// it is planned as if nothing were there.
    pub observations: &'a BTreeMap<String, Observation>,
    /// Clusters as seen from the node.
    pub surroundings: &'a Surroundings,
    /// Resources, by id, that are there to be looked at only: `--limit` or `--module` leaves them
    /// out.
    pub witnesses: &'a BTreeSet<String>,
    /// Set when the resources remove something: the name that the operator must type.
    pub removal: Option<&'a str>,
}

/// What the operator allowed.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Restart what needs it (`--restart`).
    pub restart: bool,
    /// Names typed to confirm what destroys data (`--confirm`).
    pub confirm: BTreeSet<String>,
}

/// Ordered actions and what else there is to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Actions, numbered from 1.
    pub actions: Vec<Action>,
    /// What could not be had on a node, and why.
    pub skipped: Vec<Skipped>,
    /// What could not be looked at, or must not be done.
    pub problems: Vec<Problem>,
    /// What could not be looked at, and perhaps can once the actions of earlier stages have run on
    /// its node.
    pub unseen: Vec<Problem>,
    /// Members that run and are in no inventory.
    pub unwanted: Vec<Unwanted>,
    /// What is due on nodes that `--limit` leaves out, by cluster and node.
    pub waiting: Vec<Waiting>,
    /// Roles and databases that no inventory declares, which are nobody's to do anything about.
    pub undeclared: Vec<Undeclared>,
    /// What nodes tell beside, which nobody does anything about.
    pub notes: Vec<Noted>,
    /// Clusters that nobody leads yet, and who will is not known: what is in them can be compared
    /// once somebody does.
    pub unled: BTreeSet<String>,
    /// Clusters whose Patroni is paused although the inventory does not say so: whoever paused them
    /// resumes them.
    pub paused: BTreeSet<String>,
    /// Everything waits until the operator has said whom nodes should trust.
    pub undecided: bool,
    /// Who waits for a restart that nobody has asked for, or will once the actions have run.
    pub restarts: Vec<Restart>,
    /// Names that `--confirm` may give: of what the plan destroys, held back or not.
    pub confirmable: BTreeSet<String>,
}

/// A setting that a node cannot have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Skipped {
    /// What it is, in words.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// Node.
    pub node: String,
}

/// A resource that could not be looked at, or must not be brought about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Node.
    pub node: String,
    /// What it is, in words.
    pub subject: String,
    /// Why.
    pub failure: Failure,
}

/// A member of a cluster that the inventory does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unwanted {
    /// PostgreSQL or etcd cluster.
    pub cluster: String,
    /// Member name.
    pub member: String,
    /// Address it runs on.
    pub address: String,
    /// Whether it leads its PostgreSQL cluster.
    pub leads: bool,
    /// Its removal was begun before and did not end: it may have left its cluster, and what it had
    /// may still be on its node.
    pub left: bool,
}

/// What a cluster has and no inventory declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undeclared {
    /// PostgreSQL cluster.
    pub cluster: String,
    /// Roles.
    pub roles: Vec<String>,
    /// Databases.
    pub databases: Vec<String>,
}

/// What a node tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Noted {
    /// Node.
    pub node: String,
    /// What.
    #[serde(flatten)]
    pub note: Note,
}

impl Noted {
    /// What one node tells.
    pub fn all<'a>(
        node: &'a str,
        notes: impl IntoIterator<Item = &'a Note> + 'a,
    ) -> impl Iterator<Item = Self> + 'a {
        let noted = |note: &Note| Self {
            node: node.to_owned(),
            note: note.clone(),
        };
        notes.into_iter().map(noted)
    }
}

/// What a cluster waits for because `--limit` leaves the node out that would do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// PostgreSQL or etcd cluster.
    pub cluster: String,
    /// Member that would act.
    pub member: String,
    /// Its node.
    pub node: String,
    /// What it would do, in words.
    pub titles: Vec<String>,
}

/// A member, or a unit of a cluster, that needs a restart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Restart {
    /// PostgreSQL or etcd cluster.
    pub cluster: String,
    /// Member name; of a unit its name.
    pub member: String,
    /// Node.
    pub node: String,
    /// It waits already; otherwise it will once the plan is applied.
    pub due: bool,
    /// Settings and files that have changed.
    pub because: BTreeSet<String>,
}

impl Plan {
    /// Whether everything is as it should be.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
            && !self.is_unclear()
            && self.unwanted.is_empty()
            && self.waiting.is_empty()
            && self.unled.is_empty()
    }

    /// Whether something could not be looked at, or must not be done.
    pub fn is_unclear(&self) -> bool {
        !(self.problems.is_empty() && self.unseen.is_empty())
    }

    /// Actions that will run.
    pub fn active(&self) -> impl Iterator<Item = &Action> {
        self.actions.iter().filter(|action| action.held.is_none())
    }

    /// The worst that the plan does; `None` when it does nothing.
    pub fn worst(&self) -> Option<Risk> {
        self.active().map(|action| action.risk).max()
    }
}
