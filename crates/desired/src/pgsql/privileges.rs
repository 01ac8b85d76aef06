//! Default privileges: what is made by some can be used by others.

use std::collections::BTreeSet;

use sty_inventory::model::{DefaultGrant, PgCluster, Presence};
use sty_wire::postgres::DefaultPrivilege;

/// Group whose members create objects.
const ADMIN_ROLE: &str = "dbrole_admin";

/// Default privileges of a database with this owner: each grant once for every creator.
pub(super) fn defaults(cluster: &PgCluster, owner: Option<&str>) -> Vec<DefaultPrivilege> {
    let mut privileges = Vec::new();
    let creators = creators(cluster, owner);
    for grant in &cluster.default_privileges {
        for creator in &creators {
            add(&mut privileges, creator, grant);
        }
    }
    privileges
}

fn add(privileges: &mut Vec<DefaultPrivilege>, creator: &str, grant: &DefaultGrant) {
    for grantee in &grant.grantees {
        for privilege in &grant.privileges {
            privileges.push(DefaultPrivilege {
                creator: creator.to_owned(),
                privilege: privilege.clone(),
                objects: grant.objects,
                grantee: grantee.clone(),
            });
        }
    }
}

/// Who creates objects: the superuser, the administrator, the admin group and its members, and
/// the owner.
fn creators(cluster: &PgCluster, owner: Option<&str>) -> BTreeSet<String> {
    let known = |name: &str| {
        cluster
            .roles
            .iter()
            .any(|role| role.name == name && role.state == Presence::Present)
    };
    let mut creators = BTreeSet::from([cluster.settings.dbsu.clone()]);
    creators.extend([cluster.accounts.admin.name.as_str(), ADMIN_ROLE].map(str::to_owned));
    creators.extend(owner.map(str::to_owned));
    creators.extend(members_of(cluster, ADMIN_ROLE));
    creators.retain(|name| *name == cluster.settings.dbsu || known(name));
    creators
}

/// Roles that belong to a role, directly or through others.
pub(super) fn members_of(cluster: &PgCluster, group: &str) -> BTreeSet<String> {
    let mut members: BTreeSet<String> = BTreeSet::new();
    loop {
        let before = members.len();
        for role in cluster
            .roles
            .iter()
            .filter(|one| one.state == Presence::Present)
        {
            let belongs = role.roles.iter().any(|one| {
                one.state == Presence::Present && (one.role == group || members.contains(&one.role))
            });
            if belongs {
                members.insert(role.name.clone());
            }
        }
        if members.len() == before {
            return members;
        }
    }
}
