//! Writes YAML that people read: block style, keys in the order given, every text that could be
//! taken for something else quoted.

use serde_json::Value;

/// A document under construction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Yaml {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

impl From<&str> for Yaml {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Yaml {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Yaml {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u32> for Yaml {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<&Value> for Yaml {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Text(String::new()),
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => number
                .as_i64()
                .map_or_else(|| Self::Text(number.to_string()), Self::Int),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(map) => Self::Map(
                map.iter()
                    .map(|(key, value)| (key.clone(), Self::from(value)))
                    .collect(),
            ),
        }
    }
}

/// A map from pairs.
pub(crate) fn map<const N: usize>(entries: [(&str, Yaml); N]) -> Yaml {
    Yaml::Map(
        entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

/// The document as text, ending in a newline.
pub(crate) fn write(document: &Yaml) -> String {
    let mut out = String::new();
    block(document, 0, &mut out);
    out
}

fn block(value: &Yaml, indent: usize, out: &mut String) {
    match value {
        Yaml::Map(entries) => {
            for (key, value) in entries {
                pad(indent, out);
                out.push_str(&scalar_text(key));
                out.push(':');
                child(value, indent, out);
            }
        }
        Yaml::List(items) => {
            for item in items {
                pad(indent, out);
                out.push('-');
                child(item, indent, out);
            }
        }
        scalar => {
            pad(indent, out);
            out.push_str(&inline(scalar));
            out.push('\n');
        }
    }
}

fn child(value: &Yaml, indent: usize, out: &mut String) {
    let nested = match value {
        Yaml::Map(entries) => !entries.is_empty(),
        Yaml::List(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        out.push('\n');
        block(value, indent + 2, out);
    } else {
        out.push(' ');
        out.push_str(&inline(value));
        out.push('\n');
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn inline(value: &Yaml) -> String {
    match value {
        Yaml::Bool(value) => value.to_string(),
        Yaml::Int(value) => value.to_string(),
        Yaml::Text(text) => scalar_text(text),
        Yaml::List(_) => "[]".to_owned(),
        Yaml::Map(_) => "{}".to_owned(),
    }
}

/// Plain when nobody can take it for a number, a switch or a sign; else in JSON's quotes, which
/// are YAML's too.
fn scalar_text(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        Value::String(text.to_owned()).to_string()
    }
}

fn is_plain(text: &str) -> bool {
    const SWITCHES: [&str; 11] = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf",
    ];
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || "_-./".contains(one))
        && !SWITCHES.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::{Yaml, map, write};

    #[test]
    fn quotes_what_could_be_misread() {
        let text = write(&map([
            ("plain", "pg-test-1".into()),
            ("switch", "off".into()),
            ("number", "0600".into()),
            ("colon", "0.0.0.0:5432".into()),
            ("quote", "it's \"so\"".into()),
            ("empty", "".into()),
            (
                "list",
                Yaml::List(vec!["a".into(), map([("on", true.into())])]),
            ),
            ("none", Yaml::List(Vec::new())),
        ]));
        insta::assert_snapshot!(text, @r#"
        plain: pg-test-1
        switch: "off"
        number: "0600"
        colon: "0.0.0.0:5432"
        quote: "it's \"so\""
        empty: ""
        list:
          - a
          -
            "on": true
        none: []
        "#);
    }
}
