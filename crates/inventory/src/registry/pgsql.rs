//! PGSQL parameters.

use super::Level::{Cluster, Fleet, Instance};
use super::entries::{DATABASE, EXTENSION, HBA_RULE, POOL_MODE, SERVICE, USER};
use super::kind::{COUNT, Kind, PORT};
use super::{Module, lists, off, on};

const SUDO: Kind = Kind::OneOf(&["none", "limit", "all", "nopass"]);

/// Who an instance is.
#[rustfmt::skip]
pub(crate) static IDENTITY: Module = Module {
    name: "pg-id",
    about: "the identity of PostgreSQL clusters and instances",
    parameters: &[
        on("pg_cluster", Cluster, Kind::ClusterName, None, "name of the cluster; makes the hosts of a group its instances"),
        on("pg_seq", Instance, COUNT, None, "number of the instance, unique in the cluster"),
        on("pg_role", Instance, Kind::OneOf(&["primary", "replica", "offline"]), None, "role of the instance when the cluster is made"),
        on("pg_mode", Cluster, Kind::OneOf(&["pgsql", "citus", "gpsql", "mssql", "mysql", "polar", "ivory", "oracle", "oriole", "pgedge", "agens", "percona", "babelfish", "cloudberry"]), Some("\"pgsql\""), "kernel; only `pgsql` so far"),
        on("pg_offline_query", Instance, Kind::Bool, Some("false"), "the instance also serves offline queries"),
        on("pg_weight", Instance, Kind::Int { min: 0, max: 256 }, Some("100"), "weight among the servers of a service"),
        on("pg_upstream", Instance, Kind::Address, None, "address that the instance replicates from; on a primary: a standby cluster"),
        off("pg_shard", Cluster, Kind::Text, None, "name of the horizontal shard set"),
        off("pg_group", Cluster, COUNT, None, "number in the shard set"),
        off("gp_role", Cluster, Kind::OneOf(&["master", "segment"]), None, "role in Greenplum-like clusters"),
        off("pg_instances", Instance, Kind::AnyMap, None, "several remote instances watched from one host"),
    ],
};

/// Business objects.
#[rustfmt::skip]
pub(crate) static BUSINESS: Module = Module {
    name: "pg-business",
    about: "users, databases, services and rules of one cluster",
    parameters: &[
        on("pg_users", Cluster, Kind::Entries(&USER), Some("[]"), "business users and roles"),
        on("pg_databases", Cluster, Kind::Entries(&DATABASE), Some("[]"), "business databases"),
        on("pg_services", Cluster, Kind::Entries(&SERVICE), Some("[]"), "services beyond the default ones"),
        on("pg_hba_rules", Cluster, Kind::Entries(&HBA_RULE), Some("[]"), "access rules of PostgreSQL beyond the default ones"),
        on("pgb_hba_rules", Cluster, Kind::Entries(&HBA_RULE), Some("[]"), "access rules of PgBouncer beyond the default ones"),
        on("pg_crontab", Cluster, Kind::Shell, Some("[]"), "cron lines of the database superuser, without a user field"),
        on("pg_replication_username", Fleet, Kind::Identifier, Some("\"replicator\""), "name of the replication user"),
        on("pg_replication_password", Fleet, Kind::Secret, None, "password of the replication user"),
        on("pg_admin_username", Fleet, Kind::Identifier, Some("\"dbuser_dba\""), "name of the administrator"),
        on("pg_admin_password", Fleet, Kind::Secret, None, "password of the administrator"),
        on("pg_monitor_username", Fleet, Kind::Identifier, Some("\"dbuser_monitor\""), "name of the monitoring user"),
        on("pg_monitor_password", Fleet, Kind::Secret, None, "password of the monitoring user"),
        on("pg_dbsu_password", Cluster, Kind::Secret, Some("\"\""), "password of the database superuser; empty: none, local login only"),
    ],
};

