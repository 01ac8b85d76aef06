//! Databases: what differs.
//!
//! What only creation can set (template, encoding, locale, tablespace) makes no difference, but is
//! told ([`super::creation`]). What is inside a database that does not exist, or that cannot be
//! connected to, is compared once it can be: comparing again after the steps were taken finds it.

use sty_core::Risk;
use sty_wire::observation::Change;
use sty_wire::postgres::{DatabaseCreation, DatabaseSpec};

use super::model::{
    BASELINE_PENDING, BASELINE_SETTING, ObservedContents, ObservedDatabase, ObservedServer,
};
use super::privilege::{self, holds};
use super::role::{comment_on, set_all};
use super::setting;
use super::statement::{DatabaseOption, Statement, Subject};
use super::version::{self, Feature};
use super::{Comparison, Place, contents};

/// Databases that every server needs.
pub(super) const SYSTEM: [&str; 3] = ["postgres", "template0", "template1"];

/// What brings the database of `spec` about on `server`; `inside` is what is in it, where that
/// could be looked at.
///
/// A database with a baseline is made under the name [`unfinished`], marked, and only then gets
/// its own name: so one that lacks its baseline is always known as such.
pub fn compare(
    spec: &DatabaseSpec,
    server: &ObservedServer,
    inside: Option<&ObservedContents>,
) -> Comparison {
    let mut result = Comparison::default();
    let observed = server.databases.get(&spec.name);
    match (spec.absent, observed) {
        (true, None) => {}
        (true, Some(database)) => drop_database(&mut result, spec, database),
        (false, None) => create(&mut result, spec, server),
        (false, Some(database)) => {
            alter(&mut result, spec, database);
            if let Some(inside) = inside {
                contents::compare(&mut result, spec, inside, server.major());
            }
            finish(&mut result, spec, database);
        }
    }
    result
}

/// Name of a database that is being made.
pub fn unfinished(name: &str) -> String {
    format!("{name}.unfinished")
}

fn drop_database(result: &mut Comparison, spec: &DatabaseSpec, observed: &ObservedDatabase) {
    let database = spec.name.clone();
    if SYSTEM.contains(&database.as_str()) {
        result.conflict(
            format!("database `{database}` belongs to the server itself and cannot be dropped"),
            "take the database out of the inventory",
        );
        return;
    }
    if observed.is_template {
        let option = DatabaseOption::IsTemplate(false);
        let database = database.clone();
        result.support(Place::Server, Statement::AlterDatabase { database, option });
    }
    let statement = Statement::DropDatabase { database };
    result.push_risky(
        Place::Server,
        Change::named("drop"),
        statement,
        Risk::Destroy,
    );
}

fn create(result: &mut Comparison, spec: &DatabaseSpec, server: &ObservedServer) {
    let unsupported = unsupported(&spec.creation, server.major());
    if !unsupported.is_empty() {
        for (option, since) in unsupported {
            let major = server.major();
            result.conflict(
                format!(
                    "database `{}`: `{option}` needs PostgreSQL {since} or newer, this is {major}",
                    spec.name
                ),
                format!("leave out `{option}`"),
            );
        }
        return;
    }
    if let Some(tablespace) = &spec.creation.tablespace
        && !server.tablespaces.contains(tablespace)
    {
        result.conflict(
            format!(
                "database `{}`: there is no tablespace `{tablespace}`",
                spec.name
            ),
            "make it with `CREATE TABLESPACE`, its directory on every member first, or leave \
             `tablespace` out",
        );
        return;
    }
    let marked = spec.baseline.is_some();
    let database = if marked {
        unfinished(&spec.name)
    } else {
        spec.name.clone()
    };
    if marked && server.databases.contains_key(&database) {
        let database = database.clone();
        result.support(Place::Server, Statement::DropDatabase { database });
    }
    let statement = Statement::CreateDatabase {
        database: database.clone(),
        owner: spec.owner.clone(),
        creation: Box::new(spec.creation.clone()),
    };
    result.push(Place::Server, Change::named("create"), statement);
    if marked {
        mark_and_rename(result, database, &spec.name);
    }
}

fn mark_and_rename(result: &mut Comparison, from: String, to: &str) {
    let mark = Statement::Set {
        subject: Subject::Database(from.clone()),
        name: BASELINE_SETTING.to_owned(),
        value: BASELINE_PENDING.to_owned(),
    };
    result.support(Place::Server, mark);
    let to = to.to_owned();
    result.support(Place::Server, Statement::RenameDatabase { from, to });
}

/// Options of `creation` that `major` does not have, with the first major that does.
fn unsupported(creation: &DatabaseCreation, major: u32) -> Vec<(&'static str, u32)> {
    let asked = [
        ("strategy", &creation.strategy, Feature::CreateStrategy),
        (
            "locale_provider",
            &creation.locale_provider,
            Feature::LocaleProvider,
        ),
        ("icu_locale", &creation.icu_locale, Feature::IcuLocale),
        ("icu_rules", &creation.icu_rules, Feature::IcuRules),
        (
            "builtin_locale",
            &creation.builtin_locale,
            Feature::BuiltinLocale,
        ),
    ];
    asked
        .into_iter()
        .filter(|(_, value, feature)| value.is_some() && !version::has(major, *feature))
        .map(|(name, _, feature)| (name, version::since(feature)))
        .collect()
}

