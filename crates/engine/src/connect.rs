//! From a target to a session: start the node program, copy it over when it is not there.

use std::path::PathBuf;
use std::time::Duration;

use sty_wire::PROTOCOL;
use sty_wire::protocol::Reply;

use crate::error::{ConnectError, ConnectProblem};
use crate::pipes::{FirstError, Pipes};
use crate::program::Program;
use crate::session::Session;
use crate::target::Target;
use crate::{shell, upload};

/// A shared connection that is there already may take this part of the time for a new one.
const REUSED_SHARE: u32 = 3;

/// Limits and places of connections.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Directory of the sockets of shared connections; see [`crate::runtime_directory`].
    pub runtime_directory: PathBuf,
    /// How long a connection may take to come about.
    pub connect_limit: Duration,
    /// How long the node program may take to greet.
    pub hello_limit: Duration,
    /// How long a node may take to take a lock, observe or tell its status.
    pub look_limit: Duration,
    /// Between signs of life asked of a quiet node; after three without an answer it is lost.
    pub alive_interval: Duration,
    /// How long a shared connection outlives its last use.
    pub persist: Duration,
    /// Nodes connected to at the same time.
    pub width: usize,
    /// Directory on a node that holds the program.
    pub node_directory: String,
}

impl ConnectOptions {
    /// Usual limits.
    pub fn new(runtime_directory: PathBuf) -> Self {
        Self {
            runtime_directory,
            connect_limit: Duration::from_secs(10),
            hello_limit: Duration::from_secs(30),
            look_limit: Duration::from_secs(120),
            alive_interval: Duration::from_secs(4),
            persist: Duration::from_secs(60),
            width: 64,
            node_directory: crate::program::DIRECTORY.to_owned(),
        }
    }
}

/// Starts the node program on `target` and waits for its greeting. One ssh command when the
/// program is there; when not, `uploading` is called and the program is copied first.
///
/// # Errors
/// When the node cannot be reached, or what answers is not this program.
pub fn connect(
    host: &str,
    target: &Target,
    program: &Program,
    options: &ConnectOptions,
    uploading: &dyn Fn(),
) -> Result<Session, ConnectError> {
    let attempt = Attempt {
        host,
        target,
        program,
        options,
    };
    attempt.run(uploading).map_err(|problem| ConnectError {
        host: host.to_owned(),
        target: target.to_string(),
        problem,
    })
}

/// How the first start of a program can end badly.
enum Start {
    /// The program is not there.
    Missing,
    /// `ssh` itself failed.
    Ssh(ConnectProblem),
    /// Anything else.
    Problem(ConnectProblem),
}

impl Start {
    /// Whether a shared connection that ended so leads nowhere.
    fn is_dead(&self) -> bool {
        matches!(
            self,
            Self::Ssh(_) | Self::Problem(ConnectProblem::Silent { .. })
        )
    }
}

struct Attempt<'a> {
    host: &'a str,
    target: &'a Target,
    program: &'a Program,
    options: &'a ConnectOptions,
}

