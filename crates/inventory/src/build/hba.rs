//! Access rules of PostgreSQL and PgBouncer.

use std::net::IpAddr;

use sty_core::Diagnostic;

use super::roles::Names;
use super::{Scope, exposed};
use crate::codes;
use crate::model::{Database, HbaKind, HbaRule, Role};
use crate::source::Value;
use crate::suggest;

/// The two parameters of one program's rules, and the databases that it adds.
#[derive(Clone, Copy)]
pub(super) struct Program {
    default: &'static str,
    own: &'static str,
    databases: &'static [&'static str],
}

/// PostgreSQL.
pub(super) const POSTGRES: Program = Program {
    default: "pg_default_hba_rules",
    own: "pg_hba_rules",
    databases: &["replication", "template1"],
};

/// PgBouncer.
pub(super) const PGBOUNCER: Program = Program {
    default: "pgb_default_hba_rules",
    own: "pgb_hba_rules",
    databases: &["pgbouncer", "replication"],
};

/// Aliases of addresses.
const ADDRESSES: &[&str] = &[
    "local",
    "localhost",
    "admin",
    "infra",
    "cluster",
    "intra",
    "intranet",
    "world",
    "all",
    "samehost",
    "samenet",
];

/// Aliases and names of methods.
const METHODS: &[&str] = &[
    "pwd",
    "ssl",
    "ssl-sha",
    "ssl-md5",
    "cert",
    "ident",
    "peer",
    "os",
    "trust",
    "deny",
    "md5",
    "sha",
    "scram-sha-256",
    "reject",
    "password",
];

const TYPES: &[&str] = &[
    "local",
    "host",
    "hostssl",
    "hostnossl",
    "hostgssenc",
    "hostnogssenc",
];

/// Order of a rule that does not say.
const DEFAULT_ORDER: i64 = 1000;

/// Builds and checks the rules, sorted.
pub(super) fn build(
    scope: &Scope<'_>,
    program: Program,
    roles: &[Role],
    databases: &[Database],
) -> Vec<HbaRule> {
    let names = Names::of(roles, scope);
    let mut rules: Vec<(HbaRule, &Value)> = Vec::new();
    for parameter in [program.default, program.own] {
        for entry in scope.value(parameter).map(Value::list).unwrap_or_default() {
            let what = format!("a rule of `{parameter}`");
            if let Some(kind) = kind(scope, entry, &what) {
                check_names(scope, entry, &kind, &what, &names, program, databases);
                exposed::check(scope, entry, &kind, &what);
                rules.push((rule(scope, entry, kind), entry));
            }
        }
    }
    rules.sort_by_key(|(rule, _)| rule.order);
    check_reachable(scope, program, &rules);
    rules.into_iter().map(|(rule, _)| rule).collect()
}

/// Warns of own rules that an earlier rule leaves nothing for.
fn check_reachable(scope: &Scope<'_>, program: Program, rules: &[(HbaRule, &Value)]) {
    for (at, (rule, entry)) in rules.iter().enumerate() {
        if !entry.place.is_written() {
            continue;
        }
        let Some((earlier, _)) = rules[..at]
            .iter()
            .find(|(earlier, _)| covers(earlier, rule))
        else {
            continue;
        };
        let message = format!(
            "a rule of `{}` is never used: rule `{}` with order {} comes first",
            program.own,
            name(earlier),
            earlier.order
        );
        let found = Diagnostic::warning(codes::HBA_ORDER, message.clone()).help(format!(
            "give it an `order` below {}, or leave it out",
            earlier.order
        ));
        let found = scope
            .report
            .label(found, entry.place, "matches nothing that is left");
        scope.report.once(entry.place, &message, found);
    }
}

/// Title of a rule, or what it says.
fn name(rule: &HbaRule) -> String {
    match &rule.kind {
        HbaKind::Alias {
            users,
            databases,
            addresses,
            auth,
        } if rule.title.is_empty() => format!(
            "{} {} {} {auth}",
            users.join(","),
            databases.join(","),
            addresses.join(",")
        ),
        _ => rule.title.clone(),
    }
}

/// Whether every connection that matches `later` matches `earlier`, as far as names tell.
fn covers(earlier: &HbaRule, later: &HbaRule) -> bool {
    let (
        HbaKind::Alias {
            users,
            databases,
            addresses,
            auth,
        },
        HbaKind::Alias {
            users: later_users,
            databases: later_databases,
            addresses: later_addresses,
            auth: later_auth,
        },
    ) = (&earlier.kind, &later.kind)
    else {
        return false;
    };
    let is_tls = |auth: &str| auth.starts_with("ssl") || auth == "cert";
    let has = |list: &[String], word: &str| list.iter().any(|one| one == word);
    let user = |name: &String| has(users, name) || has(users, "all");
    let database =
        |name: &String| has(databases, name) || has(databases, "all") && name != "replication";
    let address = |name: &String| {
        has(addresses, name)
            || (has(addresses, "world") || has(addresses, "all")) && name != "local"
    };
    (earlier.role == "common" || earlier.role == later.role)
        && (!is_tls(auth) || is_tls(later_auth))
        && later_users.iter().all(user)
        && later_databases.iter().all(database)
        && later_addresses.iter().all(address)
}

fn rule(scope: &Scope<'_>, entry: &Value, kind: HbaKind) -> HbaRule {
    let text = |name: &str| entry.get(name).map(|value| scope.expanded(value));
    let order = entry.get("order").and_then(Value::as_i64);
    HbaRule {
        title: text("title").unwrap_or_default().replace(['\n', '\r'], " "),
        role: text("role").unwrap_or_else(|| "common".to_owned()),
        order: order.unwrap_or(DEFAULT_ORDER),
        kind,
    }
}