/// Installation.
#[rustfmt::skip]
pub(crate) static INSTALL: Module = Module {
    name: "pg-install",
    about: "packages, operating system user and directories of PostgreSQL",
    parameters: &[
        on("pg_version", Cluster, Kind::Int { min: 13, max: 18 }, Some("17"), "major version of PostgreSQL (18 in Pigsty 4.5)"),
        on("pg_dbsu", Cluster, Kind::Identifier, Some("\"postgres\""), "operating system user that runs PostgreSQL; a cluster that has data keeps the one it has"),
        off("pg_dbsu_uid", Cluster, COUNT, Some("26"), "its number; the package decides"),
        on("pg_dbsu_sudo", Cluster, SUDO, Some("\"limit\""), "its sudo privilege"),
        off("pg_dbsu_home", Cluster, Kind::Path, Some("\"/var/lib/pgsql\""), "its home directory; the package decides"),
        off("pg_dbsu_ssh_exchange", Cluster, Kind::Bool, Some("true"), "let it log in between the nodes of the cluster"),
        on("pg_bin_dir", Cluster, Kind::Path, Some("\"/usr/pgsql/bin\""), "link to the server's programs"),
        on("pg_packages", Cluster, Kind::Words, Some("[\"pgsql-main pgsql-common\"]"), "packages; names beginning with `pgsql-` stand for what the catalogue knows"),
        on("pg_extensions", Cluster, Kind::Words, Some("[]"), "extensions to install"),
        on("pg_data", Cluster, Kind::Path, Some("\"/pg/data\""), "data directory"),
        on("pg_fs_main", Cluster, Kind::Path, Some("\"/data/postgres\""), "main disk"),
        on("pg_fs_backup", Cluster, Kind::Path, Some("\"/data/backups\""), "backup disk"),
        on("pg_storage_type", Cluster, Kind::OneOf(&["SSD", "HDD"]), Some("\"SSD\""), "kind of the main disk"),
        off("pg_dummy_filesize", Cluster, Kind::Text, Some("\"64MiB\""), "size of a file to delete when the disk is full"),
        on("pg_listen", Cluster, Kind::Words, Some("\"0.0.0.0\""), "addresses to listen on; `${ip}`, `${vip}` and `${lo}` are known"),
        on("pg_port", Cluster, PORT, Some("5432"), "port of PostgreSQL; a running cluster keeps the one it has"),
        on("pg_localhost", Cluster, Kind::Path, Some("\"/var/run/postgresql\""), "directory of the Unix socket"),
        on("pg_namespace", Fleet, Kind::Path, Some("\"/pg\""), "prefix of the keys in etcd; clusters that have data keep the one they have"),
    ],
};

