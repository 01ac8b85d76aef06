//! Databases, schemas, extensions.

use std::collections::HashMap;

use sty_core::Diagnostic;

use super::haproxy::count;
use super::roles::{self, Names};
use super::{Files, Scope, extension_packages, server_settings};
use crate::codes;
use crate::model::{Baseline, Database, Extension, PoolSettings, Presence, Role, Schema};
use crate::postgres::{Target, canonical};
use crate::source::{Place, Value};

/// Builds and checks `pg_databases`.
pub(super) fn build(
    cluster: &str,
    scope: &Scope<'_>,
    roles: &[Role],
    packages: &[String],
    files: &Files<'_>,
) -> Vec<Database> {
    let entries = scope
        .value("pg_databases")
        .map(Value::list)
        .unwrap_or_default();
    let names = Names::of(roles, scope);
    let mut first: HashMap<String, Place> = HashMap::new();
    let mut databases = Vec::with_capacity(entries.len());
    for entry in entries {
        let database = database(cluster, scope, entry, files);
        let place = entry.place_of("name");
        if let Some(earlier) = first.insert(database.name.clone(), place) {
            roles::same_name(scope, "database", &database.name, cluster, place, earlier);
        }
        check(cluster, scope, entry, &database, &names);
        databases.push(database);
    }
    for (entry, database) in entries.iter().zip(&databases) {
        super::locales::check(cluster, scope, entry, database);
        let what = format!("database `{}` of cluster `{cluster}`", database.name);
        let list = entry.get("extensions");
        extension_packages::check(scope, list, &database.extensions, packages, &what);
        check_template(cluster, scope, entry, database, &databases);
    }
    databases
}

/// Databases that every PostgreSQL has.
const OWN: &[&str] = &["postgres", "template0", "template1"];

/// Databases are made in the order in which they are declared, so what is copied stands before
/// its copies; a circle cannot.
fn check_template(
    cluster: &str,
    scope: &Scope<'_>,
    entry: &Value,
    database: &Database,
    databases: &[Database],
) {
    let Some(value) = entry.get("template") else {
        return;
    };
    let name = scope.expanded(value);
    if OWN.contains(&name.as_str()) || database.state == Presence::Absent {
        return;
    }
    let mut earlier = databases.iter().take_while(|one| one.name != database.name);
    let (what, label, help) = match databases.iter().find(|one| one.name == name) {
        Some(template) if template.state == Presence::Absent => (
            "is to be absent",
            "nothing to copy",
            "choose another template, or take its `state: absent` out",
        ),
        Some(_) if earlier.any(|one| one.name == name) => return,
        Some(_) => (
            "is not declared before it",
            "not there yet",
            "move the template up; no database copies itself, directly or through others",
        ),
        None => (
            "is not declared",
            "no such database",
            "declare it in `pg_databases`, before the databases that copy it",
        ),
    };
    let message = format!("template `{name}` of a database of cluster `{cluster}` {what}");
    let found = Diagnostic::error(codes::UNKNOWN_DATABASE, message).help(help);
    let found = scope.report.label(found, value.place, label);
    scope.report.once(value.place, &name, found);
}

