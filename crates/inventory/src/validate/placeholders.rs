//! Placeholders `${...}`, `${random}` and Jinja.

use sty_core::Diagnostic;

use super::names::scalars;
use crate::build::is_expandable;
use crate::codes;
use crate::registry;
use crate::report::Report;
use crate::source::Value;
use crate::suggest;
use crate::template::RANDOM;

/// Placeholders that are no parameter.
const OTHERS: &[&str] = &[
    "ip",
    "inventory_hostname",
    "lo",
    "vip",
    "dbsu",
    "repl",
    "monitor",
    "admin",
];

/// Checks the placeholders of one scalar.
pub(super) fn check(value: &Value, text: &str, report: &Report) {
    if !text.contains('{') || unfilled(value, text, report) || jinja(value, text, report) {
        return;
    }
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${") {
        let Some((name, tail)) = after.split_once('}') else {
            return unclosed(value, report);
        };
        if !is_known(name) {
            unknown(value, name, report);
        }
        rest = tail;
    }
}

/// Whether anything is left that `sty init` would have filled in.
pub(super) fn check_filled(value: &Value, report: &Report) {
    scalars(value, &mut |scalar, text| {
        unfilled(scalar, text, report);
    });
}

/// Reports `${random}`, once for the file.
pub(super) fn unfilled(value: &Value, text: &str, report: &Report) -> bool {
    if !text.contains(RANDOM) {
        return false;
    }
    let message = format!("the inventory still has `{RANDOM}` where a password belongs");
    let found = Diagnostic::error(codes::UNFILLED, message)
        .help("`sty init` writes a template with a random secret for each");
    let found = report.label(found, value.place, "not a password");
    report.once(crate::source::Place::default(), RANDOM, found);
    true
}

/// A password is taken as it is written, braces and all. One that is nothing but an expression or a
/// placeholder was meant to be filled in by somebody.
pub(super) fn for_a_secret(value: &Value, text: &str, report: &Report) -> bool {
    let text = text.trim();
    let within = |begin: &str, end: &str| text.strip_prefix(begin)?.strip_suffix(end);
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let placeholder = within("${", "}").is_some_and(|name| name.chars().all(of_name));
    if within("{{", "}}").is_none() && !placeholder {
        return false;
    }
    let (code, message) = match placeholder {
        true => (
            codes::UNKNOWN_PLACEHOLDER,
            "a placeholder stands for no password",
        ),
        false => (codes::JINJA, "Jinja expressions are not evaluated"),
    };
    let found = Diagnostic::error(code, message)
        .help("write the password itself; `sty init` makes random ones");
    let found = report.label(found, value.place, "where a password belongs");
    report.once(value.place, "for a secret", found);
    true
}

fn jinja(value: &Value, text: &str, report: &Report) -> bool {
    if !(text.contains("{{") && text.contains("}}") || text.contains("{%")) {
        return false;
    }
    let found = Diagnostic::error(codes::JINJA, "Jinja expressions are not evaluated")
        .help("write the value itself, a YAML anchor, or a `${...}` placeholder");
    let found = report.label(found, value.place, "an expression");
    report.once(value.place, "jinja", found);
    true
}

fn unclosed(value: &Value, report: &Report) {
    report.error_once(
        codes::UNKNOWN_PLACEHOLDER,
        value.place,
        "a placeholder begins with `${` and does not end",
        "used here",
        "close it with `}`",
    );
}

fn is_known(name: &str) -> bool {
    let expandable = |id| is_expandable(registry::get(id).kind);
    OTHERS.contains(&name) || registry::id(name).is_some_and(expandable)
}

fn unknown(value: &Value, name: &str, report: &Report) {
    let parameters = registry::all().map(|(_, parameter)| parameter.name);
    let candidates = OTHERS.iter().copied().chain(parameters);
    let secret = registry::id(name).is_some();
    let help = match suggest::nearest(name, candidates).filter(|_| !secret) {
        Some(near) => format!("did you mean `${{{near}}}`?"),
        None if secret => "passwords, lists and mappings cannot be inserted".to_owned(),
        None => "known are `${admin_ip}`, `${dbsu}`, `${repl}`, `${monitor}`, `${admin}`, `${ip}` and names of parameters".to_owned(),
    };
    let message = format!("`${{{name}}}` stands for nothing");
    let found = Diagnostic::error(codes::UNKNOWN_PLACEHOLDER, message).help(help);
    let found = report.label(found, value.place, "used here");
    report.once(value.place, name, found);
}
