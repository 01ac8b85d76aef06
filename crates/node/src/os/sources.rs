//! Where apt takes packages from: one file, and no other.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};

use super::{atomic, drift};

/// Where apt looks for sources.
const APT: &str = "/etc/apt";

/// Compares with what apt would read.
pub(crate) fn observe(only: &str) -> Result<Observation, Failure> {
    let change = |path: PathBuf| Change {
        what: path.display().to_string(),
        from: Some("a package source".to_owned()),
        to: None,
        ..Change::default()
    };
    let others = others(Path::new(APT), only)?;
    Ok(drift(others.into_iter().map(change).collect(), Risk::Safe))
}

/// Renames the others, so that apt passes them over without a word and nothing is lost.
pub(crate) fn converge(only: &str) -> Result<(), Failure> {
    for path in others(Path::new(APT), only)? {
        let aside = free_name(&path);
        fs::rename(&path, &aside).map_err(|error| atomic::unable("rename", &path, &error))?;
    }
    Ok(())
}

/// Every file but `only` that apt takes packages from.
fn others(apt: &Path, only: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let single = apt.join("sources.list");
    match fs::read_to_string(&single) {
        Ok(text) if text.lines().any(is_source) => found.push(single),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(atomic::unable("read", &single, &error));
        }
        _ => {}
    }
    let parts = apt.join("sources.list.d");
    let unreadable = |error: std::io::Error| atomic::unable("list", &parts, &error);
    let entries = match fs::read_dir(&parts) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        entries => entries.map_err(unreadable)?,
    };
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        let read = path
            .extension()
            .is_some_and(|one| one == "list" || one == "sources");
        found.extend(Some(path).filter(|path| read && path != Path::new(only)));
    }
    found.sort();
    Ok(found)
}

fn is_source(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

/// A name beside `path` that apt ignores silently (`Dir::Ignore-Files-Silently`) and nothing has.
fn free_name(path: &Path) -> PathBuf {
    let mut name = PathBuf::from(format!("{}.disabled", path.display()));
    let mut number = 0;
    while fs::symlink_metadata(&name).is_ok() {
        number += 1;
        name = PathBuf::from(format!("{}.{number}.disabled", path.display()));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apt_reads_is_found_and_nothing_else() {
        let apt = tempfile::tempdir().unwrap();
        let parts = apt.path().join("sources.list.d");
        fs::create_dir(&parts).unwrap();
        let ours = parts.join("sty.sources");
        for name in [
            "sty.sources",
            "pgdg.list",
            "debian.sources",
            "old.list.disabled",
            "x.bak",
        ] {
            fs::write(parts.join(name), "deb http://example.org x y\n").unwrap();
        }
        fs::write(apt.path().join("sources.list"), "# deb none\n\n").unwrap();
        let names = || {
            let found = others(apt.path(), &ours.to_string_lossy()).unwrap();
            let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
            found.into_iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(names(), ["debian.sources", "pgdg.list"]);
        fs::write(
            apt.path().join("sources.list"),
            "deb http://example.org x y\n",
        )
        .unwrap();
        assert_eq!(names(), ["sources.list", "debian.sources", "pgdg.list"]);
    }

    #[test]
    fn what_was_set_aside_before_is_kept() {
        let apt = tempfile::tempdir().unwrap();
        let path = apt.path().join("a.list");
        assert_eq!(free_name(&path), apt.path().join("a.list.disabled"));
        fs::write(apt.path().join("a.list.disabled"), "").unwrap();
        assert_eq!(free_name(&path), apt.path().join("a.list.1.disabled"));
    }
}
