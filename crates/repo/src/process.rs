//! Running the programs that this crate relies on.

use std::io;
use std::process::{Command, Output, Stdio};

use crate::RepoError;

const LAST_LINES: usize = 8;

/// Debian packages of the programs used.
const PACKAGES: [(&str, &str); 5] = [
    ("apt-get", "apt"),
    ("apt-cache", "apt"),
    ("dpkg-deb", "dpkg"),
    ("mmdebstrap", "mmdebstrap"),
    ("zstd", "zstd"),
];

/// A command with a fixed locale and no input.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    command
}

/// Runs to the end and gives what it wrote, whatever its exit code.
pub(crate) fn output(command: &mut Command) -> Result<Output, RepoError> {
    command
        .output()
        .map_err(|error| not_started(command, error))
}

/// Runs to the end and gives its standard output; a failure is an error.
pub(crate) fn run(command: &mut Command) -> Result<String, RepoError> {
    let output = output(command)?;
    if !output.status.success() {
        return Err(failed(command, &output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The error of a program that ended with a failure.
pub(crate) fn failed(command: &Command, output: &Output) -> RepoError {
    RepoError::Command {
        command: display(command),
        status: output.status.to_string(),
        last_lines: last_lines(&output.stderr),
    }
}

/// The end of a program's output, on one line.
pub(crate) fn last_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("; ")
}

/// The error of a program that could not be started.
pub(crate) fn not_started(command: &Command, error: io::Error) -> RepoError {
    let program = command.get_program().to_string_lossy().into_owned();
    let known = PACKAGES.iter().find(|(name, _)| *name == program);
    match known {
        Some((_, package)) if error.kind() == io::ErrorKind::NotFound => {
            RepoError::MissingProgram {
                program,
                package: (*package).to_owned(),
            }
        }
        _ => RepoError::Io {
            path: program.into(),
            source: error,
        },
    }
}

fn display(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let verb = command
        .get_args()
        .map(|arg| arg.to_string_lossy())
        .find(|arg| arg.starts_with(|c: char| c.is_ascii_lowercase()) && !arg.contains('='));
    match verb {
        Some(verb) => format!("{program} {verb}"),
        None => program.into_owned(),
    }
}
