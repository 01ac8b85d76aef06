//! Whether PostgreSQL takes a text as the value of a setting.

use super::facts::{Kind, Range};
use super::number::{self, Unreadable};
use super::unit;
use crate::suggest;

/// Why a value is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What the setting takes instead, in words that follow "expected".
    pub(super) expected: String,
    /// The next step.
    pub(super) help: Option<String>,
}

/// Checks `text` as a value of that kind.
pub(super) fn check(kind: &Kind, text: &str) -> Result<(), Refusal> {
    match kind {
        Kind::Text => Ok(()),
        Kind::Bool if boolean(text).is_some() => Ok(()),
        Kind::Bool => Err(refusal("`on` or `off`")),
        Kind::Enum(values) => one_of(values, text),
        Kind::Integer(range) => within(range, number::integer(text, range.unit), true),
        Kind::Real(range) => within(range, number::real(text, range.unit), false),
    }
}

/// A truth value: `true`, `yes` and `no` as far as they are written, `on`, `of`, `off`, 1 or 0.
pub(super) fn boolean(text: &str) -> Option<bool> {
    let text = text.to_ascii_lowercase();
    let begins = |word: &str| !text.is_empty() && word.starts_with(&text);
    match text.as_str() {
        "on" | "1" => Some(true),
        "of" | "off" | "0" => Some(false),
        _ if begins("true") || begins("yes") => Some(true),
        _ if begins("false") || begins("no") => Some(false),
        _ => None,
    }
}

fn refusal(expected: impl Into<String>) -> Refusal {
    Refusal {
        expected: expected.into(),
        help: None,
    }
}

fn one_of(values: &[&str], text: &str) -> Result<(), Refusal> {
    if values.iter().any(|value| value.eq_ignore_ascii_case(text)) {
        return Ok(());
    }
    let shown: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
    let near = suggest::nearest(text, values.iter().copied());
    Err(Refusal {
        expected: format!("one of {}", shown.join(", ")),
        help: near.map(|near| format!("did you mean `{near}`?")),
    })
}

fn within(range: &Range, number: Result<f64, Unreadable>, whole: bool) -> Result<(), Refusal> {
    let help = match &number {
        Ok(number) if (range.least..=range.most).contains(number) => return Ok(()),
        Ok(_) | Err(Unreadable::NotANumber) => None,
        Err(Unreadable::Unit(written)) => Some(about_unit(written, range.unit)),
    };
    let expected = expected(range, whole);
    Err(Refusal { expected, help })
}

fn about_unit(written: &str, base: &str) -> String {
    let names: Vec<String> = unit::names(base)
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    match unit::respelt(written, base) {
        _ if names.is_empty() => "write the number alone: this setting has no unit".to_owned(),
        Some(right) => format!("write the unit as `{right}`: capitals count"),
        None => format!("units are {}", names.join(", ")),
    }
}

fn expected(range: &Range, whole: bool) -> String {
    let noun = if whole { "a whole number" } else { "a number" };
    let limits = match (range.least.is_finite(), range.most.is_finite()) {
        (true, true) if range.most < 1e300 => format!(" from {} to {}", range.least, range.most),
        (true, _) => format!(" from {}", range.least),
        _ => String::new(),
    };
    match range.unit {
        "" => format!("{noun}{limits}"),
        unit => format!("{noun}{limits}, in {unit} where no unit is written"),
    }
}

#[cfg(test)]
mod tests {
    use super::{boolean, check};
    use crate::postgres::facts::{Facts, Kind};

    #[test]
    fn truth_values() {
        for text in ["on", "ON", "t", "tru", "true", "y", "yes", "1"] {
            assert_eq!(boolean(text), Some(true), "{text}");
        }
        for text in ["of", "off", "f", "False", "n", "no", "0"] {
            assert_eq!(boolean(text), Some(false), "{text}");
        }
        for text in ["", "o", "2", "truer", " on"] {
            assert_eq!(boolean(text), None, "{text}");
        }
    }

    fn said(name: &str, text: &str) -> String {
        let kind: &Kind = &Facts::of(17).setting(name).unwrap().kind;
        match check(kind, text) {
            Ok(()) => "good".to_owned(),
            Err(refusal) => match refusal.help {
                Some(help) => format!("{}; {help}", refusal.expected),
                None => refusal.expected,
            },
        }
    }

    #[test]
    fn values_are_read_as_the_server_reads_them() {
        for (name, text) in [
            ("work_mem", "64MB"),
            ("work_mem", "0x100kB"),
            ("wal_compression", "on"),
            ("wal_compression", "LZ4"),
            ("random_page_cost", "1.1"),
            ("log_min_duration_statement", "-1"),
            ("checkpoint_timeout", "0.5h"),
            ("search_path", "anything"),
        ] {
            assert_eq!(said(name, text), "good", "{name} {text}");
        }
    }

    #[test]
    fn refusals_say_what_is_expected() {
        insta::assert_snapshot!(said("jit", "maybe"), @"`on` or `off`");
        insta::assert_snapshot!(said("work_mem", "64mb"), @"a whole number from 64 to 2147483647, in kB where no unit is written; write the unit as `MB`: capitals count");
        insta::assert_snapshot!(said("work_mem", "10s"), @"a whole number from 64 to 2147483647, in kB where no unit is written; units are `B`, `kB`, `MB`, `GB`, `TB`");
        insta::assert_snapshot!(said("work_mem", "1kB"), @"a whole number from 64 to 2147483647, in kB where no unit is written");
        insta::assert_snapshot!(said("max_connections", "10MB"), @"a whole number from 1 to 262143; write the number alone: this setting has no unit");
        insta::assert_snapshot!(said("random_page_cost", "cheap"), @"a number from 0");
        insta::assert_snapshot!(said("checkpoint_completion_target", "1.5"), @"a number from 0 to 1");
        insta::assert_snapshot!(said("wal_level", "logicl"), @"one of `minimal`, `replica`, `logical`, `archive`, `hot_standby`; did you mean `logical`?");
    }
}
