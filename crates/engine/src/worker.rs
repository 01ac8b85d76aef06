//! One node's part of a run.

use std::sync::mpsc;
use std::time::Instant;

use sty_wire::action::{Action, Op};
use sty_wire::observation::{Change, Failure};
use sty_wire::protocol::{Reply, Request, Supply};
use sty_wire::resource::{ResourceKind, Stage};

use crate::event::{Cause, Event};
use crate::execute::Work;
use crate::progress_board::{Board, End};
use crate::quorum::Quorum;
use crate::session::NodeLink;

/// One node's thread.
pub(crate) struct Worker<'a, L> {
    link: Option<&'a mut L>,
    work: &'a Work<'a>,
    board: &'a Board,
    events: mpsc::Sender<Event>,
    /// Actions of this node that did not come about because of a failure, here or elsewhere,
    /// with the first cause.
    broken: Vec<(&'a Action, Cause)>,
    /// The action during which the connection was lost.
    lost_by: Option<u32>,
}

impl<'a, L: NodeLink> Worker<'a, L> {
    /// A worker for the node behind `link`; `None` when there is no connection.
    pub(crate) fn new(
        link: Option<&'a mut L>,
        work: &'a Work<'a>,
        board: &'a Board,
        events: mpsc::Sender<Event>,
    ) -> Self {
        Self {
            link,
            work,
            board,
            events,
            broken: Vec::new(),
            lost_by: None,
        }
    }

    /// Goes through the node's actions in order.
    pub(crate) fn run(mut self, queue: &[&'a Action]) {
        for action in queue {
            let end = match self.hindrance(action) {
                Some(cause) => self.skip(action, cause),
                None => self.act(action),
            };
            match &end {
                End::Failed => self
                    .broken
                    .push((action, Cause::Failed { action: action.id })),
                End::Skipped(cause @ (Cause::Failed { .. } | Cause::Unreachable { .. })) => {
                    self.broken.push((action, cause.clone()));
                }
                _ => {}
            }
            self.board.end(action, end);
        }
    }

    /// Why `action` does not run; waits for what it needs.
    fn hindrance(&self, action: &Action) -> Option<Cause> {
        if action.held.is_some() {
            return Some(Cause::Held);
        }
        if let Some(undone) = action.undoes {
            // Once there is something to undo, neither failures nor an interrupt matter.
            let not_begun = self.board.wait_for_ends(action, undone);
            return not_begun.or_else(|| self.no_connection(action));
        }
        if let Some(lost_by) = self.lost_by {
            return Some(Cause::Failed { action: lost_by });
        }
        if let Some(cause) = self.no_connection(action) {
            return Some(cause);
        }
        let builds_upon = |(broken, _): &&(&Action, Cause)| blocks(broken, action);
        if let Some((_, first)) = self.broken.iter().find(builds_upon) {
            return Some(first.clone());
        }
        self.board
            .wait_for_needs(action, || self.work.interrupt.is_set())
    }

    fn no_connection(&self, action: &Action) -> Option<Cause> {
        self.link.is_none().then(|| Cause::Unreachable {
            node: action.node.clone(),
        })
    }

    fn skip(&self, action: &Action, cause: Cause) -> End {
        let reason = match &cause {
            Cause::Held => action.held.clone().unwrap_or_default(),
            Cause::NeedsHeld { action } => format!("action {action} is held back"),
            Cause::Failed { action } => format!("action {action} failed"),
            Cause::Unreachable { node } => format!("node `{node}` is not connected"),
            Cause::Interrupted => "interrupted".to_owned(),
        };
        self.tell(Event::Skipped {
            action: action.id,
            node: action.node.clone(),
            title: action.title.clone(),
            cause: cause.clone(),
            reason,
        });
        End::Skipped(cause)
    }

    fn act(&mut self, action: &Action) -> End {
        let (id, node, title) = (action.id, action.node.clone(), action.title.clone());
        self.board.start(id);
        self.tell(Event::Started {
            action: id,
            node: node.clone(),
            title: title.clone(),
        });
        let started = Instant::now();
        let result = self.converge(action);
        let seconds = started.elapsed().as_secs_f64();
        let (end, event) = match result {
            Ok(changes) => (
                End::Done,
                Event::Done {
                    action: id,
                    node,
                    title,
                    seconds,
                    changes,
                },
            ),
            Err(failure) => (
                End::Failed,
                Event::Failed {
                    action: id,
                    node,
                    title,
                    seconds,
                    failure,
                },
            ),
        };
        // Told before others may build upon it.
        self.tell(event);
        end
    }

    fn converge(&mut self, action: &Action) -> Result<Vec<Change>, Failure> {
        let request = Request::Execute {
            action: action.id,
            op: action.op.clone(),
            supply: self.supply(action)?,
        };
        let events = self.events.clone();
        let Some(link) = self.link.as_mut() else {
            return Err(Failure::message("there is no connection to the node"));
        };
        let mut progress = |text: &str| {
            drop(events.send(Event::Progress {
                action: action.id,
                node: action.node.clone(),
                text: text.to_owned(),
            }));
        };
        let mut quorum = Quorum::new(action, self.work, self.board);
        let mut away = None;
        let mut give_up = || {
            away = away.take().or_else(|| quorum.out_of_reach());
            away.is_some()
        };
        let reply = link.watched(&request, &mut progress, &mut give_up);
        match reply {
            Ok(Reply::Done {
                action: id,
                changes,
            }) if id == action.id => Ok(changes),
            Ok(Reply::Failed {
                action: id,
                failure,
            }) if id == action.id => Err(match away {
                Some(away) => without(&away, failure),
                None => failure,
            }),
            Ok(_) => Err(Failure::message(
                "the node answered out of turn, a fault of `sty`",
            )),
            Err(error) => {
                if error.is_final() {
                    self.link = None;
                    self.board.lose(&action.node);
                    self.lost_by = Some(action.id);
                }
                Err(error.into_failure())
            }
        }
    }

    fn supply(&self, action: &Action) -> Result<Option<Supply>, Failure> {
        let Op::Converge { resource: id } = &action.op else {
            return Ok(None);
        };
        let resources = self.work.resources.get(&action.node);
        let resource = resources.and_then(|all| all.iter().find(|resource| resource.id == *id));
        match resource.map(|resource| &resource.kind) {
            Some(ResourceKind::Certificate(certificate)) => {
                self.work.signer.sign(certificate).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn tell(&self, event: Event) {
        // The receiver lives as long as the workers.
        drop(self.events.send(event));
    }
}

/// The failure of a member of etcd that was not waited for any longer.
fn without(away: &[String], failure: Failure) -> Failure {
    Failure {
        hint: Some("bring their nodes up, then apply again".to_owned()),
        ..Failure::message(format!(
            "etcd has no majority without {}, which do not come up: {}",
            away.join(", "),
            failure.message
        ))
    }
}

/// Whether a later action on the same node builds upon `broken`: a later stage builds upon all
/// before it, except that roles, databases and dynamic settings stand side by side and carry
/// nothing; what is removed goes in order, data last.
fn blocks(broken: &Action, later: &Action) -> bool {
    let concerned = broken.cluster.is_none() || later.cluster == broken.cluster;
    concerned
        && match broken.stage {
            Stage::Dynamic | Stage::Objects => false,
            Stage::Cleanup => true,
            _ => later.stage > broken.stage,
        }
}
