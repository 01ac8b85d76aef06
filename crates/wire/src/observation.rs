//! What a node answers about a resource: how it differs from what it should be.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sty_core::Risk;

use crate::standing::Standing;

/// State of one resource on one node, compared with what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Observation {
    /// As it should be.
    InSync,
    /// Different; converging makes these changes.
    Drift {
        /// What differs.
        changes: Vec<Change>,
        /// The worst that mending it does.
        risk: Risk,
    },
    /// A role that should go, and goes once these databases have gone, which should as well: nothing
    /// else depends on it.
    AfterDatabases {
        /// Names.
        databases: BTreeSet<String>,
        /// What differs.
        changes: Vec<Change>,
    },
    /// Cannot be looked at before something else is there (a database before its server runs).
    /// Will be converged.
    Pending {
        /// What is missing.
        reason: String,
    },
    /// Another node acts for this resource (the leader's).
    Elsewhere,
    /// Not to be had on this node, and why; reported, never planned.
    Skipped {
        /// Why.
        reason: String,
    },
    /// What is there belongs to something else and must not be touched: nothing is done on the
    /// node, nor for the cluster elsewhere, until a person has decided.
    Conflict {
        /// What is there and what was wanted.
        failure: Failure,
    },
    /// Looking failed.
    Failed {
        /// What went wrong.
        failure: Failure,
    },
}

impl Observation {
    /// Why what is there belongs to something else; `None` when it does not.
    pub fn conflict(&self) -> Option<&Failure> {
        match self {
            Self::Conflict { failure } => Some(failure),
            _ => None,
        }
    }

    /// What differs; nothing unless it is drift.
    pub fn changes(&self) -> &[Change] {
        match self {
            Self::Drift { changes, .. } => changes,
            _ => &[],
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Change {
    /// What: `mode`, `content`, `package haproxy`, `reload`.
    pub what: String,
    /// What it is; `None` when there is none, or when it is secret.
    pub from: Option<String>,
    /// What it should be; `None` when it should go, or when it is secret.
    pub to: Option<String>,
    /// A setting that is stored at once and counts from the next restart of its server on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restart: bool,
}

impl Change {
    /// The PostgreSQL parameter that a change of Patroni's dynamic configuration is about; `None`
    /// for any other change.
    pub fn parameter(&self) -> Option<&str> {
        self.what.strip_prefix("postgresql.parameters.")
    }

    /// The parameter, where the change is about one, wherever it is written.
    pub fn setting(&self) -> &str {
        self.parameter().unwrap_or(&self.what)
    }

    /// A change with both sides shown.
    pub fn new(what: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            from: Some(from.into()),
            to: Some(to.into()),
            restart: false,
        }
    }

    /// A change of which only the name is shown.
    pub fn named(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ..Self::default()
        }
    }

    /// Whether a service that waits for its restart brings this about without one.
    pub fn is_done_meanwhile(&self) -> bool {
        self.what == AT_BOOT || self.what.starts_with("reload")
    }

    /// What it is about, and whether it needs a restart.
    pub fn label(&self) -> String {
        match self.restart {
            true => format!("{} (needs a restart)", self.what),
            false => self.what.clone(),
        }
    }
}

/// Why something could not be done: for the operator's eyes, free of secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What failed and how.
    pub message: String,
    /// The command, when one ran; arguments hold no secrets.
    pub command: Option<String>,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// Last lines of output or of the service's log.
    pub tail: Vec<String>,
    /// The next step.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a command.
    pub fn message(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            command: None,
            exit_code: None,
            tail: Vec::new(),
            hint: None,
        }
    }
}

/// What a database of a pooler should be doing, as a [`Change`] says it.
pub const SERVING: &str = "serving";

/// Whether a service starts at boot, as a [`Change`] names it.
pub const AT_BOOT: &str = "at boot";

/// The port of a service that listens at another one until its restart, as a [`Change`] names it.
pub const PORT: &str = "port";

/// Something to know that no action mends, and that is no fault either.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Note {
    /// What it is about, in words.
    pub subject: String,
    /// What is so.
    pub message: String,
    /// What can be done about it.
    pub hint: String,
}

