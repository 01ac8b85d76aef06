//! Defaults of the PGSQL lists: roles, privileges, extensions, HBA rules, services.

/// `pg_default_roles`; names of system users are placeholders, so that renaming one is enough.
pub(crate) const ROLES: &str = r#"[
  {"name": "dbrole_readonly", "login": false, "comment": "may read everything"},
  {"name": "dbrole_offline", "login": false, "comment": "may read through offline instances"},
  {"name": "dbrole_readwrite", "login": false, "roles": ["dbrole_readonly"], "comment": "may read and write everything"},
  {"name": "dbrole_admin", "login": false, "roles": ["pg_monitor", "dbrole_readwrite"], "comment": "may create and change objects"},
  {"name": "${dbsu}", "superuser": true, "comment": "database superuser"},
  {"name": "${repl}", "replication": true, "roles": ["pg_monitor", "dbrole_readonly"], "comment": "replication"},
  {"name": "${admin}", "superuser": true, "roles": ["dbrole_admin"], "pgbouncer": true, "pool_mode": "session", "pool_connlimit": 16, "comment": "administrator"},
  {"name": "${monitor}", "roles": ["pg_monitor", "dbrole_readonly"], "pgbouncer": true, "parameters": {"log_min_duration_statement": 1000}, "pool_mode": "session", "pool_connlimit": 8, "comment": "monitoring"}
]"#;

/// `pg_default_privileges`.
pub(crate) const PRIVILEGES: &str = r#"[
  "GRANT USAGE ON SCHEMAS TO dbrole_readonly",
  "GRANT SELECT ON TABLES TO dbrole_readonly",
  "GRANT SELECT ON SEQUENCES TO dbrole_readonly",
  "GRANT EXECUTE ON FUNCTIONS TO dbrole_readonly",
  "GRANT USAGE ON SCHEMAS TO dbrole_offline",
  "GRANT SELECT ON TABLES TO dbrole_offline",
  "GRANT SELECT ON SEQUENCES TO dbrole_offline",
  "GRANT EXECUTE ON FUNCTIONS TO dbrole_offline",
  "GRANT INSERT ON TABLES TO dbrole_readwrite",
  "GRANT UPDATE ON TABLES TO dbrole_readwrite",
  "GRANT DELETE ON TABLES TO dbrole_readwrite",
  "GRANT USAGE ON SEQUENCES TO dbrole_readwrite",
  "GRANT UPDATE ON SEQUENCES TO dbrole_readwrite",
  "GRANT TRUNCATE ON TABLES TO dbrole_admin",
  "GRANT REFERENCES ON TABLES TO dbrole_admin",
  "GRANT TRIGGER ON TABLES TO dbrole_admin",
  "GRANT CREATE ON SCHEMAS TO dbrole_admin"
]"#;

/// `pg_default_extensions`.
pub(crate) const EXTENSIONS: &str = r#"[
  {"name": "pg_stat_statements", "schema": "monitor"},
  {"name": "pgstattuple", "schema": "monitor"},
  {"name": "pg_buffercache", "schema": "monitor"},
  {"name": "pageinspect", "schema": "monitor"},
  {"name": "pg_prewarm", "schema": "monitor"},
  {"name": "pg_visibility", "schema": "monitor"},
  {"name": "pg_freespacemap", "schema": "monitor"},
  {"name": "postgres_fdw", "schema": "public"},
  {"name": "file_fdw", "schema": "public"},
  {"name": "btree_gist", "schema": "public"},
  {"name": "btree_gin", "schema": "public"},
  {"name": "pg_trgm", "schema": "public"},
  {"name": "intagg", "schema": "public"},
  {"name": "intarray", "schema": "public"},
  {"name": "pg_repack"}
]"#;

