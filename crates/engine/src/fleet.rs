//! All nodes of a run.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Instant;

use sty_wire::facts::Facts;
use sty_wire::observation::{Failure, Observation, Surroundings};
use sty_wire::protocol::{Reply, Request};
use sty_wire::resource::Resource;
use sty_wire::status::{NodeStatus, StatusQuery};

use crate::connect::{ConnectOptions, connect};
use crate::error::{ConnectError, SessionError};
use crate::pool;
use crate::program::Program;
use crate::session::{NodeLink, Session};
use crate::target::Target;

/// How far the connecting is, for the operator's eyes.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectEvent {
    /// The program is copied to a node.
    Uploading {
        /// Inventory hostname.
        host: String,
        /// Size of the program.
        bytes: u64,
    },
    /// A node greeted.
    Connected {
        /// Inventory hostname.
        host: String,
        /// Since the start of connecting.
        seconds: f64,
    },
    /// A node could not be reached.
    Failed {
        /// Inventory hostname.
        host: String,
    },
}

/// Nodes connected to, and those that could not be.
#[derive(Debug)]
pub struct Fleet {
    /// Connected nodes by inventory hostname.
    pub sessions: BTreeMap<String, Session>,
    /// The others.
    pub failures: BTreeMap<String, ConnectError>,
    /// Nodes whose connection was lost when they were to be taken.
    pub lost: BTreeMap<String, Failure>,
    options: ConnectOptions,
}

/// What a node answered to its desired state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// By resource id.
    pub observations: BTreeMap<String, Observation>,
    /// Clusters seen from there.
    pub surroundings: Surroundings,
}

/// Nodes that others are at work on: inventory hostname and holder.
#[derive(Debug, thiserror::Error)]
#[error("{}", busy_text(.0))]
pub struct Busy(pub BTreeMap<String, String>);

fn busy_text(holders: &BTreeMap<String, String>) -> String {
    let mut by_holder: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (host, holder) in holders {
        // Empty for the moment between taking a node and saying who took it.
        let holder = if holder.is_empty() {
            "another `sty`"
        } else {
            holder
        };
        by_holder.entry(holder).or_default().push(host);
    }
    let parts: Vec<String> = by_holder
        .into_iter()
        .map(|(holder, hosts)| match hosts.as_slice() {
            [host] => format!("node `{host}` is taken by {holder}"),
            [host, rest @ ..] => {
                format!(
                    "node `{host}` and {} more are taken by {holder}",
                    rest.len()
                )
            }
            [] => String::new(),
        })
        .collect();
    parts.join("; ")
}

impl Fleet {
    /// Connects to all nodes at once. A node that fails is in `failures` and stops no other.
    pub fn connect(
        targets: &[(String, Target)],
        program: &Program,
        options: &ConnectOptions,
        progress: &mut dyn FnMut(ConnectEvent),
    ) -> Self {
        let mut fleet = Self {
            sessions: BTreeMap::new(),
            failures: BTreeMap::new(),
            lost: BTreeMap::new(),
            options: options.clone(),
        };
        let started = Instant::now();
        let (sender, events) = mpsc::channel();
        let results = std::thread::scope(|scope| {
            let all = scope.spawn(move || {
                pool::for_each(targets.iter().collect(), options.width, |(host, target)| {
                    connect_one(host, target, program, options, started, &sender)
                })
            });
            for event in events {
                progress(event);
            }
            all.join().unwrap_or_default()
        });
        for (host, result) in results {
            match result {
                Ok(session) => drop(fleet.sessions.insert(host, session)),
                Err(error) => drop(fleet.failures.insert(host, error)),
            }
        }
        fleet
    }

    /// Facts of the connected nodes.
    pub fn facts(&self) -> BTreeMap<String, Facts> {
        let facts = |session: &Session| session.facts().clone();
        self.sessions
            .iter()
            .map(|(host, session)| (host.clone(), facts(session)))
            .collect()
    }

    /// Takes every connected node until the end of its session. When nodes are taken by others,
    /// `wait` is told by whom, and says whether to ask again. A node that does not answer as it
    /// should is moved to `lost`, and stops no other.
    ///
    /// # Errors
    /// When a node is taken by someone else; then all nodes are let go.
    pub fn lock(
        &mut self,
        holder: &str,
        wait: &mut dyn FnMut(&BTreeMap<String, String>) -> bool,
    ) -> Result<(), Busy> {
        loop {
            let busy = self.try_lock(holder);
            if busy.is_empty() {
                return Ok(());
            }
            if !wait(&busy) {
                self.end();
                return Err(Busy(busy));
            }
        }
    }

