//! Roles: what differs.

use std::collections::BTreeSet;

use sty_core::Risk;
use sty_wire::observation::Change;
use sty_wire::postgres::{Expiry, Password, RoleSpec};

use super::membership;
use super::model::{Dependents, ObservedRole, ObservedServer, Settings};
use super::setting::{self, SettingChange};
use super::statement::{Attribute, Statement, Subject};
use super::{Comparison, Place};

/// What brings the role of `spec` about on `server`.
///
/// An [`Expiry::At`] must be written as the server writes times
/// ([`ObservedRole::valid_until`]). Privileges that nobody asked for stay, and memberships in
/// roles that are not predefined; settings do not. `dependents` are those of a role that is there
/// and should not be.
pub fn compare(spec: &RoleSpec, server: &ObservedServer, dependents: &Dependents) -> Comparison {
    let mut result = Comparison::default();
    let observed = server.roles.get(&spec.name);
    match (spec.absent, observed) {
        (true, None) => {}
        (true, Some(role)) => drop_role(&mut result, spec, role, server, dependents),
        (false, Some(role)) => alter(&mut result, spec, role, server),
        (false, None) => {
            let role = spec.name.clone();
            let create = Statement::CreateRole { role };
            result.push(Place::Server, Change::named("create"), create);
            alter(&mut result, spec, &ObservedRole::fresh(), server);
        }
    }
    result
}

/// A role that nobody and nothing depends on goes like that; whatever is touched by its end makes
/// it one to be confirmed. What is in databases that go as well is theirs to be confirmed.
fn drop_role(
    result: &mut Comparison,
    spec: &RoleSpec,
    observed: &ObservedRole,
    server: &ObservedServer,
    dependents: &Dependents,
) {
    let name = &spec.name;
    if observed.system || *name == server.superuser {
        result.conflict(
            format!("role `{name}` belongs to the server itself and cannot be dropped"),
            "take the user out of the inventory",
        );
        return;
    }
    let mut left = dependents.clone();
    left.members.retain(|name| !spec.leaving.contains(name));
    let dependents = &left;
    let mut touched = touched(dependents, &server.superuser);
    let alone = apart_from(dependents, &spec.going);
    if alone == Dependents::default() && *dependents != alone {
        result.after = all_databases(dependents);
        touched.clear();
    }
    let risk = match touched.is_empty() {
        true => Risk::Safe,
        false => Risk::Destroy,
    };
    let role = name.clone();
    // A pooler may hold a session that outlives its role, and begin another one.
    let attribute = Attribute::Login(false);
    result.support(Place::Server, Statement::AlterRole { role, attribute });
    let role = name.clone();
    let heir = server.superuser.clone();
    let release = Statement::ReleaseOwned { role, heir };
    result.push_risky(Place::EveryDatabase, Change::named("drop"), release, risk);
    for statement in [
        Statement::EndSessions { role: name.clone() },
        Statement::DropRole { role: name.clone() },
    ] {
        result.support(Place::Server, statement);
    }
    result.remarks.extend(touched);
}

/// What is left of the dependents without some databases.
fn apart_from(dependents: &Dependents, going: &BTreeSet<String>) -> Dependents {
    let mut left = dependents.clone();
    left.databases.retain(|name| !going.contains(name));
    left.objects.retain(|name, _| !going.contains(name));
    left.sessions.retain(|name, _| !going.contains(name));
    left
}

/// Databases in which a role has something.
fn all_databases(dependents: &Dependents) -> BTreeSet<String> {
    let counted = dependents.objects.keys().chain(dependents.sessions.keys());
    counted.chain(&dependents.databases).cloned().collect()
}

