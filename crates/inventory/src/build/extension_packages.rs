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
            || name == BROUGHT_ALONG
            || contrib.contains(name)
            || packages.iter().any(|package| looks_like(package, name))
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

/// Whether a package of that name is likely to have the extension: `postgresql-17-pgvector` has
/// `vector`, `postgresql-17-postgis-3` has `postgis_topology`.
fn looks_like(package: &str, extension: &str) -> bool {
    let package = package.to_ascii_lowercase().replace('_', "-");
    words(extension).any(|word| package.contains(word))
}

/// The words of an extension's name that say something.
fn words(extension: &str) -> impl Iterator<Item = &str> {
    extension
        .split(['_', '-'])
        .map(|word| word.trim_end_matches('u'))
        .filter(|word| word.len() > 2)
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
    }
}
