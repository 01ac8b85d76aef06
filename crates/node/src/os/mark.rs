//! By what files that `sty` wrote are known.

use std::fs;
use std::io::ErrorKind;

use sty_wire::observation::Failure;

/// In the first line of what `sty` writes.
const MARK: &str = "Managed by sty.";

/// Whether the file at `path` is there, and `sty` wrote it.
pub(super) fn is_ours(path: &str) -> Result<bool, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().next().is_some_and(|line| line.contains(MARK))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::message(format!("cannot read {path}: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_what_bears_the_mark_is_ours() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("some.conf");
        let ours = || is_ours(path.to_str().unwrap()).unwrap();
        assert!(!ours());
        std::fs::write(&path, "# Managed by sty. Changes are undone.\nx\n").unwrap();
        assert!(ours());
        std::fs::write(&path, "# mine\n# not Managed by sty.\n").unwrap();
        assert!(!ours());
    }
}