/// What the end of a role touches, in words.
fn touched(dependents: &Dependents, heir: &str) -> Vec<Change> {
    let databases = dependents.databases.iter();
    let databases = databases.map(|name| format!("database {name} goes to {heir}"));
    let objects = dependents.objects.iter();
    let objects = objects.map(|(database, count)| match count {
        1 => format!("1 object in {database} goes to {heir}"),
        _ => format!("{count} objects in {database} go to {heir}"),
    });
    let members = dependents.members.iter();
    let members = members.map(|name| format!("{name} loses membership"));
    let sessions = match dependents.sessions.values().sum() {
        0_u64 => None,
        1 => Some("1 session is open".to_owned()),
        count => Some(format!("{count} sessions are open")),
    };
    let all = databases.chain(objects).chain(members).chain(sessions);
    all.map(Change::named).collect()
}

fn alter(
    result: &mut Comparison,
    spec: &RoleSpec,
    observed: &ObservedRole,
    server: &ObservedServer,
) {
    attributes(result, spec, observed, server);
    expiry(result, spec, observed);
    password(result, spec, observed);
    membership::compare(result, spec, observed, server.major());
    parameters(result, spec, observed);
    comment(result, spec, observed);
    functions(result, spec, observed);
}

/// An attribute that is on or off: its name, what it is, what it should be, how it is set.
type Flag = (&'static str, bool, bool, fn(bool) -> Attribute);

fn attributes(
    result: &mut Comparison,
    spec: &RoleSpec,
    observed: &ObservedRole,
    server: &ObservedServer,
) {
    let flags: [Flag; 7] = [
        ("login", observed.login, spec.login, Attribute::Login),
        (
            "superuser",
            observed.superuser,
            spec.superuser,
            Attribute::Superuser,
        ),
        (
            "createdb",
            observed.createdb,
            spec.createdb,
            Attribute::Createdb,
        ),
        (
            "createrole",
            observed.createrole,
            spec.createrole,
            Attribute::Createrole,
        ),
        (
            "inherit",
            observed.inherit,
            spec.inherit,
            Attribute::Inherit,
        ),
        (
            "replication",
            observed.replication,
            spec.replication,
            Attribute::Replication,
        ),
        (
            "bypassrls",
            observed.bypassrls,
            spec.bypassrls,
            Attribute::Bypassrls,
        ),
    ];
    for (what, from, to, attribute) in flags {
        let own = spec.name == server.superuser && matches!(what, "superuser" | "login");
        if from != to && own {
            result.conflict(
                format!("role `{}` must keep {what}: `sty` works as it", spec.name),
                format!("set `{what}: true` for it"),
            );
        } else if from != to {
            set_attribute(result, spec, what, &from, &to, attribute(to));
        }
    }
    let (from, to) = (observed.connection_limit, spec.connection_limit);
    if from != to {
        let limit = Attribute::ConnectionLimit(to);
        set_attribute(result, spec, "connection limit", &from, &to, limit);
    }
}

fn set_attribute(
    result: &mut Comparison,
    spec: &RoleSpec,
    what: &str,
    from: &dyn ToString,
    to: &dyn ToString,
    attribute: Attribute,
) {
    let change = Change::new(what, from.to_string(), to.to_string());
    let role = spec.name.clone();
    result.push(
        Place::Server,
        change,
        Statement::AlterRole { role, attribute },
    );
}

fn expiry(result: &mut Comparison, spec: &RoleSpec, observed: &ObservedRole) {
    const NEVER: &str = "never";
    let from = observed.valid_until.as_deref();
    let shown = from.unwrap_or(NEVER);
    match &spec.valid_until {
        Expiry::Never if from.is_some() => {
            let until = Attribute::ValidUntil(None);
            set_attribute(result, spec, "valid until", &shown, &NEVER, until);
        }
        Expiry::At(to) if from != Some(to) => {
            let until = Attribute::ValidUntil(Some(to.clone()));
            set_attribute(result, spec, "valid until", &shown, to, until);
        }
        Expiry::AfterDays(days) if from.is_none() => {
            let change = Change::new("valid until", NEVER, format!("{days} days from now"));
            let role = spec.name.clone();
            let statement = Statement::ExpireAfter { role, days: *days };
            result.push(Place::Server, change, statement);
        }
        _ => {}
    }
}

fn password(result: &mut Comparison, spec: &RoleSpec, observed: &ObservedRole) {
    let wanted = match &spec.password {
        Password::Any => return,
        Password::None => None,
        Password::Stored(secret) => Some(secret),
    };
    if observed.password.as_ref() != wanted {
        let (role, stored) = (spec.name.clone(), wanted.cloned());
        let statement = Statement::SetPassword { role, stored };
        result.push(Place::Server, Change::named("password"), statement);
    }
}

fn parameters(result: &mut Comparison, spec: &RoleSpec, observed: &ObservedRole) {
    let changes = setting::compare(&spec.parameters, &observed.parameters);
    set_all(result, &Subject::Role(spec.name.clone()), changes);
    // No inventory can say what should hold in one database only.
    for (database, settings) in &observed.parameters_in {
        let changes = setting::compare(&Settings::new(), settings);
        let subject = Subject::RoleIn(spec.name.clone(), database.clone());
        set_all(result, &subject, changes);
    }
}

/// Statements for changed settings of a role or a database.
pub(super) fn set_all(result: &mut Comparison, subject: &Subject, changes: Vec<SettingChange>) {
    let place = match subject {
        Subject::RoleIn(_, database) => format!(" in {database}"),
        Subject::Role(_) | Subject::Database(_) => String::new(),
    };
    for change in changes {
        let subject = subject.clone();
        let (change, statement) = match change {
            SettingChange::Set { name, from, to } => {
                let what = format!("parameter {name}{place}");
                let change = Change {
                    what,
                    from,
                    to: Some(to.clone()),
                    ..Change::default()
                };
                let value = to;
                let set = Statement::Set {
                    subject,
                    name,
                    value,
                };
                (change, set)
            }
            SettingChange::Reset { name, from } => {
                let change = Change {
                    what: format!("parameter {name}{place}"),
                    from: Some(from),
                    to: None,
                    ..Change::default()
                };
                (change, Statement::Reset { subject, name })
            }
        };
        result.push(Place::Server, change, statement);
    }
}

fn comment(result: &mut Comparison, spec: &RoleSpec, observed: &ObservedRole) {
    let subject = Subject::Role(spec.name.clone());
    comment_on(
        result,
        subject,
        spec.comment.as_deref(),
        observed.comment.as_deref(),
    );
}

/// A statement for a changed comment; an empty one is the same as none.
pub(super) fn comment_on(
    result: &mut Comparison,
    subject: Subject,
    wanted: Option<&str>,
    observed: Option<&str>,
) {
    let Some(text) = wanted else { return };
    if observed.unwrap_or_default() != text {
        let change = Change {
            what: "comment".to_owned(),
            from: observed.map(str::to_owned),
            to: Some(text.to_owned()),
            ..Change::default()
        };
        let text = text.to_owned();
        result.push(Place::Server, change, Statement::Comment { subject, text });
    }
}

fn functions(result: &mut Comparison, spec: &RoleSpec, observed: &ObservedRole) {
    for function in &spec.execute {
        let Some(signature) = signature(function) else {
            result.conflict(
                format!("`{function}` does not name a function"),
                "write it with its argument types: `pg_read_binary_file(text)`",
            );
            continue;
        };
        if !observed.execute.contains(&signature) {
            let change = Change {
                what: format!("execute {signature}"),
                from: None,
                to: Some("granted".to_owned()),
                ..Change::default()
            };
            let (function, role) = (signature, spec.name.clone());
            let statement = Statement::GrantExecute { function, role };
            result.push(Place::Server, change, statement);
        }
    }
}

/// The signature as the server writes it (`name(type,type)`), if it is made of plain words.
fn signature(text: &str) -> Option<String> {
    let plain = |text: &str| {
        let allowed =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ' ' | '[' | ']');
        text.chars().all(allowed)
    };
    let (name, rest) = text.trim().split_once('(')?;
    let arguments = rest.strip_suffix(')')?;
    let arguments: Vec<&str> = arguments.split(',').map(str::trim).collect();
    let fits = plain(name) && !name.is_empty() && arguments.iter().all(|word| plain(word));
    fits.then(|| format!("{}({})", name.trim(), arguments.join(",")))
}
