//! Effective values and where each came from.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use sty_core::Span;

use crate::build::{Scope, members};
use crate::load::Loaded;
use crate::merge::{Binding, GroupId, HostId, Setter};
use crate::registry::{self, Kind, Level, Parameter};
use crate::report::Report;
use crate::source::{Data, Place, Value};

/// A parameter as it holds for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// Name of the parameter.
    pub name: &'static str,
    /// Its value: switches and numbers as such, lists and mappings; secrets read `[redacted]`.
    /// Placeholders are resolved where they stand for the same on every host that it holds for.
    pub value: Json,
    /// Who set it.
    pub origin: Origin,
    /// Whether it has an effect yet.
    pub effective: bool,
}

impl Effective {
    /// The value for people: plain text, or JSON for lists and mappings.
    pub fn shown(&self) -> String {
        match &self.value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it: the default of `sty`.
    Default,
    /// The `vars` of a group.
    Group {
        /// Name of the group.
        name: String,
        /// Where.
        span: Span,
    },
    /// A host.
    Host {
        /// Name of the host.
        name: String,
        /// Where.
        span: Span,
    },
}

/// The hosts that something is shown for.
type Scopes<'a> = [Scope<'a>];

impl Loaded {
    /// Effective values of a host, of a cluster (those of its primary, or else its first member,
    /// without what each member has of its own) or of a group; sorted by name. `None` when there is nothing of that name.
    pub fn effective(&self, name: &str) -> Option<Vec<Effective>> {
        // Whatever is wrong with the inventory was reported when it was read.
        let report = Report::new(&self.file);
        let members = members::find(&self.fleet, &report);
        let scope = |host| Scope::new(&self.fleet, host, &members, &report);
        if let Some(host) = self.fleet.find_host(name) {
            return Some(self.of_host(host, &[scope(host)]));
        }
        if let Some(host) = self.member_of(name) {
            let scopes: Vec<Scope<'_>> = self.members_of(name).map(scope).collect();
            let mut values = self.of_host(host, &scopes);
            // What each member has of its own is not the cluster's.
            let own = |name| {
                let mut all = registry::all();
                all.any(|(_, one)| one.name == name && one.level == Level::Instance)
            };
            values.retain(|value| !own(value.name));
            return Some(values);
        }
        let group = self.fleet.find_group(name)?;
        let hosts = 0..self.fleet.hosts.len();
        let hosts = hosts.filter(|host| self.fleet.hosts[*host].order.contains(&group));
        Some(self.of_group(group, &hosts.map(scope).collect::<Vec<_>>()))
    }

    /// Names that [`Self::effective`] knows: hosts, clusters, groups.
    pub fn names(&self) -> Vec<String> {
        let hosts = self.fleet.hosts.iter().map(|host| &host.name);
        let groups = self.fleet.groups.iter().map(|group| &group.name);
        let mut names: Vec<String> = hosts.chain(groups).map(ToString::to_string).collect();
        let clusters = (0..self.fleet.hosts.len()).filter_map(|host| self.text(host, "pg_cluster"));
        names.extend(clusters);
        names.sort();
        names.dedup();
        names
    }

    fn text(&self, host: HostId, name: &str) -> Option<String> {
        let binding = self.fleet.binding(host, registry::id(name)?)?;
        binding.value.text().map(str::to_owned)
    }

    fn members_of(&self, cluster: &str) -> impl Iterator<Item = HostId> {
        (0..self.fleet.hosts.len())
            .filter(move |host| self.text(*host, "pg_cluster").as_deref() == Some(cluster))
    }

    fn member_of(&self, cluster: &str) -> Option<HostId> {
        let mut members = self.members_of(cluster).peekable();
        let first = members.peek().copied()?;
        let primary =
            members.find(|host| self.text(*host, "pg_role").as_deref() == Some("primary"));
        Some(primary.unwrap_or(first))
    }

    fn of_host(&self, host: HostId, scopes: &Scopes<'_>) -> Vec<Effective> {
        let value = |(id, parameter)| self.one(parameter, id, self.fleet.binding(host, id), scopes);
        sorted(registry::all().filter_map(value).collect())
    }