/// Bootstrap and high availability.
#[rustfmt::skip]
pub(crate) static BOOTSTRAP: Module = Module {
    name: "pg-bootstrap",
    about: "Patroni, tuning, recovery and durability of a cluster",
    parameters: &[
        on("patroni_enabled", Cluster, Kind::Bool, Some("true"), "run PostgreSQL under Patroni; always so"),
        on("patroni_mode", Cluster, Kind::OneOf(&["default", "pause", "remove"]), Some("\"default\""), "`pause` starts the cluster with failover paused"),
        on("patroni_port", Fleet, PORT, Some("8008"), "port of Patroni's REST API"),
        on("patroni_ssl_enabled", Fleet, Kind::Bool, Some("true"), "TLS on Patroni's REST API (false in Pigsty 4.5)"),
        on("patroni_username", Fleet, Kind::Identifier, Some("\"postgres\""), "name for Patroni's REST API"),
        on("patroni_password", Fleet, Kind::Secret, None, "password for Patroni's REST API"),
        off("patroni_log_dir", Fleet, Kind::Path, Some("\"/pg/log/patroni\""), "directory of Patroni's log"),
        on("patroni_watchdog_mode", Cluster, Kind::OneOf(&["off", "automatic", "required"]), Some("\"off\""), "hardware watchdog"),
        on("pg_etcd_password", Cluster, Kind::Secret, Some("\"\""), "password of the cluster's etcd user; empty: derived"),
        off("pg_primary_db", Cluster, Kind::Identifier, Some("\"postgres\""), "database that tools connect to by default"),
        on("pg_parameters", Cluster, Kind::Pairs, Some("{}"), "settings of PostgreSQL; on a host: of that instance only"),
        off("pg_files", Cluster, Kind::AnyList, Some("[]"), "files to copy into the data directory"),
        on("pg_conf", Cluster, Kind::OneOf(&["oltp.yml", "olap.yml", "crit.yml", "tiny.yml", "oltp", "olap", "crit", "tiny"]), Some("\"oltp.yml\""), "tuning profile; `crit` waits for replicas"),
        on("pg_max_conn", Cluster, Kind::WordOrInt { word: "auto", min: 20, max: 262_143 }, Some("\"auto\""), "most connections of PostgreSQL"),
        on("pg_shared_buffer_ratio", Cluster, Kind::Number { min: 0.1, max: 0.4 }, Some("0.25"), "share of memory for shared buffers"),
        on("pg_io_method", Cluster, Kind::OneOf(&["auto", "sync", "worker", "io_uring"]), Some("\"worker\""), "how PostgreSQL 18 and newer read"),
        on("pg_rto", Cluster, Kind::Text, Some("\"norm\""), "recovery plan, a name in `pg_rto_plan`"),
        on("pg_rto_plan", Fleet, Kind::RecoveryPlans, Some(lists::RECOVERY_PLANS), "recovery plans: timings of Patroni and HAProxy"),
        on("pg_rpo", Cluster, Kind::WordOrInt { word: "quorum", min: 0, max: i64::MAX }, Some("1048576"), "bytes of WAL a replica may lack and still take over; at 0 writes wait for a chosen replica, at `quorum` for any one"),
        on("pg_libs", Cluster, Kind::Words, Some("\"pg_stat_statements, auto_explain\""), "libraries to preload, in order"),
        on("pg_delay", Instance, Kind::Text, Some("0"), "how long a replica, or a standby cluster, waits before it replays a change, such as `1h`"),
        on("pg_checksum", Cluster, Kind::Bool, Some("true"), "data checksums; counts only when the cluster is made"),
        on("pg_pwd_enc", Cluster, Kind::OneOf(&["scram-sha-256", "md5"]), Some("\"scram-sha-256\""), "how passwords are stored"),
        on("pg_encoding", Cluster, Kind::Text, Some("\"UTF8\""), "encoding; counts only when the cluster is made"),
        on("pg_locale", Cluster, Kind::Text, Some("\"C\""), "locale; counts only when the cluster is made"),
        on("pg_lc_collate", Cluster, Kind::Text, Some("\"C\""), "collation order; counts only when the cluster is made"),
        on("pg_lc_ctype", Cluster, Kind::Text, Some("\"C\""), "character classes; counts only when the cluster is made"),
        off("pg_log_dir", Fleet, Kind::Path, Some("\"/pg/log/postgres\""), "directory of PostgreSQL's log"),
        on("pg_safeguard", Cluster, Kind::Bool, Some("false"), "refuse removal"),
        off("pg_rm_data", Cluster, Kind::Bool, Some("true"), "delete data on removal"),
        off("pg_rm_backup", Cluster, Kind::Bool, Some("true"), "delete backups on removal"),
        off("pg_rm_pkg", Cluster, Kind::Bool, Some("true"), "remove packages on removal"),
        off("pgsodium_key", Cluster, Kind::Secret, None, "root key of pgsodium"),
        off("pgsodium_getkey_script", Cluster, Kind::Text, None, "script that prints the root key of pgsodium"),
    ],
};

