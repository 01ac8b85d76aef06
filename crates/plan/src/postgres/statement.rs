//! Statements that change PostgreSQL, and their SQL.

mod database;
mod role;

use sty_core::Secret;
use sty_wire::postgres::{DatabaseCreation, MembershipOptions};

/// Something that a membership may give or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MembershipOption {
    /// The right to grant it on.
    Admin,
    /// Its privileges, without `SET ROLE`.
    Inherit,
    /// `SET ROLE`.
    Set,
}

impl MembershipOption {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Inherit, Self::Set];

    /// Whether `options` have it.
    pub fn of(self, options: MembershipOptions) -> bool {
        match self {
            Self::Admin => options.admin,
            Self::Inherit => options.inherit,
            Self::Set => options.set,
        }
    }

    /// As SQL has it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Admin => "ADMIN",
            Self::Inherit => "INHERIT",
            Self::Set => "SET",
        }
    }
}

/// One statement. `Debug` and [`Statement::kind`] show no secrets; [`Statement::sql`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// `CREATE ROLE`.
    CreateRole {
        /// Role.
        role: String,
    },
    /// `ALTER ROLE ... attribute`.
    AlterRole {
        /// Role.
        role: String,
        /// What it should have.
        attribute: Attribute,
    },
    /// `ALTER ROLE ... PASSWORD`.
    SetPassword {
        /// Role.
        role: String,
        /// The secret as it is to be stored, never a password in plain text; `None` takes it away.
        stored: Option<Secret<String>>,
    },
    /// Sets `VALID UNTIL` so many days from the server's today.
    ExpireAfter {
        /// Role.
        role: String,
        /// Days.
        days: u32,
    },
    /// `ALTER ROLE|DATABASE ... SET`.
    Set {
        /// Whose setting.
        subject: Subject,
        /// Setting.
        name: String,
        /// Value.
        value: String,
    },
    /// `ALTER ROLE|DATABASE ... RESET`.
    Reset {
        /// Whose setting.
        subject: Subject,
        /// Setting.
        name: String,
    },
    /// `COMMENT ON`.
    Comment {
        /// On what.
        subject: Subject,
        /// Text.
        text: String,
    },
    /// `GRANT role TO member`.
    GrantMembership {
        /// Role.
        role: String,
        /// Who becomes a member.
        member: String,
        /// What the membership gives.
        options: MembershipOptions,
        /// Say each option (PostgreSQL 16), not only the right to grant it on.
        explicit: bool,
    },
    /// `REVOKE role FROM member`.
    RevokeMembership {
        /// Role.
        role: String,
        /// Who is a member.
        member: String,
        /// Take only this, and leave the membership.
        option: Option<MembershipOption>,
        /// Who granted it, where the server distinguishes.
        grantor: Option<String>,
    },
    /// `GRANT EXECUTE ON FUNCTION`.
    GrantExecute {
        /// Function with argument types.
        function: String,
        /// Role.
        role: String,
    },
    /// `REASSIGN OWNED`, then `DROP OWNED`, in one database.
    ReleaseOwned {
        /// Role.
        role: String,
        /// Who gets what it owns.
        heir: String,
    },
    /// Its sessions end.
    EndSessions {
        /// Role.
        role: String,
    },
    /// `DROP ROLE`.
    DropRole {
        /// Role.
        role: String,
    },
    /// `CREATE DATABASE`.
    CreateDatabase {
        /// Database.
        database: String,
        /// Owner.
        owner: Option<String>,
        /// Options.
        creation: Box<DatabaseCreation>,
    },
    /// `ALTER DATABASE ... RENAME TO`.
    RenameDatabase {
        /// Name now.
        from: String,
        /// Coming name.
        to: String,
    },
    /// `DROP DATABASE`, its sessions ended.
    DropDatabase {
        /// Database.
        database: String,
    },
    /// `ALTER DATABASE ... OWNER TO`.
    DatabaseOwner {
        /// Database.
        database: String,
        /// Owner.
        owner: String,
    },
    /// `ALTER DATABASE ... WITH option`.
    AlterDatabase {
        /// Database.
        database: String,
        /// What it should have.
        option: DatabaseOption,
    },
    /// `GRANT ... ON DATABASE`.
    GrantOnDatabase {
        /// Database.
        database: String,
        /// `CONNECT`, `ALL`.
        privilege: &'static str,
        /// Role or `PUBLIC`.
        grantee: String,
    },
    /// `REVOKE CONNECT ON DATABASE ... FROM PUBLIC`.
    RevokePublicConnect {
        /// Database.
        database: String,
    },
    /// `CREATE SCHEMA`.
    CreateSchema {
        /// Schema.
        schema: String,
        /// Owner.
        owner: Option<String>,
    },
    /// `ALTER SCHEMA ... OWNER TO`.
    SchemaOwner {
        /// Schema.
        schema: String,
        /// Owner.
        owner: String,
    },
    /// `GRANT USAGE ON SCHEMA`.
    GrantSchemaUsage {
        /// Schema.
        schema: String,
        /// Role.
        grantee: String,
    },
    /// `DROP SCHEMA`, which fails when it is not empty.
    DropSchema {
        /// Schema.
        schema: String,
    },
    /// `CREATE EXTENSION ... CASCADE`.
    CreateExtension {
        /// Extension.
        extension: String,
        /// Schema.
        schema: Option<String>,
        /// Version.
        version: Option<String>,
    },
    /// `ALTER EXTENSION ... UPDATE TO`.
    UpdateExtension {
        /// Extension.
        extension: String,
        /// Version.
        version: String,
    },
    /// `ALTER EXTENSION ... SET SCHEMA`.
    MoveExtension {
        /// Extension.
        extension: String,
        /// Schema.
        schema: String,
    },
    /// `DROP EXTENSION`, which fails when something needs it.
    DropExtension {
        /// Extension.
        extension: String,
    },
    /// `ALTER DEFAULT PRIVILEGES ... GRANT`.
    GrantByDefault {
        /// Who creates the objects.
        creator: String,
        /// Privilege, from the known ones.
        privilege: &'static str,
        /// Keyword of the kind of objects.
        objects: &'static str,
        /// Role or `PUBLIC`.
        grantee: String,
    },
    /// The baseline, with the mark that it was run, in one transaction. Not one statement but a
    /// script for `psql`: it has no SQL of its own.
    RunBaseline {
        /// Database.
        database: String,
        /// Where the script comes from.
        path: String,
    },
}

