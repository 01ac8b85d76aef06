//! What PgBouncer does not have of PostgreSQL's access rules. It leaves lines with that out, and
//! goes on with the next.

use std::net::IpAddr;

use super::{Scope, hba_network::Network, hba_text};
use crate::codes;
use crate::model::HbaKind;
use crate::source::Value;

/// Types of connections that PgBouncer knows.
pub(super) const TYPES: &[&str] = &["local", "host", "hostssl", "hostnossl"];

/// Methods that PgBouncer knows in rules.
pub(super) const METHODS: &[&str] = &[
    "trust",
    "reject",
    "md5",
    "password",
    "scram-sha-256",
    "cert",
    "peer",
    "ldap",
];

/// What is wrong, and the next step.
pub(super) type Problem = (String, String);

/// Checks a rule made of aliases; `what` names it. Groups become users before PgBouncer sees them.
pub(super) fn check(scope: &Scope<'_>, entry: &Value, kind: &HbaKind, what: &str) {
    let HbaKind::Alias {
        users,
        databases,
        addresses,
        ..
    } = kind
    else {
        return;
    };
    let users = users.iter().filter(|name| name.starts_with('/'));
    let users = users.filter_map(|name| name_problem(name));
    let databases = databases.iter().filter_map(|name| name_problem(name));
    let addresses = addresses.iter().filter_map(|one| alias_problem(one));
    let found = users.map(|found| ("user", found));
    let found = found.chain(databases.map(|found| ("db", found)));
    for (field, (why, help)) in found.chain(addresses.map(|found| ("addr", found))) {
        let place = entry.get(field).unwrap_or(entry).place;
        let message = format!("{what} does not work: {why}");
        scope
            .report
            .error_once(codes::HBA_POOLER, place, message, "here", help);
    }
}

/// What is wrong with a list of users or databases in a raw line.
pub(super) fn list_problem(list: &str) -> Option<Problem> {
    hba_text::parts(list)
        .into_iter()
        .find_map(|part| {
            match part.strip_prefix('+') {
            Some(group) => Some((
                format!("PgBouncer knows no groups such as `{group}`"),
                "write a rule with `user`, `db`, `addr` and `auth`, where groups become their users"
                    .to_owned(),
            )),
            None => name_problem(part),
        }
        })
}

/// What is wrong with the address of a raw line, behind which `mask` may stand.
pub(super) fn address_problem(address: &str, mask: Option<IpAddr>) -> Option<Problem> {
    match address {
        "all" => None,
        _ if mask.is_some() => None,
        _ if Network::read(address).is_none() || !address.contains('/') => unknown(address),
        _ => alias_problem(address),
    }
}

fn name_problem(name: &str) -> Option<Problem> {
    match name {
        "samerole" | "samegroup" => Some((
            format!("PgBouncer has no `{name}`"),
            "name the databases, or write `all`".to_owned(),
        )),
        _ if name.starts_with('/') => Some((
            format!("PgBouncer takes the expression `{name}` for a name"),
            "name them all, separated by commas".to_owned(),
        )),
        _ => None,
    }
}

fn alias_problem(address: &str) -> Option<Problem> {
    if matches!(address, "samehost" | "samenet") {
        return unknown(address);
    }
    let network = Network::read(address)?;
    let first = network.first();
    (first != network.address).then(|| {
        (
            format!("PgBouncer compares with all of `{address}`, which no client's network is"),
            format!(
                "write `{first}/{}`, or the address alone with all its bits",
                network.bits
            ),
        )
    })
}

fn unknown(address: &str) -> Option<Problem> {
    Some((
        format!("PgBouncer does not know the address `{address}`"),
        "write a network such as `10.0.0.0/8`".to_owned(),
    ))
}
