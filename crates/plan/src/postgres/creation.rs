//! What only creation can set: where a database or a cluster is not what it was declared to be
//! made as, nothing is done, and it is told.

use sty_wire::observation::Note;
use sty_wire::postgres::{ClusterCreation, DatabaseSpec};

use super::model::{Made, ObservedServer, ServerCreation};

/// A setting, what was declared and what is.
struct Difference {
    name: &'static str,
    declared: String,
    actual: String,
}

/// What is to be known of a database that is there; its template and strategy leave no trace.
pub fn of_database(spec: &DatabaseSpec, cluster: &str, server: &ObservedServer) -> Option<Note> {
    let made = &server.databases.get(&spec.name)?.made;
    let found = differences(spec, made);
    let (message, moved) = (in_words(&found, "the database")?, tablespace(spec, &found));
    Some(Note {
        subject: format!("database {} of {cluster}", spec.name),
        message,
        hint: moved.unwrap_or_else(|| {
            "declare what it is; or dump it, drop it (`state: absent`), apply, declare it again, \
             apply and restore"
                .to_owned()
        }),
    })
}

/// What is to be known of a cluster.
pub fn of_cluster(spec: &ClusterCreation, cluster: &str, server: &ServerCreation) -> Option<Note> {
    let checksums = server.checksums.filter(|actual| *actual != spec.checksums);
    let checksums = checksums.map(|actual| Difference {
        name: "pg_checksum",
        declared: spec.checksums.to_string(),
        actual: actual.to_string(),
    });
    let texts = [
        ("pg_encoding", &spec.encoding, &server.encoding),
        ("pg_locale", &spec.locale, &server.locale),
        ("pg_lc_collate", &spec.lc_collate, &server.lc_collate),
        ("pg_lc_ctype", &spec.lc_ctype, &server.lc_ctype),
    ];
    let texts = texts.map(|(name, declared, actual)| {
        differs(name, Some(declared), actual.as_deref().unwrap_or(declared))
    });
    let only_checksums = checksums.is_some() && texts.iter().all(Option::is_none);
    let found: Vec<Difference> = checksums
        .into_iter()
        .chain(texts.into_iter().flatten())
        .collect();
    let hint = match only_checksums {
        true => {
            "declare what it is; or stop every member and run `pg_checksums` on each, with \
             `--enable` or `--disable`"
        }
        false => {
            "declare what it is; or dump it with `pg_dumpall`, remove it (`sty cluster remove`), \
             apply and restore"
        }
    };
    Some(Note {
        subject: format!("cluster {cluster}"),
        message: in_words(&found, "the cluster")?,
        hint: hint.to_owned(),
    })
}

fn differences(spec: &DatabaseSpec, made: &Made) -> Vec<Difference> {
    let creation = &spec.creation;
    let locale = creation.locale.as_ref();
    let provider = made.locale_provider.as_deref().map(provider);
    let of = |name: &'static str| made.locale.as_deref().filter(|_| provider == Some(name));
    let (icu, builtin) = (
        of("icu").unwrap_or_default(),
        of("builtin").unwrap_or_default(),
    );
    let actual = |side: &Option<String>| side.clone().unwrap_or_default();
    let (collate, ctype) = (actual(&made.lc_collate), actual(&made.lc_ctype));
    let encoding = actual(&made.encoding);
    let (tablespace, rules) = (actual(&made.tablespace), actual(&made.icu_rules));
    let pairs = [
        ("encoding", creation.encoding.as_ref(), encoding.as_str()),
        (
            "lc_collate",
            creation.lc_collate.as_ref().or(locale),
            &collate,
        ),
        ("lc_ctype", creation.lc_ctype.as_ref().or(locale), &ctype),
        (
            "locale_provider",
            creation.locale_provider.as_ref(),
            provider.unwrap_or_default(),
        ),
        ("icu_locale", creation.icu_locale.as_ref(), icu),
        ("icu_rules", creation.icu_rules.as_ref(), &rules),
        ("builtin_locale", creation.builtin_locale.as_ref(), builtin),
        ("tablespace", creation.tablespace.as_ref(), &tablespace),
    ];
    let found = pairs
        .into_iter()
        .map(|(name, declared, actual)| differs(name, declared, actual));
    found.flatten().collect()
}

/// `LOCALE_PROVIDER` as it is written.
fn provider(letter: &str) -> &str {
    match letter {
        "c" => "libc",
        "i" => "icu",
        "b" => "builtin",
        other => other,
    }
}

/// A setting that was declared and is not so; what the server does not tell is not compared.
fn differs(name: &'static str, declared: Option<&String>, actual: &str) -> Option<Difference> {
    let declared = declared?;
    let same = actual.is_empty() || plain(declared) == plain(actual);
    (!same).then(|| Difference {
        name,
        declared: declared.clone(),
        actual: actual.to_owned(),
    })
}

/// Locales are the same in `UTF-8` and `utf8`, `en_US` and `en-US`; `POSIX` is `C`.
fn plain(text: &str) -> String {
    let plain = text.to_lowercase().replace(['-', '_'], "");
    match plain.as_str() {
        "posix" => "c".to_owned(),
        _ => plain,
    }
}

