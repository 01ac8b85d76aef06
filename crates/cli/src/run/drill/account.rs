//! As whom the clients of a drill log in.

use sty_core::Secret;
use sty_inventory::model::{Database, PgCluster, Presence, Role};
use sty_inventory::postgres::is_secret;

use crate::verbs::connect::first_database;

/// Pool mode in which a client keeps its server connection for the length of its session.
const SESSION: &str = "session";

/// A user, its password and a database in which it may make a schema.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) user: String,
    pub(crate) password: Secret<String>,
    pub(crate) database: String,
    /// What the operator should know about it.
    pub(crate) remark: Option<String>,
}

impl Account {
    /// The owner of the first database whose owner comes in through the pooler as applications
    /// do; the administrator where there is none.
    pub(crate) fn of(cluster: &PgCluster) -> Self {
        let databases = cluster.databases.iter();
        let mut owned = databases.filter_map(|database| owner(cluster, database));
        owned.next().unwrap_or_else(|| administrator(cluster))
    }
}

fn owner(cluster: &PgCluster, database: &Database) -> Option<Account> {
    let pooled = database.pgbouncer && database.state == Presence::Present;
    let owner = database.owner.as_ref().filter(|_| pooled)?;
    let role = cluster.roles.iter().find(|role| role.name == *owner)?;
    let password = role.password.clone().filter(is_plain)?;
    let ordinary = role.pgbouncer && role.login && role.state == Presence::Present;
    (ordinary && mode(cluster, database, role) != SESSION).then(|| Account {
        user: role.name.clone(),
        password,
        database: database.name.clone(),
        remark: None,
    })
}

/// The narrower one says what is meant, as in PgBouncer.
fn mode<'a>(cluster: &'a PgCluster, database: &'a Database, role: &'a Role) -> &'a str {
    let own = role.pool_mode.as_ref().or(database.pool.mode.as_ref());
    own.unwrap_or(&cluster.settings.pool_mode)
}

/// A finished secret opens no door.
fn is_plain(password: &Secret<String>) -> bool {
    !is_secret(password.expose())
}

fn administrator(cluster: &PgCluster) -> Account {
    let admin = &cluster.accounts.admin;
    Account {
        user: admin.name.clone(),
        password: admin.password.clone(),
        database: first_database(cluster),
        remark: Some(format!(
            "the clients are {}: no database of {} has an owner with a plain password who comes in \
             through the pooler in transaction mode; sessions of an administrator hold up planned \
             moves",
            admin.name, cluster.name
        )),
    }
}