impl Attempt<'_> {
    fn run(&self, uploading: &dyn Fn()) -> Result<Session, ConnectProblem> {
        let shared = self.target.control_path(self.options);
        let reused = shared.is_some_and(|path| path.exists());
        if !reused {
            return self.finish(self.start(self.options.hello_limit), uploading);
        }
        // One that is there already answers much sooner than a new one comes about; what it takes
        // of the time is not given again.
        let limit = self.options.connect_limit / REUSED_SHARE;
        match self.start(limit.min(self.options.hello_limit)) {
            Err(start) if start.is_dead() => {
                // The shared connection was dead: the node was restarted, say.
                self.target.forget(self.options);
                let options = ConnectOptions {
                    connect_limit: self.options.connect_limit - limit,
                    ..self.options.clone()
                };
                let attempt = Attempt {
                    options: &options,
                    ..*self
                };
                attempt.finish(attempt.start(options.hello_limit), uploading)
            }
            started => self.finish(started, uploading),
        }
    }

    /// Copies the program where it is missing.
    fn finish(
        &self,
        started: Result<Session, Start>,
        uploading: &dyn Fn(),
    ) -> Result<Session, ConnectProblem> {
        match started {
            Ok(session) => Ok(session),
            Err(Start::Missing) if self.is_remote() => {
                uploading();
                upload::upload(self.target, self.program, self.options)?;
                let started = self.start(self.options.hello_limit);
                started.map_err(|problem| self.last(problem))
            }
            Err(problem) => Err(self.last(problem)),
        }
    }

    fn is_remote(&self) -> bool {
        matches!(self.target, Target::Ssh(_))
    }

    fn program_path(&self) -> String {
        match self.target {
            Target::Local => self.program.path().display().to_string(),
            Target::Ssh(_) => format!("{}/{}", self.options.node_directory, self.program.name()),
        }
    }

    fn start(&self, limit: Duration) -> Result<Session, Start> {
        let command = self
            .target
            .shell(&shell::start(&self.program_path()), self.options);
        let mut pipes =
            Pipes::spawn(command, &self.options.runtime_directory).map_err(Start::Problem)?;
        match pipes.first(limit) {
            Ok(Reply::Hello {
                protocol,
                program_sha256,
                facts,
            }) if protocol == PROTOCOL && program_sha256 == self.program.sha256() => {
                Ok(Session::new(self.host.to_owned(), facts, pipes))
            }
            Ok(Reply::Hello {
                protocol,
                program_sha256: found,
                ..
            }) => Err(Start::Problem(ConnectProblem::OtherProgram {
                found,
                protocol,
            })),
            Ok(other) => Err(noise(format!("{:?}", std::mem::discriminant(&other)))),
            Err(FirstError::Unreadable(detail)) => Err(noise(detail)),
            Err(FirstError::Silent) => {
                pipes.stop();
                Err(Start::Problem(ConnectProblem::Silent {
                    limit,
                    detail: pipes.tail().join("; "),
                }))
            }
            Err(FirstError::Ended(code)) => Err(self.ended(code, &pipes.tail())),
        }
    }

    fn ended(&self, code: Option<i32>, tail: &[String]) -> Start {
        let detail = detail(tail);
        match code {
            Some(shell::MISSING) => Start::Missing,
            Some(255) if self.is_remote() => Start::Ssh(ssh_problem(&detail)),
            code => Start::Problem(self.refused(code, detail)),
        }
    }

    /// Asks the node why the program did not start.
    fn refused(&self, exit_code: Option<i32>, detail: String) -> ConnectProblem {
        let command = self.target.shell(&shell::diagnose(), self.options);
        match crate::target::quietly(command) {
            Some(shell::NO_SUDO) => ConnectProblem::NoSudo,
            Some(shell::SUDO_REFUSES) => ConnectProblem::SudoRefused { detail },
            _ => ConnectProblem::NotStarted { exit_code, detail },
        }
    }

    fn last(&self, problem: Start) -> ConnectProblem {
        match problem {
            Start::Ssh(problem) | Start::Problem(problem) => problem,
            Start::Missing => ConnectProblem::NotStarted {
                exit_code: Some(shell::MISSING),
                detail: format!("`{}` is not an executable file", self.program_path()),
            },
        }
    }
}

fn noise(detail: String) -> Start {
    Start::Problem(ConnectProblem::Noise { detail })
}

pub(crate) fn detail(tail: &[String]) -> String {
    match tail {
        [] => "no message".to_owned(),
        lines => lines.join("; "),
    }
}

/// `ssh` ends with 255 for whatever goes wrong on its side; only its words tell what.
pub(crate) fn ssh_problem(detail: &str) -> ConnectProblem {
    let says = |words: &[&str]| words.iter().any(|word| detail.contains(word));
    let detail = detail.to_owned();
    if says(&[
        "Host key verification failed",
        "HOST IDENTIFICATION HAS CHANGED",
        "host key is known",
    ]) {
        ConnectProblem::HostKey { detail }
    } else if says(&[
        "Permission denied",
        "Too many authentication failures",
        "Authentication failed",
    ]) {
        ConnectProblem::LoginRefused { detail }
    } else {
        ConnectProblem::Unreachable { detail }
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectProblem, ssh_problem};

    #[test]
    fn words_of_ssh() {
        let refused = "dba@10.10.10.11: Permission denied (publickey,password).";
        assert!(matches!(
            ssh_problem(refused),
            ConnectProblem::LoginRefused { .. }
        ));
        let key = "No ED25519 host key is known for 10.10.10.11 and you have requested strict \
                   checking.; Host key verification failed.";
        assert!(matches!(ssh_problem(key), ConnectProblem::HostKey { .. }));
        let down = "ssh: connect to host 10.10.10.11 port 22: No route to host";
        assert!(matches!(
            ssh_problem(down),
            ConnectProblem::Unreachable { .. }
        ));
    }
}
