//! What apt reads: the list of packages, and the signed note of the list's checksum.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::lock::LockedPackage;
use crate::stanza::Stanza;
use crate::{Layout, RepoError, disk};

/// Field that holds the checksum of the package as its publisher made it.
const PUBLISHED: &str = "Published-SHA256";
/// Fields of the sources' index that say nothing true about this repository.
const FOREIGN: [&str; 8] = [
    "MD5sum",
    "SHA1",
    "SHA512",
    "Description-md5",
    "Status",
    "Conffiles",
    "Tag",
    "Filename",
];

/// A package of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) stanza: Stanza,
    /// Name of the file in the pool.
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) size_bytes: u64,
    published: String,
}

impl Entry {
    /// The entry of a package whose file in the pool has this size and checksum.
    pub(crate) fn new(
        package: &LockedPackage,
        mut stanza: Stanza,
        size_bytes: u64,
        sha256: String,
    ) -> Self {
        let file = package.file_name();
        stanza.remove(&FOREIGN);
        stanza.set("Filename", format!("pool/{file}"));
        stanza.set("Size", size_bytes.to_string());
        stanza.set("SHA256", sha256.clone());
        stanza.set(PUBLISHED, package.sha256.clone());
        Self {
            stanza,
            file,
            sha256,
            size_bytes,
            published: package.sha256.clone(),
        }
    }

    fn read(stanza: Stanza) -> Option<Self> {
        Some(Self {
            file: stanza.get("Filename")?.strip_prefix("pool/")?.to_owned(),
            sha256: stanza.get("SHA256")?.to_owned(),
            size_bytes: stanza.get("Size")?.parse().ok()?,
            published: stanza.get(PUBLISHED)?.to_owned(),
            stanza,
        })
    }

    /// True when it holds the content of `package`.
    pub(crate) fn is(&self, package: &LockedPackage) -> bool {
        self.published == package.sha256 && self.file == package.file_name()
    }
}

/// Entries of the index on disk by file name; none when there is no index.
pub(crate) fn read(layout: &Layout) -> Result<BTreeMap<String, Entry>, RepoError> {
    let text = disk::read_if_there(&layout.packages())?.unwrap_or_default();
    let entries = Stanza::parse_all(&text).into_iter().filter_map(Entry::read);
    Ok(entries.map(|entry| (entry.file.clone(), entry)).collect())
}

/// Text of the index.
pub(crate) fn packages_text(entries: &[Entry]) -> String {
    let texts: Vec<String> = entries
        .iter()
        .map(|entry| entry.stanza.to_string())
        .collect();
    texts.join("\n")
}

/// Text of the note that is signed, for this index.
pub(crate) fn release_text(
    suite: &str,
    architecture: &str,
    packages: &str,
    now: SystemTime,
) -> String {
    format!(
        "Origin: sty\nLabel: sty\nSuite: {suite}\nCodename: {suite}\nDate: {}\n\
         Architectures: {architecture} all\nDescription: packages for nodes\nSHA256:\n {} {} Packages\n",
        httpdate::fmt_http_date(now),
        disk::sha256(packages.as_bytes()),
        packages.len(),
    )
}

/// True when the signed note on disk is about the index on disk.
pub(crate) fn is_signed(layout: &Layout) -> Result<bool, RepoError> {
    let release = disk::read_if_there(&layout.release())?;
    let packages = disk::read_if_there(&layout.packages())?;
    let (Some(release), Some(packages)) = (release, packages) else {
        return Ok(false);
    };
    Ok(release.contains(&disk::sha256(packages.as_bytes())) && layout.public_key().exists())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn package() -> LockedPackage {
        LockedPackage {
            name: "etcd-client".to_owned(),
            version: "3.5.16-4".to_owned(),
            architecture: "amd64".to_owned(),
            sha256: "aa".to_owned(),
            size_bytes: 10,
        }
    }

    #[test]
    fn an_entry_tells_of_the_pool_and_of_the_publisher() {
        let text = "Package: etcd-client\nVersion: 3.5.16-4\nFilename: pool/main/e/x.deb\n\
                    Size: 10\nMD5sum: 1\nSHA256: aa\nDescription: client\n";
        let stanza = Stanza::parse_all(text).remove(0);
        let entry = Entry::new(&package(), stanza, 12, "bb".to_owned());
        let expected = "Package: etcd-client\nVersion: 3.5.16-4\nSize: 12\nSHA256: bb\n\
                        Description: client\nFilename: pool/etcd-client_3.5.16-4_amd64.deb\n\
                        Published-SHA256: aa\n";
        assert_eq!(packages_text(std::slice::from_ref(&entry)), expected);
        let read = Entry::read(Stanza::parse_all(expected).remove(0)).unwrap();
        assert_eq!(read, entry);
        assert!(read.is(&package()));
    }

    #[test]
    fn the_note_has_the_checksum_of_the_index() {
        let now = UNIX_EPOCH + Duration::from_secs(1_763_720_000);
        let text = release_text("trixie", "amd64", "Package: a\n", now);
        assert!(text.contains("Date: Fri, 21 Nov 2025 10:13:20 GMT\n"));
        assert!(text.contains(&format!(" {} 11 Packages\n", disk::sha256(b"Package: a\n"))));
        assert!(text.lines().all(|line| !line.ends_with(' ')));
    }
}
