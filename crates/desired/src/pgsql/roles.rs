//! Roles in PostgreSQL's terms.

use std::collections::{BTreeMap, BTreeSet};

use sty_core::Secret;
use sty_inventory::model::{Membership, PgCluster, Presence, Role};
use sty_inventory::postgres::is_secret;
use sty_wire::postgres::{Expiry, MembershipOptions, Password, RoleSpec};

use crate::Context;
use crate::scram;

/// What pg_rewind reads on the primary, as a role that is no superuser.
const REWIND: &[&str] = &[
    "pg_ls_dir(text,boolean,boolean)",
    "pg_stat_file(text,boolean)",
    "pg_read_binary_file(text)",
    "pg_read_binary_file(text,bigint,bigint,boolean)",
];

/// A role as it should be.
pub(super) fn spec(context: &Context, cluster: &PgCluster, role: &Role) -> RoleSpec {
    let dbsu = role.name == cluster.settings.dbsu;
    let (member_of, not_member_of) = memberships(cluster, role);
    RoleSpec {
        name: role.name.clone(),
        absent: role.state == Presence::Absent,
        going: going(cluster, role),
        leaving: leaving(cluster, role),
        password: password(context, cluster, role),
        // The superuser that made the cluster has everything, and loses nothing for not being
        // described in full.
        login: role.login || dbsu,
        superuser: role.superuser || dbsu,
        createdb: role.createdb || dbsu,
        createrole: role.createrole || dbsu,
        inherit: role.inherit || dbsu,
        replication: role.replication || dbsu,
        bypassrls: role.bypassrls || dbsu,
        connection_limit: role.connection_limit,
        valid_until: expiry(role),
        member_of,
        not_member_of,
        parameters: role.parameters.clone(),
        comment: role.comment.clone(),
        execute: if role.name == cluster.accounts.replication.name {
            REWIND.iter().map(|&function| function.to_owned()).collect()
        } else {
            Vec::new()
        },
    }
}

/// The superuser comes in locally, unless the inventory has a password for it; others may have
/// chosen one themselves where it has none.
fn password(context: &Context, cluster: &PgCluster, role: &Role) -> Password {
    if role.state == Presence::Absent {
        return Password::Any;
    }
    match role_secret(context, cluster, role) {
        Some(secret) => Password::Stored(secret),
        None if role.name == cluster.settings.dbsu => Password::None,
        None => Password::Any,
    }
}

/// Databases that go when a role does.
fn going(cluster: &PgCluster, role: &Role) -> BTreeSet<String> {
    let databases = cluster.databases.iter();
    databases
        .filter(|one| role.state == Presence::Absent && one.state == Presence::Absent)
        .map(|one| one.name.clone())
        .collect()
}

/// Roles that go when this one does.
fn leaving(cluster: &PgCluster, role: &Role) -> BTreeSet<String> {
    let roles = cluster.roles.iter();
    roles
        .filter(|one| role.state == Presence::Absent && one.state == Presence::Absent)
        .map(|one| one.name.clone())
        .filter(|name| *name != role.name)
        .collect()
}

/// `rolpassword` of a role, the same for the catalogue and the pooler.
pub(crate) fn role_secret(
    context: &Context,
    cluster: &PgCluster,
    role: &Role,
) -> Option<Secret<String>> {
    let password = role.password.as_ref()?;
    if is_secret(password.expose()) {
        return Some(password.clone());
    }
    if cluster.settings.password_encryption == "md5" {
        return Some(Secret::new(scram::md5_secret(
            &role.name,
            password.expose(),
        )));
    }
    let secrets = &context.secrets;
    Some(secrets.scram(&context.fleet_secret, &role.name, password))
}

/// Roles that it belongs to, and roles of the inventory that it does not, be they groups or users:
/// one taken off its list is taken from it, for whoever belongs to an administrator is one.
/// Memberships in roles that the inventory does not know are not its business, unless they are
/// written as absent.
fn memberships(
    cluster: &PgCluster,
    role: &Role,
) -> (BTreeMap<String, MembershipOptions>, Vec<String>) {
    let wanted: BTreeMap<String, MembershipOptions> = role
        .roles
        .iter()
        .filter(|one| one.state == Presence::Present)
        .map(|one| (one.role.clone(), options(cluster, role, one)))
        .collect();
    let others = cluster.roles.iter().map(|other| &other.name);
    let mut unwanted: BTreeSet<&String> = others.collect();
    unwanted.insert(&cluster.settings.dbsu);
    unwanted.extend(role.roles.iter().map(|one| &one.role));
    unwanted.remove(&role.name);
    let unwanted = unwanted
        .into_iter()
        .filter(|name| !wanted.contains_key(*name));
    let unwanted = unwanted.cloned().collect();
    (wanted, unwanted)
}

/// What a membership gives; what is not written is as the role itself is, and PostgreSQL's usual.
fn options(cluster: &PgCluster, role: &Role, membership: &Membership) -> MembershipOptions {
    let inherits = role.inherit || role.name == cluster.settings.dbsu;
    MembershipOptions {
        admin: membership.admin,
        inherit: membership.inherit.unwrap_or(inherits),
        set: membership.set.unwrap_or(true),
    }
}

fn expiry(role: &Role) -> Expiry {
    match (&role.expire_in_days, &role.expire_at) {
        (Some(days), _) => Expiry::AfterDays(*days),
        (None, Some(time)) => Expiry::At(time.clone()),
        (None, None) => Expiry::Never,
    }
}
