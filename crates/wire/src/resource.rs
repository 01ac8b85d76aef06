//! Things that should be so on a node: the desired state, in the form that a node compares.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sty_core::Secret;

use crate::observation::{EtcdPeer, host};
use crate::postgres::{ClusterCreation, DatabaseSpec, RoleSpec};

/// HAProxy's configuration.
pub const HAPROXY_CONFIG: &str = "/etc/haproxy/haproxy.cfg";

/// Which part of the product asks for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Module {
    /// The node itself.
    Node,
    /// etcd.
    Etcd,
    /// PostgreSQL with Patroni, PgBouncer and services.
    Pgsql,
}

/// When a resource is brought about. On one node, resources converge by stage and, within a
/// stage, in the order of the desired state; across nodes the planner adds what must wait for
/// what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Identity, package source, packages.
    Base,
    /// Accounts, directories, certificates, files, kernel settings.
    Config,
    /// etcd members run.
    Etcd,
    /// etcd users, roles and permissions.
    EtcdAuth,
    /// Patroni and PostgreSQL run: first the leader, then the others.
    Postgres,
    /// Patroni's dynamic configuration.
    Dynamic,
    /// Roles, then databases.
    Objects,
    /// PgBouncer, HAProxy, virtual IPs.
    Services,
    /// What is no longer wanted goes.
    Cleanup,
}

/// One thing that should be so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Unique on its node: `file:/etc/hosts`, `role:pg-test/dbuser_app`.
    pub id: String,
    /// Who asks for it.
    pub module: Module,
    /// When it is brought about.
    pub stage: Stage,
    /// The PostgreSQL or etcd cluster it belongs to; `None` for the node's own.
    pub cluster: Option<String>,
    /// What it is.
    pub kind: ResourceKind,
}

/// Every kind of thing that `sty` brings about on a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResourceKind {
    /// Host name.
    Hostname {
        /// The name.
        name: String,
    },
    /// Packages are installed, from the configured source, in one transaction.
    Packages {
        /// Package names.
        names: BTreeSet<String>,
    },
    /// Packages that are installed are no older than these; nothing is restarted for it.
    PackageVersions {
        /// Wanted version of each package, by name.
        versions: BTreeMap<String, String>,
    },
    /// An operating system account.
    User(User),
    /// Public keys allowed to log in; others stay.
    AuthorizedKeys {
        /// Account.
        user: String,
        /// Keys.
        keys: Vec<String>,
    },
    /// A directory.
    Directory {
        /// Absolute path.
        path: String,
        /// Owner and mode.
        access: Access,
    },
    /// A symbolic link.
    Link {
        /// Absolute path of the link.
        path: String,
        /// What it points to.
        target: String,
    },
    /// A file with exactly this content, replaced atomically.
    File(File),
    /// A file that another program writes has this owner and mode, where it is there.
    Owned {
        /// Absolute path.
        path: String,
        /// Owner, group, mode.
        access: Access,
    },
    /// Nothing is at this path; with `recursive`, a directory goes with all it holds.
    PathAbsent {
        /// Absolute path.
        path: String,
        /// Remove a directory and its content.
        recursive: bool,
        /// What is in the directory that is meant: another one, unless it is empty, stays.
        mark: Option<String>,
    },
    /// apt takes packages from one file alone; others are renamed, so that apt ignores them.
    OnlyPackageSource {
        /// That file, in apt's directory for sources.
        path: String,
    },
    /// Of what `sty` wrote to grant accounts root's rights, only these files are there: accounts that
    /// have other names now, or are nobody's, have lost theirs.
    OnlySudoers {
        /// Absolute paths in sudo's directory.
        paths: BTreeSet<String>,
    },
    /// Kernel settings: written to a file, and live where the kernel allows.
    Sysctl {
        /// File under /etc/sysctl.d.
        path: String,
        /// Settings.
        values: BTreeMap<String, String>,
    },
    /// Kernel modules loaded now and at boot.
    KernelModules {
        /// Names.
        names: Vec<String>,
    },
    /// Time zone.
    Timezone {
        /// Name such as `Europe/Berlin`.
        name: String,
    },
    /// Swap is off, now and at boot.
    SwapOff,
    /// The certificate of the fleet's authority, which everything on the node trusts. Where another
    /// one is trusted, replacing it destroys: see [`sty_core::Risk::Destroy`].
    Authority {
        /// Common name.
        name: String,
        /// Where it is.
        file: File,
    },
    /// A certificate and its key, signed by the fleet's authority.
    Certificate(Certificate),
    /// A systemd unit.
    Unit(Unit),
    /// A service that `sty` set up before and that nobody asks for now: it does not run, and its
    /// configuration is gone. Left alone where the configuration is not `sty`'s.
    Retired {
        /// Full name of the unit.
        unit: String,
        /// Absolute path of its configuration.
        config: String,
        /// Further files of its, which go with it.
        files: Vec<String>,
    },
    /// A member of the etcd cluster runs here.
    EtcdMember(EtcdMember),
    /// Users, roles and permissions in etcd; the raft leader's node acts.
    EtcdAuth(EtcdAuth),
    /// A Patroni member with its PostgreSQL runs here.
    PatroniMember(PatroniMember),
    /// Patroni's dynamic configuration; the leader's node acts.
    PatroniConfig {
        /// How to reach Patroni here.
        patroni: PatroniAccess,
        /// How to reach PostgreSQL here, to see that it takes the settings up.
        postgres: PostgresAccess,
        /// The whole of the configuration: keys that are not in it are removed.
        config: serde_json::Value,
        /// PostgreSQL parameters that the member here has values of its own for.
        own: BTreeSet<String>,
    },
    /// A role; the leader's node acts.
    Role {
        /// How to reach PostgreSQL here.
        postgres: PostgresAccess,
        /// The role.
        role: RoleSpec,
    },
    /// A database with its schemas, extensions and privileges; the leader's node acts.
    Database {
        /// How to reach PostgreSQL here.
        postgres: PostgresAccess,
        /// The database.
        database: Box<DatabaseSpec>,
    },
    /// No key under this prefix, and no user and role of this name, in etcd.
    EtcdScopeAbsent {
        /// How to reach etcd.
        etcd: EtcdAccess,
        /// Prefix ending in `/`: `/pg/pg-test/`.
        prefix: String,
        /// User and role name.
        user: String,
    },
}

