//! The parameter reference of the documentation.

use std::fmt::Write as _;

use super::kind::{Entry, Kind};
use super::{Level, MODULES, Parameter};

/// `docs/reference/parameters.md`.
pub fn reference_markdown() -> String {
    let mut page = String::from(HEAD);
    for module in MODULES {
        let _ = write!(
            page,
            "\n## {}\n\n{}.\n\n",
            module.name,
            capital(module.about)
        );
        page.push_str("| parameter | type | level | default | what it does |\n");
        page.push_str("|---|---|---|---|---|\n");
        for parameter in module.parameters {
            page.push_str(&row(parameter));
        }
        for parameter in module.parameters {
            page.push_str(&fields(parameter));
        }
    }
    page
}

const HEAD: &str = "# Parameters\n\n\
    Generated from the parameter registry; do not edit.\n\n\
    Every parameter that an inventory may set. The level says how deep it is meant to be set: \
    F once for the fleet, C for a cluster, H for a host, I for one instance only; setting it \
    further up gives a value to everything below. Parameters marked ○ are known and have no \
    effect yet.\n";

fn row(parameter: &Parameter) -> String {
    let mark = if parameter.effective { "" } else { " ○" };
    format!(
        "| `{}`{mark} | {} | {} | {} | {} |\n",
        parameter.name,
        type_of(parameter.kind),
        level(parameter.level),
        default(parameter),
        cell(parameter.about),
    )
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Fleet => "F",
        Level::Cluster => "C",
        Level::Host => "H",
        Level::Instance => "I",
    }
}

fn type_of(kind: Kind) -> String {
    match kind {
        Kind::OneOf(_) | Kind::Int { .. } | Kind::Number { .. } | Kind::WordOrInt { .. } => {
            cell(&kind.expected())
        }
        _ => kind.name().to_owned(),
    }
}

fn default(parameter: &Parameter) -> String {
    match parameter.default {
        None => "".to_owned(),
        Some(text) if text.len() > 60 => "see below".to_owned(),
        Some(text) => format!("`{}`", cell(text)),
    }
}

fn fields(parameter: &Parameter) -> String {
    let mut text = String::new();
    if let Some(long) = parameter.default.filter(|text| text.len() > 60) {
        let _ = write!(
            text,
            "\nDefault of `{}`:\n\n```yaml\n{long}\n```\n",
            parameter.name
        );
    }
    let Kind::Entries(entry) = parameter.kind else {
        return text;
    };
    if parameter.name.contains("default") {
        return text;
    }
    let _ = write!(text, "\nFields of an entry of `{}`:\n\n", parameter.name);
    text.push_str(&field_table(entry));
    text
}

fn field_table(entry: &Entry) -> String {
    let mut text = String::from("| field | type | what it is |\n|---|---|---|\n");
    for field in entry.fields {
        let need = match (field.required, field.effective) {
            (true, _) => " (needed)",
            (false, true) => "",
            (false, false) => " ○",
        };
        let _ = writeln!(
            text,
            "| `{}`{need} | {} | {} |",
            field.name,
            type_of(field.kind),
            cell(field.about)
        );
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if text.starts_with("etcd") => format!("{first}{}", letters.as_str()),
        Some(first) => format!("{}{}", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}
