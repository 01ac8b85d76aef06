//! Who may come in through the pooler.

use std::collections::BTreeSet;

use sty_core::Secret;
use sty_inventory::model::{PgCluster, Role};

use crate::pgsql::role_secret;
use crate::scram::{hex, hmac};
use crate::view::{Member, View};

/// userlist.txt: the very secrets that PostgreSQL keeps, so that a client's proof opens both.
pub(super) fn list(view: &View<'_>, member: Member<'_>) -> String {
    let mut text = superuser(view, member);
    let lookups = lookup_users(member.cluster);
    for role in pooled(member.cluster) {
        let secret = if lookups.contains(role.name.as_str()) {
            // Logs in by itself to look up others: a stored secret does not open the door.
            role.password.clone()
        } else {
            role_secret(view.context, member.cluster, role)
        };
        if let Some(secret) = secret {
            text.push_str(&line(&role.name, &secret));
        }
    }
    text
}

/// The superuser comes in over the socket by the operating system's word, to the console: PgBouncer
/// wants to know the name all the same. The secret is of a password that nobody has.
fn superuser(view: &View<'_>, member: Member<'_>) -> String {
    let cluster = member.cluster;
    let name = &cluster.settings.dbsu;
    if pooled(cluster).any(|role| role.name == *name) {
        return String::new();
    }
    let fleet_secret = &view.context.fleet_secret;
    let message = format!("pooler/{name}");
    let password = hex(&hmac(fleet_secret.expose(), message.as_bytes()));
    let secrets = &view.context.secrets;
    let secret = secrets.scram(fleet_secret, name, &Secret::new(password));
    line(name, &secret)
}

/// Lines of `[users]`: limits of one user.
pub(super) fn sections(cluster: &PgCluster) -> Vec<String> {
    pooled(cluster)
        .filter_map(|role| {
            let mode = role
                .pool_mode
                .as_ref()
                .map(|mode| format!("pool_mode={mode}"));
            let limit = role
                .pool_connlimit
                .map(|limit| format!("max_user_connections={limit}"));
            let options: Vec<String> = mode.into_iter().chain(limit).collect();
            (!options.is_empty())
                .then(|| format!("{} = {}", super::key(&role.name), options.join(" ")))
        })
        .collect()
}

/// A user who should go keeps what it has here until the inventory forgets it: it may log in until
/// its end was confirmed, and nowhere afterwards.
fn pooled(cluster: &PgCluster) -> impl Iterator<Item = &Role> {
    cluster
        .roles
        .iter()
        .filter(|role| role.pgbouncer && role.login)
}

fn lookup_users(cluster: &PgCluster) -> BTreeSet<&str> {
    cluster
        .databases
        .iter()
        .filter_map(|database| database.pool.auth_user.as_deref())
        .collect()
}

fn line(name: &str, secret: &Secret<String>) -> String {
    let quote = |text: &str| text.replace('"', "\"\"");
    format!("\"{}\" \"{}\"\n", quote(name), quote(secret.expose()))
}
