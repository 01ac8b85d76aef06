//! Whether a value is of its type.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;

use sty_core::Diagnostic;

use super::{placeholders, secrets};
use crate::build::whole_time;
use crate::codes;
use crate::registry::{Entry, Kind};
use crate::report::Report;
use crate::source::{Data, Place, Value};
use crate::suggest;

/// Checks values, collecting what is wrong.
pub(super) struct Check<'a> {
    pub(super) report: &'a Report,
    /// Fields without effect, where each was first seen.
    pub(super) idle: &'a RefCell<BTreeMap<String, Place>>,
}

impl Check<'_> {
    /// Checks one value. Nothing, and `~`, mean "not set".
    pub(super) fn value(&self, what: &str, kind: Kind, value: &Value) {
        match kind {
            _ if value.is_null() => {}
            Kind::Any | Kind::AnyMap | Kind::AnyList => self.shape(what, kind, value),
            Kind::Words | Kind::Texts | Kind::Shell => self.texts(what, kind, value),
            Kind::Pairs | Kind::ShellPairs => self.pairs(what, kind, value),
            Kind::Entries(entry) => self.entries(what, entry, value),
            Kind::RecoveryPlans => self.plans(what, kind, value),
            _ => self.scalar(what, kind, value),
        }
    }

    fn refuse(&self, what: &str, kind: Kind, value: &Value) {
        let secret = matches!(kind, Kind::Secret) && value.text().is_some();
        let found = if secret {
            "[redacted]".to_owned()
        } else {
            value.describe()
        };
        let message = format!("{what} is {found}, expected {}", kind.expected());
        let help = nearly(kind, value)
            .unwrap_or_else(|| "write such a value, or take it out for the default".to_owned());
        let diagnostic = Diagnostic::error(codes::TYPE, message).help(help);
        let diagnostic = self.report.label(diagnostic, value.place, "this value");
        self.report.push(diagnostic);
    }

    fn shape(&self, what: &str, kind: Kind, value: &Value) {
        let good = match kind {
            Kind::AnyMap => matches!(value.data, Data::Map(_)),
            Kind::AnyList => matches!(value.data, Data::List(_)),
            _ => true,
        };
        if !good {
            self.refuse(what, kind, value);
        }
    }

    fn scalar(&self, what: &str, kind: Kind, value: &Value) {
        let Some(text) = value.text() else {
            self.refuse(what, kind, value);
            return;
        };
        secrets::check_quotable(what, text, value, self.report);
        if matches!(kind, Kind::Secret) {
            if text.chars().any(char::is_control) {
                self.refuse(what, kind, value);
            }
            let placeholder = placeholders::unfilled(value, text, self.report)
                || placeholders::for_a_secret(value, text, self.report);
            if !placeholder {
                secrets::check_known(what, kind, value, self.report);
            }
            return;
        }
        placeholders::check(value, text, self.report);
        // What placeholders stand for is looked at where it is known.
        if (!text.contains("${") || !is_textual(kind)) && !fits(kind, text, value) {
            self.refuse(what, kind, value);
        }
    }

    fn texts(&self, what: &str, kind: Kind, value: &Value) {
        let shell = matches!(kind, Kind::Shell);
        match &value.data {
            Data::Scalar(_) if shell => {}
            Data::Scalar(scalar) => placeholders::check(value, &scalar.text, self.report),
            Data::List(items) => {
                for item in items.iter() {
                    match item.text() {
                        Some(_) if shell => {}
                        Some(text) => placeholders::check(item, text, self.report),
                        None => self.refuse(&format!("an item of {what}"), Kind::Text, item),
                    }
                }
            }
            _ => self.refuse(what, kind, value),
        }
    }

    fn pairs(&self, what: &str, kind: Kind, value: &Value) {
        let Data::Map(entries) = &value.data else {
            self.refuse(what, kind, value);
            return;
        };
        for entry in entries.iter() {
            let name = format!("`{}` of {what}", entry.key);
            match &entry.value.data {
                Data::Scalar(scalar) if matches!(kind, Kind::Pairs) => {
                    placeholders::check(&entry.value, &scalar.text, self.report);
                }
                Data::Scalar(_) => {}
                Data::List(_) => self.texts(&name, Kind::Texts, &entry.value),
                Data::Null | Data::Map(_) => self.refuse(&name, Kind::Text, &entry.value),
            }
        }
    }

    fn plans(&self, what: &str, kind: Kind, value: &Value) {
        if !matches!(value.data, Data::Map(_)) {
            self.refuse(what, kind, value);
        }
        for entry in value.entries() {
            let name = format!("plan `{}` of {what}", entry.key);
            self.texts(&name, Kind::Texts, &entry.value);
        }
    }

    fn entries(&self, what: &str, entry: &'static Entry, value: &Value) {
        let Data::List(items) = &value.data else {
            self.refuse(what, Kind::Entries(entry), value);
            return;
        };
        for item in items.iter() {
            self.entry(what, entry, item);
        }
    }

    fn entry(&self, what: &str, entry: &'static Entry, item: &Value) {
        match &item.data {
            Data::Map(_) => {}
            Data::Scalar(scalar) if entry.short.is_some() => {
                placeholders::check(item, &scalar.text, self.report);
                return;
            }
            _ => {
                let message = format!(
                    "an item of {what} is {}, expected the fields of {}",
                    item.describe(),
                    entry.one()
                );
                let found = Diagnostic::error(codes::TYPE, message);
                let found = self.report.label(found, item.place, "this item");
                let first = entry.fields.first().map_or("name", |field| field.name);
                self.report
                    .push(found.help(format!("write `{{ {first}: ... }}`")));
                return;
            }
        }
        let name = item.get("name").and_then(Value::text);
        let subject = match name {
            Some(name) => format!("{} `{name}` of {what}", entry.noun),
            None => format!("{} of {what}", entry.one()),
        };
        for field in item.entries() {
            match entry.field(&field.key) {
                Some(known) => {
                    if !known.effective {
                        let name = format!("`{}` of {}", field.key, entry.one());
                        let mut idle = self.idle.borrow_mut();
                        idle.entry(name).or_insert(field.key_place);
                    }
                    let what = format!("`{}` of {subject}", field.key);
                    self.value(&what, known.kind, &field.value);
                }
                None => self.unknown_field(&subject, entry, field),
            }
        }
        for field in entry.fields.iter().filter(|field| field.required) {
            if item.get(field.name).is_none() {
                self.report.error(
                    codes::MISSING_FIELD,
                    item.place,
                    format!("{subject} has no `{}`", field.name),
                    "this entry",
                    format!("add `{}`: {}", field.name, field.about),
                );
            }
        }
    }

    fn unknown_field(&self, subject: &str, entry: &Entry, field: &crate::source::Entry) {
        let names = entry.fields.iter().map(|field| field.name);
        let help = match suggest::nearest(&field.key, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let known: Vec<&str> = entry.fields.iter().map(|field| field.name).collect();
                format!("known are {}", known.join(", "))
            }
        };
        let message = format!("{subject} has the unknown field `{}`", field.key);
        let found = Diagnostic::error(codes::UNKNOWN_FIELD, message).help(help);
        let found = self.report.label(found, field.key_place, "unknown field");
        self.report.push(found);
    }
}

