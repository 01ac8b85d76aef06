//! Parameters of modules that have no effect yet.

use super::Level::{Cluster, Fleet, Host, Instance};
use super::kind::{COUNT, Kind, PORT};
use super::{Module, off};

/// Metrics and logs of nodes.
#[rustfmt::skip]
pub(crate) static NODE_MONITOR: Module = Module {
    name: "node-monitor",
    about: "metrics and logs of nodes",
    parameters: &[
        off("node_exporter_enabled", Cluster, Kind::Bool, Some("true"), "export metrics of the node"),
        off("node_exporter_port", Cluster, PORT, Some("9100"), "port of those metrics"),
        off("node_exporter_options", Cluster, Kind::Text, Some("\"--no-collector.softnet --no-collector.nvme --collector.tcpstat --collector.processes\""), "command line options"),
        off("exporter_metrics_path", Fleet, Kind::Text, Some("\"/metrics\""), "path that metrics are served under"),
        off("vector_enabled", Cluster, Kind::Bool, Some("true"), "collect logs"),
        off("vector_clean", Cluster, Kind::Bool, Some("false"), "forget what was collected"),
        off("vector_data", Cluster, Kind::Path, Some("\"/data/vector\""), "data directory of the log collector"),
        off("vector_port", Cluster, PORT, Some("9598"), "port of the log collector's metrics"),
        off("vector_read_from", Cluster, Kind::OneOf(&["beginning", "end"]), Some("\"beginning\""), "where reading of a log begins"),
        off("vector_log_endpoint", Cluster, Kind::AnyList, Some("[\"infra\"]"), "where logs are sent to"),
    ],
};

/// Backups.
#[rustfmt::skip]
pub(crate) static BACKUP: Module = Module {
    name: "pg-backup",
    about: "backups by pgBackRest",
    parameters: &[
        off("pgbackrest_enabled", Cluster, Kind::Bool, Some("true"), "back the cluster up"),
        off("pgbackrest_log_dir", Fleet, Kind::Path, Some("\"/pg/log/pgbackrest\""), "directory of its log"),
        off("pgbackrest_method", Cluster, Kind::Text, Some("\"local\""), "repository to use, a name in `pgbackrest_repo`"),
        off("pgbackrest_init_backup", Cluster, Kind::Bool, Some("true"), "make a full backup after bootstrap"),
        off("pgbackrest_repo", Fleet, Kind::AnyMap, Some("{\"local\": {\"path\": \"/pg/backup\", \"retention_full_type\": \"count\", \"retention_full\": 2}}"), "repositories by name"),
    ],
};

/// Metrics of PostgreSQL.
#[rustfmt::skip]
pub(crate) static PG_MONITOR: Module = Module {
    name: "pg-monitor",
    about: "metrics of PostgreSQL, PgBouncer and backups",
    parameters: &[
        off("pg_exporter_enabled", Cluster, Kind::Bool, Some("true"), "export metrics of PostgreSQL"),
        off("pg_exporter_port", Cluster, PORT, Some("9630"), "port of those metrics"),
        off("pg_exporter_config", Cluster, Kind::Text, Some("\"pg_exporter.yml\""), "collector definitions"),
        off("pg_exporter_cache_ttls", Cluster, Kind::Text, Some("\"1,10,60,300\""), "seconds that four classes of results stay cached"),
        off("pg_exporter_params", Cluster, Kind::Text, Some("\"sslmode=disable\""), "more connection parameters"),
        off("pg_exporter_url", Cluster, Kind::Secret, Some("\"\""), "connection string instead of the derived one"),
        off("pg_exporter_auto_discovery", Cluster, Kind::Bool, Some("true"), "watch every database"),
        off("pg_exporter_exclude_database", Cluster, Kind::Words, Some("\"template0,template1,postgres\""), "databases not watched"),
        off("pg_exporter_include_database", Cluster, Kind::Words, Some("\"\""), "databases watched; empty: all"),
        off("pg_exporter_connect_timeout", Cluster, COUNT, Some("200"), "milliseconds to connect"),
        off("pg_exporter_options", Cluster, Kind::Text, Some("\"\""), "command line options"),
        off("pgbouncer_exporter_enabled", Cluster, Kind::Bool, Some("true"), "export metrics of PgBouncer"),
        off("pgbouncer_exporter_port", Cluster, PORT, Some("9631"), "port of those metrics"),
        off("pgbouncer_exporter_url", Cluster, Kind::Secret, Some("\"\""), "connection string instead of the derived one"),
        off("pgbouncer_exporter_options", Cluster, Kind::Text, Some("\"\""), "command line options"),
        off("pgbackrest_exporter_enabled", Cluster, Kind::Bool, Some("true"), "export metrics of backups"),
        off("pgbackrest_exporter_port", Cluster, PORT, Some("9854"), "port of those metrics"),
        off("pgbackrest_exporter_options", Cluster, Kind::Text, Some("\"--collect.interval=120 --log.level=info\""), "command line options"),
        off("clsname", Cluster, Kind::Text, Some("\"\""), "cluster name for remote databases that are only watched"),
        off("pg_exporters", Host, Kind::AnyMap, None, "remote databases that are only watched, by local port"),
    ],
};

