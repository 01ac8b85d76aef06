//! Settings of roles and databases: comparing them, and writing their values.
//!
//! Most values are stored as they are given. Some settings are lists of names, stored with each
//! element quoted by itself; giving such a list as one text would make it one long name.

use super::model::{OWN_SETTINGS, Settings};
use super::quote::literal;

/// How the elements of a list setting are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Elements {
    /// Names: unquoted ones are folded to lower case.
    Names,
    /// Paths: case is kept.
    Paths,
}

/// Settings that are stored as a list of quoted elements (13 to 18 agree). Extensions cannot add
/// any.
const LISTS: [(&str, Elements); 6] = [
    ("search_path", Elements::Names),
    ("temp_tablespaces", Elements::Names),
    ("local_preload_libraries", Elements::Paths),
    ("session_preload_libraries", Elements::Paths),
    ("shared_preload_libraries", Elements::Paths),
    ("unix_socket_directories", Elements::Paths),
];

/// One setting that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingChange {
    /// Must be set.
    Set {
        /// Name.
        name: String,
        /// Value now.
        from: Option<String>,
        /// Value it should have.
        to: String,
    },
    /// Must be reset.
    Reset {
        /// Name.
        name: String,
        /// Value now.
        from: String,
    },
}

/// What must be set and reset to get from `observed` to `wanted`. Settings in which `sty`
/// remembers something are left out.
pub fn compare(wanted: &Settings, observed: &Settings) -> Vec<SettingChange> {
    let find = |settings: &Settings, name: &str| {
        let same = |(key, _): &(&String, &String)| key.eq_ignore_ascii_case(name);
        settings.iter().find(same).map(|(_, value)| value.clone())
    };
    let mut changes = Vec::new();
    for (name, to) in wanted {
        let from = find(observed, name);
        if from.as_deref().is_none_or(|from| !equal(name, from, to)) {
            let (name, to) = (name.clone(), to.clone());
            changes.push(SettingChange::Set { name, from, to });
        }
    }
    for (name, from) in observed {
        if !name.starts_with(OWN_SETTINGS) && find(wanted, name).is_none() {
            let (name, from) = (name.clone(), from.clone());
            changes.push(SettingChange::Reset { name, from });
        }
    }
    changes
}

/// Whether two values of a setting mean the same.
pub fn equal(name: &str, left: &str, right: &str) -> bool {
    match list_kind(name) {
        Some(kind) => elements(left, kind) == elements(right, kind),
        None => left == right,
    }
}

/// A value as it is written after `SET name TO`.
pub fn value(name: &str, text: &str) -> String {
    match list_kind(name) {
        Some(kind) => {
            let quoted: Vec<String> = elements(text, kind).iter().map(|e| literal(e)).collect();
            quoted.join(", ")
        }
        None => literal(text),
    }
}

fn list_kind(name: &str) -> Option<Elements> {
    let same = |(known, _): &&(&str, Elements)| known.eq_ignore_ascii_case(name);
    LISTS.iter().find(same).map(|(_, kind)| *kind)
}

/// Elements of a list; a text that is no proper list is one element, and the empty list is
/// written as one empty element.
fn elements(text: &str, kind: Elements) -> Vec<String> {
    match parse(text, kind) {
        Some(list) if list.is_empty() => vec![String::new()],
        Some(list) => list,
        None => vec![text.to_owned()],
    }
}

fn parse(text: &str, kind: Elements) -> Option<Vec<String>> {
    let mut rest = text.trim_start();
    let mut list = Vec::new();
    if rest.is_empty() {
        return Some(list);
    }
    loop {
        let (element, after) = match rest.strip_prefix('"') {
            Some(quoted) => parse_quoted(quoted)?,
            None => parse_bare(rest, kind)?,
        };
        list.push(element);
        match after.trim_start().strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None if after.trim().is_empty() => return Some(list),
            None => return None,
        }
    }
}

/// An element after its opening quote, and what follows its closing one.
fn parse_quoted(text: &str) -> Option<(String, &str)> {
    let mut element = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        element.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                element.push('"');
                rest = next;
            }
            None => return Some((element, after)),
        }
    }
}

fn parse_bare(text: &str, kind: Elements) -> Option<(String, &str)> {
    let end = text.find(',').unwrap_or(text.len());
    let (element, rest) = text.split_at(end);
    let element = element.trim_end();
    if element.is_empty() {
        return None;
    }
    match kind {
        Elements::Paths => Some((element.to_owned(), rest)),
        Elements::Names if element.contains(char::is_whitespace) => None,
        Elements::Names => Some((element.to_ascii_lowercase(), rest)),
    }
}
