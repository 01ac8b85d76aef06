//! Roles: the system's and the business's.

use std::collections::{HashMap, HashSet};

use sty_core::{Diagnostic, Secret};

use super::Scope;
use super::databases::{limit, presence, reserved};
use super::haproxy::count;
use super::{expiry, server_settings};
use crate::codes;
use crate::model::{Membership, Presence, Role, SystemAccounts};
use crate::postgres::Target;
use crate::source::{Place, Value};

/// Builds and checks `pg_default_roles` and `pg_users`, members after what they belong to.
pub(super) fn build(cluster: &str, scope: &Scope<'_>, accounts: &SystemAccounts) -> Vec<Role> {
    let mut roles: Vec<Role> = Vec::new();
    let mut first: HashMap<String, Place> = HashMap::new();
    let system = scope.value("pg_default_roles").map(Value::list);
    let business = scope.value("pg_users").map(Value::list);
    let system = system.unwrap_or_default().iter().map(|entry| (entry, true));
    let business = business
        .unwrap_or_default()
        .iter()
        .map(|entry| (entry, false));
    let entries: Vec<(&Value, bool)> = system.chain(business).collect();
    for (entry, system) in &entries {
        let role = role(scope, entry, *system, accounts);
        let place = entry.place_of("name");
        match first.insert(role.name.clone(), place) {
            None => {
                check_role(cluster, scope, entry, &role, accounts);
                roles.push(role);
            }
            Some(earlier) => same_name(scope, "role", &role.name, cluster, place, earlier),
        }
    }
    let names = Names::of(&roles, scope);
    for (entry, _) in &entries {
        check_memberships(cluster, scope, entry, &names);
    }
    check_system(cluster, scope, &roles, accounts);
    order(cluster, scope, roles)
}

fn role(scope: &Scope<'_>, entry: &Value, system: bool, accounts: &SystemAccounts) -> Role {
    let text = |name: &str| entry.get(name).map(|value| scope.expanded(value));
    let flag = |name: &str| entry.get(name).and_then(Value::as_bool);
    let name = text("name").unwrap_or_default();
    let written = entry.get("password").and_then(Value::text);
    let password = written
        .filter(|password| !password.is_empty())
        .map(Secret::from)
        .or_else(|| system_password(scope, &name, accounts));
    let members = entry.get("roles").map(Value::list).unwrap_or_default();
    Role {
        state: presence(entry),
        password,
        login: flag("login").unwrap_or(true),
        superuser: flag("superuser").unwrap_or_default(),
        createdb: flag("createdb").unwrap_or_default(),
        createrole: flag("createrole").unwrap_or_default(),
        inherit: flag("inherit").unwrap_or(true),
        replication: flag("replication").unwrap_or_default(),
        bypassrls: flag("bypassrls").unwrap_or_default(),
        connection_limit: limit(entry, "connlimit"),
        expire_at: text("expire_at"),
        expire_in_days: count(entry, "expire_in"),
        roles: members
            .iter()
            .map(|entry| membership(scope, entry))
            .collect(),
        parameters: entry
            .get("parameters")
            .map(|value| scope.pairs_of(value))
            .unwrap_or_default(),
        comment: text("comment"),
        pgbouncer: flag("pgbouncer").unwrap_or_default(),
        pool_mode: text("pool_mode"),
        pool_connlimit: count(entry, "pool_connlimit"),
        system,
        name,
    }
}

fn system_password(
    scope: &Scope<'_>,
    name: &str,
    accounts: &SystemAccounts,
) -> Option<Secret<String>> {
    let accounts = [&accounts.replication, &accounts.admin, &accounts.monitor];
    if let Some(account) = accounts.iter().find(|account| account.name == name) {
        return Some(account.password.clone());
    }
    if name == scope.text("pg_dbsu") {
        return scope.secret("pg_dbsu_password");
    }
    None
}

fn membership(scope: &Scope<'_>, entry: &Value) -> Membership {
    if entry.text().is_some() {
        return Membership {
            role: scope.expanded(entry),
            state: Presence::Present,
            admin: false,
            inherit: None,
            set: None,
        };
    }
    let name = entry.get("name").map(|value| scope.expanded(value));
    let flag = |name: &str| entry.get(name).and_then(Value::as_bool);
    Membership {
        role: name.unwrap_or_default(),
        state: presence(entry),
        admin: flag("admin").unwrap_or_default(),
        inherit: flag("inherit"),
        set: flag("set"),
    }
}

/// Two entries of one list with the same name.
pub(super) fn same_name(
    scope: &Scope<'_>,
    noun: &str,
    name: &str,
    cluster: &str,
    place: Place,
    earlier: Place,
) {
    let message = format!("{noun} `{name}` is declared twice in cluster `{cluster}`");
    let found = Diagnostic::error(codes::DUPLICATE_NAME, message);
    let found = scope.report.label(found, place, "again here");
    let found = scope.report.label(found, earlier, "first here");
    let help = match earlier.is_written() {
        true => "keep one of them",
        false => "every cluster has one of this name: take this one out, or give it another name",
    };
    scope.report.once(place, name, found.help(help));
}