fn database(cluster: &str, scope: &Scope<'_>, entry: &Value, files: &Files<'_>) -> Database {
    let text = |name: &str| entry.get(name).map(|value| scope.expanded(value));
    let flag = |name: &str| entry.get(name).and_then(Value::as_bool);
    let schemas = entry.get("schemas").map(Value::list).unwrap_or_default();
    Database {
        name: text("name").unwrap_or_default(),
        state: presence(entry),
        owner: text("owner"),
        template: text("template"),
        strategy: text("strategy").map(|word| word.to_uppercase()),
        encoding: text("encoding").map(|name| canonical(&name)),
        locale: text("locale"),
        lc_collate: text("lc_collate"),
        lc_ctype: text("lc_ctype"),
        locale_provider: text("locale_provider"),
        icu_locale: text("icu_locale"),
        icu_rules: text("icu_rules"),
        builtin_locale: text("builtin_locale"),
        is_template: flag("is_template").unwrap_or_default(),
        allow_connections: flag("allowconn").unwrap_or(true),
        revoke_public_connect: flag("revokeconn").unwrap_or_default(),
        tablespace: text("tablespace"),
        connection_limit: limit(entry, "connlimit"),
        baseline: baseline(cluster, scope, entry, files),
        schemas: schemas.iter().map(|entry| schema(scope, entry)).collect(),
        extensions: extensions(scope, entry.get("extensions")),
        parameters: entry
            .get("parameters")
            .map(|value| scope.pairs_of(value))
            .unwrap_or_default(),
        comment: text("comment"),
        pgbouncer: flag("pgbouncer").unwrap_or(true),
        pool: PoolSettings {
            mode: text("pool_mode"),
            size: count(entry, "pool_size"),
            min_size: count(entry, "pool_size_min"),
            reserve: count(entry, "pool_reserve").or_else(|| count(entry, "pool_size_reserve")),
            max_connections: count(entry, "pool_connlimit")
                .or_else(|| count(entry, "pool_max_db_conn")),
            auth_user: text("pool_auth_user"),
        },
    }
}

/// `state` of an entry.
pub(super) fn presence(entry: &Value) -> Presence {
    match entry.get("state").and_then(Value::text) {
        Some("absent" | "revoke") => Presence::Absent,
        _ => Presence::Present,
    }
}

/// A connection limit; -1 when it is not written.
pub(super) fn limit(entry: &Value, name: &str) -> i32 {
    let limit = entry.get(name).and_then(Value::as_i64).unwrap_or(-1);
    i32::try_from(limit).unwrap_or(-1)
}

fn schema(scope: &Scope<'_>, entry: &Value) -> Schema {
    if entry.text().is_some() {
        return Schema {
            name: scope.expanded(entry),
            owner: None,
            state: Presence::Present,
        };
    }
    let text = |name: &str| entry.get(name).map(|value| scope.expanded(value));
    Schema {
        name: text("name").unwrap_or_default(),
        owner: text("owner"),
        state: presence(entry),
    }
}

/// Extensions of a list of names and entries.
pub(super) fn extensions(scope: &Scope<'_>, list: Option<&Value>) -> Vec<Extension> {
    let entries = list.map(Value::list).unwrap_or_default();
    entries
        .iter()
        .map(|entry| extension(scope, entry))
        .collect()
}

fn extension(scope: &Scope<'_>, entry: &Value) -> Extension {
    let text = |name: &str| entry.get(name).map(|value| scope.expanded(value));
    let name = match entry.text() {
        Some(_) => scope.expanded(entry),
        None => text("name").unwrap_or_default(),
    };
    if !name.is_empty() && !is_extension_name(&name) {
        let message = format!("`{name}` is not the name of an extension");
        let found = Diagnostic::error(codes::EXTENSION, message)
            .help("write the name that `create extension` takes, such as `vector`");
        let found = scope.report.label(found, entry.place, "this one");
        scope.report.once(entry.place, &name, found);
    }
    Extension {
        name,
        schema: text("schema"),
        version: text("version"),
        state: presence(entry),
    }
}

/// Whether `create extension` could mean it.
pub(super) fn is_extension_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(allowed)
}

fn baseline(
    cluster: &str,
    scope: &Scope<'_>,
    entry: &Value,
    files: &Files<'_>,
) -> Option<Baseline> {
    let value = entry.get("baseline")?;
    let path = scope.expanded(value);
    let sql = match files(&path) {
        Ok(sql) => sql,
        Err(why) => {
            let message = format!("baseline `{path}` of cluster `{cluster}` cannot be read: {why}");
            let found = Diagnostic::error(codes::BASELINE, message)
                .help("put the file beside the inventory, or name its whole path");
            let found = scope.report.label(found, value.place, "this file");
            scope.report.once(value.place, &path, found);
            String::new()
        }
    };
    Some(Baseline { path, sql })
}