    /// Asks every node once, and gives the holders; one that is ours already says so again.
    fn try_lock(&mut self, holder: &str) -> BTreeMap<String, String> {
        let request = Request::Lock {
            holder: holder.to_owned(),
        };
        let limit = Some(self.options.look_limit);
        let results = self.each(|_, session| session.request(&request, limit, &mut |_| {}));
        let mut busy = BTreeMap::new();
        for (host, result) in results {
            let error = match result {
                Ok(Reply::Locked) => continue,
                Ok(Reply::Busy { holder }) => {
                    busy.insert(host, holder);
                    continue;
                }
                Ok(_) => out_of_turn(&host, "lock"),
                Err(error) => error,
            };
            self.sessions.remove(&host);
            self.lost.insert(host, error.into_failure());
        }
        busy
    }

    /// Has every node compare itself with its resources (nodes without resources are not asked).
    pub fn observe(
        &mut self,
        resources: &BTreeMap<String, Vec<Resource>>,
    ) -> BTreeMap<String, Result<Observed, SessionError>> {
        let limit = Some(self.options.look_limit);
        self.ask(resources, |host, resources, session| {
            let request = Request::Observe {
                resources: resources.clone(),
            };
            match session.request(&request, limit, &mut |_| {})? {
                Reply::Observed {
                    observations,
                    surroundings,
                } => Ok(Observed {
                    observations,
                    surroundings,
                }),
                _ => Err(out_of_turn(host, "observe")),
            }
        })
    }

    /// Asks every node that has a query how it is.
    pub fn status(
        &mut self,
        queries: &BTreeMap<String, StatusQuery>,
    ) -> BTreeMap<String, Result<NodeStatus, SessionError>> {
        let limit = Some(self.options.look_limit);
        self.ask(queries, |host, query, session| {
            let request = Request::Status {
                query: Box::new(query.clone()),
            };
            match session.request(&request, limit, &mut |_| {})? {
                Reply::Status { status } => Ok(status),
                _ => Err(out_of_turn(host, "status")),
            }
        })
    }

    /// Ends all node programs and waits until they have ended; returns those that did not end as
    /// they should.
    pub fn close(mut self) -> Vec<SessionError> {
        self.end().into_iter().filter_map(Result::err).collect()
    }

    /// All at once, so that the time to end is that of the slowest node and not the sum.
    fn end(&mut self) -> Vec<Result<(), SessionError>> {
        let sessions = std::mem::take(&mut self.sessions);
        pool::for_each(
            sessions.into_values().collect(),
            self.options.width,
            Session::close,
        )
    }

    fn ask<Q: Sync, R: Send>(
        &mut self,
        questions: &BTreeMap<String, Q>,
        ask: impl Fn(&str, &Q, &mut Session) -> Result<R, SessionError> + Sync,
    ) -> BTreeMap<String, Result<R, SessionError>> {
        self.each(|host, session| {
            let question = questions.get(host)?;
            Some(ask(host, question, session))
        })
        .into_iter()
        .filter_map(|(host, answer)| Some((host, answer?)))
        .collect()
    }

    fn each<R: Send>(&mut self, work: impl Fn(&str, &mut Session) -> R + Sync) -> Vec<(String, R)> {
        let sessions: Vec<_> = self.sessions.iter_mut().collect();
        pool::for_each(sessions, self.options.width, |(host, session)| {
            (host.clone(), work(host, session))
        })
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.end();
    }
}

fn connect_one(
    host: &str,
    target: &Target,
    program: &Program,
    options: &ConnectOptions,
    started: Instant,
    events: &mpsc::Sender<ConnectEvent>,
) -> (String, Result<Session, ConnectError>) {
    // Nobody listening means that nobody wants to see it.
    let tell = |event| drop(events.send(event));
    let uploading = || {
        tell(ConnectEvent::Uploading {
            host: host.to_owned(),
            bytes: program.size(),
        });
    };
    let result = connect(host, target, program, options, &uploading);
    let host = host.to_owned();
    tell(match &result {
        Ok(_) => ConnectEvent::Connected {
            host: host.clone(),
            seconds: started.elapsed().as_secs_f64(),
        },
        Err(_) => ConnectEvent::Failed { host: host.clone() },
    });
    (host, result)
}

fn out_of_turn(host: &str, request: &str) -> SessionError {
    SessionError::Protocol {
        host: host.to_owned(),
        detail: format!("no answer to `{request}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::Busy;

    #[test]
    fn names_the_holder() {
        let holders = [
            ("pg-1", "ann@ops"),
            ("pg-2", "ann@ops"),
            ("pg-3", "bob@lab"),
        ];
        let busy = holders.map(|(host, holder)| (host.to_owned(), holder.to_owned()));
        assert_eq!(
            Busy(busy.into()).to_string(),
            "node `pg-1` and 1 more are taken by ann@ops; node `pg-3` is taken by bob@lab"
        );
    }
}
