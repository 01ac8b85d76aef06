//! The raw tree: YAML as written, every key and value with its place.

use std::sync::Arc;

/// A place in the inventory file, from 1. Line 0 means: not written, a default of `sty`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Place {
    /// Line, from 1.
    pub(crate) line: u32,
    /// Column, from 1, in characters.
    pub(crate) column: u32,
}

impl Place {
    /// Whether the place is in the file.
    pub(crate) fn is_written(self) -> bool {
        self.line > 0
    }
}

/// A value and where it stands. A copy shares its content.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    /// Where it stands; for an alias, where the alias is used.
    pub(crate) place: Place,
    /// What it is.
    pub(crate) data: Data,
}

/// Content of a [`Value`].
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// Nothing, `~` or `null`.
    Null,
    /// Text as written; what it means is decided by whoever reads it.
    Scalar(Scalar),
    /// A sequence.
    List(Arc<[Value]>),
    /// A mapping in file order.
    Map(Arc<[Entry]>),
}

/// A scalar: `off`, `0600` and `17.10` stay what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    /// The text, escapes processed.
    pub(crate) text: Arc<str>,
    /// Whether it was quoted, so that it is text without doubt.
    pub(crate) quoted: bool,
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: Arc<str>,
    /// Where the key stands.
    pub(crate) key_place: Place,
    /// The value.
    pub(crate) value: Value,
}

impl Value {
    /// A value that was not written.
    pub(crate) fn null() -> Self {
        Self {
            place: Place::default(),
            data: Data::Null,
        }
    }

    /// Whether it is empty, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// The elements of a sequence; of nothing, none.
    pub(crate) fn list(&self) -> &[Self] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping; of nothing, none.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The entry under `key` of a mapping.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    /// The value under `key` of a mapping, unless it is null.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key)
            .map(|entry| &entry.value)
            .filter(|value| !value.is_null())
    }

    /// Where the value under `key` stands, or the mapping itself when it is not there.
    pub(crate) fn place_of(&self, key: &str) -> Place {
        self.get(key).map_or(self.place, |value| value.place)
    }

    /// As a truth value: `true`, `yes`, `on` and their opposites, in any of YAML's spellings.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.text()? {
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
            _ => None,
        }
    }

    /// As a whole number in decimal, without leading zeros.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        let text = self.text()?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let padded = digits.len() > 1 && digits.starts_with('0');
        (plain && !padded).then(|| text.parse().ok()).flatten()
    }

    /// As a finite number.
    pub(crate) fn as_f64(&self) -> Option<f64> {
        let text = self.text()?;
        let starts = text.starts_with(|first: char| first.is_ascii_digit() || "-.".contains(first));
        let number: f64 = starts.then(|| text.parse().ok()).flatten()?;
        number.is_finite().then_some(number)
    }

    /// What it is, for messages.
    pub(crate) fn describe(&self) -> String {
        match &self.data {
            Data::Null => "nothing".to_owned(),
            Data::Scalar(scalar) => format!("`{}`", scalar.text),
            Data::List(_) => "a list".to_owned(),
            Data::Map(_) => "a mapping".to_owned(),
        }
    }

    /// Whether both say the same, wherever they stand.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (&self.data, &other.data) {
            (Data::Null, Data::Null) => true,
            (Data::Scalar(a), Data::Scalar(b)) => a.text == b.text,
            (Data::List(a), Data::List(b)) => {
                Arc::ptr_eq(a, b)
                    || a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.same(b))
            }
            (Data::Map(a), Data::Map(b)) => {
                Arc::ptr_eq(a, b)
                    || a.len() == b.len()
                        && a.iter().all(|entry| {
                            other
                                .entry(&entry.key)
                                .is_some_and(|theirs| theirs.value.same(&entry.value))
                        })
            }
            _ => false,
        }
    }
}
