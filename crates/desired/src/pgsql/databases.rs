//! Databases in PostgreSQL's terms.

use sty_inventory::model::{Database, Extension, PgCluster, Presence};
use sty_wire::postgres::{DatabaseCreation, DatabaseSpec, ExtensionSpec, SchemaSpec};

use super::privileges;

/// Databases that every cluster has. New ones are copied from `template1` and inherit what is in
/// it; `postgres` is where people and monitoring land.
const BUILT_IN: [&str; 2] = ["template1", "postgres"];
/// The business roles, which may use the default schemas.
const READERS: [&str; 4] = [
    "dbrole_readonly",
    "dbrole_offline",
    "dbrole_readwrite",
    "dbrole_admin",
];

/// Every database that should be, and those that should not; built-in ones first.
pub(super) fn specs(cluster: &PgCluster) -> Vec<DatabaseSpec> {
    let undeclared = |name: &&str| !cluster.databases.iter().any(|one| one.name == **name);
    let built_in = BUILT_IN.into_iter().filter(undeclared);
    let built_in = built_in.map(|name| self::built_in(cluster, name));
    // A template comes before what is made from it, else in the order written.
    let mut declared: Vec<&Database> = cluster.databases.iter().collect();
    declared.sort_by_key(|one| depth(cluster, one));
    let declared = declared.into_iter().map(|one| spec(cluster, one));
    built_in.chain(declared).collect()
}

fn depth(cluster: &PgCluster, database: &Database) -> usize {
    if BUILT_IN.contains(&database.name.as_str()) {
        return 0;
    }
    let mut depth = 1;
    let mut template = database.template.as_deref();
    while let Some(next) = template.and_then(|name| {
        let mut others = cluster.databases.iter();
        others.find(|other| other.name == name)
    }) {
        depth += 1;
        if depth > cluster.databases.len() + 1 {
            break;
        }
        template = next.template.as_deref();
    }
    depth
}

fn built_in(cluster: &PgCluster, name: &str) -> DatabaseSpec {
    DatabaseSpec {
        name: name.to_owned(),
        is_template: name == "template1",
        allow_connections: true,
        connection_limit: -1,
        schemas: default_schemas(cluster),
        extensions: cluster.default_extensions.iter().map(extension).collect(),
        default_privileges: privileges::defaults(cluster, None),
        ..DatabaseSpec::default()
    }
}

fn spec(cluster: &PgCluster, database: &Database) -> DatabaseSpec {
    if database.state == Presence::Absent {
        return DatabaseSpec {
            name: database.name.clone(),
            absent: true,
            connection_limit: -1,
            ..DatabaseSpec::default()
        };
    }
    let owner = database
        .owner
        .clone()
        .or_else(|| Some(cluster.settings.dbsu.clone()));
    DatabaseSpec {
        name: database.name.clone(),
        absent: false,
        creation: creation(database),
        is_template: database.is_template || database.name == "template1",
        allow_connections: database.allow_connections,
        connection_limit: database.connection_limit,
        connect_only: database
            .revoke_public_connect
            .then(|| connect_only(cluster, database)),
        grant_all_to: admins(cluster, database),
        baseline: database
            .baseline
            .as_ref()
            .map(|baseline| (baseline.path.clone(), baseline.sql.clone())),
        schemas: schemas(cluster, database),
        extensions: extensions(cluster, database),
        default_privileges: privileges::defaults(cluster, owner.as_deref()),
        parameters: database.parameters.clone(),
        comment: database.comment.clone(),
        owner,
    }
}

fn creation(database: &Database) -> DatabaseCreation {
    DatabaseCreation {
        template: database.template.clone(),
        strategy: database.strategy.clone(),
        encoding: database.encoding.clone(),
        locale: database.locale.clone(),
        lc_collate: database.lc_collate.clone(),
        lc_ctype: database.lc_ctype.clone(),
        locale_provider: database.locale_provider.clone(),
        icu_locale: database.icu_locale.clone(),
        icu_rules: database.icu_rules.clone(),
        builtin_locale: database.builtin_locale.clone(),
        tablespace: database.tablespace.clone(),
    }
}

/// Owner, replication, monitoring and administrator.
fn connect_only(cluster: &PgCluster, database: &Database) -> Vec<String> {
    let accounts = &cluster.accounts;
    let mut roles: Vec<String> = database.owner.iter().cloned().collect();
    for account in [&accounts.replication, &accounts.monitor, &accounts.admin] {
        if exists(cluster, &account.name) && !roles.contains(&account.name) {
            roles.push(account.name.clone());
        }
    }
    roles
}

/// The admin group makes schemas in every database, except in one closed to the public: there,
/// being let in is the owner's to say.
fn admins(cluster: &PgCluster, database: &Database) -> Vec<String> {
    let open = !database.revoke_public_connect && exists(cluster, "dbrole_admin");
    if open {
        vec!["dbrole_admin".to_owned()]
    } else {
        Vec::new()
    }
}

fn schemas(cluster: &PgCluster, database: &Database) -> Vec<SchemaSpec> {
    let mut schemas = if inherits(database) {
        default_schemas(cluster)
    } else {
        Vec::new()
    };
    schemas.retain(|one| !database.schemas.iter().any(|own| own.name == one.name));
    schemas.extend(database.schemas.iter().map(|schema| SchemaSpec {
        name: schema.name.clone(),
        owner: schema.owner.clone().or_else(|| database.owner.clone()),
        absent: schema.state == Presence::Absent,
        usage_to: readers(cluster),
    }));
    schemas
}

fn extensions(cluster: &PgCluster, database: &Database) -> Vec<ExtensionSpec> {
    let defaults: &[Extension] = if inherits(database) {
        &cluster.default_extensions
    } else {
        &[]
    };
    let own = &database.extensions;
    defaults
        .iter()
        .filter(|one| !own.iter().any(|written| written.name == one.name))
        .chain(own)
        .map(extension)
        .collect()
}

/// Whether the database has what `template1` has. `template0` is chosen to begin with nothing,
/// another template brings its own.
fn inherits(database: &Database) -> bool {
    matches!(database.template.as_deref(), None | Some("template1"))
}

fn default_schemas(cluster: &PgCluster) -> Vec<SchemaSpec> {
    cluster
        .default_schemas
        .iter()
        .map(|name| SchemaSpec {
            name: name.clone(),
            owner: None,
            absent: false,
            usage_to: readers(cluster),
        })
        .collect()
}

fn readers(cluster: &PgCluster) -> Vec<String> {
    let known = READERS.iter().filter(|name| exists(cluster, name));
    known.map(|&name| name.to_owned()).collect()
}

fn exists(cluster: &PgCluster, name: &str) -> bool {
    cluster
        .roles
        .iter()
        .any(|role| role.name == name && role.state == Presence::Present)
}

fn extension(extension: &Extension) -> ExtensionSpec {
    ExtensionSpec {
        name: extension.name.clone(),
        schema: extension.schema.clone(),
        version: extension.version.clone(),
        absent: extension.state == Presence::Absent,
    }
}
