//! What happens during an apply, one event each: for the terminal, for `--output json`, for the
//! journal.

use serde::{Deserialize, Serialize};
use sty_wire::observation::{Change, Failure};

/// Something happened. Free of secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// An action began on its node.
    Started {
        /// Action id.
        action: u32,
        /// Inventory hostname.
        node: String,
        /// Title of the action.
        title: String,
    },
    /// What an action does now.
    Progress {
        /// Action id.
        action: u32,
        /// Inventory hostname.
        node: String,
        /// In words.
        text: String,
    },
    /// An action reached its post-condition.
    Done {
        /// Action id.
        action: u32,
        /// Inventory hostname.
        node: String,
        /// Title of the action.
        title: String,
        /// How long it took.
        seconds: f64,
        /// What was changed.
        changes: Vec<Change>,
    },
    /// An action failed.
    Failed {
        /// Action id.
        action: u32,
        /// Inventory hostname.
        node: String,
        /// Title of the action.
        title: String,
        /// How long it took.
        seconds: f64,
        /// Why.
        failure: Failure,
    },
    /// An action was not run.
    Skipped {
        /// Action id.
        action: u32,
        /// Inventory hostname.
        node: String,
        /// Title of the action.
        title: String,
        /// Why not.
        cause: Cause,
        /// The same in words: `action 3 failed`.
        reason: String,
    },
    /// The operator wants to stop: nothing new starts, these actions finish.
    Interrupted {
        /// Action ids under way.
        running: Vec<u32>,
    },
    /// The end.
    Summary {
        /// Counts.
        summary: Summary,
    },
}

/// Why an action was not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// The plan holds it back.
    Held,
    /// It needs an action that the plan holds back.
    NeedsHeld {
        /// Which.
        action: u32,
    },
    /// An action that it builds upon failed.
    Failed {
        /// Which.
        action: u32,
    },
    /// There is no connection to its node, or to that of an action that it builds upon.
    Unreachable {
        /// Which.
        node: String,
    },
    /// The operator stopped the run.
    Interrupted,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Actions done.
    pub done: usize,
    /// Actions that failed.
    pub failed: usize,
    /// Actions not run because of a failure or a lost node.
    pub skipped: usize,
    /// Actions that the plan holds back, and those that need them.
    pub held: usize,
    /// Actions not run because the operator stopped the run.
    pub not_started: usize,
    /// The operator stopped the run.
    pub interrupted: bool,
    /// How long it took.
    pub seconds: f64,
}

impl Summary {
    /// Counts an event.
    pub(crate) fn take(&mut self, event: &Event) {
        match event {
            Event::Done { .. } => self.done += 1,
            Event::Failed { .. } => self.failed += 1,
            Event::Skipped { cause, .. } => match cause {
                Cause::Held | Cause::NeedsHeld { .. } => self.held += 1,
                Cause::Interrupted => self.not_started += 1,
                Cause::Failed { .. } | Cause::Unreachable { .. } => self.skipped += 1,
            },
            _ => {}
        }
    }
}
