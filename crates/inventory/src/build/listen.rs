//! Addresses that PostgreSQL and PgBouncer listen on.

use std::net::IpAddr;

use super::Scope;
use crate::codes;
use crate::source::Place;

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
        match word.parse::<IpAddr>() {
            Ok(address) => refuse_another_host(scope, place, address),
            Err(_) if matches!(word.as_str(), "*" | "localhost") => {}
            Err(_) => scope.report.error_once(
                codes::VALUE,
                place,
                format!("`pg_listen` has `{word}`, which is no address"),
                "not `*` or an address",
                "write `0.0.0.0` for all, addresses of the node, or `${ip}`, `${lo}` and `${vip}`",
            ),
        }
    }
}

/// A server that is to listen where another host is does not start.
fn refuse_another_host(scope: &Scope<'_>, place: Place, address: IpAddr) {
    let Some(other) = scope.members.host_at(address) else {
        return;
    };
    if other == scope.host {
        return;
    }
    scope.report.error_once(
        codes::VALUE,
        place,
        format!(
            "`pg_listen` of host `{}` has `{address}`, which is the address of host `{}`",
            scope.name(),
            scope.fleet.hosts[other].name
        ),
        "the server would not start there",
        "write `${ip}`, which is each member's own address",
    );
}
