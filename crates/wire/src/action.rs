//! Actions: the only way in which `sty` changes a machine.

use serde::{Deserialize, Serialize};
use sty_core::Risk;

use crate::observation::Change;
use crate::resource::Stage;

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Position in the plan, from 1.
    pub id: u32,
    /// Inventory hostname of the node it runs on.
    pub node: String,
    /// Cluster it concerns.
    pub cluster: Option<String>,
    /// When it runs.
    pub stage: Stage,
    /// What is done.
    pub op: Op,
    /// In words: `write /etc/hosts`.
    pub title: String,
    /// Why: what differs.
    pub reason: String,
    /// Differences, for those who want detail.
    pub changes: Vec<Change>,
    /// The worst it does.
    pub risk: Risk,
    /// Actions (by id, always lower) that must have succeeded before.
    pub needs: Vec<u32>,
    /// Why it is not run in this apply although it is needed; `None` when it runs.
    pub held: Option<String>,
}

/// What an action does on its node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// Brings a resource of the node's desired state about.
    Converge {
        /// Resource id.
        resource: String,
    },
    /// Adds a member to etcd (run on a node with a healthy member).
    EtcdMemberAdd {
        /// Resource id of an `EtcdMember` on the node that runs this.
        via: String,
        /// Peer URL of the new member.
        peer_url: String,
    },
    /// Removes a member from etcd (run on a node with a healthy member that stays).
    EtcdMemberRemove {
        /// Resource id of an `EtcdMember` on the node that runs this.
        via: String,
        /// Member name; for a member that never started, its peer URL.
        name: String,
        /// Peer URL.
        peer_url: String,
    },
    /// Restarts PostgreSQL of the member here through Patroni.
    PostgresRestart {
        /// Resource id of the `PatroniMember`.
        member: String,
    },
    /// Moves the primary away from the member here, to the best replica.
    Switchover {
        /// Resource id of the `PatroniMember`.
        member: String,
        /// Member to move to; `None` lets Patroni choose.
        to: Option<String>,
    },
}
