//! What statements do, on the model: enough of PostgreSQL to see that comparisons converge.

use crate::postgres::model::{Grant, Membership, ObservedDatabase, ObservedRole, ObservedServer};
use crate::postgres::statement::{Attribute, DatabaseOption, MembershipOption, Statement, Subject};

/// Does what `statement` does to roles and databases.
pub(super) fn apply(statement: &Statement, server: &mut ObservedServer) {
    match statement {
        Statement::CreateRole { role } => {
            let old = server.roles.insert(role.clone(), ObservedRole::fresh());
            assert!(old.is_none(), "role {role} exists");
        }
        Statement::DropRole { role } => {
            server.roles.remove(role).expect("a role to drop");
        }
        Statement::ReleaseOwned { role, .. } | Statement::EndSessions { role } => {
            assert!(server.roles.contains_key(role))
        }
        Statement::CreateDatabase {
            database, owner, ..
        } => {
            let made = new_database(owner.as_deref().unwrap_or("postgres"));
            let old = server.databases.insert(database.clone(), made);
            assert!(old.is_none(), "database {database} exists");
        }
        Statement::DropDatabase { database } => {
            let gone = server
                .databases
                .remove(database)
                .expect("a database to drop");
            assert!(!gone.is_template, "a template cannot be dropped");
        }
        Statement::RenameDatabase { from, to } => {
            let database = server.databases.remove(from).expect("a database to rename");
            server.databases.insert(to.clone(), database);
        }
        Statement::Set {
            subject,
            name,
            value,
        } => {
            settings(subject, server).insert(name.clone(), value.clone());
        }
        Statement::Reset { subject, name } => {
            settings(subject, server).remove(name);
        }
        Statement::Comment { subject, text } => {
            *comment(subject, server) = Some(text.clone()).filter(|text| !text.is_empty());
        }
        other => {
            if !apply_to_role(other, server) {
                apply_to_database(other, server);
            }
        }
    }
}

fn apply_to_role(statement: &Statement, server: &mut ObservedServer) -> bool {
    let mut named = |name: &str| server.roles.get_mut(name).expect("a role").clone();
    let (name, role) = match statement {
        Statement::AlterRole { role, attribute } => {
            let mut changed = named(role);
            set(&mut changed, attribute);
            (role, changed)
        }
        Statement::SetPassword { role, stored } => {
            let mut changed = named(role);
            changed.password = stored.clone();
            (role, changed)
        }
        Statement::ExpireAfter { role, days } => {
            let mut changed = named(role);
            changed.valid_until = Some(format!("in {days} days"));
            (role, changed)
        }
        Statement::GrantMembership {
            role,
            member,
            options,
            explicit,
        } => {
            let mut changed = named(member);
            let knows_options = server.major() >= 16;
            assert!(knows_options || !explicit);
            let grants = changed.member_of.entry(role.clone()).or_default();
            let old = grants.iter().position(|one| one.grantor == "postgres");
            let mut grant = match old {
                Some(at) => grants.remove(at),
                None => Membership {
                    grantor: "postgres".to_owned(),
                    admin: false,
                    inherit: knows_options.then_some(changed.inherit),
                    set: knows_options.then_some(true),
                },
            };
            if *explicit {
                grant.inherit = Some(options.inherit);
                grant.set = Some(options.set);
                grant.admin = options.admin;
            } else {
                grant.admin |= options.admin;
            }
            grants.push(grant);
            (member, changed)
        }
        Statement::RevokeMembership {
            role,
            member,
            option,
            grantor,
        } => {
            let mut changed = named(member);
            let grants = changed.member_of.get_mut(role).expect("a membership");
            let by = |g: &Membership| grantor.as_ref().is_none_or(|name| *name == g.grantor);
            for grant in grants.iter_mut().filter(|g| by(g)) {
                match option {
                    Some(MembershipOption::Admin) => grant.admin = false,
                    Some(MembershipOption::Inherit) => grant.inherit = Some(false),
                    Some(MembershipOption::Set) => grant.set = Some(false),
                    None => {}
                }
            }
            if option.is_none() {
                grants.retain(|grant| !by(grant));
            }
            changed.member_of.retain(|_, grants| !grants.is_empty());
            (member, changed)
        }
        Statement::GrantExecute { function, role } => {
            let mut changed = named(role);
            changed.execute.insert(function.clone());
            (role, changed)
        }
        _ => return false,
    };
    server.roles.insert(name.clone(), role);
    true
}

