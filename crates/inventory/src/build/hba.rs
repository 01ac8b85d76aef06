//! Access rules of PostgreSQL and PgBouncer.

use sty_core::Diagnostic;

use super::hba_network::Network;
use super::roles::Names;
use super::{Scope, exposed, hba_order, hba_pooler, hba_raw, hba_text};
use crate::codes;
use crate::model::{Database, HbaKind, HbaRule, Role};
use crate::source::Value;
use crate::suggest;

/// The two parameters of one program's rules, and the databases that it adds.
#[derive(Clone, Copy)]
pub(super) struct Program {
    default: &'static str,
    pub(super) own: &'static str,
    databases: &'static [&'static str],
}

impl Program {
    /// Whether it is PgBouncer.
    pub(super) fn is_pooler(self) -> bool {
        self.own == PGBOUNCER.own
    }
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
            if let Some(kind) = kind(scope, program, entry, &what) {
                check_names(scope, entry, &kind, &what, &names, program, databases);
                exposed::check(scope, entry, &kind, &what);
                if program.is_pooler() {
                    hba_pooler::check(scope, entry, &kind, &what);
                }
                rules.push((rule(scope, entry, kind), entry));
            }
        }
    }
    rules.sort_by_key(|(rule, _)| rule.order);
    hba_order::check(scope, program, &rules);
    rules.into_iter().map(|(rule, _)| rule).collect()
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

fn kind(scope: &Scope<'_>, program: Program, entry: &Value, what: &str) -> Option<HbaKind> {
    if let Some(rules) = entry.get("rules") {
        let texts = scope.texts_of(rules);
        hba_raw::check(scope, program, rules, &texts, what);
        let lines = texts.iter().flat_map(|text| text.lines());
        return Some(HbaKind::Raw(lines.map(str::to_owned).collect()));
    }
    let (users, databases) = (
        names(scope, entry, "user", what)?,
        names(scope, entry, "db", what)?,
    );
    let addresses = entry.get("addr").map(|value| scope.words_of(value));
    let addresses = addresses.unwrap_or_default();
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
    check_way(scope, entry, program, &addresses, &auth, what);
    Some(HbaKind::Alias {
        users,
        databases,
        addresses,
        auth,
    })
}

/// Users or databases of a rule; all of them when it names none.
fn names(scope: &Scope<'_>, entry: &Value, field: &str, what: &str) -> Option<Vec<String>> {
    let Some(value) = entry.get(field) else {
        return Some(vec!["all".to_owned()]);
    };
    let texts = scope.texts_of(value);
    let names: Result<Vec<Vec<String>>, String> =
        texts.iter().map(|text| hba_text::names(text)).collect();
    match names {
        Ok(names) => {
            let names = names.concat();
            let problem = names
                .iter()
                .find_map(|name| hba_text::pattern_problem(name));
            if let Some(why) = problem.filter(|_| scope.int::<u32>("pg_version") >= 16) {
                let message = format!("`{field}` of {what} cannot be read: {why}");
                once(
                    scope,
                    value,
                    codes::HBA_RULE,
                    message,
                    hba_text::PATTERN_HELP,
                );
            }
            Some(names)
        }
        Err(why) => {
            let message = format!("`{field}` of {what} cannot be read: {why}");
            let help = "separate names by commas; write one with a comma in it as `'\"a,b\"'`, and \
                        what quotes cannot say as a raw line: `rules`";
            once(scope, value, codes::HBA_RULE, message, help);
            None
        }
    }
}

fn once(scope: &Scope<'_>, value: &Value, code: &'static str, message: String, help: &str) {
    let found = Diagnostic::error(code, message.clone()).help(help);
    let found = scope.report.label(found, value.place, "here");
    scope.report.once(value.place, &message, found);
}

fn check_aliases(scope: &Scope<'_>, entry: &Value, addresses: &[String], auth: &str, what: &str) {
    for address in addresses {
        if ADDRESSES.contains(&address.as_str()) || Network::read(address).is_some() {
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

/// What each way to authenticate needs of the addresses.
fn check_way(
    scope: &Scope<'_>,
    entry: &Value,
    program: Program,
    addresses: &[String],
    auth: &str,
    what: &str,
) {
    let on_node =
        |address: &str| address == "local" || address == "localhost" && !program.is_pooler();
    let problem = match auth {
        "os" | "ident" | "peer" => addresses.iter().find(|one| !on_node(one)).map(|address| {
            (
                format!("{what} takes the word of `{address}` for who its users are"),
                "only the Unix socket tells",
                "use `addr: local`; over the network `auth: pwd`, `ssl` or `cert`",
            )
        }),
        "cert" if addresses.iter().all(|one| one == "local") => Some((
            format!("{what} asks for a certificate over the Unix socket, where none can be shown"),
            "needs TLS",
            "use `auth: peer` or `pwd`, or name a network",
        )),
        _ => None,
    };
    if let Some((message, label, help)) = problem {
        let place = entry.get("auth").unwrap_or(entry).place;
        let report = scope.report;
        report.error_once(codes::HBA_RULE, place, message, label, help);
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
        if user == "all" || user.starts_with('/') || names.knows(role) {
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