    fn of_group(&self, group: GroupId, scopes: &Scopes<'_>) -> Vec<Effective> {
        let order = self.fleet.order_of_group(group);
        let value = |(id, parameter): (_, &'static Parameter)| {
            let found = order.iter().rev().find_map(|group| {
                let binding = self.fleet.groups[*group].vars.get(parameter.name)?;
                Some(&self.fleet.bindings[*binding])
            });
            self.one(parameter, id, found, scopes)
        };
        sorted(registry::all().filter_map(value).collect())
    }

    fn one(
        &self,
        parameter: &'static Parameter,
        id: registry::ParameterId,
        binding: Option<&Binding>,
        scopes: &Scopes<'_>,
    ) -> Option<Effective> {
        let (value, origin) = match binding {
            Some(binding) => (&binding.value, self.origin(binding)),
            None => (registry::default(id), Origin::Default),
        };
        if value.is_null() {
            return None;
        }
        Some(Effective {
            name: parameter.name,
            value: render(value, parameter.kind, scopes),
            origin,
            effective: parameter.effective,
        })
    }

    fn origin(&self, binding: &Binding) -> Origin {
        let span = self.span(binding.name_place);
        match binding.setter {
            Setter::Group(group) => Origin::Group {
                name: self.fleet.groups[group].name.to_string(),
                span,
            },
            Setter::Host(host) => Origin::Host {
                name: self.fleet.hosts[host].name.to_string(),
                span,
            },
        }
    }

    fn span(&self, place: Place) -> Span {
        Span {
            file: Arc::from(self.file.as_str()),
            line: place.line,
            column: place.column,
        }
    }
}

fn sorted(mut values: Vec<Effective>) -> Vec<Effective> {
    values.sort_by_key(|value| value.name);
    values
}

fn render(value: &Value, kind: Kind, scopes: &Scopes<'_>) -> Json {
    let written = redacted(value, kind, None);
    if !written.to_string().contains("${") {
        return written;
    }
    let mut seen = scopes
        .iter()
        .map(|scope| redacted(value, kind, Some(scope)));
    match seen.next() {
        Some(first) if seen.all(|other| other == first) => first,
        _ => written,
    }
}

const REDACTED: &str = "[redacted]";

/// A value as JSON, texts as they were written or, for a host, are meant; secrets hidden.
fn redacted(value: &Value, kind: Kind, scope: Option<&Scope<'_>>) -> Json {
    match &value.data {
        Data::Null => Json::Null,
        Data::Scalar(scalar) if matches!(kind, Kind::Secret) && !scalar.text.is_empty() => {
            REDACTED.into()
        }
        Data::Scalar(scalar) => typed(value, kind).unwrap_or_else(|| match scope {
            Some(scope) => scope.expanded(value).into(),
            None => Json::from(&*scalar.text),
        }),
        Data::List(items) => items
            .iter()
            .map(|item| redacted(item, kind, scope))
            .collect(),
        Data::Map(entries) => {
            let field = |entry: &crate::source::Entry| {
                let kind = kind_of(kind, &entry.key);
                (entry.key.to_string(), redacted(&entry.value, kind, scope))
            };
            Json::Object(entries.iter().map(field).collect::<Map<_, _>>())
        }
    }
}

/// A switch or a number, where the parameter is one.
fn typed(value: &Value, kind: Kind) -> Option<Json> {
    match kind {
        Kind::Bool => value.as_bool().map(Json::from),
        Kind::Int { .. } | Kind::WordOrInt { .. } => value.as_i64().map(Json::from),
        Kind::Number { .. } => value.as_f64().map(Json::from),
        _ => None,
    }
}

/// The type of a field. What has no declared type is hidden when its name speaks of a secret.
fn kind_of(kind: Kind, field: &str) -> Kind {
    if let Kind::Entries(entry) = kind {
        return entry.field(field).map_or(Kind::Any, |field| field.kind);
    }
    if matches!(kind, Kind::Secret) {
        return kind;
    }
    let name = field.to_ascii_lowercase();
    let secret = ["pass", "secret", "key", "token", "auth"]
        .iter()
        .any(|word| name.contains(word));
    let loose = matches!(kind, Kind::Any | Kind::AnyMap | Kind::AnyList);
    if loose && secret { Kind::Secret } else { kind }
}
