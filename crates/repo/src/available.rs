//! What repositories there are and which versions they hold.

use std::fs;
use std::path::Path;

use crate::builder::read_lock;
use crate::{Layout, LockFile, RepoError};

/// The versions in one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Available {
    lock: LockFile,
}

/// One repository in a few numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Operating system, `debian-13`.
    pub os: String,
    /// Architecture, `amd64`.
    pub architecture: String,
    /// How many packages.
    pub packages: usize,
    /// Size of the packages as published.
    pub size_bytes: u64,
    /// Packages that were asked for, with their versions.
    pub requested: Vec<(String, String)>,
}

/// What the repository holds. Reads the lock file.
///
/// # Errors
/// There is no repository, or its lock file is damaged.
pub fn available(layout: &Layout) -> Result<Available, RepoError> {
    let lock = read_lock(layout)?;
    let lock = lock.ok_or_else(|| RepoError::NotBuilt { path: layout.dir() })?;
    Ok(Available { lock })
}

/// Every repository of a cache directory, by name. Reads their lock files.
///
/// # Errors
/// A lock file is damaged or cannot be read.
pub fn list(cache: &Path) -> Result<Vec<Summary>, RepoError> {
    let all = Layout::all(cache);
    if !all.exists() {
        return Ok(Vec::new());
    }
    let mut summaries = Vec::new();
    for entry in fs::read_dir(&all).map_err(RepoError::io(&all))? {
        let name = entry.map_err(RepoError::io(&all))?.file_name();
        let layout = Layout::new(cache, &name.to_string_lossy());
        if let Some(lock) = read_lock(&layout)? {
            summaries.push(summary(&lock));
        }
    }
    summaries.sort_by(|a, b| a.os.cmp(&b.os));
    Ok(summaries)
}

fn summary(lock: &LockFile) -> Summary {
    let version = |name: &String| {
        let package = lock.package(name)?;
        Some((name.clone(), package.version.clone()))
    };
    Summary {
        os: lock.os.clone(),
        architecture: lock.architecture.clone(),
        packages: lock.packages.len(),
        size_bytes: lock.packages.iter().map(|p| p.size_bytes).sum(),
        requested: lock.requested.iter().filter_map(version).collect(),
    }
}

impl Available {
    /// Full version of a package, `17.12-0+deb13u1`.
    pub fn version(&self, package: &str) -> Option<&str> {
        self.lock.package(package).map(|found| &*found.version)
    }

    /// PostgreSQL major versions whose server is there, ascending, each with its version `17.12`.
    pub fn postgresql(&self) -> Vec<(u32, String)> {
        let major = |name: &str| name.strip_prefix("postgresql-")?.parse::<u32>().ok();
        let packages = self.lock.packages.iter();
        let servers =
            packages.filter_map(|p| Some((major(&p.name)?, upstream_version(&p.version))));
        let mut servers: Vec<(u32, String)> = servers.collect();
        servers.sort();
        servers
    }
}

/// The version as the software itself says it: `1:2.3.3-1+b1` is 2.3.3.
pub fn upstream_version(version: &str) -> String {
    let version = version.split_once(':').map_or(version, |parts| parts.1);
    let version = version.rsplit_once('-').map_or(version, |parts| parts.0);
    version.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LockedPackage;

    fn package(name: &str, version: &str) -> LockedPackage {
        LockedPackage {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: "amd64".to_owned(),
            sha256: String::new(),
            size_bytes: 1,
        }
    }

    #[test]
    fn versions_lose_epoch_and_revision() {
        assert_eq!(upstream_version("17.12-0+deb13u1"), "17.12");
        assert_eq!(upstream_version("1:2.3.3-1"), "2.3.3");
        assert_eq!(upstream_version("278"), "278");
    }

    #[test]
    fn the_servers_are_found_among_the_packages() {
        let packages = vec![
            package("postgresql-17", "17.12-0+deb13u1"),
            package("postgresql-9", "9.6.1-1"),
            package("postgresql-client-17", "17.12-0+deb13u1"),
            package("postgresql-common", "278"),
        ];
        let lock = LockFile::new(
            "debian-13",
            "amd64",
            &["postgresql-17".to_owned()],
            packages,
        );
        let numbers = summary(&lock);
        assert_eq!((numbers.packages, numbers.size_bytes), (4, 4));
        let available = Available { lock };
        let servers = [(9, "9.6.1".to_owned()), (17, "17.12".to_owned())];
        assert_eq!(available.postgresql(), servers);
        assert_eq!(available.version("postgresql-common"), Some("278"));
        assert_eq!(available.version("other"), None);
    }

    #[test]
    fn a_cache_without_repositories_lists_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(list(dir.path()).unwrap(), []);
        let layout = Layout::new(dir.path(), "debian-13");
        assert!(matches!(
            available(&layout),
            Err(RepoError::NotBuilt { .. })
        ));
    }
}