/// Roles, privileges, extensions.
#[rustfmt::skip]
pub(crate) static PROVISION: Module = Module {
    name: "pg-provision",
    about: "the role model and what every database begins with",
    parameters: &[
        on("pg_provision", Cluster, Kind::Bool, Some("true"), "create roles and databases"),
        off("pg_init", Cluster, Kind::Text, Some("\"pg-init\""), "script run after bootstrap"),
        on("pg_default_roles", Fleet, Kind::Entries(&USER), Some(lists::ROLES), "system roles and users"),
        on("pg_default_privileges", Fleet, Kind::Texts, Some(lists::PRIVILEGES), "default privileges in every database"),
        on("pg_default_schemas", Fleet, Kind::Words, Some("[\"monitor\"]"), "schemas of every database"),
        on("pg_default_extensions", Fleet, Kind::Entries(&EXTENSION), Some(lists::EXTENSIONS), "extensions of every database"),
        on("pg_reload", Cluster, Kind::Bool, Some("true"), "reload services after a change"),
        on("pg_default_hba_rules", Fleet, Kind::Entries(&HBA_RULE), Some(lists::HBA), "access rules of PostgreSQL in every cluster"),
        on("pgb_default_hba_rules", Fleet, Kind::Entries(&HBA_RULE), Some(lists::POOL_HBA), "access rules of PgBouncer in every cluster"),
    ],
};

/// Pooler, services, virtual IP.
#[rustfmt::skip]
pub(crate) static ACCESS: Module = Module {
    name: "pg-access",
    about: "PgBouncer, services, virtual IP and DNS of a cluster",
    parameters: &[
        on("pgbouncer_enabled", Cluster, Kind::Bool, Some("true"), "run PgBouncer beside each instance; where it ran, `apply --restart` stops it"),
        on("pgbouncer_port", Cluster, PORT, Some("6432"), "port of PgBouncer"),
        off("pgbouncer_log_dir", Fleet, Kind::Path, Some("\"/pg/log/pgbouncer\""), "directory of PgBouncer's log"),
        on("pgbouncer_auth_query", Cluster, Kind::Bool, Some("false"), "ask the database about users that are not in the user list"),
        on("pgbouncer_poolmode", Cluster, POOL_MODE, Some("\"transaction\""), "pool mode"),
        on("pgbouncer_sslmode", Cluster, Kind::OneOf(&["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]), Some("\"prefer\""), "TLS towards clients (disable in Pigsty 4.5)"),
        on("pgbouncer_ignore_param", Cluster, Kind::Words, Some("[\"extra_float_digits\", \"application_name\", \"TimeZone\", \"DateStyle\", \"IntervalStyle\", \"search_path\"]"), "startup parameters that PgBouncer takes from clients and throws away, where it does not keep them itself"),
        off("pg_service_provider", Cluster, Kind::Text, Some("\"\""), "group of nodes whose HAProxy serves this cluster; empty: its own nodes"),
        on("pg_default_service_dest", Cluster, Kind::OneOf(&["pgbouncer", "postgres"]), Some("\"pgbouncer\""), "where services with `dest: default` lead"),
        on("pg_default_services", Fleet, Kind::Entries(&SERVICE), Some(lists::SERVICES), "services of every cluster"),
        on("pg_vip_enabled", Cluster, Kind::Bool, Some("false"), "a virtual IP that follows the primary"),
        on("pg_vip_address", Cluster, Kind::Network, Some("\"127.0.0.1/24\""), "that address, with prefix length"),
        on("pg_vip_interface", Cluster, Kind::Text, Some("\"auto\""), "its interface; `auto` finds the one with the node's address"),
        off("pg_dns_suffix", Cluster, Kind::Text, Some("\"\""), "suffix of the cluster's DNS name"),
        off("pg_dns_target", Cluster, Kind::Text, Some("\"auto\""), "what the cluster's DNS name stands for"),
    ],
};
