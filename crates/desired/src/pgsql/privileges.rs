//! Default privileges: what is made by some can be used by others.

use std::collections::BTreeSet;

use sty_core::Diagnostic;
use sty_inventory::model::{PgCluster, Presence};
use sty_wire::postgres::DefaultPrivilege;

/// Group whose members create objects.
const ADMIN_ROLE: &str = "dbrole_admin";

/// One statement of `pg_default_privileges`, once for each creator.
struct Grant {
    privileges: Vec<String>,
    objects: String,
    grantees: Vec<String>,
}

/// Default privileges of a database with this owner.
pub(super) fn defaults(
    cluster: &PgCluster,
    owner: Option<&str>,
) -> Result<Vec<DefaultPrivilege>, Vec<Diagnostic>> {
    let mut privileges = Vec::new();
    let mut problems = Vec::new();
    let creators = creators(cluster, owner);
    for statement in &cluster.default_privileges {
        match parse(statement) {
            Some(grant) => {
                for creator in &creators {
                    add(&mut privileges, creator, &grant);
                }
            }
            None => problems.push(unreadable(cluster, statement)),
        }
    }
    if problems.is_empty() {
        Ok(privileges)
    } else {
        Err(problems)
    }
}

fn add(privileges: &mut Vec<DefaultPrivilege>, creator: &str, grant: &Grant) {
    for grantee in &grant.grantees {
        for privilege in &grant.privileges {
            privileges.push(DefaultPrivilege {
                creator: creator.to_owned(),
                privilege: privilege.clone(),
                objects: grant.objects.clone(),
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

/// `GRANT privilege, ... ON objects TO role, ...`.
fn parse(statement: &str) -> Option<Grant> {
    let words: Vec<&str> = statement.trim_end_matches(';').split_whitespace().collect();
    let position = |word: &str| words.iter().position(|one| one.eq_ignore_ascii_case(word));
    let (on, to) = (position("ON")?, position("TO")?);
    if !words.first()?.eq_ignore_ascii_case("GRANT")
        || on < 2
        || to != on + 2
        || to + 1 >= words.len()
    {
        return None;
    }
    let list = |words: &[&str]| -> Vec<String> {
        let text = words.join(" ");
        text.split(',').map(|one| one.trim().to_owned()).collect()
    };
    let grantees = list(&words[to + 1..]);
    if grantees
        .iter()
        .any(|one| one.is_empty() || one.contains(' '))
    {
        return None;
    }
    Some(Grant {
        privileges: list(&words[1..on])
            .iter()
            .map(|one| one.to_uppercase())
            .collect(),
        objects: words[on + 1].to_uppercase(),
        grantees: grantees
            .iter()
            .map(|one| one.trim_matches('"').to_owned())
            .collect(),
    })
}

fn unreadable(cluster: &PgCluster, statement: &str) -> Diagnostic {
    Diagnostic::error(
        "desired/default-privilege",
        format!(
            "`pg_default_privileges` of cluster `{}`: `{statement}` is not understood",
            cluster.name
        ),
    )
    .help("write `GRANT privilege ON TABLES|SEQUENCES|FUNCTIONS|TYPES|SCHEMAS TO role`")
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn statements_are_taken_apart() {
        let grant =
            parse("GRANT SELECT, INSERT   ON TABLES TO  dbrole_readonly, \"Other\"").unwrap();
        assert_eq!(grant.privileges, ["SELECT", "INSERT"]);
        assert_eq!(grant.objects, "TABLES");
        assert_eq!(grant.grantees, ["dbrole_readonly", "Other"]);
        assert!(parse("REVOKE SELECT ON TABLES FROM x").is_none());
        assert!(parse("GRANT SELECT ON ALL TABLES TO x").is_none());
        assert!(parse("GRANT SELECT ON TABLES TO x WITH GRANT OPTION").is_none());
    }
}
