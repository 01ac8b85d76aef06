//! Works through a plan: every node goes through its own actions in order, all nodes at once,
//! each action after those it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sty_core::ExitCode;
use sty_wire::action::Action;
use sty_wire::observation::Failure;
use sty_wire::protocol::Supply;
use sty_wire::resource::{Certificate, Resource};

use crate::event::{Cause, Event, Summary};
use crate::interrupt::Interrupt;
use crate::progress_board::Board;
use crate::session::NodeLink;
use crate::worker::Worker;

/// Who signs certificates.
pub trait Signer: Sync {
    /// A new certificate with its key.
    ///
    /// # Errors
    /// When it cannot be signed.
    fn sign(&self, certificate: &Certificate) -> Result<Supply, Failure>;
}

/// What a run needs beside the nodes and the actions.
pub struct Work<'a> {
    /// Desired state by inventory hostname.
    pub resources: &'a BTreeMap<String, Vec<Resource>>,
    /// Nodes that could not be looked at, by inventory hostname.
    pub unseen: &'a BTreeSet<String>,
    /// Who signs certificates.
    pub signer: &'a dyn Signer,
    /// The operator's wish to stop.
    pub interrupt: &'a Interrupt,
}

/// The actions are not a plan; a fault of `sty`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Two actions with one id.
    #[error("a fault of `sty`: the plan has two actions {0}")]
    Twice(u32),
    /// An action needs itself, a later one, or one that is not there.
    #[error("a fault of `sty`: action {action} needs action {need}, which is not before it")]
    Order {
        /// Which.
        action: u32,
        /// What it needs.
        need: u32,
    },
}

/// What became of every action.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Done.
    pub done: Vec<u32>,
    /// Failed, and why.
    pub failed: BTreeMap<u32, Failure>,
    /// Not run, and why.
    pub skipped: BTreeMap<u32, Cause>,
    /// Counts.
    pub summary: Summary,
}

impl Outcome {
    /// This run and the one after it, as one. Action ids are those of the second.
    #[must_use]
    pub fn and(self, then: Self) -> Self {
        let (first, second) = (self.summary, then.summary);
        Self {
            done: [self.done, then.done].concat(),
            failed: then.failed,
            skipped: then.skipped,
            summary: Summary {
                done: first.done + second.done,
                failed: first.failed + second.failed,
                skipped: first.skipped + second.skipped,
                held: second.held,
                not_started: first.not_started + second.not_started,
                interrupted: first.interrupted || second.interrupted,
                seconds: first.seconds + second.seconds,
            },
        }
    }

    /// How `sty apply` ends.
    pub fn exit_code(&self) -> ExitCode {
        let left = self.summary.failed + self.summary.skipped;
        if self.summary.interrupted {
            ExitCode::Interrupted
        } else if left == 0 {
            ExitCode::Done
        } else if self.done.is_empty() {
            ExitCode::Failed
        } else {
            ExitCode::Partial
        }
    }
}

/// Runs `actions` on `links` (by inventory hostname). Changes machines.
///
/// An action runs once all it needs are done. After a failure, the actions that build upon it are
/// skipped: those that need it, and on the same node those of later stages, of its cluster or,
/// when it concerns the node as a whole, of all. Everything else goes on. Once the interrupt is
/// set nothing new starts; what runs, finishes.
///
/// # Errors
/// When needs do not refer to earlier actions; then nothing has been run.
pub fn execute<L: NodeLink>(
    links: &mut BTreeMap<String, L>,
    actions: &[Action],
    work: &Work<'_>,
    sink: &mut dyn FnMut(&Event),
) -> Result<Outcome, PlanError> {
    let queues = queues(actions)?;
    let started = Instant::now();
    let board = Board::default();
    let (sender, events) = mpsc::channel();
    let mut outcome = Outcome::default();
    std::thread::scope(|scope| {
        let mut links: BTreeMap<&str, &mut L> = links
            .iter_mut()
            .map(|(host, link)| (host.as_str(), link))
            .collect();
        for (node, queue) in queues {
            let worker = Worker::new(links.remove(node), work, &board, sender.clone());
            scope.spawn(move || worker.run(&queue));
        }
        drop(sender);
        relay(&events, work.interrupt, &board, &mut |event| {
            outcome.take(&event);
            sink(&event);
        });
    });
    outcome.summary.seconds = started.elapsed().as_secs_f64();
    outcome.summary.interrupted = work.interrupt.is_set() && outcome.summary.not_started > 0;
    sink(&Event::Summary {
        summary: outcome.summary.clone(),
    });
    Ok(outcome)
}

/// Passes events on until all workers are gone; tells once that the run is interrupted.
fn relay(
    events: &mpsc::Receiver<Event>,
    interrupt: &Interrupt,
    board: &Board,
    sink: &mut dyn FnMut(Event),
) {
    let mut told = false;
    loop {
        let next = events.recv_timeout(Duration::from_millis(50));
        if interrupt.is_set() && !told {
            told = true;
            sink(Event::Interrupted {
                running: board.running(),
            });
        }
        match next {
            Ok(event) => sink(event),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The actions of every node, in order.
fn queues(actions: &[Action]) -> Result<BTreeMap<&str, Vec<&Action>>, PlanError> {
    let mut sorted: Vec<&Action> = actions.iter().collect();
    sorted.sort_by_key(|action| action.id);
    let mut before = BTreeSet::new();
    let mut queues: BTreeMap<&str, Vec<&Action>> = BTreeMap::new();
    for action in sorted {
        if let Some(need) = action.needs.iter().find(|need| !before.contains(*need)) {
            return Err(PlanError::Order {
                action: action.id,
                need: *need,
            });
        }
        if !before.insert(action.id) {
            return Err(PlanError::Twice(action.id));
        }
        queues.entry(&action.node).or_default().push(action);
    }
    Ok(queues)
}

impl Outcome {
    fn take(&mut self, event: &Event) {
        self.summary.take(event);
        match event {
            Event::Done { action, .. } => self.done.push(*action),
            Event::Failed {
                action, failure, ..
            } => drop(self.failed.insert(*action, failure.clone())),
            Event::Skipped { action, cause, .. } => {
                self.skipped.insert(*action, cause.clone());
            }
            _ => {}
        }
    }
}
