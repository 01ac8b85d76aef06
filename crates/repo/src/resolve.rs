//! From the packages wanted to all that have to be there.

use std::collections::{BTreeMap, BTreeSet};

use sty_catalog::Os;

use crate::apt::Apt;
use crate::lock::{LockFile, LockedPackage};
use crate::process::last_lines;
use crate::stanza::Stanza;
use crate::{Layout, RepoError, root};

/// A package of the sources with its index entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) package: LockedPackage,
    pub(crate) stanza: Stanza,
}

/// Resolves `wanted` with the minimal system's own packages, so that nodes of any age find all
/// they may need to have renewed.
pub(crate) fn resolve(
    apt: &Apt,
    layout: &Layout,
    os: &Os,
    wanted: &[String],
) -> Result<Vec<Candidate>, RepoError> {
    refuse_unknown(apt, os, wanted)?;
    let mut names: BTreeSet<String> = root::installed(layout)?.into_iter().collect();
    names.extend(wanted.iter().cloned());
    let names: Vec<String> = names.into_iter().collect();
    let output = apt.simulate(&names)?;
    if !output.status.success() {
        let mut said = output.stdout;
        said.extend(&output.stderr);
        return Err(RepoError::Unresolvable {
            os: os.name.clone(),
            reason: last_lines(&said),
        });
    }
    let chosen = installations(&String::from_utf8_lossy(&output.stdout));
    find(apt, &chosen)
}

fn refuse_unknown(apt: &Apt, os: &Os, wanted: &[String]) -> Result<(), RepoError> {
    let shown = apt.show(wanted)?;
    let known: BTreeSet<&str> = shown.iter().filter_map(|s| s.get("Package")).collect();
    let missing = wanted.iter().filter(|name| !known.contains(name.as_str()));
    let names: Vec<String> = missing.cloned().collect();
    match names.is_empty() {
        true => Ok(()),
        false => Err(RepoError::UnknownPackages {
            os: os.name.clone(),
            names,
        }),
    }
}

/// Index entries of exactly these `(name, version)`.
fn find(apt: &Apt, chosen: &[(String, String)]) -> Result<Vec<Candidate>, RepoError> {
    let exact: Vec<String> = chosen.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let mut shown = by_version(apt.show(&exact)?);
    chosen
        .iter()
        .map(|key| match shown.remove(key) {
            Some(candidate) => Ok(candidate),
            None => Err(gone(apt, &key.0, &key.1)?),
        })
        .collect()
}

/// Index entries of the packages in a lock file, which must be the very same files.
pub(crate) fn pinned(apt: &Apt, lock: &LockFile) -> Result<Vec<Candidate>, RepoError> {
    let exact: Vec<String> = lock.packages.iter().map(LockedPackage::exactly).collect();
    let mut shown = by_version(apt.show(&exact)?);
    lock.packages
        .iter()
        .map(|locked| {
            let key = (locked.name.clone(), locked.version.clone());
            match shown.remove(&key) {
                Some(found) if found.package == *locked => Ok(found),
                Some(found) => Err(RepoError::WrongChecksum {
                    package: locked.name.clone(),
                    version: locked.version.clone(),
                    found: found.package.sha256,
                    locked: locked.sha256.clone(),
                }),
                None => Err(gone(apt, &locked.name, &locked.version)?),
            }
        })
        .collect()
}

fn gone(apt: &Apt, name: &str, version: &str) -> Result<RepoError, RepoError> {
    Ok(RepoError::LockedVersionGone {
        package: name.to_owned(),
        locked: version.to_owned(),
        available: apt.versions(name)?,
    })
}

fn by_version(stanzas: Vec<Stanza>) -> BTreeMap<(String, String), Candidate> {
    let candidates = stanzas.into_iter().filter_map(candidate);
    let key = |c: &Candidate| (c.package.name.clone(), c.package.version.clone());
    candidates.map(|c| (key(&c), c)).collect()
}

fn candidate(stanza: Stanza) -> Option<Candidate> {
    let package = LockedPackage {
        name: stanza.get("Package")?.to_owned(),
        version: stanza.get("Version")?.to_owned(),
        architecture: stanza.get("Architecture")?.to_owned(),
        sha256: stanza.get("SHA256")?.to_owned(),
        size_bytes: stanza.get("Size")?.parse().ok()?,
    };
    Some(Candidate { package, stanza })
}

/// `(name, version)` of the `Inst name (version origin [architecture])` lines of a simulation;
/// an upgrade has `[old version]` before the parenthesis.
pub(crate) fn installations(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| {
            let rest = line.strip_prefix("Inst ")?;
            let (name, rest) = rest.split_once(' ')?;
            let (_, rest) = rest.split_once('(')?;
            let (version, _) = rest.split_once([' ', ')'])?;
            let name = name.split_once(':').map_or(name, |parts| parts.0);
            Some((name.to_owned(), version.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulation_tells_what_it_would_install() {
        let text = "Reading package lists...\n\
            Inst libc6 (2.41-12 Debian:13.7/stable [amd64]) []\n\
            Inst libssl3t64 [3.5.1-1] (3.5.7-1~deb13u3 Debian-Security:13/stable [amd64])\n\
            Conf libc6 (2.41-12 Debian:13.7/stable [amd64])\n";
        let expected = [("libc6", "2.41-12"), ("libssl3t64", "3.5.7-1~deb13u3")];
        let expected = expected.map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(installations(text), expected);
    }

    #[test]
    fn an_entry_without_checksum_is_no_candidate() {
        let text = "Package: a\nVersion: 1\nArchitecture: all\nSize: 4\n";
        assert!(candidate(Stanza::parse_all(text).remove(0)).is_none());
        let text = format!("{text}SHA256: 00\n");
        let found = candidate(Stanza::parse_all(&text).remove(0)).unwrap();
        assert_eq!(found.package.size_bytes, 4);
    }
}