fn set(role: &mut ObservedRole, attribute: &Attribute) {
    match attribute {
        Attribute::Login(on) => role.login = *on,
        Attribute::Superuser(on) => role.superuser = *on,
        Attribute::Createdb(on) => role.createdb = *on,
        Attribute::Createrole(on) => role.createrole = *on,
        Attribute::Inherit(on) => role.inherit = *on,
        Attribute::Replication(on) => role.replication = *on,
        Attribute::Bypassrls(on) => role.bypassrls = *on,
        Attribute::ConnectionLimit(limit) => role.connection_limit = *limit,
        Attribute::ValidUntil(until) => role.valid_until.clone_from(until),
    }
}

fn apply_to_database(statement: &Statement, server: &mut ObservedServer) {
    let mut named = |name: &str| server.databases.get_mut(name).expect("a database").clone();
    let (name, database) = match statement {
        Statement::DatabaseOwner { database, owner } => {
            let mut changed = named(database);
            let old = changed.owner.clone();
            for grant in changed.acl.iter_mut().filter(|g| g.grantee == old) {
                grant.grantee.clone_from(owner);
            }
            changed.owner.clone_from(owner);
            (database, changed)
        }
        Statement::AlterDatabase { database, option } => {
            let mut changed = named(database);
            match option {
                DatabaseOption::IsTemplate(on) => changed.is_template = *on,
                DatabaseOption::AllowConnections(on) => changed.allow_connections = *on,
                DatabaseOption::ConnectionLimit(limit) => changed.connection_limit = *limit,
            }
            (database, changed)
        }
        Statement::GrantOnDatabase {
            database,
            privilege,
            grantee,
        } => {
            let mut changed = named(database);
            let all = ["CREATE", "CONNECT", "TEMPORARY"];
            let wanted = all
                .iter()
                .filter(|p| *privilege == "ALL" || *p == privilege);
            changed.acl.extend(wanted.map(|privilege| Grant {
                grantee: grantee.clone(),
                privilege: (*privilege).to_owned(),
            }));
            (database, changed)
        }
        Statement::RevokePublicConnect { database } => {
            let mut changed = named(database);
            changed
                .acl
                .retain(|g| g.grantee != "PUBLIC" || g.privilege != "CONNECT");
            (database, changed)
        }
        Statement::RunBaseline { database, .. } => {
            let mut changed = named(database);
            let mark = crate::postgres::model::BASELINE_SETTING.to_owned();
            changed.parameters.insert(mark, "digest".to_owned());
            (database, changed)
        }
        other => panic!("{} is not about roles and databases", other.kind()),
    };
    server.databases.insert(name.clone(), database);
}

fn new_database(owner: &str) -> ObservedDatabase {
    let grant = |grantee: &str, privilege: &str| Grant {
        grantee: grantee.to_owned(),
        privilege: privilege.to_owned(),
    };
    ObservedDatabase {
        owner: owner.to_owned(),
        made: Default::default(),
        is_template: false,
        allow_connections: true,
        connection_limit: -1,
        parameters: Default::default(),
        comment: None,
        acl: vec![grant("PUBLIC", "CONNECT"), grant("PUBLIC", "TEMPORARY")],
    }
}

fn settings<'a>(
    subject: &Subject,
    server: &'a mut ObservedServer,
) -> &'a mut crate::postgres::model::Settings {
    match subject {
        Subject::Role(name) => &mut server.roles.get_mut(name).expect("a role").parameters,
        Subject::RoleIn(name, database) => {
            let role = server.roles.get_mut(name).expect("a role");
            role.parameters_in.entry(database.clone()).or_default()
        }
        Subject::Database(name) => {
            &mut server
                .databases
                .get_mut(name)
                .expect("a database")
                .parameters
        }
    }
}

fn comment<'a>(subject: &Subject, server: &'a mut ObservedServer) -> &'a mut Option<String> {
    match subject {
        Subject::Role(name) | Subject::RoleIn(name, _) => {
            &mut server.roles.get_mut(name).expect("a role").comment
        }
        Subject::Database(name) => &mut server.databases.get_mut(name).expect("a database").comment,
    }
}
