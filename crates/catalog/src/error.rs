//! What the catalogue does not have.

use sty_core::Diagnostic;

use crate::Role;

/// A question the catalogue has no packages for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// No row for this operating system.
    #[error("no packages are known for {os}")]
    UnknownOs {
        /// What was asked for, `debian 11`.
        os: String,
        /// Names of the systems with a row.
        known: Vec<String>,
    },
    /// The source does not carry this PostgreSQL major version.
    #[error(
        "PostgreSQL {wanted} is not in the {source_name} packages of {os}, which have {}",
        join(available)
    )]
    PostgresqlMajor {
        /// Name of the operating system.
        os: String,
        /// Name of the source that was asked.
        source_name: String,
        /// Major version asked for.
        wanted: u32,
        /// Major versions it carries.
        available: Vec<u32>,
        /// Other sources that carry the wanted version.
        elsewhere: Vec<String>,
    },
    /// The source has no package for this role.
    #[error("the {source_name} packages of {os} have none for `{role}`")]
    NoPackages {
        /// Name of the operating system.
        os: String,
        /// Name of the source that was asked.
        source_name: String,
        /// What was to be installed.
        role: Role,
        /// Other sources that have it.
        elsewhere: Vec<String>,
    },
    /// No source of this name in the row.
    #[error("{os} has no package source `{wanted}`")]
    UnknownSource {
        /// Name of the operating system.
        os: String,
        /// Source asked for.
        wanted: String,
        /// Sources it has.
        known: Vec<String>,
    },
}

impl CatalogError {
    /// The stable code of the problem.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownOs { .. } => "catalog/unknown-os",
            Self::PostgresqlMajor { .. } => "catalog/postgresql-version",
            Self::NoPackages { .. } => "catalog/no-packages",
            Self::UnknownSource { .. } => "catalog/unknown-source",
        }
    }

    /// The next step for the operator.
    pub fn help(&self) -> String {
        match self {
            Self::UnknownOs { known, .. } => format!("use one of: {}", known.join(", ")),
            Self::PostgresqlMajor {
                available,
                elsewhere,
                ..
            } => match elsewhere.as_slice() {
                [] => format!("set `pg_version` to one of: {}", join(available)),
                names => format!(
                    "set `pg_version` to one of: {}, or use the source {}",
                    join(available),
                    names.join(", ")
                ),
            },
            Self::NoPackages { elsewhere, .. } => match elsewhere.as_slice() {
                [] => "use nodes with another operating system".to_owned(),
                names => format!("use the source {}", names.join(", ")),
            },
            Self::UnknownSource { known, .. } => format!("use one of: {}", known.join(", ")),
        }
    }
}

impl From<&CatalogError> for Diagnostic {
    fn from(error: &CatalogError) -> Self {
        Diagnostic::error(error.code(), error.to_string()).help(error.help())
    }
}

fn join(numbers: &[u32]) -> String {
    let texts: Vec<String> = numbers.iter().map(u32::to_string).collect();
    texts.join(", ")
}
