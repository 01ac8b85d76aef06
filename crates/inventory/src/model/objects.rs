//! Roles and databases.

use std::collections::BTreeMap;

use sty_core::Secret;

/// Whether something declared should exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Presence {
    /// It should exist.
    #[default]
    Present,
    /// It should not exist.
    Absent,
}

/// A role.
#[derive(Debug, Clone)]
pub struct Role {
    /// Name.
    pub name: String,
    /// `state`.
    pub state: Presence,
    /// Password: plain text, or a finished `SCRAM-SHA-256$...` or `md5...` secret.
    pub password: Option<Secret<String>>,
    /// May log in.
    pub login: bool,
    /// Superuser.
    pub superuser: bool,
    /// May create databases.
    pub createdb: bool,
    /// May create roles.
    pub createrole: bool,
    /// Inherits the privileges of the roles it is a member of.
    pub inherit: bool,
    /// May replicate.
    pub replication: bool,
    /// Bypasses row level security.
    pub bypassrls: bool,
    /// Connection limit; -1 for none.
    pub connection_limit: i32,
    /// `expire_at`: last valid day, `YYYY-MM-DD` or a timestamp.
    pub expire_at: Option<String>,
    /// `expire_in`: days counted from the day the role is created.
    pub expire_in_days: Option<u32>,
    /// Roles it is a member of.
    pub roles: Vec<Membership>,
    /// Settings (`ALTER ROLE ... SET`).
    pub parameters: BTreeMap<String, String>,
    /// Comment.
    pub comment: Option<String>,
    /// May log in through PgBouncer.
    pub pgbouncer: bool,
    /// PgBouncer pool mode of this user.
    pub pool_mode: Option<String>,
    /// PgBouncer connection limit of this user.
    pub pool_connlimit: Option<u32>,
    /// From `pg_default_roles`: created before business users, never dropped.
    pub system: bool,
}

/// Membership in another role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The role it belongs to.
    pub role: String,
    /// Whether it should.
    pub state: Presence,
    /// May grant it on.
    pub admin: bool,
    /// Has its privileges without `SET ROLE`; `None` leaves that to the member. PostgreSQL 16.
    pub inherit: Option<bool>,
    /// May become it by `SET ROLE`; `None` leaves PostgreSQL's default. PostgreSQL 16.
    pub set: Option<bool>,
}

/// A database.
#[derive(Debug, Clone)]
pub struct Database {
    /// Name.
    pub name: String,
    /// `state`; `recreate` is an error of `check`: destruction is a verb of its own.
    pub state: Presence,
    /// Owner; the database superuser when not given.
    pub owner: Option<String>,
    /// Template.
    pub template: Option<String>,
    /// Creation strategy, `WAL_LOG` or `FILE_COPY`.
    pub strategy: Option<String>,
    /// Encoding.
    pub encoding: Option<String>,
    /// `locale`.
    pub locale: Option<String>,
    /// `lc_collate`.
    pub lc_collate: Option<String>,
    /// `lc_ctype`.
    pub lc_ctype: Option<String>,
    /// `libc`, `icu` or `builtin`.
    pub locale_provider: Option<String>,
    /// `icu_locale`.
    pub icu_locale: Option<String>,
    /// `icu_rules`.
    pub icu_rules: Option<String>,
    /// `builtin_locale`.
    pub builtin_locale: Option<String>,
    /// Usable as a template by anyone.
    pub is_template: bool,
    /// Accepts connections.
    pub allow_connections: bool,
    /// Only owner, replication, monitoring and admin may connect (`revokeconn`).
    pub revoke_public_connect: bool,
    /// Tablespace.
    pub tablespace: Option<String>,
    /// Connection limit; -1 for none.
    pub connection_limit: i32,
    /// SQL file run once, right after creation; path as written.
    pub baseline: Option<Baseline>,
    /// Schemas.
    pub schemas: Vec<Schema>,
    /// Extensions.
    pub extensions: Vec<Extension>,
    /// Settings (`ALTER DATABASE ... SET`).
    pub parameters: BTreeMap<String, String>,
    /// Comment.
    pub comment: Option<String>,
    /// Reachable through PgBouncer.
    pub pgbouncer: bool,
    /// PgBouncer pool settings.
    pub pool: PoolSettings,
}

/// A baseline SQL file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// Path as written.
    pub path: String,
    /// Its text.
    pub sql: String,
}

/// PgBouncer settings of one database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolSettings {
    /// `pool_mode`.
    pub mode: Option<String>,
    /// `pool_size`: server connections per user.
    pub size: Option<u32>,
    /// `pool_size_min`.
    pub min_size: Option<u32>,
    /// `pool_reserve`.
    pub reserve: Option<u32>,
    /// `pool_connlimit`: server connections altogether.
    pub max_connections: Option<u32>,
    /// `pool_auth_user`: user that looks up others (`auth_query`).
    pub auth_user: Option<String>,
}

/// A schema of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Name.
    pub name: String,
    /// Owner; the database's when not given.
    pub owner: Option<String>,
    /// Whether it should exist.
    pub state: Presence,
}

/// An extension of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Name.
    pub name: String,
    /// Schema; the extension's own choice when not given.
    pub schema: Option<String>,
    /// Version; the newest installed when not given.
    pub version: Option<String>,
    /// Whether it should exist.
    pub state: Presence,
}