fn check_role(
    cluster: &str,
    scope: &Scope<'_>,
    entry: &Value,
    role: &Role,
    accounts: &SystemAccounts,
) {
    let Some(name) = entry.get("name") else {
        return;
    };
    let what = format!("role `{}` of cluster `{cluster}`", role.name);
    if role.name.starts_with("pg_") {
        reserved(scope, named_at(scope, name, role, accounts), &what);
    }
    if matches!(role.name.as_str(), "public" | "none") {
        scope.report.error(
            codes::IDENTIFIER,
            name.place,
            format!("{what} has a name that PostgreSQL reserves"),
            "means something else in SQL",
            "choose another name",
        );
    }
    if role.name == "all" {
        scope.report.error(
            codes::IDENTIFIER,
            name.place,
            format!("{what} has a name that access rules cannot tell from everybody"),
            "means every user in access rules",
            "choose another name",
        );
    }
    let needs_password = role.login && role.pgbouncer && role.state == Presence::Present;
    if needs_password && role.password.is_none() && !is_system(&role.name, scope, accounts) {
        let message = format!("{what} may log in through PgBouncer and has no password");
        let found = Diagnostic::error(codes::MISSING_PASSWORD, message)
            .help("set `password`, or leave `pgbouncer` out");
        let found = scope.report.label(found, entry.place, "this user");
        scope.report.once(entry.place, &role.name, found);
    }
    expiry::check(scope, entry, role, &what);
    server_settings::check_entry(scope, entry, Target::Role, &what);
}

/// Where a role got its name: the default ones are named by parameters.
fn named_at(scope: &Scope<'_>, name: &Value, role: &Role, accounts: &SystemAccounts) -> Place {
    if name.place.is_written() {
        return name.place;
    }
    let parameters = [
        ("pg_replication_username", &accounts.replication.name),
        ("pg_admin_username", &accounts.admin.name),
        ("pg_monitor_username", &accounts.monitor.name),
    ];
    let named = parameters.iter().find(|(_, name)| **name == role.name);
    scope.place(named.map_or("pg_dbsu", |(parameter, _)| parameter))
}

fn is_system(name: &str, scope: &Scope<'_>, accounts: &SystemAccounts) -> bool {
    let accounts = [&accounts.replication, &accounts.admin, &accounts.monitor];
    accounts.iter().any(|account| account.name == name) || name == scope.text("pg_dbsu")
}

fn check_memberships(cluster: &str, scope: &Scope<'_>, entry: &Value, names: &Names<'_>) {
    if presence(entry) == Presence::Absent {
        // Whoever goes is a member of nothing.
        return;
    }
    let user = entry.get("name").and_then(Value::text).unwrap_or_default();
    for item in entry.get("roles").map(Value::list).unwrap_or_default() {
        let value = match item.text() {
            Some(_) => Some(item),
            None => item.get("name"),
        };
        if let Some(value) = value {
            names.check(
                scope,
                value,
                &format!("`roles` of user `{user}` of cluster `{cluster}`"),
            );
        }
        check_options(
            scope,
            item,
            &format!("user `{user}` of cluster `{cluster}`"),
        );
    }
    check_assumed(cluster, scope, entry, names);
}

/// The role that a user's sessions begin as has to be there, or each begins with a warning.
fn check_assumed(cluster: &str, scope: &Scope<'_>, entry: &Value, names: &Names<'_>) {
    let user = entry.get("name").and_then(Value::text).unwrap_or_default();
    let parameters = entry.get("parameters").map(Value::entries);
    for one in parameters.unwrap_or_default() {
        let assumed = scope.pair(one);
        let is_role = one.key.eq_ignore_ascii_case("role");
        if is_role && !assumed.eq_ignore_ascii_case("none") {
            let what = format!("`role` in `parameters` of user `{user}` of cluster `{cluster}`");
            names.check_name(scope, one.value.place, &assumed, &what);
        }
    }
}

/// Options that memberships have since PostgreSQL 16.
fn check_options(scope: &Scope<'_>, item: &Value, what: &str) {
    const SINCE: u32 = 16;
    let major: u32 = scope.int("pg_version");
    for option in ["inherit", "set"] {
        let Some(value) = item.get(option).filter(|_| major < SINCE) else {
            continue;
        };
        let message =
            format!("`{option}` of a membership of {what} needs PostgreSQL {SINCE}, not {major}");
        let found = Diagnostic::error(codes::VALUE, message)
            .help("leave it out; `inherit` of the user itself holds for all its memberships");
        let found = scope.report.label(found, value.place, "this field");
        scope.report.once(value.place, what, found);
    }
}