/// Whether a value of this kind is a text, in which placeholders may stand.
fn is_textual(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Bool
            | Kind::Int { .. }
            | Kind::Number { .. }
            | Kind::WordOrInt { .. }
            | Kind::OneOf(_)
            | Kind::Time
            | Kind::Days
    )
}

/// Whether a text, placeholders resolved, is of its kind.
pub(crate) fn is_of_kind(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Identifier => is_identifier(text),
        Kind::ClusterName => is_cluster_name(text),
        Kind::Path => is_path(text),
        Kind::Address => text.parse::<IpAddr>().is_ok(),
        Kind::Network => is_network(text),
        _ => true,
    }
}

fn fits(kind: Kind, text: &str, value: &Value) -> bool {
    let within = |min: i64, max: i64| {
        value
            .as_i64()
            .is_some_and(|number| (min..=max).contains(&number))
    };
    match kind {
        Kind::Bool => value.as_bool().is_some(),
        Kind::Int { min, max } => within(min, max),
        Kind::Number { min, max } => value
            .as_f64()
            .is_some_and(|number| (min..=max).contains(&number)),
        Kind::WordOrInt { word, min, max } => text == word || within(min, max),
        Kind::OneOf(words) => words.contains(&text),
        Kind::Time => whole_time(text).is_some(),
        Kind::Days => is_days(text),
        _ => is_of_kind(kind, text),
    }
}

fn is_identifier(text: &str) -> bool {
    (1..=63).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn is_cluster_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let first = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 63 && text.starts_with(first) && text.chars().all(allowed)
}

fn is_path(text: &str) -> bool {
    let bad = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '\'' | '"' | '\\' | '$');
    let up = text.split('/').any(|part| part == "..");
    text.starts_with('/') && text.len() > 1 && !text.contains(bad) && !up
}

fn is_network(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    let longest = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.parse::<u8>().is_ok_and(|bits| bits <= longest)
}

fn is_days(text: &str) -> bool {
    let number = text.strip_suffix('d').unwrap_or(text);
    number
        .parse::<u32>()
        .is_ok_and(|days| (1..=36_500).contains(&days))
}

/// A next step for values that are nearly right.
fn nearly(kind: Kind, value: &Value) -> Option<String> {
    let text = value.text()?;
    match kind {
        _ if text.contains("${") => {
            Some("placeholders stand in texts: write the value itself".to_owned())
        }
        Kind::OneOf(words) => {
            let near = suggest::nearest(text, words.iter().copied())?;
            Some(format!("did you mean `{near}`?"))
        }
        Kind::Network if text.parse::<IpAddr>().is_ok() => {
            Some(format!("add the prefix length: `{text}/24`"))
        }
        Kind::Path => Some("write it from `/`, without blanks, quotes or `..`".to_owned()),
        Kind::Int { .. } if text.starts_with('0') && text.len() > 1 => {
            Some("write it in decimal, without leading zeros".to_owned())
        }
        Kind::Address => Some("write it like `10.10.10.10`, without a port or a name".to_owned()),
        _ => None,
    }
}
