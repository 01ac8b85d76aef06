//! Messages between controller and node: one JSON document a line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sty_core::Secret;

use crate::action::Op;
use crate::drill::Disturbance;
use crate::facts::Facts;
use crate::observation::{Change, Failure, Observation, Surroundings};
use crate::resource::Resource;
use crate::status::{NodeStatus, StatusQuery};

/// Controller to node. The node answers in order, one final reply per request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Take the node for this session; released when the session ends, however it ends.
    Lock {
        /// Who asks: `operator@host, pid 4711, since ...`.
        holder: String,
    },
    /// Remember these resources and compare each with what is there.
    Observe {
        /// The node's desired state, in order.
        resources: Vec<Resource>,
    },
    /// Do one action; resources are those of the last `Observe`.
    Execute {
        /// Action id, echoed in the replies.
        action: u32,
        /// What to do.
        op: Op,
        /// What the controller adds at the last moment.
        supply: Option<Supply>,
    },
    /// Wait no longer for what the action under way waits for: it will not come. Has no reply of
    /// its own.
    Abandon,
    /// Tell how things are.
    Status {
        /// What to look at.
        query: Box<StatusQuery>,
    },
    /// Break something, or mend what was broken so. The node must be taken.
    Disturb {
        /// What.
        disturbance: Disturbance,
    },
}

/// What only the controller can make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "supply", rename_all = "snake_case")]
pub enum Supply {
    /// A signed certificate and its key, PEM.
    Certificate {
        /// Certificate.
        certificate: String,
        /// Private key.
        key: Secret<String>,
    },
}

/// Node to controller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// First message of a session, unasked.
    Hello {
        /// [`crate::PROTOCOL`].
        protocol: u32,
        /// SHA-256 of the running program, lower case hex.
        program_sha256: String,
        /// Facts.
        facts: Facts,
    },
    /// The node is taken.
    Locked,
    /// Someone else has it.
    Busy {
        /// Who.
        holder: String,
    },
    /// Answer to `Observe`.
    Observed {
        /// By resource id.
        observations: BTreeMap<String, Observation>,
        /// Clusters seen from here.
        surroundings: Surroundings,
    },
    /// An action is under way: what it does now. Not final.
    Progress {
        /// Action id.
        action: u32,
        /// In words.
        text: String,
    },
    /// An action reached its post-condition.
    Done {
        /// Action id.
        action: u32,
        /// What was changed.
        changes: Vec<Change>,
    },
    /// An action failed.
    Failed {
        /// Action id.
        action: u32,
        /// Why.
        failure: Failure,
    },
    /// Answer to `Status`.
    Status {
        /// What was found.
        status: NodeStatus,
    },
    /// Answer to `Disturb`: it is so.
    Disturbed,
    /// The request could not be understood or served at all.
    Refused {
        /// Why.
        failure: Failure,
    },
}