/// The users that `sty` itself depends on.
fn check_system(cluster: &str, scope: &Scope<'_>, roles: &[Role], accounts: &SystemAccounts) {
    let needed = [&accounts.replication, &accounts.admin, &accounts.monitor];
    let names = needed.iter().map(|account| account.name.clone());
    for name in names.chain([scope.text("pg_dbsu")]) {
        let role = roles.iter().find(|role| role.name == name);
        let problem = match role {
            Some(role) if role.state == Presence::Absent => "is declared absent",
            Some(_) => continue,
            None => "is not in `pg_default_roles`",
        };
        let place = scope.place("pg_default_roles");
        let found = Diagnostic::error(
            codes::SYSTEM_ROLE,
            format!("system user `{name}` {problem}, in cluster `{cluster}`"),
        )
        .help("declare it there, or leave `pg_default_roles` out to get the default ones");
        let found = scope.report.label(found, place, "declared here");
        scope.report.once(place, &name, found);
    }
}

/// Roles that may be referred to.
pub(super) struct Names<'a> {
    declared: HashSet<&'a str>,
    /// Those who should go.
    leaving: HashSet<&'a str>,
    dbsu: String,
}

impl<'a> Names<'a> {
    pub(super) fn of(roles: &'a [Role], scope: &Scope<'_>) -> Self {
        let (present, absent): (Vec<&Role>, Vec<&Role>) = roles
            .iter()
            .partition(|role| role.state == Presence::Present);
        Self {
            declared: present.iter().map(|role| role.name.as_str()).collect(),
            leaving: absent.iter().map(|role| role.name.as_str()).collect(),
            dbsu: scope.text("pg_dbsu"),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.declared.contains(name) || name == self.dbsu || PREDEFINED.contains(&name)
    }

    /// Whether it is there or should go: what lets it in may stay until then.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.has(name) || self.leaving.contains(name)
    }

    /// Reports a role that nobody declared.
    pub(super) fn check(&self, scope: &Scope<'_>, value: &Value, what: &str) {
        self.check_name(scope, value.place, &scope.expanded(value), what);
    }

    /// The same for a name at `place`.
    pub(super) fn check_name(&self, scope: &Scope<'_>, place: Place, name: &str, what: &str) {
        if self.has(name) || name.is_empty() {
            return;
        }
        let declared = self.declared.iter().copied();
        let candidates = declared.chain(PREDEFINED.iter().copied());
        let (why, help) = match crate::suggest::nearest(name, candidates) {
            _ if self.leaving.contains(name) => (
                "is to be absent",
                "name another role, or take its `state: absent` out".to_owned(),
            ),
            Some(near) => ("is not declared", format!("did you mean `{near}`?")),
            None => ("is not declared", "declare it in `pg_users`".to_owned()),
        };
        let message = format!("role `{name}`, {what}, {why}");
        let found = Diagnostic::error(codes::UNKNOWN_ROLE, message).help(help);
        let found = scope.report.label(found, place, "no such role");
        scope.report.once(place, name, found);
    }
}

/// Roles that every PostgreSQL has.
const PREDEFINED: &[&str] = &[
    "pg_checkpoint",
    "pg_create_subscription",
    "pg_database_owner",
    "pg_execute_server_program",
    "pg_maintain",
    "pg_monitor",
    "pg_read_all_data",
    "pg_read_all_settings",
    "pg_read_all_stats",
    "pg_read_server_files",
    "pg_signal_autovacuum_worker",
    "pg_signal_backend",
    "pg_stat_scan_tables",
    "pg_use_reserved_connections",
    "pg_write_all_data",
    "pg_write_server_files",
];

/// Sorts members after what they belong to, else as written; reports circles.
fn order(cluster: &str, scope: &Scope<'_>, roles: Vec<Role>) -> Vec<Role> {
    let index: HashMap<String, usize> = roles
        .iter()
        .enumerate()
        .map(|(at, role)| (role.name.clone(), at))
        .collect();
    let parents: Vec<Vec<usize>> = roles
        .iter()
        .map(|role| {
            let present = role
                .roles
                .iter()
                .filter(|one| one.state == Presence::Present);
            present
                .filter_map(|one| index.get(&one.role).copied())
                .collect()
        })
        .collect();
    let mut waiting: Vec<usize> = (0..roles.len()).collect();
    let mut done = vec![false; roles.len()];
    let mut sorted = Vec::with_capacity(roles.len());
    while !waiting.is_empty() {
        let before = waiting.len();
        waiting.retain(|at| {
            let ready = parents[*at].iter().all(|parent| done[*parent]);
            if ready {
                done[*at] = true;
                sorted.push(*at);
            }
            !ready
        });
        if waiting.len() == before {
            refuse_circle(cluster, scope, &roles, &waiting);
            sorted.append(&mut waiting);
        }
    }
    let mut roles: Vec<Option<Role>> = roles.into_iter().map(Some).collect();
    sorted
        .into_iter()
        .filter_map(|at| roles[at].take())
        .collect()
}

fn refuse_circle(cluster: &str, scope: &Scope<'_>, roles: &[Role], stuck: &[usize]) {
    let names: Vec<String> = stuck
        .iter()
        .map(|at| format!("`{}`", roles[*at].name))
        .collect();
    scope.report.error(
        codes::ROLE_CYCLE,
        scope.place("pg_users"),
        format!(
            "roles of cluster `{cluster}` are members of each other: {}",
            names.join(", ")
        ),
        "declared here",
        "take one membership out",
    );
}