fn check(cluster: &str, scope: &Scope<'_>, entry: &Value, database: &Database, names: &Names<'_>) {
    let name = &database.name;
    let owner = format!("database `{name}` of cluster `{cluster}`");
    if let Some(state) = entry
        .get("state")
        .filter(|state| state.text() == Some("recreate"))
    {
        scope.report.error(
            codes::RECREATE,
            state.place,
            format!("{owner} has `state: recreate`"),
            "would destroy it on every run",
            "drop it with `state: absent`, apply, then take the line out",
        );
    }
    if database.state == Presence::Absent && OWN.contains(&name.as_str()) {
        scope.report.error(
            codes::VALUE,
            entry.place,
            format!("{owner} cannot be absent"),
            "part of every PostgreSQL",
            "take `state: absent` out",
        );
    }
    if database.name == "template0" {
        scope.report.error(
            codes::VALUE,
            entry.place,
            format!("{owner} is PostgreSQL's untouched original"),
            "not to be managed",
            "use `template1`, or a database of your own",
        );
    }
    if database.pgbouncer && !fits_pooler(name) {
        scope.report.error(
            codes::POOLED_NAME,
            entry.place_of("name"),
            format!("{owner} has a name that PgBouncer cannot have in its configuration"),
            "PgBouncer would refuse its whole configuration",
            "choose ASCII letters, digits, `_`, `-` and `.`, or keep it out of the pooler: `pgbouncer: false`",
        );
    }
    if database.state == Presence::Present {
        check_owners(scope, entry, &owner, names);
    }
    check_names(scope, entry, &owner);
    server_settings::check_entry(scope, entry, Target::Database, &owner);
}

/// Who has to be there for the database, which `owner` names.
fn check_owners(scope: &Scope<'_>, entry: &Value, owner: &str, names: &Names<'_>) {
    for field in ["owner", "pool_auth_user"] {
        if let Some(value) = entry.get(field) {
            names.check(scope, value, &format!("`{field}` of {owner}"));
        }
    }
    for schema in entry.get("schemas").map(Value::list).unwrap_or_default() {
        if let Some(value) = schema.get("owner") {
            names.check(scope, value, &format!("owner of a schema of {owner}"));
        }
    }
}

/// Whether PgBouncer reads an entry of this name: it takes no quotes around it.
pub(super) fn fits_pooler(name: &str) -> bool {
    let plain = |one: char| one.is_ascii_alphanumeric() || "_-.".contains(one);
    name.chars().all(plain) && name != "pgbouncer"
}

fn check_names(scope: &Scope<'_>, entry: &Value, owner: &str) {
    for (list, noun) in [("schemas", "schema"), ("extensions", "extension")] {
        let mut first: HashMap<&str, Place> = HashMap::new();
        for item in entry.get(list).map(Value::list).unwrap_or_default() {
            let value = match item.text() {
                Some(_) => Some(item),
                None => item.get("name"),
            };
            let Some((value, name)) = value.and_then(|value| Some((value, value.text()?))) else {
                continue;
            };
            if let Some(earlier) = first.insert(name, value.place) {
                let message = format!("{noun} `{name}` is declared twice in {owner}");
                let found = Diagnostic::error(codes::DUPLICATE_NAME, message);
                let found = scope.report.label(found, value.place, "again here");
                let found = scope.report.label(found, earlier, "first here");
                scope
                    .report
                    .once(value.place, name, found.help("keep one of them"));
            }
            if noun == "schema" {
                check_schema(scope, value.place, name, owner);
            }
        }
    }
}

/// Checks the name of a schema of `owner`.
pub(super) fn check_schema(scope: &Scope<'_>, place: Place, name: &str, owner: &str) {
    if name.starts_with("pg_") {
        reserved(scope, place, &format!("schema `{name}` of {owner}"));
    }
}

/// A name that PostgreSQL keeps for itself.
pub(super) fn reserved(scope: &Scope<'_>, place: Place, what: &str) {
    let message = format!("{what} has a name that PostgreSQL reserves");
    let found = Diagnostic::error(codes::IDENTIFIER, message).help("choose one without `pg_`");
    let found = scope.report.label(found, place, "begins with `pg_`");
    scope.report.once(place, what, found);
}
