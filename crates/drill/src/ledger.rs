//! What a client was told, row by row, and what of it holds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// How one attempt ended, as the client saw it. Errors are SQLSTATEs, or a word for what
/// happened to the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server said that it is done.
    Acknowledged,
    /// The same, after the client had given up waiting: a promise all the same.
    Late,
    /// The server said no and the session went on: it must have had no effect.
    Refused(String),
    /// Sent, and no answer that settles it: it may have been done or not.
    Unanswered(String),
    /// There was no connection to send it on.
    NotSent(String),
}

/// One attempt. A number that was answered late has two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Number of the row.
    pub number: u64,
    /// When it was sent, or would have been.
    pub began_us: u64,
    /// When the client knew.
    pub ended_us: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Where the server's log had come to with the row, bytes, when it said so.
    pub wal_position: Option<u64>,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its beginning: when the fault struck.
    pub from_us: u64,
    /// Its end.
    pub to_us: u64,
}

impl Window {
    /// How long it is; nothing where it ends before it begins.
    pub fn length_us(&self) -> u64 {
        self.to_us.saturating_sub(self.from_us)
    }
}

/// Attempts of one client, in the order in which they ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// All of them.
    pub attempts: Vec<Attempt>,
}

/// What became of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Audit {
    /// Rows that a client was told are committed.
    pub acknowledged_rows: u64,
    /// Of those, the ones that are not there.
    pub lost_rows: u64,
    /// Numbers of the first of them.
    pub lost_first: Vec<u64>,
    /// The log that went with them, bytes: from the last acknowledged row before them that is there
    /// to the last of them. `None` where nothing was lost, or the client was not told positions.
    #[serde(default)]
    pub lost_wal_bytes: Option<u64>,
    /// Rows that are there more than once.
    pub rows_seen_twice: u64,
    /// Rows sent that nobody answered for, and never did.
    pub unanswered_rows: u64,
    /// Of those, the ones that are there; as they may be.
    pub unanswered_rows_found: u64,
    /// Rows that the server refused or never got, and that are there all the same.
    pub refused_rows_found: u64,
}

impl Audit {
    /// That more of the log was lost with acknowledged rows than `pg_rpo` bytes, in words.
    pub fn beyond(&self, rpo_bytes: u64) -> Option<String> {
        let lost = self.lost_wal_bytes.filter(|lost| *lost > rpo_bytes)?;
        Some(format!(
            "{} acknowledged rows are lost, over {lost} bytes of the log: more than the {rpo_bytes} \
             of `pg_rpo`",
            self.lost_rows
        ))
    }
}

/// Numbers of lost rows that are told.
const TOLD: usize = 20;

impl Ledger {
    /// The longest time without an acknowledgement of which some falls into the window,
    /// microseconds. It begins with the last acknowledgement before the window, and ends with the
    /// window at the latest. Late answers are none: the client had given up.
    pub fn gap_us(&self, window: Window) -> u64 {
        self.gap(window).length_us()
    }

    /// The same, with its beginning and end.
    pub fn gap(&self, window: Window) -> Window {
        let nothing = Window {
            from_us: window.from_us,
            to_us: window.from_us,
        };
        let mut longest = nothing;
        let mut last = None;
        let mut until = |last: Option<u64>, to_us: u64| {
            let from_us = last.unwrap_or(window.from_us);
            let gap = Window { from_us, to_us };
            if gap.length_us() > longest.length_us() {
                longest = gap;
            }
        };
        for at in self.acknowledged_us() {
            if at > window.to_us {
                break;
            }
            if at >= window.from_us {
                until(last, at);
            }
            last = Some(at);
        }
        until(last, window.to_us);
        longest
    }

    /// When the client got its acknowledgements, in order.
    fn acknowledged_us(&self) -> Vec<u64> {
        let acknowledged = |attempt: &&Attempt| attempt.outcome == Outcome::Acknowledged;
        let times = self.attempts.iter().filter(acknowledged);
        let mut times: Vec<u64> = times.map(|attempt| attempt.ended_us).collect();
        times.sort_unstable();
        times
    }

