//! Operating systems, their package sources, and the packages of a role.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::raw::{RawCatalog, RawFamily, RawOs, RawRole, RawSource};
use crate::{CatalogError, Role};

/// The program that installs packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// Debian and Ubuntu.
    Apt,
    /// Enterprise Linux.
    Dnf,
}

/// One processor architecture under its two names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Architecture {
    /// As the kernel says, `x86_64`.
    pub machine: String,
    /// As the packages say, `amd64`.
    pub package: String,
}

/// A place that packages of an operating system come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// `distribution`, `pgdg`.
    pub name: String,
    /// PostgreSQL major versions it carries, ascending.
    pub postgresql: Vec<u32>,
    bin_dir: String,
    module: Option<String>,
    unmodular: Vec<u32>,
    roles: BTreeMap<Role, RawRole>,
}

/// One operating system that nodes may run.
#[derive(Debug, Clone)]
pub struct Os {
    /// Stable name, `debian-13`; also the name of the repository's directory.
    pub id: String,
    /// For people, `Debian 13 (trixie)`.
    pub name: String,
    /// Which program installs packages.
    pub manager: Manager,
    /// Name of the release in package indexes, `trixie`; empty where there is none.
    pub suite: String,
    /// Architectures with packages.
    pub architectures: Vec<Architecture>,
    /// True where the rows were resolved against the real system.
    pub verified: bool,
    /// Where packages come from; the first is the default. Never empty.
    pub sources: Vec<Source>,
    release_ids: Vec<String>,
    release: String,
    versions: BTreeMap<Role, String>,
}

/// All that is known about packages.
#[derive(Debug)]
pub struct Catalog {
    systems: Vec<Os>,
}

#[expect(
    clippy::expect_used,
    reason = "the data is part of the binary and every test run reads it"
)]
static BUILTIN: LazyLock<Catalog> = LazyLock::new(|| {
    Catalog::parse(include_str!("../data/packages.toml")).expect("the package data is well-formed")
});

impl Catalog {
    /// The catalogue that comes with this binary.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    fn parse(text: &str) -> Result<Self, String> {
        let raw: RawCatalog = toml::from_str(text).map_err(|error| error.to_string())?;
        let systems = raw
            .os
            .into_iter()
            .map(|row| {
                let family = raw.families.get(&row.family);
                let family = family.ok_or_else(|| format!("{}: no such family", row.id))?;
                Os::build(row, family)
            })
            .collect::<Result<_, String>>()?;
        Ok(Self { systems })
    }

    /// Every operating system with a row.
    pub fn systems(&self) -> &[Os] {
        &self.systems
    }

    /// The system with this id, `debian-13`.
    ///
    /// # Errors
    /// [`CatalogError::UnknownOs`], with the systems there are.
    pub fn os(&self, id: &str) -> Result<&Os, CatalogError> {
        let found = self.systems.iter().find(|os| os.id == id);
        found.ok_or_else(|| self.unknown(id.to_owned()))
    }

    /// The system whose /etc/os-release has this `ID` and `VERSION_ID`.
    ///
    /// # Errors
    /// [`CatalogError::UnknownOs`], with the systems there are.
    pub fn detect(&self, id: &str, version_id: &str) -> Result<&Os, CatalogError> {
        let found = self.systems.iter().find(|os| os.is(id, version_id));
        found.ok_or_else(|| self.unknown(format!("{id} {version_id}")))
    }

    fn unknown(&self, os: String) -> CatalogError {
        let known = self.systems.iter().map(|os| os.id.clone()).collect();
        CatalogError::UnknownOs { os, known }
    }
}

impl Os {
    fn build(row: RawOs, family: &RawFamily) -> Result<Self, String> {
        if row.sources.is_empty() {
            return Err(format!("{}: no source", row.id));
        }
        let mut shared = family.roles.clone();
        shared.extend(row.roles);
        let source = |raw: RawSource| Source::build(raw, family, &shared);
        let architecture = |(machine, package): (&String, &String)| Architecture {
            machine: machine.clone(),
            package: package.clone(),
        };
        Ok(Self {
            sources: row.sources.into_iter().map(source).collect(),
            architectures: family.architectures.iter().map(architecture).collect(),
            id: row.id,
            name: row.name,
            manager: family.manager,
            suite: row.suite,
            verified: row.verified,
            release_ids: row.release_ids,
            release: row.release,
            versions: row.versions,
        })
    }