fn in_words(found: &[Difference], what: &str) -> Option<String> {
    let each: Vec<String> = found
        .iter()
        .map(|one| {
            format!(
                "`{}` is `{}`, declared is `{}`",
                one.name, one.actual, one.declared
            )
        })
        .collect();
    let counts = match each.len() {
        0 => return None,
        1 => "it counts",
        _ => "they count",
    };
    Some(format!(
        "{}: {counts} only when {what} is made",
        each.join("; ")
    ))
}

/// A database moves to another tablespace by hand.
fn tablespace(spec: &DatabaseSpec, found: &[Difference]) -> Option<String> {
    let [
        Difference {
            name: "tablespace",
            declared,
            ..
        },
    ] = found
    else {
        return None;
    };
    let (database, tablespace) = (
        super::quote::identifier(&spec.name),
        super::quote::identifier(declared),
    );
    Some(format!(
        "declare what it is; or move it while nobody is connected: \
         `ALTER DATABASE {database} SET TABLESPACE {tablespace}`"
    ))
}

#[cfg(test)]
mod tests {
    use sty_wire::postgres::DatabaseCreation;

    use super::*;
    use crate::postgres::model::ObservedDatabase;

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    /// What is told of database `app`, which is UTF8 and sorts by bytes.
    fn check(creation: DatabaseCreation) -> Option<String> {
        let made = Made {
            encoding: text("UTF8"),
            lc_collate: text("C"),
            lc_ctype: text("C.UTF-8"),
            locale_provider: text("c"),
            tablespace: text("pg_default"),
            ..Made::default()
        };
        let observed = ObservedDatabase {
            owner: String::new(),
            made,
            is_template: false,
            allow_connections: true,
            connection_limit: -1,
            parameters: Default::default(),
            comment: None,
            acl: Vec::new(),
        };
        let server = ObservedServer {
            databases: [("app".to_owned(), observed)].into(),
            ..ObservedServer::default()
        };
        let spec = DatabaseSpec {
            name: "app".to_owned(),
            creation,
            ..DatabaseSpec::default()
        };
        let note = of_database(&spec, "pg-test", &server)?;
        Some(format!("{}: {}\n{}", note.subject, note.message, note.hint))
    }

    #[test]
    fn what_was_not_declared_or_is_so_is_not_told() {
        assert_eq!(check(DatabaseCreation::default()), None);
        let same = DatabaseCreation {
            template: text("template0"),
            encoding: text("UTF8"),
            lc_collate: text("POSIX"),
            lc_ctype: text("C.utf8"),
            locale_provider: text("libc"),
            tablespace: text("pg_default"),
            ..DatabaseCreation::default()
        };
        assert_eq!(check(same), None);
    }

    #[test]
    fn what_counts_at_creation_only_is_told_with_both_values() {
        let other = DatabaseCreation {
            encoding: text("LATIN1"),
            locale: text("de_DE.UTF-8"),
            lc_ctype: text("C.UTF-8"),
            locale_provider: text("icu"),
            icu_locale: text("de"),
            ..DatabaseCreation::default()
        };
        insta::assert_snapshot!(check(other).unwrap_or_default(), @"
        database app of pg-test: `encoding` is `UTF8`, declared is `LATIN1`; `lc_collate` is `C`, declared is `de_DE.UTF-8`; `locale_provider` is `libc`, declared is `icu`: they count only when the database is made
        declare what it is; or dump it, drop it (`state: absent`), apply, declare it again, apply and restore
        ");
    }

    #[test]
    fn a_database_moves_to_another_tablespace_by_hand() {
        let moved = DatabaseCreation {
            tablespace: text("fast"),
            ..DatabaseCreation::default()
        };
        insta::assert_snapshot!(check(moved).unwrap_or_default(), @"
        database app of pg-test: `tablespace` is `pg_default`, declared is `fast`: it counts only when the database is made
        declare what it is; or move it while nobody is connected: `ALTER DATABASE \"app\" SET TABLESPACE \"fast\"`
        ");
    }

    #[test]
    fn a_cluster_keeps_what_initdb_was_told() {
        let spec = ClusterCreation {
            checksums: false,
            encoding: "UTF8".to_owned(),
            locale: "C".to_owned(),
            lc_collate: "C".to_owned(),
            lc_ctype: "C".to_owned(),
        };
        let made = ServerCreation {
            checksums: Some(true),
            encoding: text("UTF8"),
            locale: None,
            lc_collate: text("C"),
            lc_ctype: text("C"),
        };
        let told = |made: &ServerCreation| {
            let note = of_cluster(&spec, "pg-test", made);
            note.map(|note| format!("{}: {}\n{}", note.subject, note.message, note.hint))
        };
        insta::assert_snapshot!(told(&made).unwrap_or_default(), @"
        cluster pg-test: `pg_checksum` is `true`, declared is `false`: it counts only when the cluster is made
        declare what it is; or stop every member and run `pg_checksums` on each, with `--enable` or `--disable`
        ");
        let locale = ServerCreation {
            checksums: Some(false),
            lc_collate: text("de_DE.UTF-8"),
            ..made.clone()
        };
        insta::assert_snapshot!(told(&locale).unwrap_or_default(), @"
        cluster pg-test: `pg_lc_collate` is `de_DE.UTF-8`, declared is `C`: it counts only when the cluster is made
        declare what it is; or dump it with `pg_dumpall`, remove it (`sty cluster remove`), apply and restore
        ");
        let same = ServerCreation {
            checksums: Some(false),
            ..made
        };
        assert_eq!(told(&same), None);
    }
}