fn kind(scope: &Scope<'_>, entry: &Value, what: &str) -> Option<HbaKind> {
    let words = |name: &str| {
        entry
            .get(name)
            .map(|value| scope.words_of(value))
            .unwrap_or_default()
    };
    if let Some(rules) = entry.get("rules") {
        let lines = scope.texts_of(rules);
        check_raw(scope, rules, &lines, what);
        return Some(HbaKind::Raw(lines));
    }
    let or_all = |name: &str| match entry.get(name) {
        Some(_) => words(name),
        None => vec!["all".to_owned()],
    };
    let (users, databases, addresses) = (or_all("user"), or_all("db"), words("addr"));
    let auth = entry.get("auth").map(|value| scope.expanded(value));
    let auth = auth.unwrap_or_else(|| "pwd".to_owned());
    let fields = [
        ("user", users.is_empty()),
        ("db", databases.is_empty()),
        ("addr", addresses.is_empty()),
        ("auth", auth.is_empty()),
    ];
    if let Some((missing, _)) = fields.into_iter().find(|(_, missing)| *missing) {
        once(
            scope,
            entry,
            codes::HBA_RULE,
            format!("{what} says nothing: it has no `{missing}`"),
            "write `user`, `db`, `addr` and `auth`, or `rules` with raw lines",
        );
        return None;
    }
    check_aliases(scope, entry, &addresses, &auth, what);
    Some(HbaKind::Alias {
        users,
        databases,
        addresses,
        auth,
    })
}

fn once(scope: &Scope<'_>, value: &Value, code: &'static str, message: String, help: &str) {
    let found = Diagnostic::error(code, message.clone()).help(help);
    let found = scope.report.label(found, value.place, "here");
    scope.report.once(value.place, &message, found);
}

fn check_aliases(scope: &Scope<'_>, entry: &Value, addresses: &[String], auth: &str, what: &str) {
    for address in addresses {
        if ADDRESSES.contains(&address.as_str()) || is_network(address) {
            continue;
        }
        let help = match suggest::nearest(address, ADDRESSES.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "use an alias such as `intra`, or a network such as `10.0.0.0/8`".to_owned(),
        };
        let value = entry.get("addr").unwrap_or(entry);
        let message = format!("{what} has the unknown address `{address}`");
        once(scope, value, codes::HBA_ALIAS, message, &help);
    }
    if !METHODS.contains(&auth) {
        let help = match suggest::nearest(auth, METHODS.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use one of {}", METHODS.join(", ")),
        };
        let value = entry.get("auth").unwrap_or(entry);
        let message = format!("{what} has the unknown method `{auth}`");
        once(scope, value, codes::HBA_ALIAS, message, &help);
    }
}

fn is_network(text: &str) -> bool {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return false;
    };
    let longest: u8 = if address.is_ipv4() { 32 } else { 128 };
    prefix.is_none_or(|prefix| prefix.parse::<u8>().is_ok_and(|bits| bits <= longest))
}

/// A raw line is a type, databases, users, an address unless local, and a method.
fn check_raw(scope: &Scope<'_>, rules: &Value, lines: &[String], what: &str) {
    let mut said = false;
    for line in lines {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        said = true;
        let words: Vec<&str> = line.split_whitespace().collect();
        let kind = words.first().copied().unwrap_or_default();
        let needed = if kind == "local" { 4 } else { 5 };
        let include = matches!(kind, "include" | "include_if_exists" | "include_dir");
        if include && words.len() == 2 {
            continue;
        }
        if !TYPES.contains(&kind) || words.len() < needed {
            let message = format!("{what} has a line that is not a rule: `{line}`");
            let help = "write type, databases, users, address (unless local) and method";
            once(scope, rules, codes::HBA_RULE, message, help);
        }
    }
    if !said {
        let message = format!("{what} says nothing: `rules` has no line");
        once(
            scope,
            rules,
            codes::HBA_RULE,
            message,
            "write a raw line, or leave the rule out",
        );
    }
}

fn check_names(
    scope: &Scope<'_>,
    entry: &Value,
    kind: &HbaKind,
    what: &str,
    names: &Names<'_>,
    program: Program,
    databases: &[Database],
) {
    let HbaKind::Alias {
        users,
        databases: wanted,
        ..
    } = kind
    else {
        return;
    };
    for user in users {
        let role = user.strip_prefix('+').unwrap_or(user);
        if user == "all" || user.starts_with('/') || names.has(role) {
            continue;
        }
        let value = entry.get("user").unwrap_or(entry);
        let message = format!("{what} is for role `{role}`, which is not declared");
        let help = "declare it in `pg_users`, or write `all`";
        once(scope, value, codes::UNKNOWN_ROLE, message, help);
    }
    const KEYWORDS: &[&str] = &["all", "sameuser", "samerole", "postgres"];
    for name in wanted {
        let known = KEYWORDS.contains(&name.as_str())
            || program.databases.contains(&name.as_str())
            || name.starts_with('/')
            || databases.iter().any(|database| database.name == *name);
        if known {
            continue;
        }
        let value = entry.get("db").unwrap_or(entry);
        let message = format!("{what} is for database `{name}`, which is not declared");
        let help = "declare it in `pg_databases`, or write `all`";
        once(scope, value, codes::UNKNOWN_DATABASE, message, help);
    }
}
