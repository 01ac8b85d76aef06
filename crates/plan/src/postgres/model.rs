//! What a PostgreSQL server was seen to have, as one query per server and one per database
//! return it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use sty_core::Secret;
use sty_wire::observation::Objects;

use super::database::SYSTEM;

/// Prefix of the database settings in which `sty` keeps what it must remember.
pub const OWN_SETTINGS: &str = "sty.";
/// Database setting that tells whether the baseline was run: [`BASELINE_PENDING`], or the digest
/// of what was run.
pub const BASELINE_SETTING: &str = "sty.baseline";
/// Value of [`BASELINE_SETTING`] from creation until the baseline has been run.
pub const BASELINE_PENDING: &str = "pending";

/// Settings by name, as `ALTER ... SET` stored them.
pub type Settings = BTreeMap<String, String>;

/// Roles and databases of one server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct ObservedServer {
    /// `server_version_num`, 170006.
    pub version_num: u32,
    /// Role that looked: the one that gets what dropped roles own.
    pub superuser: String,
    /// Tablespaces.
    pub tablespaces: BTreeSet<String>,
    /// What it was made with.
    #[serde(default)]
    pub creation: ServerCreation,
    /// Roles by name.
    pub roles: BTreeMap<String, ObservedRole>,
    /// Databases by name.
    pub databases: BTreeMap<String, ObservedDatabase>,
}

impl ObservedServer {
    /// What people made.
    pub fn objects(&self) -> Objects {
        let roles = self.roles.iter();
        let roles = roles.filter(|(name, role)| !role.system && **name != self.superuser);
        let databases = self.databases.keys();
        let databases = databases.filter(|name| !SYSTEM.contains(&name.as_str()));
        Objects {
            roles: roles.map(|(name, _)| name.clone()).collect(),
            databases: databases.cloned().collect(),
        }
    }

    /// Major version, 17.
    pub fn major(&self) -> u32 {
        self.version_num / 10_000
    }
}

/// What `initdb` was told, as far as that shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct ServerCreation {
    /// Data checksums.
    pub checksums: Option<bool>,
    /// Encoding.
    pub encoding: Option<String>,
    /// Locale of numbers.
    pub locale: Option<String>,
    /// Collation order.
    pub lc_collate: Option<String>,
    /// Character classes.
    pub lc_ctype: Option<String>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ObservedRole {
    /// Made by `initdb`, not by anyone.
    pub system: bool,
    /// Stored secret.
    pub password: Option<Secret<String>>,
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
    /// `CONNECTION LIMIT`.
    pub connection_limit: i32,
    /// Until when its password is good, as `2030-01-31 00:00:00+00`; `None` for ever.
    pub valid_until: Option<String>,
    /// Roles it is a member of.
    pub member_of: BTreeMap<String, Vec<Membership>>,
    /// `ALTER ROLE ... SET` in all databases.
    pub parameters: Settings,
    /// `ALTER ROLE ... IN DATABASE ... SET`, by database.
    pub parameters_in: BTreeMap<String, Settings>,
    /// Comment.
    pub comment: Option<String>,
    /// Functions of the maintenance database that it was granted to execute,
    /// `pg_read_binary_file(text)`.
    pub execute: BTreeSet<String>,
}

impl ObservedRole {
    /// What `CREATE ROLE` without options makes.
    pub fn fresh() -> Self {
        Self {
            system: false,
            password: None,
            login: false,
            superuser: false,
            createdb: false,
            createrole: false,
            inherit: true,
            replication: false,
            bypassrls: false,
            connection_limit: -1,
            valid_until: None,
            member_of: BTreeMap::new(),
            parameters: Settings::new(),
            parameters_in: BTreeMap::new(),
            comment: None,
            execute: BTreeSet::new(),
        }
    }
}

