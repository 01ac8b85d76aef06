//! The few lines of shell that run on a node before its own program is there.
//!
//! They end with codes of their own, so that what went wrong is known by number.

/// The node program is not there, or not executable.
pub(crate) const MISSING: i32 = 113;
/// The user is not root and there is no `sudo`.
pub(crate) const NO_SUDO: i32 = 114;
/// `sudo` does not let the user run commands without a password.
pub(crate) const SUDO_REFUSES: i32 = 115;
/// The node has another processor architecture than the controller.
pub(crate) const OTHER_ARCHITECTURE: i32 = 116;
/// What arrived is not what was sent.
pub(crate) const DAMAGED: i32 = 117;

/// A POSIX shell word that stands for exactly `text`.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Becomes the node program at `path`, as root.
pub(crate) fn start(path: &str) -> String {
    let path = quote(path);
    format!(
        "[ -x {path} ] || exit {MISSING}\n\
         if [ \"$(id -u)\" = 0 ]; then exec {path} node-session; fi\n\
         command -v sudo >/dev/null 2>&1 || exit {NO_SUDO}\n\
         exec sudo -n {path} node-session"
    )
}

/// Tells by its exit code why a command as root did not start.
pub(crate) fn diagnose() -> String {
    format!(
        "[ \"$(id -u)\" = 0 ] && exit 0\n\
         command -v sudo >/dev/null 2>&1 || exit {NO_SUDO}\n\
         sudo -n true || exit {SUDO_REFUSES}"
    )
}

/// Takes a program from standard input, checks it, puts it at `directory`/`name`, and removes
/// older ones; as root.
pub(crate) fn receive(directory: &str, name: &str, sha256: &str, architecture: &str) -> String {
    let body = quote(&store(directory, name, sha256, architecture));
    format!(
        "if [ \"$(id -u)\" = 0 ]; then exec sh -c {body}; fi\n\
         command -v sudo >/dev/null 2>&1 || exit {NO_SUDO}\n\
         sudo -n true || exit {SUDO_REFUSES}\n\
         exec sudo -n sh -c {body}"
    )
}

/// The part of [`receive`] that writes. Remains of an upload that a power cut stopped go after an
/// hour.
fn store(directory: &str, name: &str, sha256: &str, architecture: &str) -> String {
    let directory = quote(directory);
    format!(
        "set -eu\n\
         [ \"$(uname -m)\" = {architecture} ] || exit {OTHER_ARCHITECTURE}\n\
         umask 077\n\
         dir={directory}\n\
         mkdir -p \"$dir\"\n\
         chmod 755 \"$dir\" \"$(dirname \"$dir\")\"\n\
         find \"$dir\" -name 'tmp.*' -mmin +60 -delete\n\
         new=$(mktemp -p \"$dir\")\n\
         trap 'rm -f \"$new\"' EXIT\n\
         trap 'exit 1' HUP INT TERM\n\
         cat >\"$new\"\n\
         printf '%s  %s\\n' {sha256} \"$new\" | sha256sum -c --status || exit {DAMAGED}\n\
         chmod 755 \"$new\"\n\
         sync \"$new\"\n\
         mv -f \"$new\" \"$dir/{name}\"\n\
         for old in \"$dir\"/sty-*; do\n\
         [ \"$old\" = \"$dir/{name}\" ] || rm -f \"$old\"\n\
         done"
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use sha2::{Digest, Sha256};

    use super::{DAMAGED, MISSING, OTHER_ARCHITECTURE, quote, start, store};

    fn sh(script: &str, input: &[u8]) -> Option<i32> {
        let mut child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // A script that refuses does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait().unwrap().code()
    }

    #[test]
    fn quotes_anything() {
        for text in ["", "a b", "it's", "$(x) `y` \"z\" \\"] {
            let out = Command::new("sh")
                .args(["-c", &format!("printf %s {}", quote(text))])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap(), text);
        }
    }

    #[test]
    fn missing_program_has_its_own_code() {
        assert_eq!(sh(&start("/nonexistent/sty"), b""), Some(MISSING));
    }

    #[test]
    fn receives_whole_programs_only() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("it's/bin");
        let directory = directory.to_str().unwrap();
        let program = b"#!/bin/sh\nexit 7\n";
        let sha256 = format!("{:x}", Sha256::digest(program));
        let arch = std::env::consts::ARCH;
        let old = home.path().join("it's/bin/sty-old");

        let script = store(directory, "sty-new", &sha256, arch);
        assert_eq!(sh(&script, &program[..9]), Some(DAMAGED));
        std::fs::write(&old, "old").unwrap();
        assert_eq!(sh(&script, program), Some(0));
        let left: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["sty-new"]);
        assert_eq!(sh(&start(&format!("{directory}/sty-new")), b""), Some(7));

        let script = store(directory, "sty-new", &sha256, "vax");
        assert_eq!(sh(&script, program), Some(OTHER_ARCHITECTURE));
    }
}
