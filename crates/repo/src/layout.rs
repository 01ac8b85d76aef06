//! Where the parts of a repository are.
//!
//! ```text
//! CACHE/repo/debian-13/
//!   repo.lock     what is in it: name, version, architecture, sha256
//!   signing.key   private, mode 0600
//!   root/         a minimal system, never changed after it was made
//!   apt/          package lists of the sources
//!   incoming/     downloads in flight
//!   www/          what is served: InRelease, Packages, sty.gpg, pool/
//! ```

use std::path::{Path, PathBuf};

use sty_catalog::APT_KEY_NAME;

/// Paths of one operating system's repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    base: PathBuf,
    os_id: String,
    root: Option<PathBuf>,
}

impl Layout {
    /// The repository of the system `os_id` in the cache directory `cache`.
    pub fn new(cache: &Path, os_id: &str) -> Self {
        Self {
            base: Self::all(cache),
            os_id: os_id.to_owned(),
            root: None,
        }
    }

    /// The directory that holds every repository of a cache directory; the one to serve.
    pub fn all(cache: &Path) -> PathBuf {
        cache.join("repo")
    }

    /// The same, resolving against the minimal system and package lists of `other`.
    #[must_use]
    pub fn sharing_root_of(mut self, other: &Self) -> Self {
        self.root = Some(other.dir());
        self
    }

    /// Stable name of the operating system, `debian-13`.
    pub fn os_id(&self) -> &str {
        &self.os_id
    }

    /// Directory of this repository.
    pub fn dir(&self) -> PathBuf {
        self.base.join(&self.os_id)
    }

    /// The lock file.
    pub fn lock(&self) -> PathBuf {
        self.dir().join("repo.lock")
    }

    /// What is served to the nodes.
    pub fn www(&self) -> PathBuf {
        self.dir().join("www")
    }

    /// The public key, in the binary form that apt takes.
    pub fn public_key(&self) -> PathBuf {
        self.www().join(APT_KEY_NAME)
    }

    pub(crate) fn signing_key(&self) -> PathBuf {
        self.dir().join("signing.key")
    }

    pub(crate) fn pool(&self) -> PathBuf {
        self.www().join("pool")
    }

    pub(crate) fn packages(&self) -> PathBuf {
        self.www().join("Packages")
    }

    pub(crate) fn release(&self) -> PathBuf {
        self.www().join("InRelease")
    }

    pub(crate) fn incoming(&self) -> PathBuf {
        self.dir().join("incoming")
    }

    pub(crate) fn guard(&self) -> PathBuf {
        self.dir().join(".building")
    }

    fn shared(&self) -> PathBuf {
        self.root.clone().unwrap_or_else(|| self.dir())
    }

    pub(crate) fn root_guard(&self) -> PathBuf {
        self.shared().join(".root")
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.shared().join("root")
    }

    pub(crate) fn apt_state(&self) -> PathBuf {
        self.shared().join("apt")
    }
}
