//! Settings of PostgreSQL, wherever the inventory has them: for the cluster, for one instance,
//! for a role, for a database.

use std::collections::HashMap;

use sty_core::Diagnostic;

use super::{Scope, libraries, locales, parameters, timezone};
use crate::codes;
use crate::postgres::{Finding, Server, Target};
use crate::source::{Entry, Place, Value};

/// Checks `pg_parameters` of the cluster.
pub(super) fn check_cluster(cluster: &str, scope: &Scope<'_>) {
    if let Some(binding) = parameters::cluster_binding(scope) {
        let owner = format!("`pg_parameters` of cluster `{cluster}`");
        check(scope, &binding.value, Target::Cluster, &owner);
    }
}

/// Checks `pg_parameters` that the host of an instance has.
pub(super) fn check_instance(scope: &Scope<'_>) {
    if let Some(binding) = parameters::host_binding(scope) {
        let owner = format!("`pg_parameters` of host `{}`", scope.name());
        check(scope, &binding.value, Target::Instance, &owner);
    }
}

/// Checks `parameters` of a role or a database, which `what` names.
pub(super) fn check_entry(scope: &Scope<'_>, entry: &Value, target: Target, what: &str) {
    if let Some(value) = entry.get("parameters") {
        check(scope, value, target, &format!("`parameters` of {what}"));
    }
}

fn check(scope: &Scope<'_>, pairs: &Value, target: Target, owner: &str) {
    let server = Server {
        major: scope.int("pg_version"),
        backups: scope.bool("pgbackrest_enabled"),
    };
    let mut first: HashMap<String, Place> = HashMap::new();
    // What is empty is of a wrong type already.
    for entry in pairs.entries().iter().filter(|one| !one.value.is_null()) {
        let name = entry.key.to_ascii_lowercase();
        if let Some(earlier) = first.insert(name, entry.key_place) {
            twice(scope, entry, earlier, owner);
        }
        if let Some(finding) = server.check(&entry.key, &scope.pair(entry), target) {
            report(scope, entry, server.major, finding, owner);
        } else {
            libraries::check_setting(scope, entry, owner);
            locales::check_setting(scope, entry, owner);
            timezone::check_setting(scope, entry, owner);
        }
    }
    check_protocols(scope, pairs, owner);
}

/// A server for which no version of TLS is left does not start.
fn check_protocols(scope: &Scope<'_>, pairs: &Value, owner: &str) {
    const VERSIONS: [&str; 4] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
    /// Of what a cluster has by default, `TLSv1.2`.
    const OURS: usize = 2;
    let entry = |name: &str| {
        let mut entries = pairs.entries().iter();
        entries.find(|entry| entry.key.eq_ignore_ascii_case(name))
    };
    let version = |entry: &Entry| {
        let written = scope.pair(entry);
        VERSIONS
            .iter()
            .position(|known| known.eq_ignore_ascii_case(&written))
    };
    let Some(highest) = entry("ssl_max_protocol_version") else {
        return;
    };
    let lowest = entry("ssl_min_protocol_version").and_then(version);
    let lowest = lowest.unwrap_or(OURS);
    if version(highest).is_some_and(|highest| highest < lowest) {
        let message = format!(
            "`ssl_max_protocol_version` in {owner} is below `ssl_min_protocol_version`, `{}`",
            VERSIONS[lowest]
        );
        let help = "a server that no version is left for does not start: raise it, or take it out";
        let (report, place) = (scope.report, highest.value.place);
        report.error_once(codes::SETTING_VALUE, place, message, "too low", help);
    }
}

/// PostgreSQL does not tell capitals in the name of a setting apart.
fn twice(scope: &Scope<'_>, entry: &Entry, earlier: Place, owner: &str) {
    let message = format!("`{}` is twice in {owner}", entry.key);
    let found = Diagnostic::error(codes::DUPLICATE_NAME, message).help("keep one of them");
    let found = scope.report.label(found, entry.key_place, "again here");
    let found = scope.report.label(found, earlier, "first here");
    scope.report.once(entry.key_place, &entry.key, found);
}

fn report(scope: &Scope<'_>, entry: &Entry, major: u32, finding: Finding, owner: &str) {
    let message = format!("`{}` in {owner} {}", entry.key, finding.message);
    let new = match finding.warning {
        true => Diagnostic::warning,
        false => Diagnostic::error,
    };
    let place = match finding.value && entry.value.place.is_written() {
        true => entry.value.place,
        false => entry.key_place,
    };
    let mut found = scope
        .report
        .label(new(finding.code, message), place, finding.label);
    found.help = finding.help;
    // One mapping may be that of many clusters.
    let subject = format!("{} {major}", entry.key);
    scope.report.once(place, &subject, found);
}
