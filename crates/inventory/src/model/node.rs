//! Nodes: how they are reached, and what holds for the machine itself.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sty_core::Secret;

/// How the controller reaches a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// This machine (`ansible_connection: local`).
    Local,
    /// OpenSSH; what is `None` is left to the operator's own ssh configuration.
    Ssh {
        /// `ansible_host`, or the inventory hostname.
        host: String,
        /// `ansible_user`.
        user: Option<String>,
        /// `ansible_port`.
        port: Option<u16>,
        /// `ansible_ssh_private_key_file`.
        private_key: Option<String>,
    },
}

/// One host.
#[derive(Debug, Clone)]
pub struct Node {
    /// Inventory hostname, in this format usually the address.
    pub host: String,
    /// Address that other nodes use. Identity of the node.
    pub address: IpAddr,
    /// Name of the node: `nodename`, else the PostgreSQL instance name, else the host.
    pub name: String,
    /// Node cluster (`node_cluster`, or the PostgreSQL cluster with `node_id_from_pg`).
    pub cluster: String,
    /// How to reach it.
    pub connection: Connection,
    /// NODE module settings.
    pub settings: NodeSettings,
    /// HAPROXY settings of the node.
    pub haproxy: HaproxySettings,
    /// A keepalived virtual IP of the node cluster (`vip_enabled`).
    pub vip: Option<NodeVip>,
}

/// Tuning profile names shared by `node_tune` and `pg_conf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// Many short transactions.
    Oltp,
    /// Few long queries.
    Olap,
    /// Durability before speed.
    Crit,
    /// Small machines.
    Tiny,
}

/// `node_*` parameters that are in effect.
#[derive(Debug, Clone)]
pub struct NodeSettings {
    /// Set the hostname to the node's name (`nodename_overwrite`). Never to an address: a host
    /// that is known by nothing else keeps the name it has.
    pub set_hostname: bool,
    /// Write /etc/hosts (`node_write_etc_hosts`).
    pub write_etc_hosts: bool,
    /// Lines for /etc/hosts: `node_default_etc_hosts` then `node_etc_hosts`, placeholders resolved.
    pub etc_hosts: Vec<String>,
    /// Extra packages (`node_packages`), split at blanks and commas.
    pub packages: Vec<String>,
    /// Manage package sources: nodes have the local repository only (`node_repo_remove`).
    pub exclusive_repository: bool,
    /// Kernel tuning profile (`node_tune`); `None` for `none`.
    pub tune: Option<Profile>,
    /// `node_sysctl_params`, values as text.
    pub sysctl: BTreeMap<String, String>,
    /// `node_kernel_modules`.
    pub kernel_modules: Vec<String>,
    /// `node_hugepage_count`; 0 leaves it alone.
    pub hugepage_count: u64,
    /// `node_hugepage_ratio` of memory, 0 to 0.90; 0 leaves it alone.
    pub hugepage_ratio: f64,
    /// `node_overcommit_ratio` in percent; 0 leaves it alone.
    pub overcommit_ratio: u32,
    /// Disable swap (`node_disable_swap`).
    pub disable_swap: bool,
    /// Main data directory (`node_data`).
    pub data: String,
    /// Administrator's account; `None` when `node_admin_enabled` is false.
    pub admin: Option<NodeAdmin>,
    /// Time zone such as `Europe/Berlin`; empty leaves it alone.
    pub timezone: String,
    /// Time synchronisation sources, as chrony lines; `None` when `node_ntp_enabled` is false.
    pub ntp_servers: Option<Vec<String>>,
    /// Lines of /etc/cron.d/sty (`node_crontab`), with the user field.
    pub crontab: Vec<String>,
    /// Shell aliases (`node_aliases`).
    pub aliases: BTreeMap<String, String>,
}

/// Privilege of the administrator's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sudo {
    /// No sudo.
    None,
    /// Only the commands that the account's services need.
    Limit,
    /// Everything, with a password.
    All,
    /// Everything, without a password.
    NoPassword,
}

/// `node_admin_*`.
#[derive(Debug, Clone)]
pub struct NodeAdmin {
    /// Account name.
    pub name: String,
    /// User and group number.
    pub uid: u32,
    /// sudo privilege.
    pub sudo: Sudo,
    /// Public keys allowed in (`node_admin_pk_list`).
    pub public_keys: Vec<String>,
}

/// A virtual IP of a node cluster.
#[derive(Debug, Clone)]
pub struct NodeVip {
    /// Address with prefix length, `10.10.10.3/24`.
    pub address: String,
    /// VRRP router identifier, 1 to 254.
    pub vrid: u8,
    /// Interface; `None` for `auto`.
    pub interface: Option<String>,
    /// Whether this node starts as master (`vip_role`).
    pub master: bool,
    /// Take the address back on return (`vip_preempt`).
    pub preempt: bool,
    /// Addresses of the other nodes of the group.
    pub peers: Vec<IpAddr>,
    /// VRRP password (`vip_auth_pass`).
    pub auth: Option<Secret<String>>,
}

/// `haproxy_*`.
#[derive(Debug, Clone)]
pub struct HaproxySettings {
    /// `haproxy_enabled`.
    pub enabled: bool,
    /// Port of the status page and metrics (`haproxy_exporter_port`).
    pub stats_port: u16,
    /// Name and password for the status page; `None` when `haproxy_auth_enabled` is false.
    pub auth: Option<(String, Secret<String>)>,
    /// Client side inactivity timeout, HAProxy time.
    pub client_timeout: String,
    /// Server side inactivity timeout, HAProxy time.
    pub server_timeout: String,
    /// Services that are not PostgreSQL's (`haproxy_services`).
    pub services: Vec<HaproxyService>,
}

/// One entry of `haproxy_services`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaproxyService {
    /// Unique name.
    pub name: String,
    /// Listen address, `*` for all.
    pub ip: String,
    /// Listen port.
    pub port: u16,
    /// `tcp` or `http`.
    pub protocol: String,
    /// Balance algorithm.
    pub balance: String,
    /// Connection limit.
    pub maxconn: Option<u32>,
    /// Default server options.
    pub default: Option<String>,
    /// Further configuration lines.
    pub options: Vec<String>,
    /// Servers.
    pub servers: Vec<HaproxyServer>,
}

/// A server of a [`HaproxyService`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaproxyServer {
    /// Name.
    pub name: String,
    /// Address.
    pub ip: String,
    /// Port.
    pub port: u16,
    /// Options, after `check`.
    pub options: String,
    /// Used only when every other server is down.
    pub backup: bool,
}
