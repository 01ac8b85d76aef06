//! Where PostgreSQL's major versions differ, in one table.

use sty_inventory::model::PgCluster;

use super::Parameters;

/// Parameters that older versions do not know: name and first major version.
const SINCE: &[(&str, u32)] = &[
    ("autovacuum_vacuum_insert_scale_factor", 13),
    ("hash_mem_multiplier", 13),
    ("maintenance_io_concurrency", 13),
    ("max_slot_wal_keep_size", 13),
    ("wal_keep_size", 13),
    ("client_connection_check_interval", 14),
    ("default_toast_compression", 14),
    ("io_method", 18),
    ("io_workers", 18),
];

/// Values that older versions do not know: name, first major version, value before it.
const BEFORE: &[(&str, u32, &str)] = &[("wal_compression", 15, "on")];

/// Removes and replaces what the cluster's version does not know.
pub(super) fn adapt(cluster: &PgCluster, parameters: &mut Parameters) {
    for (name, since) in SINCE {
        if cluster.version < *since {
            parameters.remove(*name);
        }
    }
    for (name, since, value) in BEFORE {
        if cluster.version < *since && parameters.contains_key(*name) {
            parameters.insert((*name).to_owned(), (*value).to_owned());
        }
    }
}
