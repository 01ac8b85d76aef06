//! The variables of one host, typed on purpose.

use std::collections::BTreeMap;

use sty_core::{Diagnostic, Secret};

use super::members::Members;
use crate::codes;
use crate::merge::{Binding, Fleet, HostId};
use crate::registry::{self, Kind, ParameterId};
use crate::report::Report;
use crate::source::{Entry, Place, Value};

/// How deep placeholders may lead to placeholders.
const MAX_EXPANSIONS: u32 = 8;

/// What one host sees. Values of a wrong type, reported before, read as empty or zero.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) fleet: &'a Fleet,
    pub(crate) host: HostId,
    pub(crate) members: &'a Members,
    pub(crate) report: &'a Report,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(
        fleet: &'a Fleet,
        host: HostId,
        members: &'a Members,
        report: &'a Report,
    ) -> Self {
        Self {
            fleet,
            host,
            members,
            report,
        }
    }

    /// Inventory hostname.
    pub(crate) fn name(&self) -> &'a str {
        &self.fleet.hosts[self.host].name
    }

    fn id(name: &str) -> Option<ParameterId> {
        let id = registry::id(name);
        debug_assert!(id.is_some(), "`{name}` is not in the registry");
        id
    }

    /// What sets a parameter; `None` when its default holds.
    pub(crate) fn binding(&self, name: &str) -> Option<&'a Binding> {
        self.fleet.binding(self.host, Self::id(name)?)
    }

    /// Whether the inventory sets a parameter.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.binding(name).is_some()
    }

    /// The value, or the default; `None` when neither is there.
    pub(crate) fn value(&self, name: &str) -> Option<&'a Value> {
        let id = Self::id(name)?;
        match self.fleet.binding(self.host, id) {
            Some(binding) => Some(&binding.value),
            None => Some(registry::default(id)).filter(|value| !value.is_null()),
        }
    }

    /// Where the value stands, or the host when its default holds.
    pub(crate) fn place(&self, name: &str) -> Place {
        match self.binding(name) {
            Some(binding) => binding.value.place,
            None => self.fleet.hosts[self.host].place,
        }
    }

    pub(crate) fn bool(&self, name: &str) -> bool {
        self.value(name)
            .and_then(Value::as_bool)
            .unwrap_or_default()
    }

    /// A whole number; zero when it is not set or does not fit.
    pub(crate) fn int<T: TryFrom<i64> + Default>(&self, name: &str) -> T {
        self.optional_int(name).unwrap_or_default()
    }

    pub(crate) fn optional_int<T: TryFrom<i64>>(&self, name: &str) -> Option<T> {
        let number = self.value(name)?.as_i64()?;
        T::try_from(number).ok()
    }

    pub(crate) fn number(&self, name: &str) -> f64 {
        self.value(name).and_then(Value::as_f64).unwrap_or_default()
    }

    /// Text with placeholders resolved; empty when it is not set.
    pub(crate) fn text(&self, name: &str) -> String {
        self.value(name)
            .map(|value| self.expanded(value))
            .unwrap_or_default()
    }

    /// Text, unless it is not set or empty.
    pub(crate) fn optional_text(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// Days of a text such as `365d`.
    pub(crate) fn days(&self, name: &str) -> u32 {
        self.text(name)
            .trim_end_matches('d')
            .parse()
            .unwrap_or_default()
    }

    /// A password, unless it is not set or empty. Placeholders are not looked for.
    pub(crate) fn secret(&self, name: &str) -> Option<Secret<String>> {
        let text = self.value(name)?.text()?;
        (!text.is_empty()).then(|| Secret::from(text))
    }

    /// A password that a service of `user` cannot do without.
    pub(crate) fn needed_secret(&self, name: &str, user: &str) -> Secret<String> {
        self.secret(name).unwrap_or_else(|| {
            let message = format!("`{name}` is not set, which {user} needs");
            let found = Diagnostic::error(codes::MISSING_PASSWORD, message)
                .help("set it under `all.vars`; `sty init` writes random ones");
            let (place, label) = match self.binding(name) {
                Some(found) => (found.value.place, "empty"),
                None => (self.fleet.top(), "in the `vars` of this group"),
            };
            let found = self.report.label(found, place, label);
            self.report.once(place, name, found);
            Secret::default()
        })
    }

    /// Words of a list or of one text, placeholders resolved.
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        self.value(name)
            .map(|value| self.words_of(value))
            .unwrap_or_default()
    }

    pub(crate) fn words_of(&self, value: &Value) -> Vec<String> {
        let texts = self.texts_of(value);
        texts.iter().flat_map(|text| split(text)).collect()
    }

    /// What the inventory says a parameter is, each text of a list by itself, with its place.
    /// Texts whose placeholders were reported are left out: what they mean is not known.
    pub(crate) fn written(&self, name: &str) -> Vec<(Place, String)> {
        let Some(binding) = self.binding(name) else {
            return Vec::new();
        };
        let value = &binding.value;
        let items = match value.text() {
            Some(_) => std::slice::from_ref(value),
            None => value.list(),
        };
        let texts = items.iter().filter(|item| item.text().is_some());
        texts
            .map(|item| (item.place, self.expanded(item)))
            .filter(|(place, _)| !self.is_doubtful(*place))
            .collect()
    }

    /// The same, word by word.
    pub(crate) fn written_words(&self, name: &str) -> Vec<(Place, String)> {
        let texts = self.written(name).into_iter();
        texts
            .flat_map(|(place, text)| split(&text).into_iter().map(move |word| (place, word)))
            .collect()
    }

    fn is_doubtful(&self, place: Place) -> bool {
        [codes::UNKNOWN_PLACEHOLDER, codes::JINJA]
            .iter()
            .any(|code| self.report.has(code, Some(place)))
    }

    /// A list of texts, placeholders resolved.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.value(name)
            .map(|value| self.texts_of(value))
            .unwrap_or_default()
    }

    pub(crate) fn texts_of(&self, value: &Value) -> Vec<String> {
        match value.text() {
            Some(_) => vec![self.expanded(value)],
            None => value
                .list()
                .iter()
                .map(|item| self.expanded(item))
                .collect(),
        }
    }

    /// A mapping from names to texts, placeholders resolved.
    pub(crate) fn pairs(&self, name: &str) -> BTreeMap<String, String> {
        self.value(name)
            .map(|value| self.pairs_of(value))
            .unwrap_or_default()
    }

    pub(crate) fn pairs_of(&self, value: &Value) -> BTreeMap<String, String> {
        let pair = |entry: &Entry| (entry.key.to_string(), self.pair(entry));
        value.entries().iter().map(pair).collect()
    }

    /// The value of one of such pairs.
    pub(crate) fn pair(&self, entry: &Entry) -> String {
        match entry.value.text() {
            Some(_) => self.expanded(&entry.value),
            None => self.texts_of(&entry.value).join(", "),
        }
    }

    /// The text of a scalar with its placeholders resolved.
    pub(crate) fn expanded(&self, value: &Value) -> String {
        let text = value.text().unwrap_or_default();
        if !text.contains("${") {
            return text.to_owned();
        }
        self.expand(text, value.place, MAX_EXPANSIONS)
    }

    /// Resolves placeholders; those that stand for nothing stay, for whoever reads a shell's.
    fn expand(&self, text: &str, place: Place, left: u32) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            result.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                result.push_str("${");
                rest = after;
                continue;
            };
            match self.placeholder(name, place, left) {
                Some(value) => result.push_str(&value),
                None => {
                    result.push_str("${");
                    result.push_str(name);
                    result.push('}');
                }
            }
            rest = tail;
        }
        result.push_str(rest);
        result
    }

    fn placeholder(&self, name: &str, place: Place, left: u32) -> Option<String> {
        let parameter = match name {
            "ip" | "inventory_hostname" => {
                return Some(self.members.address(self.host).to_string());
            }
            "lo" => return Some("127.0.0.1".to_owned()),
            "vip" => {
                let address = self.text("pg_vip_address");
                return address.split('/').next().map(str::to_owned);
            }
            "admin_ip" => return Some(self.members.admin_ip.to_string()),
            "dbsu" => "pg_dbsu",
            "repl" => "pg_replication_username",
            "monitor" => "pg_monitor_username",
            "admin" => "pg_admin_username",
            other => other,
        };
        let id = registry::id(parameter).filter(|id| is_expandable(registry::get(*id).kind))?;
        let value = match self.fleet.binding(self.host, id) {
            Some(binding) => &binding.value,
            None => registry::default(id),
        };
        match value.text() {
            Some(text) if left > 0 => Some(self.expand(text, place, left - 1)),
            Some(_) => {
                self.dead_placeholder(name, place, "leads to itself");
                Some(String::new())
            }
            None => {
                self.dead_placeholder(name, place, "is not set here");
                Some(String::new())
            }
        }
    }

    fn dead_placeholder(&self, name: &str, place: Place, why: &str) {
        let message = format!("`${{{name}}}` {why}, on host `{}`", self.name());
        let found = Diagnostic::error(codes::UNKNOWN_PLACEHOLDER, message)
            .help("set the parameter, or write the value itself");
        let found = self.report.label(found, place, "used here");
        self.report.once(place, name, found);
    }
}

/// The words of a text.
fn split(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether a parameter of that type may stand in a placeholder.
pub(crate) fn is_expandable(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bool
            | Kind::Int { .. }
            | Kind::Number { .. }
            | Kind::WordOrInt { .. }
            | Kind::Text
            | Kind::OneOf(_)
            | Kind::Identifier
            | Kind::ClusterName
            | Kind::Path
            | Kind::Address
            | Kind::Network
            | Kind::Time
            | Kind::Days
    )
}
