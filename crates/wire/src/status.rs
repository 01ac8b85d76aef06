//! What a node tells about its health, for `sty status`.

use serde::{Deserialize, Serialize};

use crate::observation::{EtcdPeer, Note};
use crate::standing::Standing;

/// What to look at on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct StatusQuery {
    /// etcd member here.
    pub etcd: Option<crate::resource::EtcdMember>,
    /// Patroni members here.
    pub patroni: Vec<crate::resource::PatroniMember>,
    /// Units here.
    pub units: Vec<String>,
    /// Poolers here: unit and console.
    #[serde(default)]
    pub poolers: Vec<(String, crate::resource::PoolerConsole)>,
    /// Services to try: HAProxy entries of this node.
    pub services: Vec<ServiceProbe>,
    /// Whether what Patroni keeps in the DCS is wanted as well.
    #[serde(default)]
    pub records: bool,
}

/// A service endpoint of this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceProbe {
    /// Cluster.
    pub cluster: String,
    /// Service name.
    pub name: String,
    /// Port on this node.
    pub port: u16,
    /// HAProxy's sections that a client passes; the last one's servers answer in the end.
    pub sections: Vec<String>,
    /// Path of HAProxy's statistics socket.
    pub stats_socket: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct NodeStatus {
    /// etcd member.
    pub etcd: Option<EtcdStatus>,
    /// Patroni members.
    pub patroni: Vec<PatroniStatus>,
    /// Units: name and active state.
    pub units: Vec<(String, String)>,
    /// Poolers of which something does not serve, and what.
    #[serde(default)]
    pub poolers: Vec<(String, Vec<String>)>,
    /// Services.
    pub services: Vec<ServiceStatus>,
    /// What else there is to know of the units and members.
    #[serde(default)]
    pub notes: Vec<Note>,
}

/// Health of an etcd member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct EtcdStatus {
    /// Member name.
    pub name: String,
    /// Answers and sees a leader.
    pub healthy: bool,
    /// Leads.
    pub leader: bool,
    /// Server version; `None` when it does not answer.
    pub version: Option<String>,
    /// Database size, bytes; `None` when it does not answer.
    pub db_size_bytes: Option<u64>,
    /// Members that it lists and that the cluster should not have.
    #[serde(default)]
    pub strangers: Vec<EtcdPeer>,
    /// What is wrong.
    pub problem: Option<String>,
}

/// A Patroni member and its view of the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct PatroniStatus {
    /// Cluster.
    pub scope: String,
    /// Member name.
    pub name: String,
    /// `primary`, `replica`, `standby_leader`, `uninitialized`...
    pub role: String,
    /// `running`, `streaming`, `stopped`, ...
    pub state: String,
    /// Timeline.
    pub timeline: Option<u64>,
    /// WAL position: written by a primary, replayed by a replica. Bytes.
    pub wal_position: Option<u64>,
    /// Server version as a number, 170006.
    pub server_version: Option<u64>,
    /// Settings that wait for a restart.
    pub pending_restart: Vec<String>,
    /// Cluster maintenance mode.
    pub paused: bool,
    /// Failsafe mode is active here: the primary has said, less than a lease ago, that it goes on
    /// without etcd. Nobody takes over from it meanwhile, even where etcd is back.
    #[serde(default)]
    pub failsafe: bool,
    /// Members as Patroni lists them: name, role, state, lag in bytes.
    pub members: Vec<MemberStatus>,
    /// What Patroni keeps in the DCS, when it was asked for.
    #[serde(default)]
    pub records: Option<PatroniRecords>,
    /// Why it is not well, and what others need from it.
    #[serde(default)]
    pub standing: Standing,
    /// Which file system of its data has no room left, in words.
    #[serde(default)]
    pub full: Option<String>,
    /// What is wrong.
    pub problem: Option<String>,
}

/// What Patroni keeps of a cluster in the DCS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatroniRecords {
    /// The dynamic configuration.
    pub config: serde_json::Value,
    /// Every promotion there was.
    pub history: Vec<Promotion>,
}

/// A primary took over: a timeline ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// The timeline that ended.
    pub timeline: u64,
    /// The one that began there; numbers in between were left out.
    pub next: u64,
    /// WAL position where it ended, bytes.
    pub wal_position: u64,
    /// When, RFC 3339; Patroni knows it only of promotions that it saw.
    pub at: Option<String>,
    /// Member that took over.
    pub leader: Option<String>,
}

/// A member as the cluster sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberStatus {
    /// Name.
    pub name: String,
    /// Address.
    pub host: String,
    /// `leader`, `replica`, `sync_standby`, ...
    pub role: String,
    /// `running`, `streaming`, ...
    pub state: String,
    /// Timeline.
    pub timeline: Option<u64>,
    /// Bytes behind the leader; `None` when unknown.
    pub lag_bytes: Option<u64>,
    /// Member that it is told to follow instead of the leader.
    #[serde(default)]
    pub follows: Option<String>,
}

/// A service endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Cluster.
    pub cluster: String,
    /// Service name.
    pub name: String,
    /// Port.
    pub port: u16,
    /// Servers that answer, as HAProxy names them; empty when nobody does.
    pub answering: Vec<String>,
    /// What is wrong.
    pub problem: Option<String>,
}
