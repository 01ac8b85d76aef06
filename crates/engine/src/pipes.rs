//! A child process that speaks the node protocol on its streams.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use sty_wire::protocol::{Reply, Request};
use zeroize::Zeroizing;

use crate::error::ConnectProblem;

/// How long a node program may take to end after its input has ended.
pub(crate) const END_LIMIT: Duration = Duration::from_secs(5);
/// Lines of standard error that are shown.
const TAIL_LINES: usize = 8;

/// Why there is no first message.
pub(crate) enum FirstError {
    Silent,
    Unreadable(String),
    Ended(Option<i32>),
}

/// A child process with its three streams. Dropping it ends the child.
pub(crate) struct Pipes {
    child: Child,
    input: Option<ChildStdin>,
    replies: Receiver<Result<Reply, String>>,
    errors: File,
}

impl Pipes {
    /// Starts `command`. Its standard error goes to an unnamed file in `directory`: a shared ssh
    /// connection may keep that stream open for long after the command has ended, so it must not
    /// be a pipe that someone reads to its end.
    pub(crate) fn spawn(mut command: Command, directory: &Path) -> Result<Self, ConnectProblem> {
        let mut start = || -> io::Result<Self> {
            let errors = tempfile::tempfile_in(directory)?;
            let mut child = command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(errors.try_clone()?)
                .spawn()?;
            let input = child.stdin.take();
            let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
            let (sender, replies) = mpsc::sync_channel(64);
            std::thread::Builder::new()
                .name("replies".to_owned())
                .spawn(move || read_replies(output, &sender))?;
            Ok(Self {
                child,
                input,
                replies,
                errors,
            })
        };
        start().map_err(|source| ConnectProblem::Spawn {
            program: "ssh".to_owned(),
            source,
        })
    }

    pub(crate) fn first(&mut self, limit: Duration) -> Result<Reply, FirstError> {
        match self.replies.recv_timeout(limit) {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(line)) => Err(FirstError::Unreadable(line)),
            Err(RecvTimeoutError::Timeout) => Err(FirstError::Silent),
            Err(RecvTimeoutError::Disconnected) => {
                Err(FirstError::Ended(self.finish(END_LIMIT).flatten()))
            }
        }
    }

    pub(crate) fn send(&mut self, request: &Request) -> io::Result<()> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = Zeroizing::new(Vec::with_capacity(64 * 1024));
        serde_json::to_writer(&mut *line, request)?;
        line.push(b'\n');
        input.write_all(&line)
    }

    pub(crate) fn receive(
        &self,
        limit: Option<Duration>,
    ) -> Result<Result<Reply, String>, RecvTimeoutError> {
        match limit {
            Some(limit) => self.replies.recv_timeout(limit),
            None => self
                .replies
                .recv()
                .map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Last lines of standard error.
    pub(crate) fn tail(&self) -> Vec<String> {
        tail(&self.errors)
    }

    /// Ends the input and waits until the child has ended: its exit code (`None` after a signal),
    /// or `None` when it had to be stopped because it did not end within `limit`.
    pub(crate) fn finish(&mut self, limit: Duration) -> Option<Option<i32>> {
        let deadline = Instant::now() + limit;
        self.input = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.replies.recv_timeout(left) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.stop();
                    return None;
                }
            }
        }
        // Its output has ended; what is left is to be reaped.
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status.code()),
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Err(_) => return Some(None),
            }
        }
        self.stop();
        None
    }

    pub(crate) fn stop(&mut self) {
        self.input = None;
        // Already gone, or root's own: nothing more to do about it either way.
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        // Of one that has ended nothing is waited for: a shared connection may hold its output open.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            self.finish(END_LIMIT);
        }
    }
}

fn read_replies(output: ChildStdout, sender: &SyncSender<Result<Reply, String>>) {
    let mut output = BufReader::with_capacity(64 * 1024, output);
    let mut line = Vec::new();
    while let Ok(1..) = output.read_until(b'\n', &mut line) {
        let reply = serde_json::from_slice(&line).map_err(|_| beginning(&line));
        if sender.send(reply).is_err() {
            return;
        }
        line.clear();
    }
}

fn beginning(line: &[u8]) -> String {
    String::from_utf8_lossy(line)
        .trim_end()
        .chars()
        .take(120)
        .collect()
}

/// Last lines of what was written to `errors`.
pub(crate) fn tail(errors: &File) -> Vec<String> {
    const BYTES: u64 = 4096;
    let size = errors.metadata().map_or(0, |found| found.len());
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let mut offset = size.saturating_sub(BYTES);
    while let Ok(count @ 1..) = errors.read_at(&mut chunk, offset) {
        bytes.extend_from_slice(&chunk[..count]);
        offset += count as u64;
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines[from..]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}