/// `pg_default_hba_rules`.
pub(crate) const HBA: &str = r#"[
  {"user": "${dbsu}", "db": "all", "addr": "local", "auth": "ident", "title": "superuser on the node itself", "order": 100},
  {"user": "${dbsu}", "db": "replication", "addr": "local", "auth": "ident", "title": "superuser replication on the node itself", "order": 150},
  {"user": "${repl}", "db": "replication", "addr": "localhost", "auth": "pwd", "title": "replication from the node itself", "order": 200},
  {"user": "${repl}", "db": "replication", "addr": "intra", "auth": "ssl", "title": "replication from the intranet", "order": 250},
  {"user": "${repl}", "db": "postgres", "addr": "intra", "auth": "ssl", "title": "replication user looks at postgres for rewind", "order": 300},
  {"user": "${monitor}", "db": "all", "addr": "localhost", "auth": "pwd", "title": "monitoring from the node itself", "order": 350},
  {"user": "${monitor}", "db": "all", "addr": "infra", "auth": "pwd", "title": "monitoring from infra nodes", "order": 400},
  {"user": "${admin}", "db": "all", "addr": "intra", "auth": "ssl", "title": "administrator from the intranet", "order": 450},
  {"user": "${admin}", "db": "all", "addr": "world", "auth": "ssl", "title": "administrator from anywhere over TLS", "order": 500},
  {"user": "+dbrole_readonly", "db": "all", "addr": "localhost", "auth": "pwd", "title": "business users through the local pooler", "order": 550},
  {"user": "+dbrole_readonly", "db": "all", "addr": "intra", "auth": "pwd", "title": "business users from the intranet", "order": 600},
  {"user": "+dbrole_offline", "db": "all", "addr": "intra", "auth": "pwd", "role": "offline", "title": "offline users from the intranet, on offline instances", "order": 650}
]"#;

/// `pgb_default_hba_rules`.
pub(crate) const POOL_HBA: &str = r#"[
  {"user": "${dbsu}", "db": "pgbouncer", "addr": "local", "auth": "peer", "title": "superuser on the node itself", "order": 100},
  {"user": "all", "db": "all", "addr": "localhost", "auth": "pwd", "title": "everyone from the node itself", "order": 150},
  {"user": "${monitor}", "db": "pgbouncer", "addr": "intra", "auth": "pwd", "title": "monitoring of the pooler from the intranet", "order": 200},
  {"user": "${monitor}", "db": "all", "addr": "world", "auth": "deny", "title": "monitoring from nowhere else", "order": 250},
  {"user": "${admin}", "db": "all", "addr": "intra", "auth": "pwd", "title": "administrator from the intranet", "order": 300},
  {"user": "${admin}", "db": "all", "addr": "world", "auth": "deny", "title": "administrator from nowhere else", "order": 350},
  {"user": "all", "db": "all", "addr": "intra", "auth": "pwd", "title": "everyone from the intranet", "order": 400}
]"#;

/// `pg_default_services`.
pub(crate) const SERVICES: &str = r#"[
  {"name": "primary", "port": 5433, "dest": "default", "check": "/primary", "selector": "[]"},
  {"name": "replica", "port": 5434, "dest": "default", "check": "/read-only", "selector": "[]", "backup": "[? pg_role == `primary` || pg_role == `offline` ]"},
  {"name": "default", "port": 5436, "dest": "postgres", "check": "/primary", "selector": "[]"},
  {"name": "offline", "port": 5438, "dest": "postgres", "check": "/replica", "selector": "[? pg_role == `offline` || pg_offline_query ]", "backup": "[? pg_role == `replica` && !pg_offline_query]"}
]"#;

/// `pg_rto_plan`: ttl, loop_wait, retry_timeout, primary_start_timeout, margin (seconds), then
/// HAProxy's inter, fastinter, downinter, rise and fall.
pub(crate) const RECOVERY_PLANS: &str = r#"{
  "fast": [20, 2, 5, 15, 5, "800ms", "400ms", "400ms", 1, 2],
  "norm": [30, 5, 10, 25, 5, "2s", "1s", "1s", 1, 3],
  "safe": [60, 10, 20, 45, 10, "3s", "1500ms", "1500ms", 1, 3],
  "wide": [120, 20, 30, 95, 15, "4s", "2s", "2s", 1, 3]
}"#;
