//! Access rules that an earlier one leaves nothing for.

use sty_core::Diagnostic;

use super::Scope;
use super::hba::Program;
use super::hba_network::Network;
use crate::codes;
use crate::model::{HbaKind, HbaRule};
use crate::source::Value;

/// Warns of own rules that an earlier rule leaves nothing for.
pub(super) fn check(scope: &Scope<'_>, program: Program, rules: &[(HbaRule, &Value)]) {
    for (at, (rule, entry)) in rules.iter().enumerate() {
        if !entry.place.is_written() {
            continue;
        }
        let mut before = rules[..at].iter().map(|(earlier, _)| earlier);
        let Some(earlier) = before.find(|earlier| covers(scope, earlier, rule)) else {
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
fn covers(scope: &Scope<'_>, earlier: &HbaRule, later: &HbaRule) -> bool {
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
    let networks: Vec<Network> = addresses
        .iter()
        .flat_map(|word| networks(scope, word))
        .collect();
    let address = |name: &String| {
        let later = self::networks(scope, name);
        let inside = |one: &Network| networks.iter().any(|outer| outer.covers(*one));
        has(addresses, name)
            || (has(addresses, "world") || has(addresses, "all")) && !on_node(name)
            || !on_node(name) && !later.is_empty() && later.iter().all(inside)
    };
    (earlier.role == "common" || earlier.role == later.role)
        && (!is_tls(auth) || is_tls(later_auth))
        && later_users.iter().all(user)
        && later_databases.iter().all(database)
        && later_addresses.iter().all(address)
}

/// Whether an address stands for the Unix socket too.
fn on_node(address: &str) -> bool {
    matches!(address, "local" | "localhost")
}

/// The networks that an address stands for; none where only the node knows.
fn networks(scope: &Scope<'_>, address: &str) -> Vec<Network> {
    let read = |list: &[&str]| list.iter().filter_map(|one| Network::read(one)).collect();
    let members = scope.members;
    match address {
        "localhost" => read(&["127.0.0.1", "::1"]),
        "intra" | "intranet" => read(&["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]),
        "world" | "all" => read(&["0.0.0.0/0", "::/0"]),
        "infra" if !members.infra.is_empty() => {
            members.infra.iter().copied().map(Network::single).collect()
        }
        "infra" | "admin" => vec![Network::single(members.admin_ip)],
        "cluster" => {
            let hosts = members.clusters.get(&scope.text("pg_cluster"));
            let hosts = hosts.into_iter().flatten();
            hosts
                .map(|host| Network::single(members.address(*host)))
                .collect()
        }
        other => read(&[other]),
    }
}
