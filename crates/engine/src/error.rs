//! What goes wrong on the way to a node.

use std::io;
use std::time::Duration;

use sty_core::Diagnostic;
use sty_wire::observation::Failure;

/// A node could not be taken into the session.
#[derive(Debug, thiserror::Error)]
#[error("node `{host}` ({target}): {problem}")]
pub struct ConnectError {
    /// Inventory hostname.
    pub host: String,
    /// How it was tried: `dba@10.10.10.11:22`, `this machine`.
    pub target: String,
    /// What went wrong.
    pub problem: ConnectProblem,
}

/// Why a node could not be reached, by what the operator does next.
#[derive(Debug, thiserror::Error)]
pub enum ConnectProblem {
    /// No connection.
    #[error("cannot be reached: {detail}")]
    Unreachable {
        /// What ssh said.
        detail: String,
    },
    /// The user or key was not accepted.
    #[error("ssh login refused: {detail}")]
    LoginRefused {
        /// What ssh said.
        detail: String,
    },
    /// The node's host key is unknown or has changed.
    #[error("ssh does not trust the host key: {detail}")]
    HostKey {
        /// What ssh said.
        detail: String,
    },
    /// `sudo` wants a password, or the user may not use it.
    #[error("`sudo -n` is refused: {detail}")]
    SudoRefused {
        /// What sudo said.
        detail: String,
    },
    /// Not root, and no `sudo`.
    #[error("the login user is not root and `sudo` is not installed")]
    NoSudo,
    /// Another processor architecture than the controller's.
    #[error(
        "the node's processor is not {}, so this program does not run there",
        std::env::consts::ARCH
    )]
    OtherArchitecture,
    /// The program could not be copied.
    #[error("cannot copy the node program ({}): {detail}", exit_text(*.exit_code))]
    Upload {
        /// Exit code.
        exit_code: Option<i32>,
        /// Last output.
        detail: String,
    },
    /// The program could not be started.
    #[error("the node program did not start ({}): {detail}", exit_text(*.exit_code))]
    NotStarted {
        /// Exit code.
        exit_code: Option<i32>,
        /// Last output.
        detail: String,
    },
    /// Nothing was said in time.
    #[error("no answer within {} seconds: {detail}", .limit.as_secs())]
    Silent {
        /// How long.
        limit: Duration,
        /// Last output.
        detail: String,
    },
    /// Something else than the node program answered.
    #[error("unexpected output instead of a greeting: {detail}")]
    Noise {
        /// Its beginning.
        detail: String,
    },
    /// A node program of another build answered.
    #[error("the node runs another program (sha256 {found}, protocol {protocol})")]
    OtherProgram {
        /// Its hash.
        found: String,
        /// Its protocol.
        protocol: u32,
    },
    /// A program is missing here.
    #[error("cannot run `{program}`")]
    Spawn {
        /// Which.
        program: String,
        /// Why.
        source: io::Error,
    },
}

impl ConnectProblem {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } | Self::Silent { .. } => "node/unreachable",
            Self::LoginRefused { .. } => "node/login-refused",
            Self::HostKey { .. } => "node/host-key",
            Self::SudoRefused { .. } | Self::NoSudo => "node/sudo",
            Self::OtherArchitecture => "node/architecture",
            Self::Upload { .. } => "node/upload",
            Self::NotStarted { .. } | Self::Noise { .. } | Self::OtherProgram { .. } => {
                "node/program"
            }
            Self::Spawn { .. } => "controller/program",
        }
    }

    fn help(&self) -> String {
        match self {
            Self::Unreachable { .. } => "check that the node is up and that `ansible_host` and \
                `ansible_port` are right"
                .into(),
            Self::LoginRefused { .. } => "make `ssh` work without a password: add your key to the \
                login user, or set `ansible_user` and `ansible_ssh_private_key_file`"
                .into(),
            Self::HostKey { .. } => "connect once by hand with `ssh` and compare the key; after a \
                reinstallation remove the old one with `ssh-keygen -R ADDRESS`"
                .into(),
            Self::SudoRefused { .. } => {
                "allow the login user to run `sudo` without a password (NOPASSWD)".into()
            }
            Self::NoSudo => "log in as root (`ansible_user: root`) or install `sudo`".into(),
            Self::OtherArchitecture => {
                "run `sty` on a controller of the node's architecture".into()
            }
            Self::Upload { .. } => format!(
                "check that `{}` can be written on the node",
                crate::program::DIRECTORY
            ),
            Self::NotStarted { .. } | Self::OtherProgram { .. } => format!(
                "remove `{}` on the node and try again",
                crate::program::DIRECTORY
            ),
            Self::Noise { .. } => {
                "the login shell must print nothing when it is not interactive".into()
            }
            Self::Silent { .. } => "look at the load of the node".into(),
            Self::Spawn { program, .. } => format!("install `{program}` on this machine"),
        }
    }
}

impl ConnectError {
    /// The problem with its code and the next step.
    pub fn diagnostic(&self) -> Diagnostic {
        let message = match &self.problem {
            ConnectProblem::Spawn { source, .. } => format!("{self}: {source}"),
            _ => self.to_string(),
        };
        Diagnostic::error(self.problem.code(), message).help(self.problem.help())
    }
}

/// A connected node did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The connection or the node program ended.
    #[error("the connection to node `{host}` ended ({}){}", exit_text(*.exit_code), after(.tail))]
    Ended {
        /// Inventory hostname.
        host: String,
        /// Exit code of ssh or the program.
        exit_code: Option<i32>,
        /// Last lines of its standard error.
        tail: Vec<String>,
    },
    /// No answer in time; the session is over.
    #[error("node `{host}` did not answer within {} seconds", .limit.as_secs())]
    TimedOut {
        /// Inventory hostname.
        host: String,
        /// How long.
        limit: Duration,
    },
    /// Not the protocol; a fault of `sty`.
    #[error("node `{host}` answered out of turn, a fault of `sty`: {detail}")]
    Protocol {
        /// Inventory hostname.
        host: String,
        /// What came.
        detail: String,
    },
    /// The node could not serve the request.
    #[error("node `{host}` refused: {}", .failure.message)]
    Refused {
        /// Inventory hostname.
        host: String,
        /// Why.
        failure: Box<Failure>,
    },
}

impl SessionError {
    /// As the failure of an action.
    pub fn into_failure(self) -> Failure {
        let hint = match &self {
            Self::Ended { .. } | Self::TimedOut { .. } => {
                Some("when the node is reachable again, run the same command again".to_owned())
            }
            _ => None,
        };
        match self {
            Self::Refused { failure, .. } => *failure,
            Self::Ended {
                exit_code, tail, ..
            } => Failure {
                message: "the connection to the node ended".to_owned(),
                command: None,
                exit_code,
                tail,
                hint,
            },
            other => Failure {
                hint,
                ..Failure::message(other.to_string())
            },
        }
    }

    /// Whether nothing more can be asked of this session.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }
}

fn exit_text(code: Option<i32>) -> String {
    match code {
        Some(code) => format!("exit code {code}"),
        None => "killed".to_owned(),
    }
}

fn after(tail: &[String]) -> String {
    match tail.last() {
        Some(line) => format!(": {line}"),
        None => String::new(),
    }
}
