//! Root's rights of accounts that are not to have them any more. The account by which `sty` came
//! here keeps them: it would not come in again.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};

use super::{atomic, drift, mark};

/// Where sudo looks for rules.
const DIRECTORY: &str = "/etc/sudoers.d";
/// How the names of files with rules of `sty` begin.
const PREFIX: &str = "sty-";

/// Compares with the files that are there.
pub(crate) fn observe(wanted: &BTreeSet<String>) -> Result<Observation, Failure> {
    let gone = |path: String| Change {
        what: path,
        from: Some("there".to_owned()),
        to: None,
        ..Change::default()
    };
    let others = others(Path::new(DIRECTORY), wanted, login().as_deref())?;
    Ok(drift(others.into_iter().map(gone).collect(), Risk::Safe))
}

/// Removes the others.
pub(crate) fn converge(wanted: &BTreeSet<String>) -> Result<(), Failure> {
    for path in others(Path::new(DIRECTORY), wanted, login().as_deref())? {
        fs::remove_file(&path)
            .map_err(|error| atomic::unable("delete", Path::new(&path), &error))?;
    }
    Ok(())
}

/// Who called this program by sudo.
fn login() -> Option<String> {
    std::env::var("SUDO_USER").ok()
}

/// Files that `sty` wrote, that are not wanted, and that are not about `login`.
fn others(
    directory: &Path,
    wanted: &BTreeSet<String>,
    login: Option<&str>,
) -> Result<Vec<String>, Failure> {
    let unreadable = |error: std::io::Error| atomic::unable("list", directory, &error);
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path().to_string_lossy().into_owned();
        let named = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if named && !wanted.contains(&path) && mark::is_ours(&path)? && !is_about(&path, login)? {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn is_about(path: &str, account: Option<&str>) -> Result<bool, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| atomic::unable("read", Path::new(path), &error))?;
    let mut accounts = text.lines().filter_map(|line| line.split_once(' '));
    Ok(account.is_some_and(|account| accounts.any(|(name, _)| name == account)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_sty_wrote_for_others_goes() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
        let ours = "# Managed by sty. Changes are undone.\nx ALL=(ALL) ALL\n";
        for (name, text) in [
            ("sty-now", ours),
            ("sty-before", ours),
            ("sty-by-hand", "x ALL=(ALL) ALL\n"),
            ("other", ours),
        ] {
            fs::write(path(name), text).unwrap();
        }
        let others = |login| others(home.path(), &[path("sty-now")].into(), login).unwrap();
        assert_eq!(others(None), [path("sty-before")]);
        assert_eq!(others(Some("y")), [path("sty-before")]);
        assert!(others(Some("x")).is_empty());
    }
}
