//! What PgBouncer does with the wishes of clients.

use super::Scope;
use crate::codes;
use crate::source::Value;

/// What PgBouncer keeps for each client by itself, or nobody misses.
const HARMLESS: &[&str] = &[
    "application_name",
    "client_encoding",
    "datestyle",
    "extra_float_digits",
    "intervalstyle",
    "standard_conforming_strings",
    "timezone",
];

/// Warns of startup parameters that change what statements mean, and are thrown away.
pub(super) fn check_ignored(cluster: &str, scope: &Scope<'_>) {
    if !scope.is_set("pgbouncer_ignore_param") {
        return;
    }
    let Some(value) = scope.value("pgbouncer_ignore_param") else {
        return;
    };
    let lost: Vec<String> = scope
        .words_of(value)
        .into_iter()
        .filter(|name| !HARMLESS.contains(&name.to_ascii_lowercase().as_str()))
        .map(|name| format!("`{name}`"))
        .collect();
    if lost.is_empty() {
        return;
    }
    let first = value.list().first().unwrap_or(value);
    report(cluster, scope, first, &lost.join(", "));
}

fn report(cluster: &str, scope: &Scope<'_>, value: &Value, lost: &str) {
    scope.report.warning(
        codes::POOLER_DROPS,
        value.place,
        format!("PgBouncer of cluster `{cluster}` throws away what clients say of {lost}, and does not tell them"),
        "ignored at connection",
        "set it for the user or the database, in `parameters`, or by `SET` in the transaction",
    );
}
