//! SQL of statements about databases and what is in them.

use sty_wire::postgres::DatabaseCreation;

use super::{DatabaseOption, Statement};
use crate::postgres::quote::{grantee, identifier, literal};

pub(super) fn sql(statement: &Statement) -> Option<String> {
    let sql = match statement {
        Statement::CreateDatabase {
            database,
            owner,
            creation,
        } => create(database, owner.as_deref(), creation),
        Statement::RenameDatabase { from, to } => {
            let (from, to) = (identifier(from), identifier(to));
            format!("ALTER DATABASE {from} RENAME TO {to}")
        }
        Statement::DropDatabase { database } => {
            format!("DROP DATABASE {} WITH (FORCE)", identifier(database))
        }
        Statement::DatabaseOwner { database, owner } => {
            let (database, owner) = (identifier(database), identifier(owner));
            format!("ALTER DATABASE {database} OWNER TO {owner}")
        }
        Statement::AlterDatabase { database, option } => {
            let option = match option {
                DatabaseOption::IsTemplate(on) => format!("IS_TEMPLATE {on}"),
                DatabaseOption::AllowConnections(on) => format!("ALLOW_CONNECTIONS {on}"),
                DatabaseOption::ConnectionLimit(limit) => format!("CONNECTION LIMIT {limit}"),
            };
            format!("ALTER DATABASE {} WITH {option}", identifier(database))
        }
        Statement::GrantOnDatabase {
            database,
            privilege,
            grantee: to,
        } => format!(
            "GRANT {privilege} ON DATABASE {} TO {}",
            identifier(database),
            grantee(to)
        ),
        Statement::RevokePublicConnect { database } => {
            format!(
                "REVOKE CONNECT ON DATABASE {} FROM PUBLIC",
                identifier(database)
            )
        }
        _ => return schema(statement).or_else(|| extension(statement)),
    };
    Some(sql)
}

fn create(database: &str, owner: Option<&str>, creation: &DatabaseCreation) -> String {
    let mut sql = format!("CREATE DATABASE {}", identifier(database));
    let mut add = |keyword: &str, value: Option<String>| {
        if let Some(value) = value {
            sql.push_str(&format!(" {keyword} = {value}"));
        }
    };
    let name = |value: &Option<String>| value.as_deref().map(identifier);
    let text = |value: &Option<String>| value.as_deref().map(literal);
    add("OWNER", owner.map(identifier));
    add("TEMPLATE", name(&creation.template));
    add("STRATEGY", text(&creation.strategy));
    add("ENCODING", text(&creation.encoding));
    add("LOCALE_PROVIDER", text(&creation.locale_provider));
    add("LOCALE", text(&creation.locale));
    add("LC_COLLATE", text(&creation.lc_collate));
    add("LC_CTYPE", text(&creation.lc_ctype));
    add("ICU_LOCALE", text(&creation.icu_locale));
    add("ICU_RULES", text(&creation.icu_rules));
    add("BUILTIN_LOCALE", text(&creation.builtin_locale));
    add("TABLESPACE", name(&creation.tablespace));
    sql
}

fn schema(statement: &Statement) -> Option<String> {
    let sql = match statement {
        Statement::CreateSchema { schema, owner } => {
            let owner = owner
                .as_deref()
                .map(|owner| format!(" AUTHORIZATION {}", identifier(owner)))
                .unwrap_or_default();
            format!("CREATE SCHEMA {}{owner}", identifier(schema))
        }
        Statement::SchemaOwner { schema, owner } => {
            let (schema, owner) = (identifier(schema), identifier(owner));
            format!("ALTER SCHEMA {schema} OWNER TO {owner}")
        }
        Statement::GrantSchemaUsage {
            schema,
            grantee: to,
        } => {
            let (schema, to) = (identifier(schema), grantee(to));
            format!("GRANT USAGE ON SCHEMA {schema} TO {to}")
        }
        Statement::DropSchema { schema } => {
            format!("DROP SCHEMA {} RESTRICT", identifier(schema))
        }
        Statement::GrantByDefault {
            creator,
            privilege,
            objects,
            grantee: to,
        } => format!(
            "ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT {privilege} ON {objects} TO {}",
            identifier(creator),
            grantee(to)
        ),
        _ => return None,
    };
    Some(sql)
}

fn extension(statement: &Statement) -> Option<String> {
    let sql = match statement {
        Statement::CreateExtension {
            extension,
            schema,
            version,
        } => {
            let mut sql = format!("CREATE EXTENSION {}", identifier(extension));
            if schema.is_none() {
                // Without a schema of its own it goes to the first one of the search path.
                sql = format!("SET LOCAL search_path TO public; {sql}");
            }
            if let Some(schema) = schema {
                sql.push_str(&format!(" SCHEMA {}", identifier(schema)));
            }
            if let Some(version) = version {
                sql.push_str(&format!(" VERSION {}", literal(version)));
            }
            sql.push_str(" CASCADE");
            if schema.is_none() {
                sql.push_str("; SET LOCAL search_path TO pg_catalog");
            }
            sql
        }
        Statement::UpdateExtension { extension, version } => {
            let (extension, version) = (identifier(extension), literal(version));
            format!("ALTER EXTENSION {extension} UPDATE TO {version}")
        }
        Statement::MoveExtension { extension, schema } => {
            let (extension, schema) = (identifier(extension), identifier(schema));
            format!("ALTER EXTENSION {extension} SET SCHEMA {schema}")
        }
        Statement::DropExtension { extension } => {
            format!("DROP EXTENSION {} RESTRICT", identifier(extension))
        }
        _ => return None,
    };
    Some(sql)
}
