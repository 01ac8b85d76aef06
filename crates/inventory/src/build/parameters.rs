//! `pg_parameters`, of the cluster and of single instances.

use std::collections::BTreeMap;

use super::Scope;
use crate::merge::{Binding, Setter};

/// What groups say.
pub(super) fn cluster_binding<'a>(scope: &Scope<'a>) -> Option<&'a Binding> {
    scope.fleet.group_binding(scope.host, "pg_parameters")
}

/// What the host itself says.
pub(super) fn host_binding<'a>(scope: &Scope<'a>) -> Option<&'a Binding> {
    scope
        .binding("pg_parameters")
        .filter(|binding| matches!(binding.setter, Setter::Host(_)))
}

/// What groups say; without any, nothing.
pub(super) fn of_cluster(scope: &Scope<'_>) -> BTreeMap<String, String> {
    cluster_binding(scope)
        .map(|binding| scope.pairs_of(&binding.value))
        .unwrap_or_default()
}

/// What the host says, where that differs from what its groups say.
pub(super) fn of_instance(scope: &Scope<'_>) -> BTreeMap<String, String> {
    let Some(own) = host_binding(scope) else {
        return BTreeMap::new();
    };
    let cluster = of_cluster(scope);
    let mut parameters = scope.pairs_of(&own.value);
    parameters.retain(|name, value| cluster.get(name) != Some(value));
    parameters
}
