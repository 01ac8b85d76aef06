//! The validated inventory: the only form in which the rest of `sty` sees what was written.
//!
//! Every placeholder is resolved, every default filled in, every value in range. Values that
//! PostgreSQL parses itself stay text.

mod cluster;
mod etcd;
mod node;
mod objects;
mod service;

pub use cluster::{
    Account, DefaultGrant, Instance, InstanceRole, PgCluster, PgSettings, RtoPlan, Synchronous,
    SystemAccounts,
};
pub use etcd::{EtcdCluster, EtcdMember};
pub use node::{
    Connection, HaproxyServer, HaproxyService, HaproxySettings, Node, NodeAdmin, NodeSettings,
    NodeVip, Profile, Sudo,
};
pub use objects::{
    Baseline, Database, Extension, Membership, PoolSettings, Presence, Role, Schema,
};
pub use service::{HbaKind, HbaRule, PgVip, Service, ServiceDest};

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::written::Written;

/// A whole fleet.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// Inventory file as the operator named it; appears in managed-by lines.
    pub source: String,
    /// Address of the admin node (`admin_ip`).
    pub admin_ip: IpAddr,
    /// Addresses of the INFRA group's nodes, in `infra_seq` order; empty when there is none.
    pub infra: Vec<IpAddr>,
    /// Every node, by inventory hostname.
    pub nodes: BTreeMap<String, Node>,
    /// The etcd cluster; present whenever there is a PostgreSQL cluster.
    pub etcd: Option<EtcdCluster>,
    /// PostgreSQL clusters by name.
    pub clusters: BTreeMap<String, PgCluster>,
    /// Where nodes find the package repository (`repo_endpoint`), without a trailing slash.
    pub repo_endpoint: String,
    /// `ca_cn`: common name of the certificate authority.
    pub ca_common_name: String,
    /// Validity in days of a new certificate authority (`cert_validity`).
    pub ca_validity_days: u32,
    /// Where its values were written.
    pub written: Written,
}
