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

    /// The same without a limit; when `give_up` says so, the node is told to wait no longer for
    /// what the action waits for, and answers that it failed.
    ///
    /// # Errors
    /// As above.
    fn watched(
        &mut self,
        request: &Request,
        progress: &mut dyn FnMut(&str),
        give_up: &mut dyn FnMut() -> bool,
    ) -> Result<Reply, SessionError> {
        let _ = give_up;
        self.request(request, None, progress)
    }
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

    fn understood(
        &mut self,
        received: Result<Result<Reply, String>, RecvTimeoutError>,
        limit: Option<Duration>,
    ) -> Result<Reply, SessionError> {
        match received {
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

impl Session {
    /// Passes progress on; `None` when more is to come.
    fn final_one(
        &self,
        reply: Reply,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Option<Reply>, SessionError> {
        match reply {
            Reply::Progress { text, .. } => {
                progress(&text);
                Ok(None)
            }
            Reply::Refused { failure } => Err(SessionError::Refused {
                host: self.host.clone(),
                failure: Box::new(failure),
            }),
            reply => Ok(Some(reply)),
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({})", self.host)
    }
}

/// How often [`NodeLink::watched`] asks whether to go on.
const LOOK: Duration = Duration::from_millis(250);
/// How soon a node answers that was told to wait no longer.
const ABANDON_LIMIT: Duration = Duration::from_secs(30);

impl NodeLink for Session {
    fn watched(
        &mut self,
        request: &Request,
        progress: &mut dyn FnMut(&str),
        give_up: &mut dyn FnMut() -> bool,
    ) -> Result<Reply, SessionError> {
        if self.pipes.send(request).is_err() {
            return Err(self.ended());
        }
        let mut told: Option<Instant> = None;
        loop {
            let received = self.pipes.receive(Some(LOOK));
            let late = told.is_some_and(|at| at.elapsed() >= ABANDON_LIMIT);
            if matches!(received, Err(RecvTimeoutError::Timeout)) && !late {
                if told.is_none() && give_up() {
                    // A node that is gone shows in the next look.
                    drop(self.pipes.send(&Request::Abandon));
                    told = Some(Instant::now());
                }
                continue;
            }
            let reply = self.understood(received, Some(ABANDON_LIMIT))?;
            if let Some(reply) = self.final_one(reply, progress)? {
                return Ok(reply);
            }
        }
    }

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
            let received = self.pipes.receive(left);
            let reply = self.understood(received, limit)?;
            if let Some(reply) = self.final_one(reply, progress)? {
                return Ok(reply);
            }
        }
    }
}