/// Owner and mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Owner.
    pub owner: String,
    /// Group.
    pub group: String,
    /// Permission bits, `0o640`.
    pub mode: u32,
}

impl Access {
    /// Owner, group of the same name, mode.
    pub fn new(owner: &str, group: &str, mode: u32) -> Self {
        Self {
            owner: owner.to_owned(),
            group: group.to_owned(),
            mode,
        }
    }

    /// `root:root`.
    pub fn root(mode: u32) -> Self {
        Self::new("root", "root", mode)
    }
}

/// An operating system account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Name; its group has the same.
    pub name: String,
    /// Number of user and group for a new account; an account that is there keeps its own.
    pub uid: Option<u32>,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// Further groups.
    pub groups: Vec<String>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Absolute path.
    pub path: String,
    /// Text.
    pub content: Secret<String>,
    /// Its text is never shown.
    pub secret: bool,
    /// Owner and mode.
    pub access: Access,
    /// Checker that must accept it before it replaces the live one.
    pub check: Option<FileCheck>,
}

/// Programs that check a file before it goes live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileCheck {
    /// `haproxy -c`.
    Haproxy,
    /// `visudo -c`.
    Sudoers,
    /// `patroni --validate-config` (`--ignore-listen-port`).
    Patroni,
    /// `keepalived --config-test`.
    Keepalived,
}

/// A leaf certificate. The node tells whether it has one that fits; the controller signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Certificate (PEM, leaf only), or certificate followed by key when `key_path` is `None`.
    pub cert_path: String,
    /// Private key (PEM).
    pub key_path: Option<String>,
    /// Owner and mode of both files.
    pub access: Access,
    /// Common name.
    pub common_name: String,
    /// DNS names and IP addresses it is valid for.
    pub names: BTreeSet<String>,
    /// Days of validity of a new one.
    pub validity_days: u32,
    /// SHA-256 of the authority's certificate (DER), lower case hex.
    pub authority_sha256: String,
}

/// A systemd unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Full name, `haproxy.service`.
    pub name: String,
    /// What it should be doing.
    pub state: UnitState,
    /// Files whose change it takes up by a reload.
    pub reload_on: Vec<String>,
    /// Files whose change it takes up by a restart.
    pub restart_on: Vec<String>,
    /// Of a pooler, how to ask it: its databases serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<PoolerConsole>,
    /// Of HAProxy, its socket: what it has is in service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats_socket: Option<String>,
}

/// What a unit should be doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitState {
    /// Runs now and after a boot.
    Running,
    /// Does not run, now nor after a boot.
    Stopped,
}

/// How to reach etcd from a node: its members over TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EtcdAccess {
    /// Client URLs, the node's own member first when it has one.
    pub endpoints: Vec<String>,
    /// Path of the authority's certificate.
    pub ca_path: String,
    /// Password of `root`.
    pub root_password: Secret<String>,
}

