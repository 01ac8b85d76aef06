//! Running the host's programs, and checking that they are there.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// Programs and the Debian packages that hold them.
pub(crate) const NODES: &[(&str, &str)] = &[
    ("systemd-nspawn", "systemd-container"),
    ("ip", "iproute2"),
    ("ssh-keygen", "openssh-client"),
    ("nsenter", "util-linux"),
    ("setsid", "util-linux"),
];
/// What building an image needs.
pub(crate) const IMAGE: &[(&str, &str)] = &[("mmdebstrap", "mmdebstrap")];
/// What a partition needs.
pub(crate) const PARTITION: &[(&str, &str)] = &[("nft", "nftables")];

/// Debian packages that the host needs for everything a sandbox can do.
pub const HOST_PACKAGES: &[&str] = &[
    "iproute2",
    "mmdebstrap",
    "nftables",
    "openssh-client",
    "systemd-container",
    "util-linux",
];

/// Checks that this is root and that every program is there that a sandbox may need.
///
/// # Errors
/// Names all that is missing, with the command that installs it.
pub fn preflight() -> Result<()> {
    require(&[NODES, IMAGE, PARTITION].concat())
}

/// Fails unless this is root.
pub(crate) fn require_root() -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        Ok(())
    } else {
        Err(Error::NotRoot)
    }
}

/// Fails unless this is root and all the programs can be found.
pub(crate) fn require(programs: &[(&str, &str)]) -> Result<()> {
    require_root()?;
    let missing: Vec<&(&str, &str)> = programs
        .iter()
        .filter(|(program, _)| !available(program))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    Err(Error::MissingPrograms {
        programs: missing
            .iter()
            .map(|(program, _)| (*program).to_owned())
            .collect(),
        packages: packages.join(" "),
    })
}

/// Whether a program is in the search path.
pub(crate) fn available(program: &str) -> bool {
    let executable = |path: &Path| {
        path.metadata()
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| executable(&dir.join(program)))
}

/// Runs a program to its end; returns its standard output.
pub(crate) fn run<S: AsRef<OsStr>>(what: &str, program: &str, arguments: &[S]) -> Result<String> {
    run_command(what, Command::new(program).args(arguments))
}

/// Runs a prepared command to its end; returns its standard output.
pub(crate) fn run_command(what: &str, command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| spawn_failed(what, command, &source))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(failed(what, command, &output))
}

pub(crate) fn spawn_failed(what: &str, command: &Command, source: &std::io::Error) -> Error {
    Error::Command {
        what: what.to_owned(),
        command: line(command),
        status: source.to_string(),
        output: String::new(),
    }
}

pub(crate) fn failed(what: &str, command: &Command, output: &Output) -> Error {
    let text = [
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    ]
    .concat();
    Error::Command {
        what: what.to_owned(),
        command: line(command),
        status: output.status.to_string(),
        output: last_lines(&text, 10),
    }
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

/// The last lines of a text, without empty ones.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Polls until `probe` gives a value; `Err` of the probe is the state to report at the limit.
pub(crate) fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut probe: impl FnMut() -> Result<std::result::Result<T, String>>,
) -> Result<T> {
    let begin = Instant::now();
    loop {
        match probe()? {
            Ok(value) => return Ok(value),
            Err(last) if begin.elapsed() >= limit => {
                return Err(Error::Timeout {
                    what: what.to_owned(),
                    limit,
                    last,
                });
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_program_is_reported_with_its_last_lines() {
        let error = run("try", "sh", &["-c", "echo one; echo two >&2; exit 3"])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("could not try") && error.contains("exit status: 3"),
            "{error}"
        );
        assert!(error.contains("one\ntwo"), "{error}");
        assert!(run("try", "no-such-program", &[""]).is_err());
    }

    #[test]
    fn missing_programs_name_their_packages() {
        assert!(available("sh"));
        assert!(!available("no-such-program"));
        let error = Error::MissingPrograms {
            programs: vec!["nft".into()],
            packages: "nftables".into(),
        };
        assert!(
            error.to_string().contains("\n  apt-get install nftables"),
            "{error}"
        );
    }

    #[test]
    fn every_program_comes_from_a_listed_package() {
        let listed = |(_, package): &(&str, &str)| HOST_PACKAGES.contains(package);
        assert!([NODES, IMAGE, PARTITION].concat().iter().all(listed));
    }

    #[test]
    fn waiting_reports_the_last_state() {
        let mut count = 0;
        let probe = || {
            count += 1;
            Ok(Err::<(), _>(format!("tried {count}")))
        };
        let error = wait_for("it", Duration::ZERO, probe).unwrap_err();
        assert_eq!(error.to_string(), "waited 0 s for it: tried 1");
    }
}
