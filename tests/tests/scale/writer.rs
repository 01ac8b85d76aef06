//! A client that writes all the time and must not notice anything.

use std::process::{Child, Stdio};
use std::time::Duration;

use sty_stories::{World, until};

/// A psql that inserts a row every tenth of a second and ends at the first error.
pub(crate) struct Writer {
    child: Child,
    log: std::path::PathBuf,
}

impl Writer {
    /// Writes to `pg-test` through port 5433 of `entry`.
    pub(crate) fn start(world: &World, entry: &str) -> Self {
        let log = world.home().join("writer.log");
        let file = std::fs::File::create(&log).expect("a log file");
        let script = world.home().join("writer.sql");
        std::fs::write(&script, "insert into story default values \\watch 0.1\n")
            .expect("a script");
        let mut command = world.inside("psql");
        command
            .args(["-X", "-q", "-t", "-v", "ON_ERROR_STOP=1", "-f"])
            .arg(&script)
            .arg(format!(
                "host={entry} port=5433 user=test dbname=test sslmode=require connect_timeout=5"
            ))
            .env("PGPASSFILE", world.passwords())
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file);
        let child = command.spawn().expect("psql can be started");
        Self { child, log }
    }

    /// Ends it; fails the story when it had met an error.
    pub(crate) fn stop(mut self) {
        let ended = self.child.try_wait().expect("psql can be asked");
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        assert!(ended.is_none(), "the writer met an error: {log}");
        self.child.kill().expect("psql can be ended");
        self.child.wait().expect("psql ends");
    }

    /// Waits until it has written a row that was not there before.
    pub(crate) fn writes(&mut self, rows: impl Fn() -> i64) {
        let before = rows();
        until(
            "the writer writes",
            Duration::from_secs(10),
            || match rows() {
                now if now > before => Ok(()),
                now => Err(format!("{now} rows")),
            },
        );
    }
}