/// A member of etcd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EtcdMember {
    /// `etcd-1`.
    pub name: String,
    /// `https://10.10.10.10:2380`.
    pub peer_url: String,
    /// `https://10.10.10.10:2379`.
    pub client_url: String,
    /// Every member that the cluster should have: name to peer URL.
    pub cluster: BTreeMap<String, String>,
    /// Cluster token.
    pub token: String,
    /// Data directory.
    pub data: String,
    /// Environment file with what only the first start needs (initial cluster and its state);
    /// written when the member first starts.
    pub join_path: String,
    /// How to reach the cluster.
    pub access: EtcdAccess,
    /// Unit, `etcd.service`.
    pub unit: String,
    /// Files whose change needs a restart, one member at a time.
    pub restart_on: Vec<String>,
}

impl EtcdMember {
    /// Whether the cluster should have this member: the one at a peer URL of its, or the one of a
    /// name and address of its, whose port or scheme is about to change.
    pub fn expects(&self, peer: &EtcdPeer) -> bool {
        self.cluster.iter().any(|(name, url)| {
            *url == peer.peer_url || *name == peer.name && host(url) == peer.address()
        })
    }
}

/// Users and roles in etcd, beside `root`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EtcdAuth {
    /// How to reach the cluster.
    pub access: EtcdAccess,
    /// One per PostgreSQL cluster.
    pub scopes: Vec<EtcdScope>,
}

/// A user with a role of the same name that may read and write one prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EtcdScope {
    /// User and role.
    pub user: String,
    /// Password.
    pub password: Secret<String>,
    /// Prefix ending in `/`.
    pub prefix: String,
}

/// How to reach the Patroni REST API on its own node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatroniAccess {
    /// `https://10.10.10.11:8008`.
    pub url: String,
    /// Path of the authority's certificate.
    pub ca_path: String,
    /// HTTP user.
    pub username: String,
    /// HTTP password.
    pub password: Secret<String>,
}

/// How to reach PostgreSQL on its own node: as the superuser, over the Unix socket, by the
/// operating system's word (peer authentication).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostgresAccess {
    /// Socket directory.
    pub socket_dir: String,
    /// Port.
    pub port: u16,
    /// Database superuser, and the account of the operating system that runs the server.
    pub user: String,
}

/// Role an instance plays when the cluster is first made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BootRole {
    /// Makes the cluster (or follows the upstream of a standby cluster).
    Leader,
    /// Copies from the leader.
    Replica,
}

/// Unit of Patroni.
pub const PATRONI_SERVICE: &str = "patroni.service";

/// A Patroni member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatroniMember {
    /// Cluster.
    pub scope: String,
    /// Prefix of its keys in etcd without the cluster's name, `/pg/`.
    pub namespace: String,
    /// Member name.
    pub name: String,
    /// Part it plays in the cluster's first start.
    pub boot: BootRole,
    /// Unit, `patroni.service`.
    pub unit: String,
    /// How to reach Patroni.
    pub patroni: PatroniAccess,
    /// How to reach PostgreSQL.
    pub postgres: PostgresAccess,
    /// Data directory.
    pub data: String,
    /// Files that Patroni takes up by a reload.
    pub reload_on: Vec<String>,
    /// Files that PostgreSQL itself takes up by a reload (`pg_hba.conf`, certificates).
    pub postgres_reload_on: Vec<String>,
    /// Files whose change restarts the Patroni service.
    pub restart_on: Vec<String>,
    /// PostgreSQL parameters that Patroni's file gives this member.
    pub parameters: BTreeMap<String, String>,
    /// What the cluster was to be made with; `None` for a member that is only looked at.
    #[serde(default)]
    pub creation: Option<Box<ClusterCreation>>,
    /// Names of the members that the cluster should have.
    pub members: BTreeSet<String>,
    /// Addresses of the etcd members that should keep the cluster's leader.
    pub dcs: BTreeSet<String>,
    /// Link to the instance's home, and the home it should lead to. A link that leads to another
    /// home with data in it is a conflict: the node holds an instance that this one is not.
    pub home: (String, String),
    /// The pooler here that leads to the primary, when there is one.
    pub pooler: Option<Box<PrimaryPooler>>,
}

/// The PgBouncer of a node that leads to the primary through the HAProxy next door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrimaryPooler {
    /// How to ask it.
    pub console: PoolerConsole,
    /// HAProxy's statistics socket.
    pub stats_socket: String,
    /// HAProxy's section that asks every member whether it is the primary.
    pub checker: String,
    /// HAProxy's section that asks every member whether it is a replica.
    pub replica_checker: Option<String>,
}

/// The console of a PgBouncer on its own node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolerConsole {
    /// The `psql` program.
    pub psql: String,
    /// Account and role that may use it over the socket.
    pub account: String,
    /// Socket directory.
    pub socket_dir: String,
    /// Port.
    pub port: u16,
}
