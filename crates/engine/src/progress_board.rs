//! How far each action of a run is, shared by the workers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sty_wire::action::{Action, Op};

use crate::event::Cause;

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    Failed,
    Skipped(Cause),
}

#[derive(Debug, Default)]
struct State {
    ended: BTreeMap<u32, End>,
    running: BTreeSet<u32>,
    /// Nodes and resources that were not brought about.
    nothing: BTreeSet<(String, String)>,
    /// Nodes whose connection was lost.
    lost: BTreeSet<String>,
}

/// Ends of actions, and waiting for them.
#[derive(Debug, Default)]
pub(crate) struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

impl Board {
    pub(crate) fn start(&self, action: u32) {
        self.lock().running.insert(action);
    }

    pub(crate) fn end(&self, action: &Action, end: End) {
        let mut state = self.lock();
        state.running.remove(&action.id);
        if let (Op::Converge { resource }, false) = (&action.op, end == End::Done) {
            let key = (action.node.clone(), resource.clone());
            state.nothing.insert(key);
        }
        state.ended.insert(action.id, end);
        self.changed.notify_all();
    }

    /// Notes that the connection to `node` was lost.
    pub(crate) fn lose(&self, node: &str) {
        self.lock().lost.insert(node.to_owned());
    }

    /// Whether the node was lost, or the resource was not brought about there.
    pub(crate) fn came_to_nothing(&self, node: &str, resource: &str) -> bool {
        let state = self.lock();
        let key = (node.to_owned(), resource.to_owned());
        state.lost.contains(node) || state.nothing.contains(&key)
    }

    pub(crate) fn running(&self) -> Vec<u32> {
        self.lock().running.iter().copied().collect()
    }

    /// Waits until every action that `action` needs has ended, or `stopped` says so. Returns why
    /// `action` cannot run, if it cannot.
    pub(crate) fn wait_for_needs(
        &self,
        action: &Action,
        stopped: impl Fn() -> bool,
    ) -> Option<Cause> {
        // Signals do not wake a condition variable; this is how soon they are noticed.
        const LOOK: Duration = Duration::from_millis(50);
        let mut state = self.lock();
        loop {
            if stopped() {
                return Some(Cause::Interrupted);
            }
            let ends: Vec<_> = action
                .needs
                .iter()
                .map(|need| (*need, state.ended.get(need)))
                .collect();
            if let Some(cause) = ends
                .iter()
                .find_map(|(need, end)| hindrance(*need, (*end)?))
            {
                return Some(cause);
            }
            if ends.iter().all(|(_, end)| end.is_some()) {
                return None;
            }
            state = self
                .changed
                .wait_timeout(state, LOOK)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until everything that `action` needs has ended, whichever way. Returns why
    /// `undone`, one of these, never began; `None` when it did.
    pub(crate) fn wait_for_ends(&self, action: &Action, undone: u32) -> Option<Cause> {
        let mut state = self.lock();
        while !action
            .needs
            .iter()
            .all(|need| state.ended.contains_key(need))
        {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        match state.ended.get(&undone) {
            Some(End::Skipped(cause)) => Some(cause.clone()),
            _ => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why an action that needs one with this end cannot run: the first cause, not the last.
fn hindrance(need: u32, end: &End) -> Option<Cause> {
    match end {
        End::Done => None,
        End::Failed => Some(Cause::Failed { action: need }),
        End::Skipped(Cause::Held) => Some(Cause::NeedsHeld { action: need }),
        End::Skipped(cause) => Some(cause.clone()),
    }
}
