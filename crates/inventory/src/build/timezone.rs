//! Names of time zones.

use super::Scope;
use crate::codes;
use crate::source::Entry;
use crate::suggest;

/// Rows of a name and, where nodes do not have it by themselves, what it is called today.
const ROWS: &str = include_str!("../../data/time-zones.tsv");
/// The package that has the older names.
const LEGACY: &str = "tzdata-legacy";

/// Checks `node_timezone`.
pub(super) fn check(scope: &Scope<'_>) {
    for (place, name) in scope.written("node_timezone") {
        if name.is_empty() {
            continue;
        }
        if let Some((what, help)) = unknown(scope, &name) {
            let message = format!("`node_timezone` is `{name}`, {what}");
            let report = scope.report;
            report.error_once(codes::VALUE, place, message, "this name", help);
        }
    }
}

/// Settings of PostgreSQL that name a time zone.
const SETTINGS: [&str; 2] = ["timezone", "log_timezone"];

/// Checks such a setting where it is written as a name. PostgreSQL takes offsets beside, which have
/// digits; of names it has those that the node has, in capitals or not.
pub(super) fn check_setting(scope: &Scope<'_>, entry: &Entry, owner: &str) {
    let name = entry.key.to_ascii_lowercase();
    let written = scope.pair(entry);
    let is_name = written.contains('/') || written.chars().all(|one| one.is_ascii_alphabetic());
    if !SETTINGS.contains(&name.as_str()) || !is_name {
        return;
    }
    let mut known = rows().map(|(known, _)| known);
    let same = known.find(|known| known.eq_ignore_ascii_case(&written));
    if let Some((what, help)) = unknown(scope, same.unwrap_or(&written)) {
        let message = format!("`{}` in {owner} is `{written}`, {what}", entry.key);
        let (report, place) = (scope.report, entry.value.place);
        report.error_once(codes::SETTING_VALUE, place, message, "this name", help);
    }
}

/// Why nodes do not have the zone `name`, and what to do; `None` where they have it.
fn unknown(scope: &Scope<'_>, name: &str) -> Option<(&'static str, String)> {
    match today(name) {
        Some("") => None,
        Some(_) if scope.words("node_packages").iter().any(|one| one == LEGACY) => None,
        Some(today) => Some((
            "an older name that nodes do not have",
            format!("write `{today}`, or add `{LEGACY}` to `node_packages`"),
        )),
        None => Some(("which is no time zone", near(name))),
    }
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROWS.lines().filter_map(|row| row.split_once('\t'))
}

/// What a zone is called today: empty for the name itself, `None` for one that there is not.
fn today(name: &str) -> Option<&'static str> {
    rows().find_map(|(known, today)| (known == name).then_some(today))
}

fn near(name: &str) -> String {
    let names = || rows().map(|(known, _)| known);
    let same = names().find(|known| known.eq_ignore_ascii_case(name));
    match same.or_else(|| suggest::nearest(name, names())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write it as `Europe/Berlin` or `UTC`; `timedatectl list-timezones` has them all"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{rows, today};

    #[test]
    fn zones_have_one_name_today() {
        assert!(rows().count() > 500);
        for (name, later) in rows().filter(|(_, later)| !later.is_empty()) {
            assert_eq!(today(later), Some(""), "{name}");
        }
        assert_eq!(today("UTC"), Some(""));
        assert_eq!(today("US/Pacific"), Some("America/Los_Angeles"));
        assert_eq!(today("Mars/X"), None);
    }
}
