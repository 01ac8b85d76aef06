//! What can go wrong with a repository.

use std::io;
use std::path::{Path, PathBuf};

use sty_catalog::CatalogError;
use sty_core::Diagnostic;

/// A repository could not be made, read or served.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// A program is not installed.
    #[error("`{program}` is not installed on this machine")]
    MissingProgram {
        /// The program.
        program: String,
        /// The Debian package that has it.
        package: String,
    },
    /// A program failed.
    #[error("`{command}` ended with {status}: {last_lines}")]
    Command {
        /// Program and its first argument.
        command: String,
        /// Exit code or signal.
        status: String,
        /// End of what it wrote to standard error.
        last_lines: String,
    },
    /// The sources have no such package.
    #[error("the package sources of {os} have no {}", names.join(", "))]
    UnknownPackages {
        /// Name of the operating system.
        os: String,
        /// Packages that were asked for.
        names: Vec<String>,
    },
    /// The dependencies of the packages cannot be met.
    #[error("the packages for {os} cannot be installed together: {reason}")]
    Unresolvable {
        /// Name of the operating system.
        os: String,
        /// What apt says about it.
        reason: String,
    },
    /// The sources no longer have a version that the lock file pins.
    #[error(
        "`{package}` {locked} of the lock file is gone from the sources, which have {}",
        have(available)
    )]
    LockedVersionGone {
        /// The package.
        package: String,
        /// Version in the lock file.
        locked: String,
        /// Versions that the sources have now.
        available: Vec<String>,
    },
    /// A package is not the one that the lock file pins.
    #[error("`{package}` {version} has sha256 {found}, the lock file says {locked}")]
    WrongChecksum {
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// Checksum that the sources give.
        found: String,
        /// Checksum in the lock file.
        locked: String,
    },
    /// Packages could not be fetched from the sources.
    #[error("packages could not be downloaded: {reason}")]
    Download {
        /// What apt says about it.
        reason: String,
    },
    /// A package did not arrive.
    #[error("`{package}` {version} was not downloaded")]
    NotDownloaded {
        /// The package.
        package: String,
        /// Its version.
        version: String,
    },
    /// The finished repository does not suffice for a role.
    #[error(
        "the repository of {os} is incomplete, `{packages}` cannot be installed from it: {reason}"
    )]
    Incomplete {
        /// Name of the operating system.
        os: String,
        /// What was to be installed.
        packages: String,
        /// What apt says about it.
        reason: String,
    },
    /// There is no repository yet.
    #[error("no package repository in {}", path.display())]
    NotBuilt {
        /// Where it would be.
        path: PathBuf,
    },
    /// A file of the repository is not as written by this program.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system cannot be served by an apt repository.
    #[error("a repository for {os} cannot be made here: only systems with apt are supported")]
    Unsupported {
        /// Name of the operating system.
        os: String,
    },
    /// The catalogue has no packages for what was asked.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A file could not be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The server cannot listen.
    #[error("cannot serve on {address}: {reason}")]
    Listen {
        /// Address that was asked for.
        address: String,
        /// Why not.
        reason: String,
    },
    /// No random numbers or no signature from the cryptographic library.
    #[error("the signing key cannot be used: {reason}")]
    Key {
        /// What failed.
        reason: String,
    },
}

impl RepoError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// The stable code of the problem.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingProgram { .. } => "repo/missing-program",
            Self::Command { .. } => "repo/command-failed",
            Self::UnknownPackages { .. } => "repo/unknown-packages",
            Self::Unresolvable { .. } => "repo/unresolvable",
            Self::LockedVersionGone { .. } => "repo/locked-version-gone",
            Self::WrongChecksum { .. } => "repo/wrong-checksum",
            Self::Download { .. } | Self::NotDownloaded { .. } => "repo/download-failed",
            Self::Incomplete { .. } => "repo/incomplete",
            Self::NotBuilt { .. } => "repo/not-built",
            Self::Damaged { .. } => "repo/damaged",
            Self::Unsupported { .. } => "repo/unsupported-os",
            Self::Catalog(error) => error.code(),
            Self::Io { .. } => "repo/file",
            Self::Listen { .. } => "repo/listen",
            Self::Key { .. } => "repo/signing-key",
        }
    }

    /// The next step for the operator, where one is known.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::MissingProgram { package, .. } => format!("run: apt-get install {package}"),
            Self::LockedVersionGone { .. } | Self::WrongChecksum { .. } => {
                "run: sty repo build --update".to_owned()
            }
            Self::Download { .. } => {
                "run it again, or where the sources have moved on: sty repo build --update"
                    .to_owned()
            }
            Self::NotBuilt { .. } => "run: sty repo build".to_owned(),
            Self::Damaged { path, .. } => {
                format!("remove {} and build the repository again", path.display())
            }
            Self::Catalog(error) => error.help(),
            _ => return None,
        })
    }

    /// The same as a diagnostic, for the command line.
    pub fn diagnostic(&self) -> Diagnostic {
        let mut message = self.to_string();
        if let Self::Io { source, .. } = self {
            message = format!("{message}: {source}");
        }
        let diagnostic = Diagnostic::error(self.code(), message);
        match self.help() {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

fn have(versions: &[String]) -> String {
    match versions {
        [] => "none".to_owned(),
        _ => versions.join(", "),
    }
}
