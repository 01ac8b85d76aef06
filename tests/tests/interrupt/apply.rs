//! An apply in the background.

use std::fs::File;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sty_stories::{Ran, World};

/// A `sty apply` in a process group of its own, as a terminal would start it.
pub(crate) struct Apply {
    child: Child,
    begun: Instant,
    output: PathBuf,
}

impl Apply {
    /// Starts it.
    pub(crate) fn start(world: &World) -> Self {
        let output = world.home().join("apply.log");
        let file = File::create(&output).expect("a log file");
        let mut command = world.command(&["apply"]);
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .process_group(0);
        Self {
            child: command.spawn().expect("sty can be started"),
            begun: Instant::now(),
            output,
        }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it ends by itself in this time.
    pub(crate) fn ends_within(&mut self, limit: Duration) -> bool {
        let begun = Instant::now();
        loop {
            if self.child.try_wait().expect("sty can be asked").is_some() {
                return true;
            }
            if begun.elapsed() >= limit {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends a signal to its whole process group, as Ctrl-C does.
    pub(crate) fn signal(&self, name: &str) {
        let group = format!("-{}", self.pid());
        let status = Command::new("kill")
            .args(["-s", name, "--", &group])
            .status();
        assert!(status.expect("kill can be started").success());
    }

    /// Waits for its end.
    pub(crate) fn result(mut self) -> Ran {
        let status = self.child.wait().expect("sty ends");
        let code = status.code().or(status.signal().map(|signal| -signal));
        let ran = Ran {
            command: format!("sty apply, pid {}", self.pid()),
            code: code.unwrap_or(-1),
            stdout: std::fs::read_to_string(&self.output).unwrap_or_default(),
            stderr: String::new(),
            took: self.begun.elapsed(),
        };
        eprintln!(
            "[{:>6.1} s, exit {}] {}",
            ran.took.as_secs_f64(),
            ran.code,
            ran.command
        );
        let last: Vec<&str> = ran.stdout.lines().rev().take(3).collect();
        for line in last.iter().rev() {
            eprintln!("    {line}");
        }
        ran
    }
}
