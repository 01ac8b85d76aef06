//! Encodings, locales and the like that PostgreSQL would refuse when it creates a cluster or a
//! database.

use sty_core::Diagnostic;

use super::Scope;
use crate::codes;
use crate::model::Database;
use crate::postgres::Encoding;
use crate::source::{Entry, Place, Value};
use crate::suggest;

/// Checks what a cluster begins with.
pub(super) fn check_cluster(cluster: &str, scope: &Scope<'_>) {
    let names = [
        ("pg_encoding", "encoding"),
        ("pg_locale", "locale"),
        ("pg_lc_collate", "lc_collate"),
        ("pg_lc_ctype", "lc_ctype"),
    ];
    let encoding = scope.text("pg_encoding");
    for (name, field) in names {
        for (place, text) in scope.written(name) {
            let what = format!("`{name}` of cluster `{cluster}`");
            check_field(scope, field, place, &text, &encoding, &what);
        }
    }
}

/// Checks what a database asks for against the version of its cluster and PostgreSQL's rules.
pub(super) fn check(cluster: &str, scope: &Scope<'_>, entry: &Value, database: &Database) {
    let name = format!("database `{}` of cluster `{cluster}`", database.name);
    let encoding = database.encoding.clone();
    let encoding = encoding.unwrap_or_else(|| scope.text("pg_encoding"));
    for field in FIELDS.iter().chain(&["builtin_locale"]) {
        if let Some(value) = entry.get(field) {
            let what = format!("`{field}` of {name}");
            let text = scope.expanded(value);
            check_field(scope, field, value.place, &text, &encoding, &what);
        }
    }
    check_versions(scope, entry, &name);
    check_providers(scope, entry, database, &name);
    check_template(scope, entry, database, &name);
}

/// Checks one value; `what` names it, `encoding` is that of the same cluster or database.
fn check_field(
    scope: &Scope<'_>,
    field: &str,
    place: Place,
    text: &str,
    encoding: &str,
    what: &str,
) {
    let problem = match field {
        "encoding" => encoding_problem(text),
        "builtin_locale" => builtin_problem(text, scope.int("pg_version")),
        _ => locale_problem(text, encoding),
    };
    if let Some((problem, help)) = problem {
        let message = format!("{what} is `{text}`, {problem}");
        scope
            .report
            .error_once(codes::VALUE, place, message, "this value", help);
    } else if !matches!(field, "encoding" | "builtin_locale") {
        warn_foreign(scope, place, text, what);
    }
}

/// Warns of a locale of the operating system in a setting that `owner` has.
pub(super) fn check_setting(scope: &Scope<'_>, entry: &Entry, owner: &str) {
    let name = entry.key.to_ascii_lowercase();
    if SETTINGS.contains(&name.as_str()) {
        let what = format!("`{name}` in {owner}");
        warn_foreign(scope, entry.value.place, &scope.pair(entry), &what);
    }
}

/// Warns of what nodes have only when somebody has generated it there.
fn warn_foreign(scope: &Scope<'_>, place: Place, text: &str, what: &str) {
    if text.is_empty() || is_everywhere(text) {
        return;
    }
    let message = format!("{what} is `{text}`, which nodes do not have by themselves");
    let found = Diagnostic::warning(codes::LOCALE, message).help(
        "use `C.UTF-8`, or generate it on every node first; a database may sort by ICU instead: `locale_provider: icu`",
    );
    let found = scope
        .report
        .label(found, place, "PostgreSQL refuses what is not there");
    scope.report.once(place, text, found);
}

/// Whether every node has a locale.
fn is_everywhere(text: &str) -> bool {
    let utf8 = |codeset| Encoding::named(codeset).is_some_and(|one| one.name == "UTF8");
    matches!(text, "C" | "POSIX") || text.strip_prefix("C.").is_some_and(utf8)
}

/// What is wrong with an encoding, and the next step.
fn encoding_problem(text: &str) -> Option<(String, String)> {
    match Encoding::named(text) {
        Some(found) if found.server => None,
        Some(_) => Some((
            "which is for clients only: no database can be in it".to_owned(),
            "use `UTF8`; clients ask for another with `client_encoding`".to_owned(),
        )),
        None => Some((
            "which is no encoding of PostgreSQL".to_owned(),
            match suggest::nearest(&text.to_uppercase(), Encoding::of_servers()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "use `UTF8`".to_owned(),
            },
        )),
    }
}

/// What is wrong with a locale of the builtin provider, and the next step.
fn builtin_problem(text: &str, version: u32) -> Option<(String, String)> {
    let names = match version {
        ..18 => &BUILTIN[..2],
        _ => &BUILTIN,
    };
    (!names.contains(&text)).then(|| {
        (
            format!("which PostgreSQL {version} does not have built in"),
            format!("use one of `{}`", names.join("`, `")),
        )
    })
}

/// What is wrong with a locale of the operating system, and the next step.
fn locale_problem(text: &str, encoding: &str) -> Option<(String, String)> {
    if !is_locale(text) {
        return Some((
            "which no locale is called".to_owned(),
            "write it as `C` or `C.UTF-8`, which every node has".to_owned(),
        ));
    }
    let (_, codeset) = text.split('@').next()?.split_once('.')?;
    let (of_locale, wanted) = (Encoding::named(codeset)?, Encoding::named(encoding)?);
    (of_locale != wanted && wanted.server && wanted.name != "SQL_ASCII").then(|| {
        (
            format!(
                "which is for the encoding {}, not {}",
                of_locale.name, wanted.name
            ),
            "let both be of one encoding".to_owned(),
        )
    })
}

