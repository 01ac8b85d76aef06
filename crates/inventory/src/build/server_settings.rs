//! Settings of PostgreSQL, wherever the inventory has them: for the cluster, for one instance,
//! for a role, for a database.

use sty_core::Diagnostic;

use super::{Scope, parameters};
use crate::postgres::{Finding, Server, Target};
use crate::source::{Entry, Value};

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
    // What is empty is of a wrong type already.
    for entry in pairs.entries().iter().filter(|one| !one.value.is_null()) {
        if let Some(finding) = server.check(&entry.key, &scope.pair(entry), target) {
            report(scope, entry, server.major, finding, owner);
        }
    }
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
