//! Passwords that everyone knows.

use sty_core::Diagnostic;

use crate::codes;
use crate::registry::Kind;
use crate::report::Report;
use crate::source::Value;

/// Passwords printed in public documentation, or first in every dictionary.
const KNOWN: &[&str] = &[
    "DBUser.Admin",
    "DBUser.DBA",
    "DBUser.Meta",
    "DBUser.Monitor",
    "DBUser.Postgres",
    "DBUser.Replicator",
    "DBUser.Supa",
    "DBUser.Viewer",
    "Etcd.Root",
    "Patroni.API",
    "S3User.Backup",
    "S3User.DBA",
    "S3User.Data",
    "S3User.Meta",
    "S3User.MinIO",
    "S3User.Supabase",
    "Vibe.Coding",
    "admin",
    "changeme",
    "dba",
    "minioadmin",
    "password",
    "pgBackRest",
    "pigsty",
    "postgres",
    "redis.ms",
    "secret",
    "test",
];

/// Patroni makes this account itself when it makes a cluster, in a block of SQL between `$$`, and by a
/// library that quotes no more than ASCII.
const MADE_BY_PATRONI: [&str; 2] = ["pg_replication_username", "pg_replication_password"];

/// Refuses what a new cluster could not be made with. The value itself is not printed.
pub(super) fn check_quotable(what: &str, text: &str, value: &Value, report: &Report) {
    let name = what.trim_matches('`');
    if !MADE_BY_PATRONI.contains(&name) || text.is_ascii() && !text.contains("$$") {
        return;
    }
    let message = format!("`{name}` has `$$` or characters beyond ASCII: Patroni cannot quote it");
    let found = Diagnostic::error(codes::TYPE, message)
        .help("choose another; a password, for example: `openssl rand -hex 16`");
    report.push(report.label(found, value.place, "it would fail when the cluster is made"));
}

/// Warns of a password that is known to everyone. The password itself is not printed.
pub(super) fn check_known(what: &str, kind: Kind, value: &Value, report: &Report) {
    let known = |text: &str| KNOWN.contains(&text) || text.starts_with("DBUser.");
    if !matches!(kind, Kind::Secret) || !value.text().is_some_and(known) {
        return;
    }
    let name = what.trim_matches('`');
    let message = format!("`{name}` is a password that is publicly known");
    let found = Diagnostic::warning(codes::KNOWN_PASSWORD, message)
        .help("choose another: `openssl rand -hex 16`");
    let found = report.label(found, value.place, "printed in public documentation");
    report.once(value.place, name, found);
}
