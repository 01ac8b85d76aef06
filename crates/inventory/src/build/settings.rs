//! Settings of a PostgreSQL cluster.

use super::{Scope, node, parameters, pooler, recovery};
use crate::codes;
use crate::model::{PgSettings, Profile, ServiceDest, Synchronous};
use crate::postgres::canonical;

/// Builds and checks them, for a cluster of `size` members.
pub(super) fn build(cluster: &str, scope: &Scope<'_>, size: usize) -> PgSettings {
    pooler::check_ignored(cluster, scope);
    let profile = node::profile(&scope.text("pg_conf")).unwrap_or(Profile::Oltp);
    let quorum = scope.text("pg_rpo") == "quorum";
    let rpo_bytes: u64 = scope.optional_int("pg_rpo").unwrap_or_default();
    PgSettings {
        port: scope.int("pg_port"),
        socket_dir: scope.text("pg_localhost"),
        dbsu: scope.text("pg_dbsu"),
        dbsu_sudo: node::sudo(&scope.text("pg_dbsu_sudo")),
        fs_main: scope.text("pg_fs_main"),
        fs_backup: scope.text("pg_fs_backup"),
        data: scope.text("pg_data"),
        bin_dir: scope.text("pg_bin_dir"),
        packages: packages(scope),
        profile,
        ssd: scope.text("pg_storage_type") == "SSD",
        max_connections: scope.optional_int("pg_max_conn"),
        shared_buffer_ratio: scope.number("pg_shared_buffer_ratio"),
        io_method: scope.text("pg_io_method"),
        parameters: parameters::of_cluster(scope),
        libs: scope.words("pg_libs"),
        rto: recovery::build(cluster, scope),
        rpo_bytes,
        synchronous: match synchronous(cluster, scope, profile, rpo_bytes, size) {
            Synchronous::On if quorum => Synchronous::Quorum,
            other => other,
        },
        checksums: scope.bool("pg_checksum"),
        password_encryption: scope.text("pg_pwd_enc"),
        encoding: canonical(&scope.text("pg_encoding")),
        locale: scope.text("pg_locale"),
        lc_collate: scope.text("pg_lc_collate"),
        lc_ctype: scope.text("pg_lc_ctype"),
        namespace: scope.text("pg_namespace"),
        patroni_paused: scope.text("patroni_mode") == "pause",
        patroni_port: scope.int("patroni_port"),
        patroni_tls: scope.bool("patroni_ssl_enabled"),
        watchdog: scope.text("patroni_watchdog_mode"),
        etcd_password: scope.secret("pg_etcd_password"),
        pgbouncer: scope.bool("pgbouncer_enabled"),
        pgbouncer_port: scope.int("pgbouncer_port"),
        pool_mode: scope.text("pgbouncer_poolmode"),
        pgbouncer_sslmode: scope.text("pgbouncer_sslmode"),
        pgbouncer_ignore: scope.words("pgbouncer_ignore_param"),
        pgbouncer_auth_query: scope.bool("pgbouncer_auth_query"),
        default_service_dest: default_dest(cluster, scope),
        reload: scope.bool("pg_reload"),
        safeguard: scope.bool("pg_safeguard"),
        provision: scope.bool("pg_provision"),
        crontab: scope.texts("pg_crontab"),
    }
}

/// `pg_extensions`, and of `pg_packages` what is not a word of the catalogue.
pub(super) fn packages(scope: &Scope<'_>) -> Vec<String> {
    let mut packages = scope.words("pg_packages");
    packages.retain(|name| !name.starts_with("pgsql-"));
    packages.extend(scope.words("pg_extensions"));
    packages
}

fn synchronous(
    cluster: &str,
    scope: &Scope<'_>,
    profile: Profile,
    rpo_bytes: u64,
    size: usize,
) -> Synchronous {
    let wanted = if rpo_bytes == 0 {
        "pg_rpo"
    } else if profile == Profile::Crit {
        "pg_conf"
    } else {
        return Synchronous::Off;
    };
    if size == 1 {
        scope.report.warning(
            codes::SYNCHRONOUS,
            scope.place(wanted),
            format!("cluster `{cluster}` asks for synchronous replication and has one member"),
            "no replica confirms writes",
            "add a replica, or accept that the loss of this node loses data",
        );
    }
    Synchronous::On
}

fn default_dest(cluster: &str, scope: &Scope<'_>) -> ServiceDest {
    let pooled = scope.text("pg_default_service_dest") != "postgres";
    if !pooled {
        return ServiceDest::Postgres;
    }
    if scope.bool("pgbouncer_enabled") {
        return ServiceDest::Pgbouncer;
    }
    if scope.is_set("pg_default_service_dest") {
        scope.report.error(
            codes::SERVICE_DEST,
            scope.place("pg_default_service_dest"),
            format!("services of cluster `{cluster}` lead to PgBouncer, which is disabled"),
            "leads to nobody",
            "write `postgres`, or enable PgBouncer",
        );
    }
    ServiceDest::Postgres
}
