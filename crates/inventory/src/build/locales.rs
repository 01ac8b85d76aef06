//! Locales and the like that PostgreSQL would refuse when it creates a database.

use super::Scope;
use crate::codes;
use crate::model::Database;
use crate::source::{Place, Value};

/// Checks what a database asks for against the version of its cluster and PostgreSQL's rules.
pub(super) fn check(cluster: &str, scope: &Scope<'_>, entry: &Value, database: &Database) {
    let version: u32 = scope.int("pg_version");
    let name = format!("database `{}` of cluster `{cluster}`", database.name);
    let refuse = |place: Place, message: String, help: &str| {
        scope
            .report
            .error(codes::VALUE, place, message, "this field", help);
    };
    for (field, since) in SINCE {
        if let Some(value) = entry.get(field).filter(|_| version < *since) {
            refuse(
                value.place,
                format!("`{field}` of {name} needs PostgreSQL {since}, not {version}"),
                "leave it out, or raise `pg_version` for a new cluster",
            );
        }
    }
    let provider = database.locale_provider.as_deref().unwrap_or("libc");
    for (field, needed) in PROVIDED {
        if let Some(value) = entry.get(field).filter(|_| provider != *needed) {
            refuse(
                value.place,
                format!("`{field}` of {name} belongs to the provider `{needed}`, not `{provider}`"),
                &format!("add `locale_provider: {needed}`, or leave it out"),
            );
        }
    }
    let template = database.template.as_deref().unwrap_or("template1");
    let clean = [
        "encoding",
        "locale",
        "lc_collate",
        "lc_ctype",
        "locale_provider",
    ];
    let differing = clean.into_iter().find_map(|field| {
        let value = entry.get(field)?;
        let of_cluster = match field {
            "encoding" => scope.text("pg_encoding"),
            "locale" => scope.text("pg_locale"),
            "lc_collate" => scope.text("pg_lc_collate"),
            "lc_ctype" => scope.text("pg_lc_ctype"),
            _ => "libc".to_owned(),
        };
        (scope.expanded(value) != of_cluster).then_some((field, value))
    });
    if let Some((field, value)) = differing.filter(|_| template == "template1") {
        refuse(
            value.place,
            format!(
                "`{field}` of {name} differs from the cluster's, which `template1` cannot give"
            ),
            "add `template: template0`",
        );
    }
}

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
