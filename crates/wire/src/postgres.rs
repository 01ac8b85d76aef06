//! Roles and databases as they should be, in PostgreSQL's own terms.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sty_core::{Objects, Secret};

/// A role as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSpec {
    /// Name.
    pub name: String,
    /// Should not exist. What it owns goes to the database superuser; its privileges go. Where
    /// something depends on it, dropping it is destructive and wants its own confirmation.
    pub absent: bool,
    /// Databases that should not exist either: what an absent role has there goes with them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub going: BTreeSet<String>,
    /// Roles that should not exist either: that they lose their membership in an absent one takes
    /// nothing from them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub leaving: BTreeSet<String>,
    /// `PASSWORD`.
    pub password: Password,
    /// `LOGIN`.
    pub login: bool,
    /// `SUPERUSER`.
    pub superuser: bool,
    /// `CREATEDB`.
    pub createdb: bool,
    /// `CREATEROLE`.
    pub createrole: bool,
    /// `INHERIT`.
    pub inherit: bool,
    /// `REPLICATION`.
    pub replication: bool,
    /// `BYPASSRLS`.
    pub bypassrls: bool,
    /// `CONNECTION LIMIT`; -1 for none.
    pub connection_limit: i32,
    /// `VALID UNTIL`.
    pub valid_until: Expiry,
    /// Roles it should be a member of. Memberships not listed stay, save those in predefined roles
    /// (`pg_monitor`).
    pub member_of: BTreeMap<String, MembershipOptions>,
    /// Roles it should not be a member of.
    pub not_member_of: Vec<String>,
    /// `ALTER ROLE ... SET`, all of them: settings not listed are reset.
    pub parameters: BTreeMap<String, String>,
    /// Comment; `None` leaves it alone.
    pub comment: Option<String>,
    /// Functions that the role may execute although the public may not, `pg_read_binary_file(text)`.
    pub execute: Vec<String>,
}

/// What the password of a role should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Password {
    /// Whatever it is.
    Any,
    /// None, so that nobody comes in by one.
    None,
    /// `rolpassword` as it is stored: `SCRAM-SHA-256$...`, `md5...`.
    Stored(Secret<String>),
}

impl RoleSpec {
    /// What `CREATE ROLE name LOGIN` makes.
    pub fn login(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            absent: false,
            going: BTreeSet::new(),
            leaving: BTreeSet::new(),
            password: Password::Any,
            login: true,
            superuser: false,
            createdb: false,
            createrole: false,
            inherit: true,
            replication: false,
            bypassrls: false,
            connection_limit: -1,
            valid_until: Expiry::Never,
            member_of: BTreeMap::new(),
            not_member_of: Vec::new(),
            parameters: BTreeMap::new(),
            comment: None,
            execute: Vec::new(),
        }
    }
}

/// What a membership gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipOptions {
    /// May grant it on.
    pub admin: bool,
    /// Has its privileges without `SET ROLE`. Before PostgreSQL 16 that is the member's own
    /// `INHERIT`, and this is not looked at.
    pub inherit: bool,
    /// May become it by `SET ROLE`. Before PostgreSQL 16 every member may.
    pub set: bool,
}

impl Default for MembershipOptions {
    fn default() -> Self {
        Self {
            admin: false,
            inherit: true,
            set: true,
        }
    }
}

/// Until when a password is good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// For ever.
    Never,
    /// Until this time, or the end of this day, as PostgreSQL reads them.
    At(String),
    /// This many days after the day it is first set, to the end of the last; later runs leave it
    /// alone.
    AfterDays(u32),
}

/// A database as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct DatabaseSpec {
    /// Name.
    pub name: String,
    /// Should not exist. Dropping it is destructive and wants its own confirmation.
    pub absent: bool,
    /// Owner; `None` leaves it alone.
    pub owner: Option<String>,
    /// Options that only creation can set.
    pub creation: DatabaseCreation,
    /// `IS_TEMPLATE`.
    pub is_template: bool,
    /// `ALLOW_CONNECTIONS`.
    pub allow_connections: bool,
    /// `CONNECTION LIMIT`; -1 for none.
    pub connection_limit: i32,
    /// Take `CONNECT` from `PUBLIC` and give it to these roles instead.
    pub connect_only: Option<Vec<String>>,
    /// Roles that get `ALL` on the database beside its owner.
    pub grant_all_to: Vec<String>,
    /// SQL run once, right after creation: its path for messages, its text.
    pub baseline: Option<(String, String)>,
    /// Schemas.
    pub schemas: Vec<SchemaSpec>,
    /// Extensions.
    pub extensions: Vec<ExtensionSpec>,
    /// Default privileges.
    pub default_privileges: Vec<DefaultPrivilege>,
    /// `ALTER DATABASE ... SET`, all of them: settings not listed are reset.
    pub parameters: BTreeMap<String, String>,
    /// Comment; `None` leaves it alone.
    pub comment: Option<String>,
}

/// What only `CREATE DATABASE` can set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct DatabaseCreation {
    /// `TEMPLATE`.
    pub template: Option<String>,
    /// `STRATEGY`.
    pub strategy: Option<String>,
    /// `ENCODING`.
    pub encoding: Option<String>,
    /// `LOCALE`.
    pub locale: Option<String>,
    /// `LC_COLLATE`.
    pub lc_collate: Option<String>,
    /// `LC_CTYPE`.
    pub lc_ctype: Option<String>,
    /// `LOCALE_PROVIDER`.
    pub locale_provider: Option<String>,
    /// `ICU_LOCALE`.
    pub icu_locale: Option<String>,
    /// `ICU_RULES`.
    pub icu_rules: Option<String>,
    /// `BUILTIN_LOCALE`.
    pub builtin_locale: Option<String>,
    /// `TABLESPACE`.
    pub tablespace: Option<String>,
}

/// What only `initdb` can set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct ClusterCreation {
    /// Data checksums.
    pub checksums: bool,
    /// Encoding.
    pub encoding: String,
    /// Locale of messages, money, numbers and times.
    pub locale: String,
    /// Collation order.
    pub lc_collate: String,
    /// Character classes.
    pub lc_ctype: String,
}

/// A schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaSpec {
    /// Name.
    pub name: String,
    /// Owner; `None` leaves it alone.
    pub owner: Option<String>,
    /// Should not exist; dropped only when empty.
    pub absent: bool,
    /// Roles with `USAGE`, when it is made by `sty`.
    pub usage_to: Vec<String>,
}

/// An extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionSpec {
    /// Name.
    pub name: String,
    /// Schema.
    pub schema: Option<String>,
    /// Version; `None` for any.
    pub version: Option<String>,
    /// Should not exist.
    pub absent: bool,
}

/// `ALTER DEFAULT PRIVILEGES FOR ROLE creator GRANT privilege ON objects TO grantee`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultPrivilege {
    /// Who creates the objects.
    pub creator: String,
    /// `SELECT`, `USAGE`, ...
    pub privilege: String,
    /// On what.
    pub objects: Objects,
    /// Who gets it.
    pub grantee: String,
}
