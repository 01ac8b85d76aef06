//! The etcd cluster.

use std::net::IpAddr;

use sty_core::Secret;

/// The etcd cluster.
#[derive(Debug, Clone)]
pub struct EtcdCluster {
    /// `etcd_cluster`.
    pub name: String,
    /// Members in `etcd_seq` order; 1, 3 or 5.
    pub members: Vec<EtcdMember>,
    /// Client port.
    pub client_port: u16,
    /// Peer port.
    pub peer_port: u16,
    /// Data directory (`etcd_data`).
    pub data: String,
    /// Milliseconds.
    pub election_timeout_ms: u32,
    /// Milliseconds.
    pub heartbeat_interval_ms: u32,
    /// Password of etcd's root.
    pub root_password: Secret<String>,
    /// Refuse removal (`etcd_safeguard`).
    pub safeguard: bool,
}

/// A member of etcd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EtcdMember {
    /// Inventory hostname of its node.
    pub host: String,
    /// Address.
    pub address: IpAddr,
    /// Member name, `etcd-1`.
    pub name: String,
    /// `etcd_seq`.
    pub seq: u32,
}
