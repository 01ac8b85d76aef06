//! Parameters in which the four templates differ.

use sty_inventory::model::{PgCluster, Profile};

use super::Parameters;
use super::common::texts;

const OLTP: &[(&str, &str)] = &[
    ("checkpoint_timeout", "15min"),
    ("default_statistics_target", "400"),
    ("autovacuum_max_workers", "3"),
    ("autovacuum_vacuum_cost_delay", "2ms"),
    ("log_min_duration_statement", "100ms"),
    ("max_locks_per_transaction", "256"),
    // A replica's long query holds back vacuum on the primary rather than being cancelled.
    ("hot_standby_feedback", "on"),
    ("max_standby_streaming_delay", "3min"),
    ("max_standby_archive_delay", "3min"),
    // Compiling a query takes longer than a short query runs.
    ("jit", "off"),
];

const OLAP: &[(&str, &str)] = &[
    ("checkpoint_timeout", "30min"),
    ("default_statistics_target", "1000"),
    ("autovacuum_max_workers", "5"),
    ("autovacuum_vacuum_cost_delay", "1ms"),
    ("log_min_duration_statement", "1s"),
    // Queries over many partitions lock all of them.
    ("max_locks_per_transaction", "1024"),
    ("hot_standby_feedback", "on"),
    ("max_standby_streaming_delay", "1h"),
    ("max_standby_archive_delay", "1h"),
    ("jit", "on"),
    ("enable_partitionwise_join", "on"),
    ("enable_partitionwise_aggregate", "on"),
    // Sorting and hashing in memory is what the memory is for.
    ("hash_mem_multiplier", "4.0"),
];

const CRIT: &[(&str, &str)] = &[
    ("checkpoint_timeout", "10min"),
    ("default_statistics_target", "400"),
    ("autovacuum_max_workers", "3"),
    ("autovacuum_vacuum_cost_delay", "2ms"),
    ("log_min_duration_statement", "100ms"),
    ("max_locks_per_transaction", "256"),
    ("hot_standby_feedback", "on"),
    ("max_standby_streaming_delay", "1min"),
    ("max_standby_archive_delay", "1min"),
    ("jit", "off"),
    // Who came and went is part of the record.
    ("log_connections", "on"),
    ("log_disconnections", "on"),
    ("idle_in_transaction_session_timeout", "1min"),
];

const TINY: &[(&str, &str)] = &[
    ("checkpoint_timeout", "15min"),
    ("default_statistics_target", "200"),
    ("autovacuum_max_workers", "2"),
    ("autovacuum_vacuum_cost_delay", "2ms"),
    ("log_min_duration_statement", "100ms"),
    ("max_locks_per_transaction", "128"),
    ("max_wal_senders", "16"),
    ("max_replication_slots", "16"),
    ("hot_standby_feedback", "on"),
    ("max_standby_streaming_delay", "3min"),
    ("max_standby_archive_delay", "3min"),
    ("jit", "off"),
];

/// The parameters of the cluster's profile.
pub(super) fn parameters(cluster: &PgCluster) -> Parameters {
    texts(match cluster.settings.profile {
        Profile::Oltp => OLTP,
        Profile::Olap => OLAP,
        Profile::Crit => CRIT,
        Profile::Tiny => TINY,
    })
}