/// What has settings and comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A role.
    Role(String),
    /// A role in a database.
    RoleIn(String, String),
    /// A database.
    Database(String),
}

/// An attribute of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// `LOGIN`.
    Login(bool),
    /// `SUPERUSER`.
    Superuser(bool),
    /// `CREATEDB`.
    Createdb(bool),
    /// `CREATEROLE`.
    Createrole(bool),
    /// `INHERIT`.
    Inherit(bool),
    /// `REPLICATION`.
    Replication(bool),
    /// `BYPASSRLS`.
    Bypassrls(bool),
    /// `CONNECTION LIMIT`.
    ConnectionLimit(i32),
    /// `VALID UNTIL`; `None` for ever.
    ValidUntil(Option<String>),
}

/// An option of a database that can be altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseOption {
    /// `IS_TEMPLATE`.
    IsTemplate(bool),
    /// `ALLOW_CONNECTIONS`.
    AllowConnections(bool),
    /// `CONNECTION LIMIT`.
    ConnectionLimit(i32),
}

impl Statement {
    /// Its SQL, with whatever secrets are in it. `None` for [`Statement::RunBaseline`].
    pub fn sql(&self) -> Option<String> {
        role::sql(self).or_else(|| database::sql(self))
    }

    /// Which statement it is, for messages: no names, no values.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::CreateRole { .. } => "CREATE ROLE",
            Self::AlterRole { .. } | Self::ExpireAfter { .. } => "ALTER ROLE",
            Self::SetPassword { .. } => "ALTER ROLE ... PASSWORD",
            Self::Set { subject, .. } => {
                subject.pick("ALTER ROLE ... SET", "ALTER DATABASE ... SET")
            }
            Self::Reset { subject, .. } => {
                subject.pick("ALTER ROLE ... RESET", "ALTER DATABASE ... RESET")
            }
            Self::Comment { subject, .. } => subject.pick("COMMENT ON ROLE", "COMMENT ON DATABASE"),
            Self::GrantMembership { .. } => "GRANT role",
            Self::RevokeMembership { .. } => "REVOKE role",
            Self::GrantExecute { .. } => "GRANT EXECUTE ON FUNCTION",
            Self::ReleaseOwned { .. } => "REASSIGN OWNED",
            Self::EndSessions { .. } => "pg_terminate_backend",
            Self::DropRole { .. } => "DROP ROLE",
            Self::CreateDatabase { .. } => "CREATE DATABASE",
            Self::RenameDatabase { .. } => "ALTER DATABASE ... RENAME",
            Self::DropDatabase { .. } => "DROP DATABASE",
            Self::DatabaseOwner { .. } => "ALTER DATABASE ... OWNER",
            Self::AlterDatabase { .. } => "ALTER DATABASE",
            Self::GrantOnDatabase { .. } => "GRANT ON DATABASE",
            Self::RevokePublicConnect { .. } => "REVOKE ON DATABASE",
            Self::CreateSchema { .. } => "CREATE SCHEMA",
            Self::SchemaOwner { .. } => "ALTER SCHEMA ... OWNER",
            Self::GrantSchemaUsage { .. } => "GRANT ON SCHEMA",
            Self::DropSchema { .. } => "DROP SCHEMA",
            Self::CreateExtension { .. } => "CREATE EXTENSION",
            Self::UpdateExtension { .. } => "ALTER EXTENSION ... UPDATE",
            Self::MoveExtension { .. } => "ALTER EXTENSION ... SET SCHEMA",
            Self::DropExtension { .. } => "DROP EXTENSION",
            Self::GrantByDefault { .. } => "ALTER DEFAULT PRIVILEGES",
            Self::RunBaseline { .. } => "baseline",
        }
    }

    /// Whether it can run together with others in one transaction.
    pub fn transactional(&self) -> bool {
        !matches!(
            self,
            Self::CreateDatabase { .. } | Self::DropDatabase { .. } | Self::RunBaseline { .. }
        )
    }
}

impl Subject {
    fn pick(&self, role: &'static str, database: &'static str) -> &'static str {
        match self {
            Self::Role(_) | Self::RoleIn(..) => role,
            Self::Database(_) => database,
        }
    }

    /// `ROLE "name"`, `ROLE "name" IN DATABASE "name"` or `DATABASE "name"`.
    fn sql(&self) -> String {
        use super::quote::identifier;
        match self {
            Self::Role(name) => format!("ROLE {}", identifier(name)),
            Self::RoleIn(name, database) => format!(
                "ROLE {} IN DATABASE {}",
                identifier(name),
                identifier(database)
            ),
            Self::Database(name) => format!("DATABASE {}", identifier(name)),
        }
    }
}
