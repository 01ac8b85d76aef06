//! Users who are declared, and cannot get in the way they should.

use sty_core::{Diagnostic, Severity};

use super::Scope;
use super::databases::fits_pooler;
use crate::codes;
use crate::model::{HbaKind, HbaRule, PgSettings, Presence, Role};
use crate::postgres::{SCRAM, is_md5_secret, is_scram_secret};
use crate::source::{Place, Value};

/// Checks the roles of a cluster against its rules.
pub(super) fn check(
    cluster: &str,
    scope: &Scope<'_>,
    settings: &PgSettings,
    roles: &[Role],
    rules: &[HbaRule],
) {
    let entries = scope.value("pg_users").map(Value::list).unwrap_or_default();
    for entry in entries {
        let Some(name) = entry.get("name") else {
            continue;
        };
        let written = scope.expanded(name);
        let role = roles.iter().find(|role| role.name == written);
        let Some(role) = role.filter(|role| role.login && role.state == Presence::Present) else {
            continue;
        };
        let what = format!("user `{written}` of cluster `{cluster}`");
        check_scram(scope, entry, role, &what);
        check_secret(scope, entry, settings, role, rules, &what);
        if settings.pgbouncer {
            check_pooled(scope, entry, role, rules, &what);
            check_name(scope, entry, role, &what);
        }
    }
}

/// Limits of a user in the pooler are an entry of its configuration.
fn check_name(scope: &Scope<'_>, entry: &Value, role: &Role, what: &str) {
    let limited = role.pool_mode.is_some() || role.pool_connlimit.is_some();
    if role.pgbouncer && limited && !fits_pooler(&role.name) {
        report(
            scope,
            entry.place_of("name"),
            what,
            Diagnostic::error(
                codes::POOLED_NAME,
                format!(
                    "{what} has limits in the pooler and a name that PgBouncer cannot have in its configuration"
                ),
            ),
            "PgBouncer would refuse its whole configuration",
            "choose ASCII letters, digits, `_`, `-` and `.`, or take `pool_mode` and `pool_connlimit` out",
        );
    }
}

/// What only begins like a finished secret is a password in plain text.
fn check_scram(scope: &Scope<'_>, entry: &Value, role: &Role, what: &str) {
    let password = role.password.as_ref().map(|password| password.expose());
    let is_broken = |text: &&String| text.starts_with(SCRAM) && !is_scram_secret(text);
    if password.filter(is_broken).is_none() {
        return;
    }
    let message = format!(
        "{what} has a password that begins like a SCRAM secret and is none: it is taken as it stands"
    );
    report(
        scope,
        entry.place_of("password"),
        what,
        Diagnostic::warning(codes::SCRAM_SECRET, message),
        "not `SCRAM-SHA-256$ITERATIONS:SALT$STORED:SERVER`",
        "copy the whole of `rolpassword` from `pg_authid`, or write the password itself",
    );
}

/// A secret made for md5 opens no door that asks for SCRAM.
fn check_secret(
    scope: &Scope<'_>,
    entry: &Value,
    settings: &PgSettings,
    role: &Role,
    rules: &[HbaRule],
    what: &str,
) {
    let password = role.password.as_ref();
    let is_md5 = password.is_some_and(|password| is_md5_secret(password.expose()));
    if !is_md5 || settings.password_encryption != "scram-sha-256" {
        return;
    }
    let place = entry.place_of("password");
    let somewhere = rules.iter().any(asks_for_md5);
    let pooled = role.pgbouncer && settings.pgbouncer;
    let (severity, message) = match (somewhere, pooled) {
        (false, _) => (
            Severity::Error,
            format!("{what} has an md5 secret, and every rule asks for SCRAM: it cannot log in"),
        ),
        (true, true) => (
            Severity::Warning,
            format!(
                "{what} has an md5 secret, with which PgBouncer cannot log in where SCRAM is asked for"
            ),
        ),
        (true, false) => (
            Severity::Warning,
            format!("{what} has an md5 secret, which opens only what md5 rules guard"),
        ),
    };
    let found = Diagnostic {
        severity,
        ..Diagnostic::error(codes::MD5_SECRET, message)
    };
    report(
        scope,
        place,
        what,
        found,
        "made for md5",
        "write the password itself or a `SCRAM-SHA-256$` secret, or set `pg_pwd_enc: md5`",
    );
}

fn asks_for_md5(rule: &HbaRule) -> bool {
    match &rule.kind {
        HbaKind::Alias { auth, .. } => matches!(auth.as_str(), "md5" | "ssl-md5"),
        HbaKind::Raw(lines) => lines
            .iter()
            .any(|line| line.split_whitespace().any(|one| one == "md5")),
    }
}

/// PgBouncer comes from the node itself, where nobody lets the offline group in.
fn check_pooled(scope: &Scope<'_>, entry: &Value, role: &Role, rules: &[HbaRule], what: &str) {
    const GROUP: &str = "dbrole_offline";
    let mut groups = role
        .roles
        .iter()
        .filter(|one| one.state == Presence::Present);
    let first = groups.next();
    let alone = first.is_none_or(|one| one.role == GROUP) && groups.next().is_none();
    let let_in = rules
        .iter()
        .any(|rule| lets_in_locally(rule, &role.name, GROUP));
    if !role.pgbouncer || !alone || role.superuser || let_in {
        return;
    }
    let belongs = match first {
        Some(_) => format!("belongs to `{GROUP}` alone"),
        None => "belongs to no group".to_owned(),
    };
    let message = format!("{what} {belongs} and has `pgbouncer: true`, which leads nowhere");
    let place = entry.place_of("pgbouncer");
    report(
        scope,
        place,
        what,
        Diagnostic::warning(codes::POOLED_OFFLINE, message),
        "PostgreSQL does not let it in from PgBouncer",
        "give it a role such as `dbrole_readwrite`, add a rule for `localhost`, or leave `pgbouncer` out (the offline service leads to PostgreSQL itself)",
    );
}

fn lets_in_locally(rule: &HbaRule, name: &str, group: &str) -> bool {
    match &rule.kind {
        // Whatever it says, it is the operator's own.
        HbaKind::Raw(_) => true,
        HbaKind::Alias {
            users,
            addresses,
            auth,
            ..
        } => {
            let for_it = |user: &String| {
                user == "all" || user == name || user.strip_prefix('+') == Some(group)
            };
            let from_here =
                |address: &String| matches!(address.as_str(), "local" | "localhost" | "all");
            !matches!(auth.as_str(), "deny" | "reject")
                && users.iter().any(for_it)
                && addresses.iter().any(from_here)
        }
    }
}

fn report(scope: &Scope<'_>, place: Place, what: &str, found: Diagnostic, label: &str, help: &str) {
    let found = scope.report.label(found.help(help), place, label);
    scope.report.once(place, what, found);
}
