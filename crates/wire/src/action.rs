//! Actions: the only way in which `sty` changes a machine.

use std::collections::BTreeSet;

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
    /// The action (by id, lower) that this one undoes. Once that has begun, this one runs whatever
    /// came of it and of everything in `needs`, and even when the run is interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<u32>,
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
    /// Does for a service that runs and waits for its restart what needs none: has it read its
    /// files, and start at boot. A `Unit`, an `EtcdMember` or a `PatroniMember`.
    Meanwhile {
        /// Resource id.
        resource: String,
    },
    /// Waits until PostgreSQL here has the settings that another member has stored in Patroni's
    /// dynamic configuration.
    TakeUp {
        /// Resource id of the `PatroniConfig`.
        resource: String,
        /// Names of the PostgreSQL parameters that were set, changed or taken out.
        parameters: BTreeSet<String>,
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
    /// Restarts Patroni, and with it PostgreSQL, of the member here: both are then the programs that
    /// are on disk.
    MemberRestart {
        /// Resource id of the `PatroniMember`.
        member: String,
    },
    /// Has PostgreSQL of the member here write a checkpoint: what follows is quicker.
    Checkpoint {
        /// Resource id of the `PatroniMember`.
        member: String,
    },
    /// Has the clients of the pooler here wait: transactions end, new ones do not begin.
    HoldClients {
        /// Resource id of the `PatroniMember`.
        member: String,
        /// Whether transactions that do not end in time are cut off.
        force: bool,
    },
    /// Lets the clients of the pooler here go on, with whoever is primary now.
    ReleaseClients {
        /// Resource id of the `PatroniMember`.
        member: String,
    },
    /// Moves the primary away from the member here, or from one that the inventory does not have;
    /// done when the other one takes writes.
    Switchover {
        /// Resource id of the `PatroniMember`.
        member: String,
        /// Who leads, where that is not the member here.
        #[serde(default)]
        from: Option<String>,
        /// Member to move to.
        to: String,
        /// The operator named it. Otherwise, where writes wait for replicas and those that they wait
        /// for have changed meanwhile, it is one of these.
        #[serde(default)]
        named: bool,
    },
    /// Waits until the member here runs and, if it leads, until the others follow it.
    Settle {
        /// Resource id of the `PatroniMember`.
        member: String,
        /// Who led before and is to follow as well, though the inventory does not have it.
        #[serde(default)]
        former: Option<String>,
    },
    /// Makes the member here the primary of a cluster that has none.
    Failover {
        /// Resource id of the `PatroniMember`.
        member: String,
    },
    /// Has Patroni and PostgreSQL of the member here read their configuration again.
    PatroniReload {
        /// Resource id of the `PatroniMember`.
        member: String,
    },
    /// Drops a replica's slot on the leader here that no longer keeps what the replica needs;
    /// Patroni makes a new one.
    DropLostSlot {
        /// Resource id of the `PatroniMember` here.
        member: String,
        /// Name of the slot.
        slot: String,
    },
    /// Deletes the data of the replica here and copies it anew.
    Reinitialize {
        /// Resource id of the `PatroniMember`.
        member: String,
    },
    /// Switches maintenance mode of the whole cluster: no automatic failover.
    Pause {
        /// Resource id of the `PatroniMember`.
        member: String,
        /// On or off.
        paused: bool,
    },
}
