//! Fields of users, databases, services, HBA rules and other list entries.

use super::kind::{COUNT, Entry, Field, Kind, PORT};

const fn need(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field {
        name,
        kind,
        required: true,
        effective: true,
        about,
    }
}

const fn may(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field {
        name,
        kind,
        required: false,
        effective: true,
        about,
    }
}

const fn idle(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field {
        name,
        kind,
        required: false,
        effective: false,
        about,
    }
}

const STATE: Kind = Kind::OneOf(&["create", "present", "absent"]);
pub(crate) const POOL_MODE: Kind = Kind::OneOf(&["session", "transaction", "statement"]);
const LIMIT: Kind = Kind::Int {
    min: -1,
    max: 262_143,
};
pub(crate) const BALANCE: &[&str] = &[
    "roundrobin",
    "static-rr",
    "leastconn",
    "first",
    "source",
    "random",
];

/// Membership in a role.
#[rustfmt::skip]
pub(crate) static MEMBERSHIP: Entry = Entry {
    noun: "membership",
    short: Some("name"),
    fields: &[
        need("name", Kind::Identifier, "the role it becomes a member of"),
        may("state", Kind::OneOf(&["grant", "create", "present", "revoke", "absent"]), "`absent` and `revoke` take the membership away"),
        may("admin", Kind::Bool, "may pass the membership on"),
        may("inherit", Kind::Bool, "has its privileges without `SET ROLE`; as the user's own `inherit` if unset (PostgreSQL 16)"),
        may("set", Kind::Bool, "may become it by `SET ROLE`; true if unset (PostgreSQL 16)"),
    ],
};

/// `pg_users` and `pg_default_roles`.
#[rustfmt::skip]
pub(crate) static USER: Entry = Entry {
    noun: "user",
    short: None,
    fields: &[
        need("name", Kind::Identifier, "name of the role"),
        may("state", STATE, "`absent` removes the role"),
        may("password", Kind::Secret, "plain text, or a finished `SCRAM-SHA-256$` or `md5` secret"),
        may("login", Kind::Bool, "may log in; true if unset"),
        may("superuser", Kind::Bool, "is superuser"),
        may("createdb", Kind::Bool, "may create databases"),
        may("createrole", Kind::Bool, "may create roles"),
        may("inherit", Kind::Bool, "has the privileges of the roles it belongs to; true if unset"),
        may("replication", Kind::Bool, "may replicate"),
        may("bypassrls", Kind::Bool, "is not bound by row level security"),
        may("connlimit", LIMIT, "most connections at once; -1 for any number"),
        may("expire_in", Kind::Int { min: 1, max: 36_500 }, "days that the password stays valid after the day it is first set"),
        may("expire_at", Kind::Text, "last day the password is valid, `YYYY-MM-DD`; with a time behind it, the moment it ends"),
        may("comment", Kind::Text, "comment on the role"),
        may("roles", Kind::Entries(&MEMBERSHIP), "roles it belongs to"),
        may("parameters", Kind::Pairs, "settings for its sessions"),
        may("pgbouncer", Kind::Bool, "may log in through PgBouncer"),
        may("pool_mode", POOL_MODE, "pool mode for this user"),
        may("pool_connlimit", LIMIT, "most PgBouncer server connections of this user; -1 for any number"),
    ],
};

/// Schemas of a database.
#[rustfmt::skip]
pub(crate) static SCHEMA: Entry = Entry {
    noun: "schema",
    short: Some("name"),
    fields: &[
        need("name", Kind::Identifier, "name of the schema"),
        may("owner", Kind::Identifier, "its owner; the database's if unset"),
        may("state", STATE, "`absent` removes it"),
    ],
};

/// Extensions of a database, and `pg_default_extensions`.
#[rustfmt::skip]
pub(crate) static EXTENSION: Entry = Entry {
    noun: "extension",
    short: Some("name"),
    fields: &[
        need("name", Kind::Text, "name of the extension"),
        may("schema", Kind::Identifier, "schema it goes to"),
        may("version", Kind::Text, "version; the newest installed if unset"),
        may("state", STATE, "`absent` drops it"),
    ],
};

