//! Names and texts come out of SQL as they went in.

use proptest::prelude::*;

use crate::postgres::quote::{identifier, identifiers, literal, setting_name};
use crate::postgres::setting;

/// Reads one quoted identifier as PostgreSQL does.
fn read_identifier(sql: &str) -> Option<(String, &str)> {
    read_until(sql.strip_prefix('"')?, '"')
}

/// Reads one literal as PostgreSQL does, whatever `standard_conforming_strings` says.
fn read_literal(sql: &str) -> Option<(String, &str)> {
    if let Some(escaped) = sql.strip_prefix("E'") {
        let (text, rest) = read_until(escaped, '\'')?;
        return Some((text.replace("\\\\", "\\"), rest));
    }
    let (text, rest) = read_until(sql.strip_prefix('\'')?, '\'')?;
    (!text.contains('\\')).then_some((text, rest))
}

/// Up to a `quote` that is not doubled.
fn read_until(sql: &str, quote: char) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut characters = sql.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character != quote {
            text.push(character);
        } else if characters.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return Some((text, &sql[at + quote.len_utf8()..]));
        }
    }
    None
}

proptest! {
    #[test]
    fn identifiers_are_read_back(name in "[^\0]{1,40}") {
        let sql = identifier(&name);
        prop_assert_eq!(read_identifier(&sql), Some((name, "")));
    }

    #[test]
    fn literals_are_read_back(text in "[^\0]{0,60}") {
        let sql = literal(&text);
        prop_assert_eq!(read_literal(&sql), Some((text, "")));
    }

    #[test]
    fn a_list_of_names_stays_that_list(names in prop::collection::vec("[^\0]{0,12}", 1..5)) {
        let stored = identifiers(names.iter().map(String::as_str));
        let written = setting::value("search_path", &stored);
        let mut rest = written.as_str();
        let mut read = Vec::new();
        while let Some((name, after)) = read_literal(rest) {
            read.push(name);
            rest = after.strip_prefix(", ").unwrap_or(after);
        }
        prop_assert_eq!(rest, "");
        prop_assert_eq!(read, names);
    }

    #[test]
    fn a_list_is_the_same_however_it_is_quoted(
        names in prop::collection::vec("[a-z_][a-z0-9_]{0,8}", 1..5),
    ) {
        let bare = names.join(",");
        let quoted = identifiers(names.iter().map(String::as_str));
        prop_assert!(setting::equal("search_path", &bare, &quoted));
        prop_assert!(setting::equal("temp_tablespaces", &quoted, &bare));
    }
}

#[test]
fn settings_are_written_as_the_server_stores_them() {
    let cases = [
        ("search_path", "\"$user\", public", "'$user', 'public'"),
        ("search_path", "App, \"App\"", "'app', 'App'"),
        ("search_path", "", "''"),
        ("search_path", "not a list", "'not a list'"),
        (
            "shared_preload_libraries",
            "pg_cron, Lib",
            "'pg_cron', 'Lib'",
        ),
        ("work_mem", "64MB", "'64MB'"),
        ("DateStyle", "ISO, DMY", "'ISO, DMY'"),
    ];
    for (name, text, sql) in cases {
        assert_eq!(setting::value(name, text), sql, "{name} = {text}");
    }
    assert!(!setting::equal("work_mem", "a, b", "a,b"));
    assert!(!setting::equal("local_preload_libraries", "a", "A"));
    assert_eq!(
        setting_name("auto_explain.log_analyze"),
        r#""auto_explain"."log_analyze""#
    );
}
