//! `pg_parameters`, of the cluster and of single instances.

use std::collections::BTreeMap;

use super::Scope;
use crate::merge::Setter;

/// What groups say; without any, nothing.
pub(super) fn of_cluster(scope: &Scope<'_>) -> BTreeMap<String, String> {
    scope
        .fleet
        .group_binding(scope.host, "pg_parameters")
        .map(|binding| scope.pairs_of(&binding.value))
        .unwrap_or_default()
}

/// What the host says, where that differs from what its groups say.
pub(super) fn of_instance(scope: &Scope<'_>) -> BTreeMap<String, String> {
    let own = scope
        .binding("pg_parameters")
        .filter(|binding| matches!(binding.setter, Setter::Host(_)));
    let Some(own) = own else {
        return BTreeMap::new();
    };
    let cluster = of_cluster(scope);
    let mut parameters = scope.pairs_of(&own.value);
    parameters.retain(|name, value| cluster.get(name) != Some(value));
    parameters
}