/// `pg_databases`.
#[rustfmt::skip]
pub(crate) static DATABASE: Entry = Entry {
    noun: "database",
    short: None,
    fields: &[
        need("name", Kind::Identifier, "name of the database"),
        may("state", Kind::OneOf(&["create", "present", "absent", "recreate"]), "`absent` drops it; `recreate` is refused"),
        may("baseline", Kind::Text, "SQL file run once after creation, relative to the inventory"),
        may("owner", Kind::Identifier, "its owner; the database superuser if unset"),
        may("template", Kind::Identifier, "database it is copied from, when it is created"),
        may("strategy", Kind::OneOf(&["WAL_LOG", "FILE_COPY", "wal_log", "file_copy"]), "how it is copied, when it is created"),
        may("encoding", Kind::Text, "encoding; counts only at creation"),
        may("locale", Kind::Text, "locale; counts only at creation"),
        may("lc_collate", Kind::Text, "collation order; counts only at creation"),
        may("lc_ctype", Kind::Text, "character classes; counts only at creation"),
        may("locale_provider", Kind::OneOf(&["libc", "icu", "builtin"]), "where locales come from; counts only at creation"),
        may("icu_locale", Kind::Text, "ICU locale; counts only at creation"),
        may("icu_rules", Kind::Text, "more ICU collation rules; count only at creation"),
        may("builtin_locale", Kind::Text, "locale of the builtin provider; counts only at creation"),
        may("is_template", Kind::Bool, "may be copied by anyone who may create databases"),
        may("allowconn", Kind::Bool, "accepts connections; true if unset"),
        may("revokeconn", Kind::Bool, "only owner and system users may connect"),
        idle("register_datasource", Kind::Bool, "show it in Grafana"),
        may("tablespace", Kind::Identifier, "tablespace, which has to be there: `sty` makes none; counts only at creation"),
        may("connlimit", LIMIT, "most connections at once; -1 for any number"),
        may("schemas", Kind::Entries(&SCHEMA), "schemas"),
        may("extensions", Kind::Entries(&EXTENSION), "extensions"),
        may("parameters", Kind::Pairs, "settings for its sessions"),
        may("comment", Kind::Text, "comment on the database"),
        may("pgbouncer", Kind::Bool, "reachable through PgBouncer; true if unset"),
        may("pool_mode", POOL_MODE, "pool mode"),
        may("pool_size", COUNT, "server connections per user"),
        may("pool_size_min", COUNT, "server connections kept open"),
        may("pool_reserve", COUNT, "more server connections under load"),
        may("pool_size_reserve", COUNT, "older name of `pool_reserve`"),
        may("pool_connlimit", LIMIT, "most server connections altogether; -1 for any number"),
        may("pool_max_db_conn", COUNT, "older name of `pool_connlimit`"),
        may("pool_auth_user", Kind::Identifier, "user that looks up the passwords of others"),
    ],
};

/// `pg_services` and `pg_default_services`.
#[rustfmt::skip]
pub(crate) static SERVICE: Entry = Entry {
    noun: "service",
    short: None,
    fields: &[
        need("name", Kind::ClusterName, "name, unique in the cluster"),
        need("port", PORT, "port HAProxy listens on"),
        may("ip", Kind::Text, "address HAProxy listens on; `*` if unset"),
        may("dest", Kind::Text, "`default`, `postgres`, `pgbouncer` or a port"),
        may("check", Kind::Text, "path of the health check of Patroni"),
        need("selector", Kind::Text, "JMESPath over the members: who serves it"),
        may("backup", Kind::Text, "JMESPath over the members: who serves it when nobody else does"),
        may("maxconn", COUNT, "most connections per server"),
        may("balance", Kind::OneOf(BALANCE), "balance algorithm"),
        may("options", Kind::Text, "default-server options instead of the recovery plan's"),
    ],
};

/// Rules of `pg_hba_rules` and the like.
#[rustfmt::skip]
pub(crate) static HBA_RULE: Entry = Entry {
    noun: "hba rule",
    short: None,
    fields: &[
        may("user", Kind::Texts, "users, by commas: `all` (if unset), names, `+role`, placeholders; `'\"a,b\"'` is one name"),
        may("db", Kind::Texts, "databases, by commas: `all` (if unset), `replication`, names"),
        may("addr", Kind::Words, "where from: an alias such as `intra`, or a network"),
        may("auth", Kind::Text, "how: an alias such as `pwd` (if unset) or `ssl`"),
        may("title", Kind::Text, "comment above the rule"),
        may("role", Kind::OneOf(&["common", "primary", "replica", "offline"]), "instances it applies to"),
        may("order", Kind::Int { min: 0, max: 1_000_000 }, "place among the rules, by rising number"),
        may("rules", Kind::Texts, "raw lines instead of user, db, addr and auth"),
    ],
};

/// Servers of `haproxy_services`.
#[rustfmt::skip]
pub(crate) static HAPROXY_SERVER: Entry = Entry {
    noun: "server",
    short: None,
    fields: &[
        need("name", Kind::ClusterName, "name, unique in the service"),
        need("ip", Kind::Text, "address"),
        need("port", PORT, "port"),
        may("options", Kind::Text, "options after `check`"),
        may("backup", Kind::Bool, "used only when all others are down"),
    ],
};

/// `haproxy_services`.
#[rustfmt::skip]
pub(crate) static HAPROXY_SERVICE: Entry = Entry {
    noun: "haproxy service",
    short: None,
    fields: &[
        need("name", Kind::ClusterName, "name, unique on the node"),
        need("port", PORT, "port to listen on"),
        may("ip", Kind::Text, "address to listen on; `*` if unset"),
        may("protocol", Kind::OneOf(&["tcp", "http"]), "protocol; `tcp` if unset"),
        may("balance", Kind::OneOf(BALANCE), "balance algorithm; `roundrobin` if unset"),
        may("maxconn", COUNT, "most connections"),
        may("default", Kind::Text, "default-server options"),
        may("options", Kind::Texts, "more configuration lines"),
        need("servers", Kind::Entries(&HAPROXY_SERVER), "servers"),
    ],
};