/// One-off work.
#[rustfmt::skip]
pub(crate) static PG_TASKS: Module = Module {
    name: "pg-tasks",
    about: "recovery to a point in time and migration from elsewhere",
    parameters: &[
        off("pg_pitr", Cluster, Kind::Any, None, "target of a recovery to a point in time"),
        off("context_dir", Fleet, Kind::Text, Some("\"~/migration\""), "directory for migration scripts"),
        off("src_cls", Fleet, Kind::Text, None, "source cluster of a migration"),
        off("src_db", Fleet, Kind::Text, None, "source database"),
        off("src_ip", Fleet, Kind::Text, None, "address of the source's primary"),
        off("src_list", Fleet, Kind::AnyList, None, "addresses of the source's members"),
        off("src_dns", Fleet, Kind::Text, None, "DNS name of the source"),
        off("src_vip", Fleet, Kind::Text, None, "virtual IP of the source"),
        off("src_pg", Fleet, Kind::Secret, None, "connection string of the source"),
        off("sub_conn", Fleet, Kind::Secret, None, "connection string of the subscription"),
        off("dst_cls", Fleet, Kind::Text, None, "target cluster of a migration"),
        off("dst_db", Fleet, Kind::Text, None, "target database"),
        off("dst_ip", Fleet, Kind::Text, None, "address of the target's primary"),
        off("dst_dns", Fleet, Kind::Text, None, "DNS name of the target"),
        off("dst_vip", Fleet, Kind::Text, None, "virtual IP of the target"),
        off("dst_user", Fleet, Kind::Text, None, "user of the target"),
        off("dst_pg", Fleet, Kind::Secret, None, "connection string of the target"),
    ],
};

