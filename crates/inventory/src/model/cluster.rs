//! PostgreSQL clusters: members, settings, accounts.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sty_core::{Objects, Secret};

use super::{Database, Extension, HbaRule, PgVip, Profile, Role, Service, ServiceDest, Sudo};

/// Role of an instance in its cluster, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstanceRole {
    /// Bootstraps the cluster; preferred leader only at that moment.
    Primary,
    /// Follows and may take over.
    Replica,
    /// Follows, serves offline queries, never takes over.
    Offline,
}

/// One PostgreSQL cluster: one Patroni scope.
#[derive(Debug, Clone)]
pub struct PgCluster {
    /// `pg_cluster`.
    pub name: String,
    /// Major version (`pg_version`).
    pub version: u32,
    /// Members in `pg_seq` order.
    pub instances: Vec<Instance>,
    /// Cluster this one replicates from (`pg_upstream` of its primary: a standby cluster).
    pub upstream: Option<IpAddr>,
    /// Addresses of the members of clusters that replicate from this one.
    pub followers: Vec<IpAddr>,
    /// Settings.
    pub settings: PgSettings,
    /// Login names and passwords of the system users.
    pub accounts: SystemAccounts,
    /// System roles (`pg_default_roles`) then business users (`pg_users`); system users carry
    /// their passwords here too. Ordered so that a role comes after those it is a member of.
    pub roles: Vec<Role>,
    /// `pg_databases`, with `postgres` and `template1` not included unless written.
    pub databases: Vec<Database>,
    /// `pg_default_services` then `pg_services`, members resolved.
    pub services: Vec<Service>,
    /// `pg_default_hba_rules` then `pg_hba_rules`, sorted by `order`, placeholders resolved.
    pub hba_rules: Vec<HbaRule>,
    /// `pgb_default_hba_rules` then `pgb_hba_rules`, sorted by `order`, placeholders resolved.
    pub pgbouncer_hba_rules: Vec<HbaRule>,
    /// `pg_default_privileges`.
    pub default_privileges: Vec<DefaultGrant>,
    /// `pg_default_schemas`.
    pub default_schemas: Vec<String>,
    /// `pg_default_extensions`.
    pub default_extensions: Vec<Extension>,
    /// Virtual IP on the primary.
    pub vip: Option<PgVip>,
}

impl PgCluster {
    /// Whether the instance is behind on purpose, in a cluster that is not: a delayed replica.
    /// It never leads and serves no reads.
    pub fn is_delayed(&self, instance: &Instance) -> bool {
        self.upstream.is_none() && !instance.delay.is_empty()
    }

    /// Addresses of its members.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.instances.iter().map(|one| one.address)
    }
}

/// One PostgreSQL server.
#[derive(Debug, Clone)]
pub struct Instance {
    /// `<cluster>-<seq>`.
    pub name: String,
    /// Inventory hostname of its node.
    pub host: String,
    /// Address.
    pub address: IpAddr,
    /// `pg_seq`.
    pub seq: u32,
    /// `pg_role`.
    pub role: InstanceRole,
    /// Also serves offline queries (`pg_offline_query`).
    pub offline_query: bool,
    /// HAProxy weight, 0 to 256.
    pub weight: u32,
    /// Member it follows (`pg_upstream`): a cascading replica.
    pub upstream: Option<IpAddr>,
    /// Listen addresses of its server and poolers (`pg_listen`), separated by commas.
    pub listen: String,
    /// How long it waits before it replays a change (`pg_delay`), as PostgreSQL reads it; empty
    /// for not at all.
    pub delay: String,
    /// Parameters of this instance that differ from the cluster's, written at host level.
    pub parameters: BTreeMap<String, String>,
}

/// How writes wait for replicas (`pg_rpo` and the `crit` profile).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// Writes do not wait.
    Off,
    /// Writes wait for one replica, which Patroni has chosen.
    On,
    /// Writes wait for any one of the replicas.
    Quorum,
}

/// Patroni and HAProxy timings of one recovery plan (`pg_rto`, `pg_rto_plan`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtoPlan {
    /// Plan name.
    pub name: String,
    /// Leader lease, seconds.
    pub ttl: u32,
    /// Seconds between two runs of Patroni's loop.
    pub loop_wait: u32,
    /// Seconds that DCS and PostgreSQL operations are retried for.
    pub retry_timeout: u32,
    /// Seconds for a crashed primary to come back before a failover; 0 fails over at once.
    pub primary_start_timeout: u32,
    /// Seconds of margin before the lease ends for the watchdog.
    pub primary_stop_timeout: u32,
    /// HAProxy: between two checks.
    pub inter: String,
    /// HAProxy: between two checks while the state changes.
    pub fastinter: String,
    /// HAProxy: between two checks of a server that is down.
    pub downinter: String,
    /// HAProxy: good checks until up.
    pub rise: u32,
    /// HAProxy: failed checks until down.
    pub fall: u32,
}

impl RtoPlan {
    /// Seconds that clients wait for a primary: longer than any failover, which begins when the
    /// lease ends and takes the checks of a few loops.
    pub fn longest_wait(&self) -> u32 {
        (self.ttl + 60).max(110)
    }
}

