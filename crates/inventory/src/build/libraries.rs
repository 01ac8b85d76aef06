//! Libraries to preload that nobody installs: PostgreSQL would not start again, or nobody could
//! connect.

use std::path::Path;

use super::{Scope, extension_packages, settings};
use crate::codes;
use crate::postgres;
use crate::source::{Entry, Place};
use crate::suggest;
use sty_core::Diagnostic;

/// Libraries that come with PostgreSQL, and are neither extensions nor have settings everywhere.
const OWN: [&str; 5] = [
    "passwordcheck",
    "pg_overexplain",
    "pgoutput",
    "sepgsql",
    "test_decoding",
];

/// Settings that name libraries, and what happens without one of them.
const SETTINGS: [(&str, &str); 3] = [
    ("local_preload_libraries", "nobody can connect"),
    ("session_preload_libraries", "nobody can connect"),
    ("shared_preload_libraries", "PostgreSQL does not start"),
];

/// Warns of libraries in `pg_libs` of a cluster that neither come with PostgreSQL nor look as if
/// one of its packages brought them.
pub(super) fn check(cluster: &str, scope: &Scope<'_>) {
    for (place, written) in scope.written_words("pg_libs") {
        let what = format!("library `{written}` of cluster `{cluster}`");
        check_one(scope, place, &written, &what, "PostgreSQL does not start");
    }
}

/// Warns of such libraries in a setting that `owner` has.
pub(super) fn check_setting(scope: &Scope<'_>, entry: &Entry, owner: &str) {
    let name = entry.key.to_ascii_lowercase();
    let found = SETTINGS.iter().find(|(setting, _)| *setting == name);
    let Some((_, without)) = found else {
        return;
    };
    for written in scope.pair(entry).split(',') {
        let written = written.trim().trim_matches('"');
        let what = format!("library `{written}` of `{name}` in {owner}");
        if !written.is_empty() {
            check_one(scope, entry.value.place, written, &what, without);
        }
    }
}

fn check_one(scope: &Scope<'_>, place: Place, written: &str, what: &str, without: &str) {
    let major = scope.int("pg_version");
    let Some(contrib) = postgres::libraries(major) else {
        return;
    };
    let own = || contrib.iter().copied().chain(OWN);
    let name = plain(written);
    let packages = settings::packages(scope);
    if own().any(|one| one == name) || extension_packages::is_brought(name, &packages) {
        return;
    }
    let message = format!(
        "{what} comes with neither PostgreSQL {major} nor a package that the inventory names"
    );
    let help = match suggest::nearest(name, own()) {
        Some(near) => format!("did you mean `{near}`? without the library {without}"),
        None => format!("add its package to `pg_extensions`; without the library {without}"),
    };
    let found = Diagnostic::warning(codes::LIBRARY, message).help(help);
    let found = scope.report.label(found, place, "who installs this one?");
    scope.report.once(place, written, found);
}

/// The name of a library without its directory and ending.
fn plain(written: &str) -> &str {
    let file = Path::new(written)
        .file_name()
        .and_then(|name| name.to_str());
    let file = file.unwrap_or(written);
    file.strip_suffix(".so").unwrap_or(file)
}