/// Object storage.
#[rustfmt::skip]
pub(crate) static MINIO: Module = Module {
    name: "minio",
    about: "S3 object storage",
    parameters: &[
        off("minio_seq", Instance, COUNT, None, "number of a node, unique in the cluster"),
        off("minio_cluster", Cluster, Kind::ClusterName, None, "name of the cluster"),
        off("minio_type", Cluster, Kind::Text, Some("\"silo\""), "which server is used"),
        off("minio_user", Cluster, Kind::Identifier, Some("\"minio\""), "operating system user"),
        off("minio_https", Cluster, Kind::Bool, Some("true"), "TLS"),
        off("minio_node", Cluster, Kind::Text, Some("\"${minio_cluster}-${minio_seq}.pigsty\""), "pattern of node names"),
        off("minio_data", Cluster, Kind::Text, Some("\"/data/minio\""), "data directories, with `{1...4}` for several"),
        off("minio_volumes", Cluster, Kind::Text, None, "volumes instead of the derived ones"),
        off("minio_domain", Fleet, Kind::Text, Some("\"sss.pigsty\""), "domain name"),
        off("minio_endpoint", Fleet, Kind::Text, None, "URL instead of the derived one"),
        off("minio_port", Cluster, PORT, Some("9000"), "port of the service"),
        off("minio_admin_port", Cluster, PORT, Some("9001"), "port of the console"),
        off("minio_access_key", Fleet, Kind::Text, Some("\"minioadmin\""), "name of the root user"),
        off("minio_secret_key", Fleet, Kind::Secret, None, "password of the root user"),
        off("minio_extra_vars", Cluster, Kind::Text, Some("\"\""), "more environment"),
        off("minio_provision", Cluster, Kind::Bool, Some("true"), "create buckets and users"),
        off("minio_alias", Fleet, Kind::Text, Some("\"sss\""), "name for the command line client"),
        off("minio_buckets", Cluster, Kind::AnyList, Some("[{\"name\": \"pgsql\"}, {\"name\": \"meta\", \"versioning\": true}, {\"name\": \"data\"}]"), "buckets"),
        off("minio_users", Cluster, Kind::AnyList, Some("[]"), "users"),
        off("minio_safeguard", Cluster, Kind::Bool, Some("false"), "refuse removal"),
        off("minio_rm_data", Cluster, Kind::Bool, Some("true"), "delete data on removal"),
        off("minio_rm_pkg", Cluster, Kind::Bool, Some("false"), "remove packages on removal"),
    ],
};

/// Redis.
#[rustfmt::skip]
pub(crate) static REDIS: Module = Module {
    name: "redis",
    about: "Redis instances",
    parameters: &[
        off("redis_cluster", Cluster, Kind::ClusterName, None, "name of the cluster"),
        off("redis_node", Instance, COUNT, None, "number of a node, unique in the cluster"),
        off("redis_instances", Instance, Kind::AnyMap, None, "instances of a node, by port"),
        off("redis_fs_main", Cluster, Kind::Path, Some("\"/data/redis\""), "data directory"),
        off("redis_exporter_enabled", Cluster, Kind::Bool, Some("true"), "export metrics"),
        off("redis_exporter_port", Cluster, PORT, Some("9121"), "port of those metrics"),
        off("redis_exporter_options", Cluster, Kind::Text, Some("\"\""), "command line options"),
        off("redis_type", Cluster, Kind::Text, Some("\"redis\""), "which server is used"),
        off("redis_mode", Cluster, Kind::OneOf(&["standalone", "cluster", "sentinel"]), Some("\"standalone\""), "mode"),
        off("redis_conf", Cluster, Kind::Text, Some("\"redis.conf\""), "configuration template"),
        off("redis_bind_address", Cluster, Kind::Text, Some("\"0.0.0.0\""), "address to listen on"),
        off("redis_max_memory", Cluster, Kind::Text, Some("\"1GB\""), "memory per instance"),
        off("redis_mem_policy", Cluster, Kind::Text, Some("\"allkeys-lru\""), "what to evict"),
        off("redis_password", Cluster, Kind::Secret, Some("\"\""), "password; empty: none"),
        off("redis_rdb_save", Cluster, Kind::AnyList, Some("[\"1200 1\"]"), "when snapshots are taken"),
        off("redis_aof_enabled", Cluster, Kind::Bool, Some("false"), "append-only file"),
        off("redis_rename_commands", Cluster, Kind::AnyMap, Some("{}"), "renamed commands"),
        off("redis_cluster_replicas", Cluster, COUNT, Some("1"), "replicas per master"),
        off("redis_sentinel_monitor", Cluster, Kind::AnyList, Some("[]"), "what sentinels watch"),
        off("redis_safeguard", Cluster, Kind::Bool, Some("false"), "refuse removal"),
        off("redis_rm_data", Cluster, Kind::Bool, Some("true"), "delete data on removal"),
        off("redis_rm_pkg", Cluster, Kind::Bool, Some("false"), "remove packages on removal"),
    ],
};

