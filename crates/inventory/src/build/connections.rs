//! Connections that are kept for some: PostgreSQL starts only when there are more.

use super::{Scope, parameters};
use crate::codes;
use crate::postgres;
use crate::source::Value;

/// What `sty` sets where the inventory says nothing.
const SUPERUSERS: f64 = 10.0;

/// With fewer, Patroni puts a number of its own.
const LEAST: f64 = 25.0;

/// Refuses to keep all connections of a cluster, or of one of its instances, for some.
pub(super) fn check(cluster: &str, scope: &Scope<'_>, instances: &[Scope<'_>]) {
    for instance in instances {
        check_instance(cluster, scope, instance);
    }
}

fn check_instance(cluster: &str, scope: &Scope<'_>, instance: &Scope<'_>) {
    let of_cluster = parameters::cluster_binding(scope).map(|found| &found.value);
    let own = parameters::host_binding(instance).map(|found| &found.value);
    let setting = |name: &str| find(own, name).or_else(|| find(of_cluster, name));
    let number = |value: &Value| postgres::whole_number(&scope.expanded(value));
    let max_value = find(of_cluster, "max_connections").or_else(|| {
        scope
            .value("pg_max_conn")
            .filter(|one| number(one).is_some())
    });
    let Some((max_value, max)) = max_value.and_then(|value| Some((value, number(value)?))) else {
        return;
    };
    let superusers = setting("superuser_reserved_connections");
    let others = setting("reserved_connections");
    let kept = superusers.and_then(number).unwrap_or(SUPERUSERS)
        + others.and_then(number).unwrap_or_default();
    if kept < max || max < LEAST {
        return;
    }
    let place = superusers.or(others).unwrap_or(max_value).place;
    scope.report.error_once(
        codes::SETTING_VALUE,
        place,
        format!("cluster `{cluster}` keeps {kept} of its {max} connections for superusers and members of `pg_use_reserved_connections`: PostgreSQL would not start"),
        "nothing is left for others",
        "raise `pg_max_conn`, or lower `superuser_reserved_connections` and `reserved_connections`",
    );
}

fn find<'a>(pairs: Option<&'a Value>, name: &str) -> Option<&'a Value> {
    let mut entries = pairs?.entries().iter();
    let entry = entries.find(|entry| entry.key.eq_ignore_ascii_case(name))?;
    Some(&entry.value)
}
