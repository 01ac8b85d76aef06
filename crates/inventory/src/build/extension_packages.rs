//! Extensions that nobody installs.

use sty_core::Diagnostic;

use super::{Scope, databases};
use crate::codes;
use crate::model::{Extension, Presence};
use crate::postgres;
use crate::source::Value;

/// Installed where it is declared, without being asked for.
const BROUGHT_ALONG: &str = "pg_repack";

/// Warns of extensions in the list of `entries` that neither come with PostgreSQL nor look as if
/// one of `packages` had them; `what` names the owner of the list.
pub(super) fn check(
    scope: &Scope<'_>,
    list: Option<&Value>,
    extensions: &[Extension],
    packages: &[String],
    what: &str,
) {
    let major = scope.int("pg_version");
    let Some(contrib) = postgres::contrib(major) else {
        return;
    };
    let entries = list.map(Value::list).unwrap_or_default();
    for (entry, extension) in entries.iter().zip(extensions) {
        let name = extension.name.as_str();
        if extension.state == Presence::Absent
            || !entry.place.is_written()
            || !databases::is_extension_name(name)
            || contrib.contains(name)
            || is_brought(name, packages)
        {
            continue;
        }
        let message = format!(
            "extension `{name}` of {what} comes with neither PostgreSQL {major} nor a package that the inventory names"
        );
        let package = words(name).next().unwrap_or(name).to_owned();
        let help = format!(
            "add the package that has it to `pg_extensions`; `apt-cache search {package}` tells its name, often `postgresql-{major}-{package}`"
        );
        let found = Diagnostic::warning(codes::EXTENSION_PACKAGE, message).help(help);
        let found = scope
            .report
            .label(found, entry.place, "who installs this one?");
        scope.report.once(entry.place, name, found);
    }
}

/// Whether an extension or a library of that name is likely to come with one of the packages, or
/// without being asked for.
pub(super) fn is_brought(name: &str, packages: &[String]) -> bool {
    name == BROUGHT_ALONG || packages.iter().any(|package| looks_like(package, name))
}

/// Whether a package of that name is likely to have the extension or library:
/// `postgresql-17-pgvector` has `vector`, `postgresql-17-postgis-3` has `postgis_topology`,
/// `postgresql-17-auto-failover` has `pgautofailover`.
fn looks_like(package: &str, name: &str) -> bool {
    let (package, name) = (package.to_ascii_lowercase(), name.to_ascii_lowercase());
    words(&name).any(|word| package.contains(word))
        || words(&package).any(|word| name.contains(word))
}

/// The words of a name that say something.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(['_', '-'])
        .map(|word| word.trim_end_matches('u'))
        .filter(|word| word.len() > 2 && !matches!(*word, "postgres" | "postgresql"))
}

#[cfg(test)]
mod tests {
    use super::looks_like;

    #[test]
    fn packages_and_extensions() {
        assert!(looks_like("postgresql-17-pgvector", "vector"));
        assert!(looks_like("postgresql-17-postgis-3", "postgis_topology"));
        assert!(looks_like("postgresql-17-cron", "pg_cron"));
        assert!(looks_like("postgresql-plpython3-17", "plpython3u"));
        assert!(!looks_like("postgresql-17-cron", "vector"));
        assert!(!looks_like("postgresql-17-cron", "postgres_fdw2"));
    }

    #[test]
    fn packages_and_libraries() {
        for (package, library) in [
            ("timescaledb-2-postgresql-17", "timescaledb"),
            ("postgresql-17-cron", "pg_cron"),
            ("postgresql-17-citus-13.0", "citus"),
            ("postgresql-17-auto-failover", "pgautofailover"),
            ("postgresql-17-pldebugger", "plugin_debugger"),
            ("postgresql-17-partman", "pg_partman_bgw"),
            ("postgresql-17-mobilitydb", "libMobilityDB-1.2"),
            ("percona-pg-stat-monitor17", "pg_stat_monitor"),
            ("postgresql-17-pgaudit", "pgaudit"),
            ("pgaudit_17", "pgaudit"),
            ("postgresql-17-decoderbufs", "decoderbufs"),
            ("postgresql_anonymizer_17", "anon"),
            ("postgresql-17-age", "age"),
        ] {
            assert!(looks_like(package, library), "{package} {library}");
        }
        assert!(!looks_like("postgresql-17-pgaudit", "timescaledb"));
    }
}
