//! One client that stays connected.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use sty_stories::World;

/// A psql that is asked now and then.
pub(crate) struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What psql is told to say after each answer.
const END: &str = "-- end --";

impl Session {
    /// Connects to `test` at a port of `entry`.
    pub(crate) fn open(world: &World, entry: &str, port: u16) -> Self {
        Self::open_as(world, entry, port, "test")
    }

    /// The same as another user.
    pub(crate) fn open_as(world: &World, entry: &str, port: u16, user: &str) -> Self {
        let mut command = world.inside("psql");
        let mut child = command
            .args(["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1"])
            .arg(format!(
                "host={entry} port={port} user={user} dbname=test sslmode=require connect_timeout=5"
            ))
            .env("PGPASSFILE", world.passwords())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("psql can be started");
        let input = child.stdin.take().expect("its input");
        let output = child.stdout.take().expect("its output");
        let mut session = Self {
            child,
            input,
            output: BufReader::new(output),
        };
        assert_eq!(session.ask("select 1"), "1");
        session
    }

    /// The answer to statements; fails the story when the connection is gone.
    pub(crate) fn ask(&mut self, sql: &str) -> String {
        self.try_ask(sql).expect("the connection is there")
    }

    /// Whether a further statement finds no connection, or a transaction that failed.
    pub(crate) fn is_cut_off(&mut self) -> bool {
        self.try_ask("select 1").is_none()
    }

    /// The answer, or nothing when the connection is gone.
    pub(crate) fn try_ask(&mut self, sql: &str) -> Option<String> {
        writeln!(self.input, "{sql};\n\\echo {END}").ok()?;
        let mut answer = Vec::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end() {
                END => return Some(answer.join("\n")),
                text => answer.push(text.to_owned()),
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