    /// Whether something sent after this moment was acknowledged.
    pub fn serves_after(&self, moment_us: u64) -> bool {
        let mut latest = self.attempts.iter().rev();
        latest.any(|one| one.outcome == Outcome::Acknowledged && one.began_us > moment_us)
    }

    /// Whether something sent after this moment was not acknowledged.
    pub fn fails_after(&self, moment_us: u64) -> bool {
        let mut latest = self.attempts.iter().rev();
        latest.any(|one| one.outcome != Outcome::Acknowledged && one.began_us > moment_us)
    }

    /// How often each kind of error was met from this moment on, microseconds.
    pub fn errors_since(&self, moment_us: u64) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for attempt in self.attempts.iter().filter(|one| one.ended_us >= moment_us) {
            match &attempt.outcome {
                Outcome::Acknowledged | Outcome::Late => {}
                Outcome::Refused(error) | Outcome::Unanswered(error) | Outcome::NotSent(error) => {
                    *counts.entry(error.clone()).or_default() += 1
                }
            }
        }
        counts
    }

    /// Compares what the client was told with `found`: how often each number is there.
    pub fn audit(&self, found: &BTreeMap<u64, u64>) -> Audit {
        let numbers = |wanted: fn(&Outcome) -> bool| -> BTreeSet<u64> {
            let attempts = self.attempts.iter();
            let chosen = attempts.filter(|attempt| wanted(&attempt.outcome));
            chosen.map(|attempt| attempt.number).collect()
        };
        let acknowledged =
            numbers(|outcome| matches!(outcome, Outcome::Acknowledged | Outcome::Late));
        let sent = numbers(|outcome| matches!(outcome, Outcome::Unanswered(_)));
        let unanswered: BTreeSet<u64> = sent.difference(&acknowledged).copied().collect();
        let lost: Vec<u64> = missing(&acknowledged, found).collect();
        let there = |set: &BTreeSet<u64>| set.len() - missing(set, found).count();
        let known = |number: &&u64| acknowledged.contains(number) || unanswered.contains(number);
        Audit {
            acknowledged_rows: count(acknowledged.len()),
            lost_rows: count(lost.len()),
            lost_wal_bytes: self.wal_between(&lost),
            lost_first: lost.into_iter().take(TOLD).collect(),
            rows_seen_twice: count(found.values().filter(|times| **times > 1).count()),
            unanswered_rows: count(unanswered.len()),
            unanswered_rows_found: count(there(&unanswered)),
            refused_rows_found: count(found.keys().filter(|number| !known(number)).count()),
        }
    }

    /// The log from the last acknowledged row before the first of `lost` to the furthest of them.
    /// Later rows that are there may be on another timeline, whose positions begin anew.
    fn wal_between(&self, lost: &[u64]) -> Option<u64> {
        let first = lost.first()?;
        let furthest = |wanted: &dyn Fn(u64) -> bool| {
            let attempts = self.attempts.iter().filter(|one| wanted(one.number));
            attempts.filter_map(|attempt| attempt.wal_position).max()
        };
        let before = furthest(&|number| number < *first)?;
        let last = furthest(&|number| lost.binary_search(&number).is_ok())?;
        Some(last.saturating_sub(before))
    }

    /// Rows acknowledged at or after this moment that are not there. Of a client that speaks to
    /// the old primary alone, from the moment of the fault on: rows that two primaries disagree
    /// about.
    pub fn lost_since(&self, moment_us: u64, found: &BTreeMap<u64, u64>) -> u64 {
        let told = |attempt: &&Attempt| {
            attempt.ended_us >= moment_us
                && matches!(attempt.outcome, Outcome::Acknowledged | Outcome::Late)
        };
        let since: BTreeSet<u64> = self
            .attempts
            .iter()
            .filter(told)
            .map(|one| one.number)
            .collect();
        count(missing(&since, found).count())
    }
}

fn missing<'a>(
    numbers: &'a BTreeSet<u64>,
    found: &'a BTreeMap<u64, u64>,
) -> impl Iterator<Item = u64> + 'a {
    let absent = |number: &&u64| !found.contains_key(number);
    numbers.iter().filter(absent).copied()
}

/// A number of things in memory.
fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