/// Containers.
#[rustfmt::skip]
pub(crate) static DOCKER: Module = Module {
    name: "docker",
    about: "Docker on nodes, for applications without state",
    parameters: &[
        off("docker_enabled", Cluster, Kind::Bool, Some("false"), "install Docker"),
        off("docker_data", Cluster, Kind::Path, Some("\"/data/docker\""), "data directory"),
        off("docker_storage_driver", Cluster, Kind::Text, Some("\"overlay2\""), "storage driver"),
        off("docker_cgroups_driver", Cluster, Kind::Text, Some("\"systemd\""), "cgroup driver"),
        off("docker_registry_mirrors", Cluster, Kind::AnyList, Some("[]"), "registry mirrors"),
        off("docker_exporter_port", Cluster, PORT, Some("9323"), "port of its metrics"),
        off("docker_image", Cluster, Kind::AnyList, Some("[]"), "images to pull"),
        off("docker_image_cache", Cluster, Kind::Text, Some("\"/tmp/docker/*.tgz\""), "image archives to load"),
        off("juice_cache", Cluster, Kind::Path, Some("\"/data/juice\""), "cache directory of JuiceFS"),
        off("juice_instances", Cluster, Kind::AnyMap, Some("{}"), "JuiceFS file systems"),
    ],
};

/// Development tools.
#[rustfmt::skip]
pub(crate) static VIBE: Module = Module {
    name: "vibe",
    about: "editors, notebooks and coding tools in the browser",
    parameters: &[
        off("vibe_data", Cluster, Kind::Path, Some("\"/fs\""), "work directory"),
        off("code_enabled", Cluster, Kind::Bool, Some("true"), "run the editor"),
        off("code_port", Cluster, PORT, Some("8443"), "its port"),
        off("code_data", Cluster, Kind::Path, Some("\"/data/code\""), "its data directory"),
        off("code_password", Cluster, Kind::Secret, None, "its password"),
        off("code_gallery", Cluster, Kind::Text, Some("\"openvsx\""), "where its extensions come from"),
        off("jupyter_enabled", Cluster, Kind::Bool, Some("false"), "run notebooks"),
        off("jupyter_port", Cluster, PORT, Some("8888"), "their port"),
        off("jupyter_data", Cluster, Kind::Path, Some("\"/data/jupyter\""), "their data directory"),
        off("jupyter_password", Cluster, Kind::Secret, None, "their password"),
        off("jupyter_venv", Cluster, Kind::Path, Some("\"/data/venv\""), "their Python environment"),
        off("nodejs_enabled", Cluster, Kind::Bool, Some("true"), "install Node.js"),
        off("nodejs_registry", Cluster, Kind::Text, Some("\"\""), "its package registry"),
        off("npm_packages", Cluster, Kind::Words, Some("[]"), "its packages"),
        off("claude_enabled", Cluster, Kind::Bool, Some("true"), "install Claude Code"),
        off("claude_package", Cluster, Kind::Text, Some("\"@anthropic-ai/claude-code\""), "its package"),
        off("claude_env", Cluster, Kind::AnyMap, Some("{}"), "its environment"),
        off("codex_enabled", Cluster, Kind::Bool, Some("true"), "install Codex"),
    ],
};

/// Applications.
#[rustfmt::skip]
pub(crate) static APPS: Module = Module {
    name: "apps",
    about: "applications beside the database, and exporters of other systems",
    parameters: &[
        off("app", Cluster, Kind::Text, None, "application to launch"),
        off("apps", Cluster, Kind::AnyMap, None, "applications by name"),
        off("supa_cluster", Cluster, Kind::Text, None, "name of a Supabase group"),
        off("supa_seq", Instance, COUNT, None, "number of a Supabase node"),
        off("supa_config", Cluster, Kind::AnyMap, None, "settings of Supabase"),
        off("kafka_exporter_port", Cluster, PORT, Some("9308"), "port of Kafka's metrics"),
        off("kafka_jmx_exporter_port", Cluster, PORT, Some("9404"), "port of Kafka's JVM metrics"),
    ],
};
