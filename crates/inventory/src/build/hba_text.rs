//! Names and lines of access rules, taken apart as PostgreSQL and PgBouncer do.

use regex_syntax::ast::{ErrorKind, parse::Parser};

/// Words that name nobody in particular.
const KEYWORDS: [&str; 5] = ["all", "replication", "sameuser", "samerole", "samegroup"];

/// Names of a list by commas. Double quotes around a name, or behind its `+`, keep a comma in it;
/// two stand for one.
///
/// # Errors
/// Why the list cannot be read.
pub(super) fn names(text: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for part in parts(text) {
        let name = unquoted(part).ok_or_else(|| format!("the quotes of `{part}` do not match"))?;
        let special = KEYWORDS.contains(&name.as_str()) || name.starts_with(['+', '/']);
        if special && part.starts_with('"') {
            return Err(format!(
                "`{part}` cannot be told from what it means unquoted"
            ));
        }
        if !name.is_empty() {
            names.push(name);
        }
    }
    Ok(names)
}

/// Why PostgreSQL cannot read a name that is a regular expression, as one with a slash in front is.
/// Its dialect has more than the one that is asked here: only what no dialect takes is told.
pub(super) fn pattern_problem(name: &str) -> Option<String> {
    let pattern = name.strip_prefix('/')?;
    let why = match Parser::new().parse(pattern).err()?.kind() {
        ErrorKind::ClassUnclosed => "a bracket is not closed",
        ErrorKind::GroupUnclosed | ErrorKind::GroupUnopened => "the parentheses do not match",
        ErrorKind::RepetitionMissing => "there is nothing to repeat",
        ErrorKind::EscapeUnexpectedEof => "it ends in a backslash",
        _ => return None,
    };
    Some(format!("`{name}` is no regular expression: {why}"))
}

/// What to do about it.
pub(super) const PATTERN_HELP: &str = "mend it: `\\` makes a character mean itself";

/// Parts of a list by commas, their quotes left on.
pub(super) fn parts(text: &str) -> Vec<&str> {
    let parts = split(text, |one, _| one == ',').into_iter();
    parts.map(str::trim).collect()
}

/// Columns of a line, a list with spaces behind its commas being one; without its comment.
pub(super) fn columns(line: &str) -> Vec<&str> {
    let line = split(line, |one, _| one == '#');
    let line = line.first().copied().unwrap_or_default();
    let columns = split(line, |one, before| {
        one.is_whitespace() && !before.trim_end().ends_with(',')
    });
    let columns = columns.into_iter().map(str::trim);
    columns.filter(|column| !column.is_empty()).collect()
}

/// Parts of a text between the characters outside quotes of which `ends`, given what stands before
/// them, says that they end one.
fn split(text: &str, ends: impl Fn(char, &str) -> bool) -> Vec<&str> {
    let (mut parts, mut begin, mut quoted) = (Vec::new(), 0, false);
    for (at, one) in text.char_indices() {
        quoted ^= one == '"';
        if !quoted && ends(one, &text[begin..at]) {
            parts.push(&text[begin..at]);
            begin = at + one.len_utf8();
        }
    }
    parts.push(&text[begin..]);
    parts
}

/// A name without its quotes; `None` when one is open.
pub(super) fn unquoted(part: &str) -> Option<String> {
    let (plus, rest) = match part.strip_prefix('+') {
        Some(rest) => ("+", rest),
        None => ("", part),
    };
    let name = match rest.strip_prefix('"') {
        Some(rest) => pairs(rest.strip_suffix('"')?)?,
        None => rest.to_owned(),
    };
    Some(format!("{plus}{name}"))
}

/// What pairs of quotes stand for; `None` when there is a single one.
fn pairs(text: &str) -> Option<String> {
    let single = text.replace("\"\"", "").contains('"');
    (!single).then(|| text.replace("\"\"", "\""))
}

#[cfg(test)]
mod tests {
    use super::{columns, names, pattern_problem};

    #[test]
    fn lists_are_taken_apart_at_commas() {
        for (text, expected) in [
            ("all", vec!["all"]),
            (
                "app, +dbrole_readonly,web ",
                vec!["app", "+dbrole_readonly", "web"],
            ),
            ("my app,Émile", vec!["my app", "Émile"]),
            (r#""a,b", +"odd, group""#, vec!["a,b", "+odd, group"]),
            (r#""say ""hi""""#, vec![r#"say "hi""#]),
            (",,", vec![]),
            ("/^app.*$,@file", vec!["/^app.*$", "@file"]),
        ] {
            assert_eq!(names(text).unwrap(), expected, "{text}");
        }
        for text in [r#""open"#, r#"a,"b"c"#, r#""all""#, r#""+group""#, r#"""#] {
            names(text).unwrap_err();
        }
    }

    #[test]
    fn patterns_that_nobody_reads_are_told() {
        for name in ["/[a", "/(a", "/a)", "/*", "/a\\"] {
            pattern_problem(name).unwrap();
        }
        for name in [
            "[a",
            r"/^app_\d+$",
            r"/(?=a)b",
            r"/(a)\1",
            "/[[:<:]]a",
            r"/\ma",
        ] {
            assert_eq!(pattern_problem(name), None, "{name}");
        }
    }

    #[test]
    fn lines_are_taken_apart_at_spaces() {
        for (text, expected) in [
            (
                "host all  app 10.0.0.0/8 md5 # odd",
                vec!["host", "all", "app", "10.0.0.0/8", "md5"],
            ),
            (
                r#"local "my db" "a # b",c peer"#,
                vec!["local", r#""my db""#, r#""a # b",c"#, "peer"],
            ),
            ("local a, b all peer", vec!["local", "a, b", "all", "peer"]),
        ] {
            assert_eq!(columns(text), expected, "{text}");
        }
    }
}
