//! Running programs and keeping what they said.

use std::process::Command;
use std::time::{Duration, Instant};

/// A program that ran.
#[derive(Debug)]
pub struct Ran {
    /// What ran.
    pub command: String,
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

impl Ran {
    /// Fails the story unless the exit code is 0.
    #[track_caller]
    pub fn ok(&self) -> &Self {
        self.exits(0)
    }

    /// Fails the story unless the exit code is `code`.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(
            self.code, code,
            "{} should exit with {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.command, self.stdout, self.stderr
        );
        self
    }

    /// Standard output without the last line break.
    pub fn text(&self) -> &str {
        self.stdout.trim_end()
    }

    /// Everything it said.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Runs a command to its end.
pub fn run(mut command: Command) -> Ran {
    let start = Instant::now();
    let shown = format!("{command:?}");
    let output = command.output().expect("the program can be started");
    let ran = Ran {
        command: shown,
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        took: start.elapsed(),
    };
    eprintln!(
        "[{:>6.1} s, exit {}] {}",
        ran.took.as_secs_f64(),
        ran.code,
        ran.command
    );
    ran
}
