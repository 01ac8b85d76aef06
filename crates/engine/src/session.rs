//! A node program under way: requests go in, replies come out.

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use sty_wire::facts::Facts;
use sty_wire::protocol::{Reply, Request};

use crate::error::SessionError;
use crate::pipes::{END_LIMIT, Pipes};

/// A node that answers requests.
pub trait NodeLink: Send {
    /// Sends a request and waits for its final reply, at most for `limit`; `progress` is told
    /// what an action does meanwhile. May touch the machine, as the request says.
    ///
    /// # Errors
    /// When the node is lost, silent, or refuses the request. A failed action is a reply.
    fn request(
        &mut self,
        request: &Request,
        limit: Option<Duration>,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Reply, SessionError>;
}

/// A connected node. The node program ends with it.
pub struct Session {
    host: String,
    facts: Facts,
    pipes: Pipes,
}

impl Session {
    pub(crate) fn new(host: String, facts: Facts, pipes: Pipes) -> Self {
        Self { host, facts, pipes }
    }

    /// Inventory hostname.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What the node said about itself.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Ends the node program and waits until it has ended; then whatever it held is free.
    ///
    /// # Errors
    /// When it did not end by itself with success.
    pub fn close(mut self) -> Result<(), SessionError> {
        match self.pipes.finish(END_LIMIT) {
            Some(Some(0)) => Ok(()),
            Some(exit_code) => Err(SessionError::Ended {
                host: self.host.clone(),
                exit_code,
                tail: self.pipes.tail(),
            }),
            None => Err(SessionError::TimedOut {
                host: self.host.clone(),
                limit: END_LIMIT,
            }),
        }
    }

    fn ended(&mut self) -> SessionError {
        let exit_code = self.pipes.finish(END_LIMIT).flatten();
        SessionError::Ended {
            host: self.host.clone(),
            exit_code,
            tail: self.pipes.tail(),
        }
    }

    fn receive(
        &mut self,
        limit: Option<Duration>,
        left: Option<Duration>,
    ) -> Result<Reply, SessionError> {
        match self.pipes.receive(left) {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) => Err(SessionError::Protocol {
                host: self.host.clone(),
                detail: "a line is not a reply".to_owned(),
            }),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
            Err(RecvTimeoutError::Timeout) => {
                // A late answer must never be taken for that to a later request.
                self.pipes.stop();
                Err(SessionError::TimedOut {
                    host: self.host.clone(),
                    limit: limit.unwrap_or_default(),
                })
            }
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({})", self.host)
    }
}

impl NodeLink for Session {
    fn request(
        &mut self,
        request: &Request,
        limit: Option<Duration>,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Reply, SessionError> {
        if self.pipes.send(request).is_err() {
            return Err(self.ended());
        }
        let deadline = limit.map(|limit| Instant::now() + limit);
        loop {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            match self.receive(limit, left)? {
                Reply::Progress { text, .. } => progress(&text),
                Reply::Refused { failure } => {
                    return Err(SessionError::Refused {
                        host: self.host.clone(),
                        failure: Box::new(failure),
                    });
                }
                reply => return Ok(reply),
            }
        }
    }
}