fn alter(result: &mut Comparison, spec: &DatabaseSpec, observed: &ObservedDatabase) {
    let database = || spec.name.clone();
    if spec.allow_connections && !observed.allow_connections {
        option(
            result,
            spec,
            "allow connections",
            &false,
            &true,
            DatabaseOption::AllowConnections(true),
        );
    }
    if let Some(owner) = spec.owner.as_ref().filter(|name| **name != observed.owner) {
        let change = Change::new("owner", &observed.owner, owner);
        let (database, owner) = (database(), owner.clone());
        let statement = Statement::DatabaseOwner { database, owner };
        result.push(Place::Server, change, statement);
    }
    let (from, to) = (observed.connection_limit, spec.connection_limit);
    if from != to {
        let limit = DatabaseOption::ConnectionLimit(to);
        option(result, spec, "connection limit", &from, &to, limit);
    }
    let (from, to) = (observed.is_template, spec.is_template);
    if from != to {
        let template = DatabaseOption::IsTemplate(to);
        option(result, spec, "is template", &from, &to, template);
    }
    grants(result, spec, observed);
    let subject = Subject::Database(spec.name.clone());
    let changes = setting::compare(&spec.parameters, &observed.parameters);
    set_all(result, &subject, changes);
    let (wanted, found) = (spec.comment.as_deref(), observed.comment.as_deref());
    comment_on(result, subject, wanted, found);
}

fn option(
    result: &mut Comparison,
    spec: &DatabaseSpec,
    what: &str,
    from: &dyn ToString,
    to: &dyn ToString,
    option: DatabaseOption,
) {
    let database = spec.name.clone();
    let change = Change::new(what, from.to_string(), to.to_string());
    result.push(
        Place::Server,
        change,
        Statement::AlterDatabase { database, option },
    );
}

/// Who may connect, and who may do everything.
fn grants(result: &mut Comparison, spec: &DatabaseSpec, observed: &ObservedDatabase) {
    const PUBLIC: &str = "PUBLIC";
    let public = holds(&observed.acl, PUBLIC, "CONNECT");
    match &spec.connect_only {
        Some(roles) => {
            for role in roles.iter().filter(|role| !is_owner(spec, observed, role)) {
                if !holds(&observed.acl, role, "CONNECT") {
                    grant(result, spec, "CONNECT", role);
                }
            }
            if public {
                let database = spec.name.clone();
                let change = Change {
                    what: "connect for PUBLIC".to_owned(),
                    from: Some("granted".to_owned()),
                    to: None,
                    ..Change::default()
                };
                let statement = Statement::RevokePublicConnect { database };
                result.push(Place::Server, change, statement);
            }
        }
        None if !public => grant(result, spec, "CONNECT", PUBLIC),
        None => {}
    }
    for role in spec
        .grant_all_to
        .iter()
        .filter(|role| !is_owner(spec, observed, role))
    {
        let missing = |privilege: &&&str| !holds(&observed.acl, role, privilege);
        if privilege::DATABASE.iter().any(|name| missing(&name)) {
            grant(result, spec, "ALL", role);
        }
    }
}

/// The owner has everything; when it changes, its privileges follow.
fn is_owner(spec: &DatabaseSpec, observed: &ObservedDatabase, role: &str) -> bool {
    spec.owner.as_deref().unwrap_or(&observed.owner) == role
}

fn grant(result: &mut Comparison, spec: &DatabaseSpec, privilege: &'static str, to: &str) {
    let change = Change {
        what: format!("{} for {to}", privilege.to_ascii_lowercase()),
        from: None,
        to: Some("granted".to_owned()),
        ..Change::default()
    };
    let statement = Statement::GrantOnDatabase {
        database: spec.name.clone(),
        privilege,
        grantee: to.to_owned(),
    };
    result.push(Place::Server, change, statement);
}

/// What comes after everything else: the baseline, and closing the door.
fn finish(result: &mut Comparison, spec: &DatabaseSpec, observed: &ObservedDatabase) {
    let mark = observed.parameters.get(BASELINE_SETTING);
    if let Some((path, _)) = &spec.baseline
        && mark.is_some_and(|mark| mark == BASELINE_PENDING)
    {
        let change = Change {
            what: format!("baseline {path}"),
            from: None,
            to: Some("run".to_owned()),
            ..Change::default()
        };
        let (database, path) = (spec.name.clone(), path.clone());
        let statement = Statement::RunBaseline { database, path };
        result.push(Place::Server, change, statement);
    }
    if !spec.allow_connections && observed.allow_connections {
        let closed = DatabaseOption::AllowConnections(false);
        option(result, spec, "allow connections", &true, &false, closed);
    }
}
