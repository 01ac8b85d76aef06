//! Every parameter of the inventory, in one table: name, type, default, level, meaning.

mod connection;
mod entries;
mod infra;
mod kind;
mod lists;
mod modules;
mod node;
mod pgsql;
mod reference;
mod schema;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::source::{Value, parse_default};
use crate::suggest;

pub use kind::{Entry, Field, Kind};
pub use reference::reference_markdown;
pub use schema::schema;

/// Where a parameter is meant to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Once for the fleet, under `all.vars`.
    Fleet,
    /// For a cluster, in its group's `vars`; or above.
    Cluster,
    /// For a host; or above.
    Host,
    /// For one instance only: on the host.
    Instance,
}

/// One parameter.
#[derive(Debug)]
pub struct Parameter {
    /// Name.
    pub name: &'static str,
    /// Deepest level at which it is meant to be set.
    pub level: Level,
    /// Type.
    pub kind: Kind,
    /// Default as JSON; `None`: unset.
    pub default: Option<&'static str>,
    /// One line about what it does.
    pub about: &'static str,
    /// Whether it has an effect yet.
    pub effective: bool,
}

/// The parameters of one module.
#[derive(Debug)]
pub struct Module {
    /// Short name.
    pub name: &'static str,
    /// What the module is.
    pub about: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
}

/// Identifies a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParameterId(u16);

impl ParameterId {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Every module, in the order of the reference.
pub static MODULES: &[&Module] = &[
    &infra::CA,
    &node::IDENTITY,
    &node::NODE,
    &node::VIP,
    &node::HAPROXY,
    &modules::NODE_MONITOR,
    &infra::INFRA,
    &infra::REPO,
    &infra::ETCD,
    &pgsql::IDENTITY,
    &pgsql::BUSINESS,
    &pgsql::INSTALL,
    &pgsql::BOOTSTRAP,
    &pgsql::PROVISION,
    &pgsql::ACCESS,
    &modules::BACKUP,
    &modules::PG_MONITOR,
    &modules::PG_TASKS,
    &modules::MINIO,
    &modules::REDIS,
    &modules::DOCKER,
    &modules::VIBE,
    &modules::APPS,
    &connection::ANSIBLE,
];

pub(crate) const fn on(
    name: &'static str,
    level: Level,
    kind: Kind,
    default: Option<&'static str>,
    about: &'static str,
) -> Parameter {
    Parameter {
        name,
        level,
        kind,
        default,
        about,
        effective: true,
    }
}

pub(crate) const fn off(
    name: &'static str,
    level: Level,
    kind: Kind,
    default: Option<&'static str>,
    about: &'static str,
) -> Parameter {
    Parameter {
        name,
        level,
        kind,
        default,
        about,
        effective: false,
    }
}

struct Table {
    all: Vec<&'static Parameter>,
    defaults: Vec<Value>,
    ids: HashMap<&'static str, ParameterId>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let all: Vec<&Parameter> = MODULES
        .iter()
        .flat_map(|module| module.parameters)
        .collect();
    let default_of =
        |parameter: &&Parameter| parameter.default.map_or_else(Value::null, parse_default);
    Table {
        defaults: all.iter().map(default_of).collect(),
        ids: all
            .iter()
            .enumerate()
            .filter_map(|(index, parameter)| {
                Some((parameter.name, ParameterId(u16::try_from(index).ok()?)))
            })
            .collect(),
        all,
    }
});

/// How many parameters there are.
pub(crate) fn count() -> usize {
    TABLE.all.len()
}

/// Finds a parameter by name.
pub(crate) fn id(name: &str) -> Option<ParameterId> {
    TABLE.ids.get(name).copied()
}

/// The parameter of that number.
pub(crate) fn get(id: ParameterId) -> &'static Parameter {
    TABLE.all[id.index()]
}

/// Its default; null when it has none.
pub(crate) fn default(id: ParameterId) -> &'static Value {
    &TABLE.defaults[id.index()]
}

/// Every parameter with its number.
pub(crate) fn all() -> impl Iterator<Item = (ParameterId, &'static Parameter)> {
    let ids = (0..count()).filter_map(|index| u16::try_from(index).ok().map(ParameterId));
    ids.map(|id| (id, get(id)))
}

/// The name of a parameter that is near enough to `name` to be meant.
pub fn near(name: &str) -> Option<&'static str> {
    suggest::nearest(name, all().map(|(_, parameter)| parameter.name))
}

/// Finds a parameter by name.
pub fn parameter(name: &str) -> Option<&'static Parameter> {
    id(name).map(get)
}
