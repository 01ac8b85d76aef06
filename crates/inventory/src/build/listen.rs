//! Addresses that PostgreSQL and PgBouncer listen on.

use std::net::IpAddr;

use super::Scope;
use crate::codes;

/// What `pg_listen` says, each address once: nothing listens twice at one.
pub(super) fn addresses(scope: &Scope<'_>) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for word in scope.words("pg_listen") {
        if !addresses.contains(&word) {
            addresses.push(word);
        }
    }
    addresses
}

/// Checks `pg_listen`.
pub(super) fn check(scope: &Scope<'_>) {
    for (place, word) in scope.written_words("pg_listen") {
        if matches!(word.as_str(), "*" | "localhost") || word.parse::<IpAddr>().is_ok() {
            continue;
        }
        scope.report.error_once(
            codes::VALUE,
            place,
            format!("`pg_listen` has `{word}`, which is no address"),
            "not `*` or an address",
            "write `0.0.0.0` for all, addresses of the node, or `${ip}`, `${lo}` and `${vip}`",
        );
    }
}