    fn is(&self, id: &str, version_id: &str) -> bool {
        let rest = version_id.strip_prefix(&self.release);
        self.release_ids.iter().any(|known| known == id)
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// The source with this name.
    ///
    /// # Errors
    /// [`CatalogError::UnknownSource`], with the names there are.
    pub fn source(&self, name: &str) -> Result<&Source, CatalogError> {
        let found = self.sources.iter().find(|source| source.name == name);
        found.ok_or_else(|| CatalogError::UnknownSource {
            os: self.name.clone(),
            wanted: name.to_owned(),
            known: self.sources.iter().map(|s| s.name.clone()).collect(),
        })
    }

    /// PostgreSQL major versions that the default source carries, ascending.
    pub fn postgresql_majors(&self) -> &[u32] {
        self.sources
            .first()
            .map_or(&[], |source| &source.postgresql)
    }

    /// Packages of `role` from the default source, as the package manager is to be given them.
    ///
    /// # Errors
    /// As [`Os::packages_from`].
    pub fn packages(&self, role: Role, major: u32) -> Result<Vec<String>, CatalogError> {
        self.packages_from(&self.sources[0], role, major)
    }

    /// Packages of `role` from `source`. `major` counts only for the PostgreSQL roles.
    ///
    /// # Errors
    /// The source lacks that PostgreSQL major version, or has nothing for the role.
    pub fn packages_from(
        &self,
        source: &Source,
        role: Role,
        major: u32,
    ) -> Result<Vec<String>, CatalogError> {
        if role.depends_on_major() && !source.postgresql.contains(&major) {
            return Err(self.no_major(source, major));
        }
        let entry = source.roles.get(&role).ok_or_else(|| {
            let has = |other: &Source| other.roles.contains_key(&role);
            CatalogError::NoPackages {
                os: self.name.clone(),
                source_name: source.name.clone(),
                role,
                elsewhere: self.other_sources(has),
            }
        })?;
        Ok(fill_all(&entry.packages, major))
    }

    /// Names of the systemd units that the packages of `role` bring along, from the default source.
    pub fn units(&self, role: Role, major: u32) -> Vec<String> {
        let entry = self.sources[0].roles.get(&role);
        entry.map_or_else(Vec::new, |entry| fill_all(&entry.units, major))
    }

    /// The version that the default source is known to carry, where it is known.
    pub fn version(&self, role: Role) -> Option<&str> {
        self.versions.get(&role).map(String::as_str)
    }

    /// The packages' name for an architecture that the kernel calls `machine`.
    pub fn package_architecture(&self, machine: &str) -> Option<&str> {
        let found = self.architectures.iter().find(|a| a.machine == machine);
        found.map(|a| a.package.as_str())
    }

    fn no_major(&self, source: &Source, wanted: u32) -> CatalogError {
        CatalogError::PostgresqlMajor {
            os: self.name.clone(),
            source_name: source.name.clone(),
            wanted,
            available: source.postgresql.clone(),
            elsewhere: self.other_sources(|other| other.postgresql.contains(&wanted)),
        }
    }

    fn other_sources(&self, wanted: impl Fn(&Source) -> bool) -> Vec<String> {
        let sources = self.sources.iter().filter(|source| wanted(source));
        sources.map(|source| source.name.clone()).collect()
    }
}

impl Source {
    fn build(raw: RawSource, family: &RawFamily, shared: &BTreeMap<Role, RawRole>) -> Self {
        let mut roles = shared.clone();
        roles.extend(raw.roles);
        Self {
            name: raw.name,
            postgresql: raw.postgresql,
            bin_dir: raw.bin_dir.unwrap_or_else(|| family.bin_dir.clone()),
            module: raw.module,
            unmodular: raw.unmodular,
            roles,
        }
    }

    /// Directory of `postgres`, `initdb` and `psql`.
    pub fn bin_dir(&self, major: u32) -> String {
        fill(&self.bin_dir, major)
    }

    /// The module stream to switch on before PostgreSQL can be installed, where there is one.
    pub fn module(&self, major: u32) -> Option<String> {
        let module = self.module.as_ref()?;
        (!self.unmodular.contains(&major)).then(|| fill(module, major))
    }
}

fn fill(text: &str, major: u32) -> String {
    text.replace("${major}", &major.to_string())
}

fn fill_all(texts: &[String], major: u32) -> Vec<String> {
    texts.iter().map(|text| fill(text, major)).collect()
}

#[cfg(test)]
#[path = "os_tests.rs"]
mod tests;