/// Whether a locale may be called that: `language_TERRITORY.codeset@modifier`, of which only the
/// first is needed.
fn is_locale(text: &str) -> bool {
    let (text, modifier) = text.split_once('@').unwrap_or((text, "x"));
    let (text, codeset) = text.split_once('.').unwrap_or((text, "x"));
    let (language, territory) = text.split_once('_').unwrap_or((text, "x"));
    let plain = |part: &str, more: &str| {
        let good = |one: char| one.is_ascii_alphanumeric() || more.contains(one);
        !part.is_empty() && part.chars().all(good)
    };
    plain(language, "")
        && language.starts_with(|one: char| one.is_ascii_alphabetic())
        && plain(territory, "")
        && plain(codeset, "-_")
        && plain(modifier, "-_=")
}

/// Fields that older versions lack.
fn check_versions(scope: &Scope<'_>, entry: &Value, name: &str) {
    let version: u32 = scope.int("pg_version");
    for (field, since) in SINCE {
        if let Some(value) = entry.get(field).filter(|_| version < *since) {
            let message = format!("`{field}` of {name} needs PostgreSQL {since}, not {version}");
            let help = "leave it out, or raise `pg_version` for a new cluster";
            refuse(scope, value.place, message, help);
        }
    }
}

/// Fields of another provider than the database's.
fn check_providers(scope: &Scope<'_>, entry: &Value, database: &Database, name: &str) {
    let provider = database.locale_provider.as_deref().unwrap_or("libc");
    for (field, needed) in PROVIDED {
        if let Some(value) = entry.get(field).filter(|_| provider != *needed) {
            let message =
                format!("`{field}` of {name} belongs to the provider `{needed}`, not `{provider}`");
            let help = format!("add `locale_provider: {needed}`, or leave it out");
            refuse(scope, value.place, message, &help);
        }
    }
}

/// What a copy of `template1` cannot have.
fn check_template(scope: &Scope<'_>, entry: &Value, database: &Database, name: &str) {
    if database.template.as_deref().unwrap_or("template1") != "template1" {
        return;
    }
    let differing = FIELDS.iter().chain(&["locale_provider"]).find_map(|field| {
        let value = entry.get(field)?;
        let wanted = scope.expanded(value);
        let of_cluster = match *field {
            "locale_provider" => "libc".to_owned(),
            field => scope.text(&format!("pg_{field}")),
        };
        let same = match *field {
            "encoding" => Encoding::named(&wanted) == Encoding::named(&of_cluster),
            _ => wanted == of_cluster,
        };
        (!same).then_some((field, value))
    });
    if let Some((field, value)) = differing {
        let message = format!(
            "`{field}` of {name} differs from the cluster's, which `template1` cannot give"
        );
        refuse(scope, value.place, message, "add `template: template0`");
    }
}

fn refuse(scope: &Scope<'_>, place: Place, message: String, help: &str) {
    scope
        .report
        .error(codes::VALUE, place, message, "this field", help);
}

/// Settings that are locales of the operating system.
const SETTINGS: [&str; 4] = ["lc_messages", "lc_monetary", "lc_numeric", "lc_time"];

/// Fields of a database that are parameters of a cluster too, with `pg_` before them.
const FIELDS: [&str; 4] = ["encoding", "locale", "lc_collate", "lc_ctype"];

/// Locales of the builtin provider; the last since PostgreSQL 18.
const BUILTIN: [&str; 3] = ["C", "C.UTF-8", "PG_UNICODE_FAST"];

/// Fields that older versions lack.
const SINCE: &[(&str, u32)] = &[
    ("strategy", 15),
    ("locale_provider", 15),
    ("icu_locale", 15),
    ("icu_rules", 16),
    ("builtin_locale", 17),
];

/// Fields of one locale provider.
const PROVIDED: &[(&str, &str)] = &[
    ("icu_locale", "icu"),
    ("icu_rules", "icu"),
    ("builtin_locale", "builtin"),
];

#[cfg(test)]
mod tests {
    use super::{is_everywhere, is_locale, locale_problem};

    #[test]
    fn locales_of_every_node() {
        for good in ["C", "POSIX", "C.UTF-8", "C.utf8"] {
            assert!(is_everywhere(good), "{good}");
        }
        for other in ["en_US.UTF-8", "en_US", "C.LATIN1", "c"] {
            assert!(!is_everywhere(other), "{other}");
        }
    }

    #[test]
    fn locales() {
        for good in [
            "C",
            "POSIX",
            "C.UTF-8",
            "C.utf8",
            "en_US.UTF-8",
            "de_DE@euro",
            "ca_ES.utf8@valencia",
            "es_419",
            "german",
        ] {
            assert!(is_locale(good), "{good}");
        }
        for bad in [
            "", "en-US", "en US", "_US", "en_", "en_US.", "en_US@", "UTF-8", "1",
        ] {
            assert!(!is_locale(bad), "{bad}");
        }
    }

    #[test]
    fn locales_have_one_encoding() {
        assert_eq!(locale_problem("en_US.utf8", "UTF-8"), None);
        assert_eq!(locale_problem("en_US", "LATIN1"), None);
        assert_eq!(locale_problem("en_US.ISO-8859-15", "LATIN9"), None);
        assert_eq!(locale_problem("en_US.UTF-8", "SQL_ASCII"), None);
        assert!(locale_problem("C.UTF-8", "LATIN1").is_some());
        assert!(locale_problem("en_US.ISO-8859-1@x", "UTF8").is_some());
    }
}
