//! Where things of a PostgreSQL instance are.

use sty_inventory::model::PgCluster;

/// Link to the instance's home on the main disk.
pub(crate) const HOME_LINK: &str = "/pg";
/// Configuration that PostgreSQL reads beside its data directory.
pub(crate) const CONF: &str = "/pg/conf";
/// Access rules.
pub(crate) const HBA: &str = "/pg/conf/pg_hba.conf";
/// Maps of operating system users.
pub(crate) const IDENT: &str = "/pg/conf/pg_ident.conf";
/// Passwords that Patroni writes for the server.
pub(crate) const PGPASS: &str = "/pg/conf/patroni.pgpass";
/// Certificate directory.
pub(crate) const CERT_DIR: &str = "/pg/cert";
/// Server certificate.
pub(crate) const CERT: &str = "/pg/cert/server.crt";
/// Its key.
pub(crate) const KEY: &str = "/pg/cert/server.key";
/// PostgreSQL's logs.
pub(crate) const LOG: &str = "/pg/log/postgres";
/// Patroni's configuration directory.
pub(crate) const PATRONI_DIR: &str = "/etc/patroni";
/// Patroni's configuration.
pub(crate) const PATRONI: &str = "/etc/patroni/patroni.yml";
/// What starts Patroni, and ends its lead with its lease.
pub(crate) const PATRONI_WITHIN_LEASE: &str = "/etc/patroni/within-lease.py";
/// What gives the leadership of etcd away.
pub(crate) const PATRONI_ELSEWHERE: &str = "/etc/patroni/etcd_elsewhere.py";
/// What sees to it that no timeline is made twice.
pub(crate) const PATRONI_TIMELINES: &str = "/etc/patroni/timelines.py";
/// What has a replica copied anew that can never follow again.
pub(crate) const PATRONI_FRESH_COPY: &str = "/etc/patroni/fresh_copy.py";
/// What lets answers leave the node only while the lead lasts.
pub(crate) const PATRONI_GATE: &str = "/etc/patroni/lease_gate.py";
/// The ports that it is about.
pub(crate) const PATRONI_GATED: &str = "/etc/patroni/gated-ports";
/// What Patroni runs when the member's role changes.
pub(crate) const PATRONI_CALLBACK: &str = "/etc/patroni/role-changed";
/// What `sty` has in [`PATRONI_DIR`], which the package has files in as well.
pub(crate) const PATRONI_FILES: [&str; 8] = [
    PATRONI,
    PATRONI_WITHIN_LEASE,
    PATRONI_ELSEWHERE,
    PATRONI_TIMELINES,
    PATRONI_FRESH_COPY,
    PATRONI_GATE,
    PATRONI_GATED,
    PATRONI_CALLBACK,
];
/// Patroni's unit.
pub(crate) const PATRONI_UNIT: &str = "/etc/systemd/system/patroni.service";

/// Home of an instance on the main disk, `/data/postgres/pg-test-17`.
pub(crate) fn home(cluster: &PgCluster) -> String {
    let main = cluster.settings.fs_main.trim_end_matches('/');
    format!("{main}/{}-{}", cluster.name, cluster.version)
}

/// Parent of a path, empty for one without.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