/// What a node knows of the clusters it takes part in, beside the differences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Surroundings {
    /// etcd, when the node should have a member.
    pub etcd: Option<EtcdView>,
    /// A member with data that the node has and, as far as it was told, should not have.
    pub stray_etcd: Option<EtcdStray>,
    /// A member of PostgreSQL with data that the node has and, as far as it was told, should not
    /// have.
    #[serde(default)]
    pub stray_patroni: Option<PatroniStray>,
    /// Patroni, by cluster.
    pub patroni: BTreeMap<String, PatroniView>,
    /// What people made, by cluster, where its primary is here.
    #[serde(default)]
    pub objects: BTreeMap<String, Objects>,
    /// What else there is to know.
    #[serde(default)]
    pub notes: BTreeSet<Note>,
}

/// Names of roles and databases of a primary that are not PostgreSQL's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Objects {
    /// Roles.
    pub roles: BTreeSet<String>,
    /// Databases.
    pub databases: BTreeSet<String>,
}

/// etcd as one node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EtcdView {
    /// The data directory holds a member.
    pub initialized: bool,
    /// The member answers and sees a leader.
    pub healthy: bool,
    /// This member leads.
    pub leader: bool,
    /// Members that the cluster has, name (empty before its first start) and peer URL.
    pub members: Vec<EtcdPeer>,
}

/// A member of etcd on a node of which none was asked for, as its own files tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EtcdStray {
    /// Member name.
    pub name: String,
    /// etcd cluster.
    pub cluster: String,
    /// Client URL that it announces.
    pub client_url: String,
}

/// A member of PostgreSQL on a node of which none was asked for, as its own files tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatroniStray {
    /// PostgreSQL cluster.
    pub cluster: String,
    /// Member name.
    pub name: String,
}

/// A member as etcd lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EtcdPeer {
    /// Identifier, decimal as the JSON gateway gives it.
    pub id: String,
    /// Name.
    pub name: String,
    /// Peer URL.
    pub peer_url: String,
}

impl EtcdPeer {
    /// Address of its node.
    pub fn address(&self) -> &str {
        host(&self.peer_url)
    }
}

/// The host in a URL that has a port.
pub(crate) fn host(url: &str) -> &str {
    let rest = url.split("://").nth(1).unwrap_or(url);
    rest.rsplit_once(':').map_or(rest, |(host, _)| host)
}

/// A Patroni cluster as one member's node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatroniView {
    /// The data directory holds a PostgreSQL cluster.
    pub initialized: bool,
    /// Addresses of the etcd members that Patroni's file on the node names; empty without a file.
    pub dcs: BTreeSet<String>,
    /// Patroni answers here.
    pub running: bool,
    /// `primary`, `standby_leader`, `replica`, ... of the member here; empty when unknown.
    pub role: String,
    /// `running`, `streaming`, `starting`, ...; empty when unknown.
    pub state: String,
    /// Timeline of the member here.
    #[serde(default)]
    pub timeline: Option<u64>,
    /// Where its log ends, bytes: what a primary has written, what a replica has received.
    #[serde(default)]
    pub wal_position: Option<u64>,
    /// Members that Patroni lists.
    pub members: Vec<PatroniPeer>,
    /// Settings that wait for a restart here: name, current and coming value.
    pub pending_restart: Vec<Change>,
    /// Maintenance mode of the cluster: Patroni starts and promotes nothing by itself.
    #[serde(default)]
    pub paused: bool,
    /// Why the member here is not well, and what others need from it.
    #[serde(default)]
    pub standing: Standing,
}

impl PatroniView {
    /// Whether the member here leads its cluster.
    pub fn leads(&self) -> bool {
        matches!(self.role.as_str(), "primary" | "master" | "standby_leader")
    }
}

/// Whether writes wait for a member of this role, or may, as Patroni names it.
pub fn is_synchronous(role: &str) -> bool {
    matches!(role, "sync_standby" | "quorum_standby")
}

/// A member as Patroni lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatroniPeer {
    /// Name.
    pub name: String,
    /// Address.
    pub host: String,
    /// `leader`, `replica`, `sync_standby`, ...
    pub role: String,
    /// `running`, `streaming`, ...
    pub state: String,
    /// Timeline.
    #[serde(default)]
    pub timeline: Option<u64>,
    /// Bytes behind the leader; `None` when unknown.
    #[serde(default)]
    pub lag_bytes: Option<u64>,
    /// Never to become the primary.
    #[serde(default)]
    pub nofailover: bool,
    /// Member that it follows instead of the leader.
    #[serde(default)]
    pub follows: Option<String>,
}
