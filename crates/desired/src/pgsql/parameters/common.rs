//! Parameters that every cluster has, whatever its profile.

use sty_inventory::model::PgCluster;

use super::Parameters;
use crate::pgsql::paths;
use crate::pki::CA_PATH;

const FIXED: &[(&str, &str)] = &[
    // Logical decoding can be had later without a restart; the cost over `replica` is small.
    ("wal_level", "logical"),
    // pg_rewind brings a former primary back with or without checksums.
    ("wal_log_hints", "on"),
    ("track_commit_timestamp", "on"),
    ("max_wal_senders", "32"),
    ("max_replication_slots", "32"),
    ("max_prepared_transactions", "0"),
    // Nothing archives yet.
    ("archive_mode", "off"),
    ("superuser_reserved_connections", "10"),
    ("huge_pages", "try"),
    // Write-ahead log.
    ("wal_compression", "lz4"),
    ("wal_writer_delay", "20ms"),
    ("wal_receiver_status_interval", "1s"),
    ("wal_receiver_timeout", "20s"),
    ("wal_sender_timeout", "20s"),
    ("checkpoint_completion_target", "0.95"),
    // The background writer keeps clean pages ahead of the demand of many backends.
    ("bgwriter_delay", "10ms"),
    ("bgwriter_lru_maxpages", "800"),
    ("bgwriter_lru_multiplier", "5.0"),
    // Autovacuum: sooner and for less than the defaults wait for.
    ("autovacuum_naptime", "30s"),
    ("autovacuum_vacuum_scale_factor", "0.05"),
    ("autovacuum_analyze_scale_factor", "0.025"),
    ("autovacuum_vacuum_insert_scale_factor", "0.1"),
    ("vacuum_cost_limit", "2000"),
    ("log_autovacuum_min_duration", "1s"),
    // A forgotten transaction must not stop vacuum for days.
    ("idle_in_transaction_session_timeout", "10min"),
    // Dead peers are noticed within two minutes; a query whose client left ends.
    ("tcp_keepalives_idle", "60"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "6"),
    ("client_connection_check_interval", "5s"),
    // Logs: one file a day of the week, overwritten a week later.
    ("logging_collector", "on"),
    ("log_destination", "csvlog"),
    ("log_filename", "postgresql-%a.log"),
    ("log_file_mode", "0640"),
    ("log_rotation_age", "1d"),
    ("log_rotation_size", "0"),
    ("log_truncate_on_rotation", "on"),
    ("log_checkpoints", "on"),
    ("log_lock_waits", "on"),
    ("log_replication_commands", "on"),
    ("log_statement", "ddl"),
    ("log_line_prefix", "%m [%p] %q%u@%d/%a "),
    // What monitoring reads.
    ("track_io_timing", "on"),
    ("track_functions", "all"),
    ("track_activity_query_size", "8kB"),
    // Encryption.
    ("ssl", "on"),
    ("ssl_min_protocol_version", "TLSv1.2"),
    ("default_toast_compression", "lz4"),
];

/// Settings of a library, when the library is loaded.
const BY_LIBRARY: &[(&str, &[(&str, &str)])] = &[
    (
        "pg_stat_statements",
        &[
            ("pg_stat_statements.max", "10000"),
            ("pg_stat_statements.track", "all"),
            ("pg_stat_statements.track_utility", "off"),
            ("pg_stat_statements.track_planning", "off"),
        ],
    ),
    (
        "auto_explain",
        &[
            ("auto_explain.log_min_duration", "60s"),
            ("auto_explain.log_analyze", "on"),
            ("auto_explain.log_verbose", "on"),
            // Timing every node of every plan costs more than the plan tells.
            ("auto_explain.log_timing", "off"),
            ("auto_explain.log_nested_statements", "on"),
        ],
    ),
];

/// The parameters.
pub(super) fn parameters(cluster: &PgCluster) -> Parameters {
    let settings = &cluster.settings;
    let mut parameters = texts(FIXED);
    let mut set = |name: &str, value: &str| parameters.insert(name.into(), value.into());
    set("unix_socket_directories", &settings.socket_dir);
    set("log_directory", paths::LOG);
    set("ssl_cert_file", paths::CERT);
    set("ssl_key_file", paths::KEY);
    set("ssl_ca_file", CA_PATH);
    set("password_encryption", &settings.password_encryption);
    let (random_page_cost, io_concurrency) = if settings.ssd {
        ("1.1", "200")
    } else {
        ("4.0", "2")
    };
    set("random_page_cost", random_page_cost);
    set("effective_io_concurrency", io_concurrency);
    set("maintenance_io_concurrency", io_concurrency);
    set("io_method", &settings.io_method);
    set("shared_preload_libraries", &settings.libs.join(", "));
    for (library, values) in BY_LIBRARY {
        if settings.libs.iter().any(|one| one == library) {
            parameters.extend(texts(values));
        }
    }
    parameters
}

/// Pairs as a map.
pub(super) fn texts(pairs: &[(&str, &str)]) -> Parameters {
    pairs
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
