//! The one place where names and texts become SQL.

/// A name as an identifier, always quoted: `my"role` becomes `"my""role"`.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names as a list of identifiers.
pub fn identifiers<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(identifier).collect();
    quoted.join(", ")
}

/// A text as a literal. Texts with a backslash use the escape form, which means the same
/// whatever `standard_conforming_strings` says.
pub fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

/// The name of a setting, each part an identifier: `auto_explain.log_analyze` becomes
/// `"auto_explain"."log_analyze"`.
pub fn setting_name(name: &str) -> String {
    let parts: Vec<String> = name.split('.').map(identifier).collect();
    parts.join(".")
}

/// The grantee of a privilege; `PUBLIC` is a keyword and no role.
pub fn grantee(name: &str) -> String {
    if name.eq_ignore_ascii_case("public") {
        "PUBLIC".to_owned()
    } else {
        identifier(name)
    }
}
