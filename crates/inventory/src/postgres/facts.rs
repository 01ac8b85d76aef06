//! What each PostgreSQL major knows: its settings, and the extensions that come with it.
//!
//! The rows are what servers said of themselves: `scripts/postgres-settings` prints them. Another
//! major is more rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

const ROWS: &str = include_str!("../../data/settings.tsv");

/// A setting of one major.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    /// As the server writes its name.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) context: Context,
}

/// What values a setting takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Bool,
    Integer(Range),
    Real(Range),
    Enum(Vec<&'static str>),
    Text,
}

/// A range in base units.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Range {
    /// Base unit: `8kB`, `ms`; empty for none.
    pub(super) unit: &'static str,
    pub(super) least: f64,
    pub(super) most: f64,
}

/// When a setting can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// Never: built in, or decided when the cluster was made.
    Internal,
    /// By a restart.
    Postmaster,
    /// By a reload.
    Sighup,
    /// For a connection, when it begins.
    Backend,
    /// At any time.
    User,
    /// At any time, and never by a file.
    Session,
}

/// All that is known about one major.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// By lower-case name.
    settings: HashMap<String, Setting>,
    /// Names before the dot that settings here have.
    prefixes: BTreeSet<&'static str>,
    extensions: BTreeSet<&'static str>,
    /// Whether a name that is not here does not exist.
    complete: bool,
}

static MAJORS: LazyLock<BTreeMap<u32, Facts>> = LazyLock::new(|| {
    let mut majors: BTreeMap<u32, Facts> = BTreeMap::new();
    for row in ROWS.lines() {
        let columns: Vec<&'static str> = row.split('\t').collect();
        if let Some(major) = columns.first().and_then(|text| text.parse().ok()) {
            majors.entry(major).or_default().add(&columns);
        }
    }
    majors
});

/// For majors without rows: what all the others agree on.
static COMMON: LazyLock<Facts> = LazyLock::new(|| {
    let mut common = Facts::default();
    let all: Vec<&Facts> = MAJORS.values().collect();
    let Some((first, rest)) = all.split_first() else {
        return common;
    };
    for (key, setting) in &first.settings {
        let anywhere = |facts: &&Facts| {
            facts.settings.get(key).is_some_and(|other| {
                setting.context == other.context && setting.kind.vague() == other.kind.vague()
            })
        };
        if rest.iter().all(anywhere) {
            let kind = setting.kind.vague();
            common.settings.insert(
                key.clone(),
                Setting {
                    kind,
                    ..setting.clone()
                },
            );
        }
    }
    common
});

impl Facts {
    /// What is known about `major`.
    pub(super) fn of(major: u32) -> &'static Self {
        MAJORS.get(&major).unwrap_or_else(|| &*COMMON)
    }

    /// The setting of that name, whatever its case.
    pub(super) fn setting(&self, name: &str) -> Option<&Setting> {
        match self.settings.get(name) {
            None => self.settings.get(&name.to_ascii_lowercase()),
            found => found,
        }
    }

    /// Whether settings that begin with `prefix` and a dot are known.
    pub(super) fn knows_prefix(&self, prefix: &str) -> bool {
        self.prefixes.contains(prefix)
    }

    /// What settings here have before a dot: the libraries that have them.
    pub(super) fn prefixes(&self) -> &BTreeSet<&'static str> {
        &self.prefixes
    }

    /// Whether a name that is not here does not exist in this major.
    pub(super) fn complete(&self) -> bool {
        self.complete
    }

    /// Names of all settings.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.settings.values().map(|setting| setting.name)
    }

    /// Extensions that come with PostgreSQL; empty where that is not known.
    pub(super) fn extensions(&self) -> &BTreeSet<&'static str> {
        &self.extensions
    }

    fn add(&mut self, columns: &[&'static str]) {
        let &[_, name, kind, unit, least, most, context, values] = columns else {
            return;
        };
        self.complete = true;
        let range = || Range {
            unit,
            least: least.parse().unwrap_or(f64::NEG_INFINITY),
            most: most.parse().unwrap_or(f64::INFINITY),
        };
        let kind = match kind {
            "extension" => {
                self.extensions.insert(name);
                return;
            }
            "bool" => Kind::Bool,
            "integer" => Kind::Integer(range()),
            "real" => Kind::Real(range()),
            "enum" => Kind::Enum(values.split(',').collect()),
            _ => Kind::Text,
        };
        if let Some((prefix, _)) = name.split_once('.') {
            self.prefixes.insert(prefix);
        }
        let context = Context::parse(context);
        let setting = Setting {
            name,
            kind,
            context,
        };
        self.settings.insert(name.to_ascii_lowercase(), setting);
    }
}

/// The majors that have a setting of that name.
pub(super) fn majors_with(name: &str) -> Vec<u32> {
    let with = MAJORS
        .iter()
        .filter(|(_, facts)| facts.setting(name).is_some());
    with.map(|(major, _)| *major).collect()
}

impl Kind {
    /// The same without what majors differ in.
    fn vague(&self) -> Self {
        let open = |range: &Range| Range {
            least: f64::NEG_INFINITY,
            most: f64::INFINITY,
            ..range.clone()
        };
        match self {
            Self::Integer(range) => Self::Integer(open(range)),
            Self::Real(range) => Self::Real(open(range)),
            Self::Enum(_) => Self::Text,
            other => other.clone(),
        }
    }
}

impl Context {
    fn parse(text: &str) -> Self {
        match text {
            "internal" => Self::Internal,
            "postmaster" => Self::Postmaster,
            "sighup" => Self::Sighup,
            "backend" | "superuser-backend" => Self::Backend,
            "session" => Self::Session,
            _ => Self::User,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Context, Facts, Kind, MAJORS, ROWS, majors_with};

    #[test]
    fn every_row_is_read() {
        for row in ROWS.lines() {
            assert_eq!(row.split('\t').count(), 8, "{row}");
        }
        assert_eq!(
            MAJORS.keys().copied().collect::<Vec<u32>>(),
            [13, 14, 15, 16, 17, 18]
        );
        for (major, facts) in &*MAJORS {
            assert!(facts.settings.len() > 340, "{major}");
            assert!(facts.extensions().contains("pg_stat_statements"), "{major}");
            assert!(facts.knows_prefix("auto_explain"), "{major}");
        }
    }

    #[test]
    fn majors_differ() {
        assert_eq!(majors_with("io_method"), [18]);
        assert_eq!(majors_with("promote_trigger_file"), [13, 14, 15]);
        assert_eq!(
            Facts::of(17).setting("TimeZone"),
            Facts::of(17).setting("timezone")
        );
    }

    #[test]
    fn a_major_without_rows_has_what_all_agree_on() {
        let facts = Facts::of(99);
        assert!(!facts.complete());
        assert!(facts.setting("io_method").is_none());
        let work_mem = facts.setting("work_mem").unwrap();
        assert_eq!(work_mem.context, Context::User);
        assert!(matches!(&work_mem.kind, Kind::Integer(range) if range.most.is_infinite()));
    }
}
