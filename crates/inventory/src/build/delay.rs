//! `pg_delay`: who replays changes late.

use super::Scope;
use crate::codes;
use crate::model::{Instance, InstanceRole};
use crate::postgres;

/// Sets the delay of every instance. A replica has its own; in a standby cluster the primary's is
/// everybody's, as whoever leads it tomorrow must be as late.
pub(super) fn find(
    cluster: &str,
    primary: &Scope<'_>,
    scopes: &[Scope<'_>],
    instances: &mut [Instance],
) {
    let standby = is_standby(primary);
    let whole = delay(primary);
    if !standby && !whole.is_empty() {
        return refuse(cluster, primary);
    }
    for (instance, scope) in instances.iter_mut().zip(scopes) {
        instance.delay = match standby {
            true => whole.clone(),
            false => delay(scope),
        };
        if !standby && instance.role == InstanceRole::Primary {
            instance.delay.clear();
        }
    }
}

/// Names of the instances that are behind on purpose in a cluster that is not.
pub(super) fn late_replicas(primary: &Scope<'_>, instances: &[Instance]) -> Vec<String> {
    let late = instances.iter().filter(|one| !one.delay.is_empty());
    match is_standby(primary) {
        true => Vec::new(),
        false => late.map(|one| one.name.clone()).collect(),
    }
}

fn is_standby(primary: &Scope<'_>) -> bool {
    primary.is_set("pg_upstream") && primary.text("pg_role") == "primary"
}

fn delay(scope: &Scope<'_>) -> String {
    let written = scope.text("pg_delay");
    if let Some(wrong) = postgres::wrong_delay(scope.int("pg_version"), &written) {
        let message = format!("`pg_delay` of `{}` {}", scope.name(), wrong.message);
        let help = wrong.help.unwrap_or_default();
        let place = scope.place("pg_delay");
        scope
            .report
            .error_once(wrong.code, place, message, wrong.label, help);
    }
    match written.trim_start_matches('0') {
        "" => String::new(),
        _ => written,
    }
}

fn refuse(cluster: &str, primary: &Scope<'_>) {
    primary.report.error(
        codes::VALUE,
        primary.place("pg_delay"),
        format!("the primary of cluster `{cluster}` has `pg_delay`, but follows nobody"),
        "a delay of replication",
        "write it on a replica, or set `pg_upstream` on the primary to a member of another cluster",
    );
}
