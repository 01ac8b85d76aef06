//! Runs programs: arguments as a list, no terminal, nothing on standard input, a time limit, and
//! a [`Failure`] that tells what was run and what it said last.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use sty_wire::observation::Failure;

/// Lines of output that a [`Failure`] carries.
const TAIL_LINES: usize = 20;
/// For commands that normally take well under a second.
const DEFAULT_LIMIT: Duration = Duration::from_secs(60);

/// A command to run. Arguments are shown to the operator and to anyone who lists processes:
/// no secrets.
pub(crate) struct Run {
    program: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    account: Option<(u32, u32)>,
    limit: Duration,
}

/// A command that ran to its end.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Standard output; bytes that are not UTF-8 are replaced.
    pub(crate) stdout: String,
    /// Exit code, `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    status: ExitStatus,
    command: String,
    tail: Vec<String>,
}

impl Run {
    pub(crate) fn new(program: &str) -> Self {
        Self {
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            account: None,
            limit: DEFAULT_LIMIT,
        }
    }

    pub(crate) fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(crate) fn args<T: Into<String>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs as this user and group, without further groups.
    pub(crate) fn account(mut self, uid: u32, gid: u32) -> Self {
        self.account = Some((uid, gid));
        self
    }

    /// Ends the command, with everything it started, after this time.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it; any exit code but 0 is a failure.
    pub(crate) fn ok(self) -> Result<Finished, Failure> {
        self.watched(&|_| ())
    }

    /// Like [`Run::ok`], telling each line of standard output as it comes.
    pub(crate) fn watched(self, line: &(dyn Fn(&str) + Sync)) -> Result<Finished, Failure> {
        let finished = self.finish(line)?;
        match finished.code {
            Some(0) => Ok(finished),
            _ => Err(finished.failure()),
        }
    }

    /// Runs it; the caller judges the exit code.
    pub(crate) fn any_exit(self) -> Result<Finished, Failure> {
        self.finish(&|_| ())
    }

    /// The command as it could be typed.
    fn shown(&self) -> String {
        std::iter::once(&self.program)
            .chain(&self.arguments)
            .map(|word| quoted(word))
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", "/root")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some((uid, gid)) = self.account {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn finish(self, line: &(dyn Fn(&str) + Sync)) -> Result<Finished, Failure> {
        let shown = self.shown();
        let unable = |error: std::io::Error| Failure {
            command: Some(shown.clone()),
            ..Failure::message(format!("cannot run `{}`: {error}", self.program))
        };
        let mut child = self.command().spawn().map_err(unable)?;
        let (told, complained) = (Mutex::default(), Mutex::default());
        let (status, stdout) = thread::scope(|scope| {
            let (out, err) = (child.stdout.take(), child.stderr.take());
            let stdout = scope.spawn(|| read_lines(out, &told, line));
            scope.spawn(|| read_lines(err, &complained, &|_| ()));
            let status = wait(&mut child, self.limit);
            (status, stdout.join().unwrap_or_default())
        });
        let tail = last_lines(told, complained);
        match status {
            Ok(status) => Ok(Finished {
                stdout,
                code: status.code(),
                status,
                command: shown,
                tail,
            }),
            Err(Unfinished::Late) => Err(Failure {
                command: Some(shown),
                tail,
                ..Failure::message(format!(
                    "`{}` was ended because it took longer than {} s",
                    self.program,
                    self.limit.as_secs_f32()
                ))
            }),
            Err(Unfinished::Lost(error)) => Err(unable(error)),
        }
    }
}

impl Finished {
    /// What to report when this exit is not the one hoped for.
    pub(crate) fn failure(self) -> Failure {
        let program = self.command.split(' ').next().unwrap_or_default();
        let message = match (self.code, self.status.signal()) {
            (Some(code), _) => format!("`{program}` failed with exit code {code}"),
            (None, Some(signal)) => format!("`{program}` was ended by signal {signal}"),
            (None, None) => format!("`{program}` failed"),
        };
        Failure {
            message,
            command: Some(self.command),
            exit_code: self.code,
            tail: self.tail,
            hint: None,
        }
    }
}

enum Unfinished {
    Late,
    Lost(std::io::Error),
}

/// Waits for `child`; past `limit`, ends its process group.
fn wait(child: &mut Child, limit: Duration) -> Result<ExitStatus, Unfinished> {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (ended, end) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || ended.send(child.wait()));
        match end.recv_timeout(limit) {
            Ok(status) => status.map_err(Unfinished::Lost),
            Err(_) => {
                if let Some(group) = group {
                    kill_process_group(group, Signal::KILL)
                        .map_err(|error| Unfinished::Lost(error.into()))?;
                }
                Err(Unfinished::Late)
            }
        }
    })
}

/// The last lines of both streams. Complaints come last, and talk does not push them out: which
/// of the two was read first is chance.
fn last_lines(told: Mutex<VecDeque<String>>, complained: Mutex<VecDeque<String>>) -> Vec<String> {
    let inner = |lines: Mutex<_>| lines.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (told, complained) = (inner(told), inner(complained));
    let room = TAIL_LINES - complained.len().min(TAIL_LINES);
    let skipped = told.len().saturating_sub(room);
    told.into_iter().skip(skipped).chain(complained).collect()
}

/// Reads to the end, telling each line and keeping the last ones in `tail`.
fn read_lines(
    stream: Option<impl Read>,
    tail: &Mutex<VecDeque<String>>,
    tell: &dyn Fn(&str),
) -> String {
    let mut text = String::new();
    let Some(stream) = stream else { return text };
    let mut stream = BufReader::new(stream);
    let mut bytes = Vec::new();
    while matches!(stream.read_until(b'\n', &mut bytes), Ok(read) if read > 0) {
        let line = String::from_utf8_lossy(&bytes);
        let shown = line.trim_end();
        tell(shown);
        if !shown.is_empty() {
            let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
            if tail.len() == TAIL_LINES {
                tail.pop_front();
            }
            tail.push_back(shown.to_owned());
        }
        text.push_str(&line);
        bytes.clear();
    }
    text
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_command_code_and_last_lines() {
        let failure = Run::new("sh")
            .args(["-c", "seq 30; echo bad >&2; exit 3"])
            .ok()
            .unwrap_err();
        assert_eq!(failure.message, "`sh` failed with exit code 3");
        assert_eq!(
            failure.command.as_deref(),
            Some("sh -c 'seq 30; echo bad >&2; exit 3'")
        );
        assert_eq!(failure.exit_code, Some(3));
        assert_eq!(failure.tail.len(), TAIL_LINES);
        assert!(failure.tail.contains(&"bad".to_owned()));
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children() {
        let failure = Run::new("sh")
            .args(["-c", "echo started; sleep 600 & wait"])
            .limit(Duration::from_millis(200))
            .ok()
            .unwrap_err();
        assert_eq!(failure.tail, ["started"]);
        assert!(failure.message.contains("took longer"), "{failure:?}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let failure = Run::new("no-such-program").ok().unwrap_err();
        assert!(failure.message.contains("no-such-program"), "{failure:?}");
    }
}
