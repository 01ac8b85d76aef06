//! What goes wrong for a client, by what it knows.

use std::io;

use postgres::error::Severity;

/// Why there is no session, or no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The server, or the pooler before it, said so.
    #[error("SQLSTATE {sqlstate}: {message}")]
    Server {
        /// SQLSTATE.
        sqlstate: String,
        /// In words.
        message: String,
        /// The session goes on.
        session_goes_on: bool,
    },
    /// Nobody listens there.
    #[error("the connection was refused")]
    ConnectRefused,
    /// No session within the limit.
    #[error("no session within the time to connect")]
    ConnectTimeout,
    /// There is no way there.
    #[error("the address cannot be reached")]
    Unreachable,
    /// The connection ended without a word.
    #[error("the connection was closed")]
    Closed,
    /// No answer within the limit.
    #[error("no answer within the limit")]
    NoAnswer,
    /// Anything else: TLS, the protocol.
    #[error("{0}")]
    Other(String),
}

impl ClientError {
    /// SQLSTATE, or a word for what happened to the connection.
    pub fn class(&self) -> String {
        match self {
            Self::Server { sqlstate, .. } => sqlstate.clone(),
            Self::ConnectRefused => "connect-refused".to_owned(),
            Self::ConnectTimeout => "connect-timeout".to_owned(),
            Self::Unreachable => "unreachable".to_owned(),
            Self::Closed => "closed".to_owned(),
            Self::NoAnswer => "no-answer".to_owned(),
            Self::Other(_) => "other".to_owned(),
        }
    }

    /// Whether the statement certainly had no effect, and the session can be used again.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Server {
                session_goes_on: true,
                ..
            }
        )
    }
}

impl From<&postgres::Error> for ClientError {
    fn from(error: &postgres::Error) -> Self {
        if let Some(told) = error.as_db_error() {
            return Self::Server {
                sqlstate: told.code().code().to_owned(),
                message: told.message().to_owned(),
                session_goes_on: told.parsed_severity() == Some(Severity::Error),
            };
        }
        if error.is_closed() {
            return Self::Closed;
        }
        let cause = std::error::Error::source(error);
        match cause.and_then(|cause| cause.downcast_ref::<io::Error>()) {
            Some(error) => of_io(error),
            None => Self::Other(match cause {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            }),
        }
    }
}

fn of_io(error: &io::Error) -> ClientError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ClientError::ConnectRefused,
        io::ErrorKind::TimedOut => ClientError::ConnectTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            ClientError::Unreachable
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => ClientError::Closed,
        _ => ClientError::Other(error.to_string()),
    }
}