/// What depends on a role: what its end touches.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Dependents {
    /// Number of objects that it owns, by database.
    pub objects: BTreeMap<String, u64>,
    /// Databases that it owns.
    pub databases: Vec<String>,
    /// Roles that belong to it.
    pub members: Vec<String>,
    /// Number of sessions under its name, by database; those of no database under an empty name.
    pub sessions: BTreeMap<String, u64>,
}

/// One grant of membership.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Membership {
    /// Who granted it.
    pub grantor: String,
    /// May grant it on.
    pub admin: bool,
    /// Has its privileges without `SET ROLE`; `None` before PostgreSQL 16.
    #[serde(default)]
    pub inherit: Option<bool>,
    /// May become it by `SET ROLE`; `None` before PostgreSQL 16.
    #[serde(default)]
    pub set: Option<bool>,
}

/// A database, as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ObservedDatabase {
    /// Owner.
    pub owner: String,
    /// What it was made with.
    #[serde(flatten)]
    pub made: Made,
    /// `IS_TEMPLATE`.
    pub is_template: bool,
    /// `ALLOW_CONNECTIONS`.
    pub allow_connections: bool,
    /// `CONNECTION LIMIT`.
    pub connection_limit: i32,
    /// `ALTER DATABASE ... SET` for all roles.
    pub parameters: Settings,
    /// Comment.
    pub comment: Option<String>,
    /// Privileges, those that hold by default included.
    pub acl: Vec<Grant>,
}

/// What a database was made with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Made {
    /// `ENCODING`, as PostgreSQL writes it.
    pub encoding: Option<String>,
    /// `LC_COLLATE`.
    pub lc_collate: Option<String>,
    /// `LC_CTYPE`.
    pub lc_ctype: Option<String>,
    /// `LOCALE_PROVIDER` as `pg_database` has it: `c`, `i`, `b`; `None` before PostgreSQL 15.
    pub locale_provider: Option<String>,
    /// Locale of a provider other than libc.
    pub locale: Option<String>,
    /// `ICU_RULES`; `None` also before PostgreSQL 16.
    pub icu_rules: Option<String>,
    /// `TABLESPACE`.
    pub tablespace: Option<String>,
}

/// One privilege of one grantee.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Grant {
    /// Role, or `PUBLIC`.
    pub grantee: String,
    /// `CONNECT`, `SELECT`, ...
    pub privilege: String,
}

/// What is inside a database.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct ObservedContents {
    /// Schemas by name.
    pub schemas: BTreeMap<String, ObservedSchema>,
    /// Installed extensions by name.
    pub extensions: BTreeMap<String, ObservedExtension>,
    /// Default privileges that were changed, for all schemas.
    pub default_acl: Vec<DefaultAcl>,
    /// Extensions that the server has files for; `None` when that was not looked up.
    #[serde(default)]
    pub available: Option<BTreeMap<String, AvailableExtension>>,
}

/// A schema.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ObservedSchema {
    /// Owner.
    pub owner: String,
    /// Number of objects in it.
    pub objects: u64,
    /// Roles that were granted its use, or `PUBLIC`.
    pub usage: Vec<String>,
}

/// An installed extension.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ObservedExtension {
    /// Version.
    pub version: String,
    /// Schema.
    pub schema: String,
    /// Can move to another schema.
    pub relocatable: bool,
    /// Has tables of its own, which go with it.
    pub owns_tables: bool,
}

/// An extension that could be installed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct AvailableExtension {
    /// Version that `CREATE EXTENSION` takes by itself.
    pub default_version: Option<String>,
    /// Versions there are files for.
    pub versions: BTreeSet<String>,
    /// Schema it insists on.
    pub schema: Option<String>,
}

/// Default privileges of one creator for one kind of object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DefaultAcl {
    /// Who creates the objects.
    pub creator: String,
    /// `pg_default_acl.defaclobjtype`: `r`, `S`, `f`, `T`, `n`, `L`.
    pub object_type: String,
    /// The privileges.
    pub acl: Vec<Grant>,
}
