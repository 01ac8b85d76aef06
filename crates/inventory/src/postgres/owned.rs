//! Settings that are not the inventory's to write: they follow from something else.

/// A setting with another home: its name, and where it is decided.
type Owned = (&'static str, Owner);

/// Who decides about a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// A parameter of the inventory says it.
    Parameter(&'static str),
    /// Patroni writes it itself, and drops what it is given.
    Patroni,
    /// `sty` writes it.
    Sty,
    /// pgBackRest, unless `pgbackrest_enabled` is off.
    Backup,
}

const OWNED: &[Owned] = &[
    ("archive_cleanup_command", Owner::Backup),
    ("archive_command", Owner::Backup),
    ("archive_library", Owner::Backup),
    ("archive_mode", Owner::Backup),
    ("cluster_name", Owner::Parameter("pg_cluster")),
    ("config_file", Owner::Patroni),
    ("data_directory", Owner::Parameter("pg_data")),
    ("hba_file", Owner::Parameter("pg_hba_rules")),
    ("hot_standby", Owner::Patroni),
    ("ident_file", Owner::Sty),
    // A server starts only where it can write there.
    ("log_directory", Owner::Sty),
    ("listen_addresses", Owner::Parameter("pg_listen")),
    ("port", Owner::Parameter("pg_port")),
    ("primary_conninfo", Owner::Patroni),
    ("primary_slot_name", Owner::Patroni),
    ("promote_trigger_file", Owner::Patroni),
    ("recovery_end_command", Owner::Patroni),
    ("recovery_min_apply_delay", Owner::Parameter("pg_delay")),
    ("recovery_target", Owner::Patroni),
    ("recovery_target_action", Owner::Patroni),
    ("recovery_target_inclusive", Owner::Patroni),
    ("recovery_target_lsn", Owner::Patroni),
    ("recovery_target_name", Owner::Patroni),
    ("recovery_target_time", Owner::Patroni),
    ("recovery_target_timeline", Owner::Patroni),
    ("recovery_target_xid", Owner::Patroni),
    ("restore_command", Owner::Backup),
    ("ssl", Owner::Sty),
    ("ssl_ca_file", Owner::Sty),
    ("ssl_cert_file", Owner::Sty),
    ("ssl_key_file", Owner::Sty),
    ("synchronous_standby_names", Owner::Parameter("pg_rpo")),
    ("unix_socket_directories", Owner::Parameter("pg_localhost")),
];

/// Settings that Patroni takes for the whole cluster only: most must be equal on all members, or
/// a standby refuses to start.
const CLUSTER_WIDE: &[&str] = &[
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_replication_slots",
    "max_wal_senders",
    "max_worker_processes",
    "track_commit_timestamp",
    "wal_keep_size",
    "wal_level",
    "wal_log_hints",
];

/// The least that Patroni takes; below, it writes a default of its own instead.
const PATRONI_LEAST: &[(&str, f64)] = &[
    ("max_connections", 25.0),
    ("max_locks_per_transaction", 32.0),
    ("max_replication_slots", 4.0),
    ("max_wal_senders", 3.0),
    ("max_worker_processes", 2.0),
    ("wal_keep_size", 16.0),
];

/// Who decides about the setting, where that is not the operator.
pub(super) fn owner(name: &str) -> Option<Owner> {
    let found = OWNED.iter().find(|(owned, _)| *owned == name);
    found.map(|(_, owner)| *owner)
}

/// Whether all members of a cluster must have the same value.
pub(super) fn is_cluster_wide(name: &str) -> bool {
    CLUSTER_WIDE.contains(&name)
}

/// The least that Patroni takes for the setting, in its base unit.
pub(super) fn patroni_least(name: &str) -> Option<f64> {
    let found = PATRONI_LEAST.iter().find(|(known, _)| *known == name);
    found.map(|(_, least)| *least)
}
