//! The lock file: what a repository holds, so that the next build gives the same.

use serde::{Deserialize, Serialize};

const HEADER: &str =
    "# Made by `sty repo build`; `sty repo build --update` takes newer versions.\n\n";
const FORMAT: u32 = 1;

/// Content of `repo.lock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockFile {
    format: u32,
    /// Operating system, `debian-13`.
    pub os: String,
    /// Architecture as packages name it, `amd64`.
    pub architecture: String,
    /// Packages that were asked for, sorted; the rest are their dependencies.
    pub requested: Vec<String>,
    /// Every package, sorted by name.
    #[serde(rename = "package")]
    pub packages: Vec<LockedPackage>,
}

/// One package as its publisher made it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPackage {
    /// Name.
    pub name: String,
    /// Full version, with epoch and revision.
    pub version: String,
    /// `amd64`, `all`.
    pub architecture: String,
    /// Of the file in the sources, lower-case hexadecimal. The repository may hold the same
    /// content packed anew; its index has the checksum of that.
    pub sha256: String,
    /// Of the file in the sources.
    pub size_bytes: u64,
}

impl LockFile {
    pub(crate) fn new(
        os: &str,
        architecture: &str,
        requested: &[String],
        mut packages: Vec<LockedPackage>,
    ) -> Self {
        packages.sort();
        packages.dedup();
        Self {
            format: FORMAT,
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            requested: requested.to_vec(),
            packages,
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let lock: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if lock.format != FORMAT {
            return Err(format!("format {} is not known", lock.format));
        }
        Ok(lock)
    }

    pub(crate) fn render(&self) -> Result<String, String> {
        let body = toml::to_string(self).map_err(|error| error.to_string())?;
        Ok(format!("{HEADER}{body}"))
    }

    /// The package of this name.
    pub fn package(&self, name: &str) -> Option<&LockedPackage> {
        self.packages.iter().find(|package| package.name == name)
    }
}

impl LockedPackage {
    /// `name=version`, as apt takes it.
    pub(crate) fn exactly(&self) -> String {
        format!("{}={}", self.name, self.version)
    }

    /// Name of its file in the pool: without the epoch, whose colon URLs do not like.
    pub(crate) fn file_name(&self) -> String {
        let version = self.version.split_once(':').map_or(&*self.version, |v| v.1);
        format!("{}_{version}_{}.deb", self.name, self.architecture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> LockedPackage {
        LockedPackage {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: "amd64".to_owned(),
            sha256: "ab".repeat(32),
            size_bytes: 5,
        }
    }

    #[test]
    fn what_is_written_is_read_again_sorted() {
        let packages = vec![package("haproxy", "3.0.11-1"), package("etcd", "1:3.5")];
        let lock = LockFile::new("debian-13", "amd64", &["etcd".to_owned()], packages);
        let text = lock.render().unwrap();
        assert!(text.find("haproxy").unwrap() > text.find("1:3.5").unwrap());
        assert_eq!(LockFile::parse(&text).unwrap(), lock);
        assert!(LockFile::parse(&text.replace("format = 1", "format = 9")).is_err());
    }

    #[test]
    fn files_are_named_without_the_epoch() {
        let package = package("keepalived", "1:2.3.3-1");
        assert_eq!(package.file_name(), "keepalived_2.3.3-1_amd64.deb");
        assert_eq!(package.exactly(), "keepalived=1:2.3.3-1");
    }
}