/// `pg_*`, `patroni_*`, `pgbouncer_*` settings of a cluster.
#[derive(Debug, Clone)]
pub struct PgSettings {
    /// Port of PostgreSQL.
    pub port: u16,
    /// Unix socket directory (`pg_localhost`).
    pub socket_dir: String,
    /// Operating system user that runs PostgreSQL (`pg_dbsu`).
    pub dbsu: String,
    /// sudo privilege of that user.
    pub dbsu_sudo: Sudo,
    /// Main disk (`pg_fs_main`), `/data/postgres`.
    pub fs_main: String,
    /// Backup disk (`pg_fs_backup`), `/data/backups`.
    pub fs_backup: String,
    /// Data directory (`pg_data`), `/pg/data`.
    pub data: String,
    /// Link to the server's programs (`pg_bin_dir`), `/usr/pgsql/bin`.
    pub bin_dir: String,
    /// Extra packages: `pg_extensions` and custom entries of `pg_packages` that are not aliases.
    pub packages: Vec<String>,
    /// Tuning profile (`pg_conf`).
    pub profile: Profile,
    /// `pg_storage_type`: true for `SSD`.
    pub ssd: bool,
    /// `pg_max_conn`; `None` for `auto`.
    pub max_connections: Option<u32>,
    /// Share of memory for shared buffers, 0.1 to 0.4.
    pub shared_buffer_ratio: f64,
    /// `pg_io_method`, for PostgreSQL 18 and newer.
    pub io_method: String,
    /// `pg_parameters` written at cluster level or above.
    pub parameters: BTreeMap<String, String>,
    /// `pg_libs`: shared_preload_libraries, in order.
    pub libs: Vec<String>,
    /// Recovery plan.
    pub rto: RtoPlan,
    /// Bytes of WAL a replica may lack and still take over (`pg_rpo`).
    pub rpo_bytes: u64,
    /// Synchronous replication.
    pub synchronous: Synchronous,
    /// Data checksums at bootstrap.
    pub checksums: bool,
    /// `scram-sha-256` or `md5`.
    pub password_encryption: String,
    /// Encoding at bootstrap.
    pub encoding: String,
    /// Locale at bootstrap.
    pub locale: String,
    /// Collation at bootstrap.
    pub lc_collate: String,
    /// Character classes at bootstrap.
    pub lc_ctype: String,
    /// etcd key prefix without the cluster name (`pg_namespace`), `/pg`.
    pub namespace: String,
    /// `patroni_enabled` and `patroni_mode`: true when Patroni starts paused.
    pub patroni_paused: bool,
    /// Port of the Patroni REST API.
    pub patroni_port: u16,
    /// TLS on the Patroni REST API.
    pub patroni_tls: bool,
    /// Watchdog mode: `off`, `automatic` or `required`.
    pub watchdog: String,
    /// Password of the cluster's etcd user; `None`: derived from etcd's root password.
    pub etcd_password: Option<Secret<String>>,
    /// `pgbouncer_enabled`.
    pub pgbouncer: bool,
    /// Port of the local PgBouncer.
    pub pgbouncer_port: u16,
    /// Pool mode.
    pub pool_mode: String,
    /// `pgbouncer_sslmode`: TLS towards clients.
    pub pgbouncer_sslmode: String,
    /// `pgbouncer_ignore_param`.
    pub pgbouncer_ignore: Vec<String>,
    /// `pgbouncer_auth_query`: ask the database about users that are not in the user list.
    pub pgbouncer_auth_query: bool,
    /// Destination of services whose `dest` is `default`.
    pub default_service_dest: ServiceDest,
    /// Reload services after a change (`pg_reload`).
    pub reload: bool,
    /// Refuse removal (`pg_safeguard`).
    pub safeguard: bool,
    /// Create roles and databases (`pg_provision`).
    pub provision: bool,
    /// Cron lines of the database superuser (`pg_crontab`), without the user field.
    pub crontab: Vec<String>,
}

impl PgSettings {
    /// Port of the PgBouncer that leads to the primary: the one after `pgbouncer_port`.
    pub fn primary_pooler_port(&self) -> u16 {
        self.pgbouncer_port.saturating_add(1)
    }

    /// Port on the loopback address where HAProxy takes that PgBouncer's connections and passes
    /// them to the primary: the second after `pgbouncer_port`.
    pub fn primary_route_port(&self) -> u16 {
        self.pgbouncer_port.saturating_add(2)
    }
}

/// Names and passwords of the system users.
#[derive(Debug, Clone)]
pub struct SystemAccounts {
    /// Replication.
    pub replication: Account,
    /// Administrator.
    pub admin: Account,
    /// Monitoring.
    pub monitor: Account,
    /// HTTP user of the Patroni REST API.
    pub patroni: Account,
}

/// A name and its password.
#[derive(Debug, Clone)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// Password.
    pub password: Secret<String>,
}

/// One statement of `pg_default_privileges`: `GRANT privileges ON objects TO grantees`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultGrant {
    /// In capitals: `SELECT`, `ALL`.
    pub privileges: Vec<String>,
    /// On what.
    pub objects: Objects,
    /// Roles, or `public`.
    pub grantees: Vec<String>,
}
