//! Settings that a replica must not have less of than its primary.

use sty_wire::observation::Change;

/// What waits for a restart of the primary, of the settings that replicas must not have less of.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sizes {
    /// One gets smaller.
    pub(crate) shrinks: bool,
    /// One gets larger.
    pub(crate) grows: bool,
}

impl Sizes {
    /// Of changes that wait.
    pub(crate) fn of<'a>(waiting: impl Iterator<Item = &'a Change>) -> Self {
        waiting.fold(Self::default(), |sizes, change| Self {
            shrinks: sizes.shrinks || shrinks(change),
            grows: sizes.grows || grows(change),
        })
    }
}

/// Whether a setting waits to become smaller that the replicas' must not be below: they start
/// with no less than the primary has. Touches no machine.
pub fn shrinks(change: &Change) -> bool {
    is_size(change).is_some_and(|(from, to)| to < from)
}

fn grows(change: &Change) -> bool {
    is_size(change).is_some_and(|(from, to)| to > from)
}

/// What it is and will be, of a setting that replicas must not have less of.
fn is_size(change: &Change) -> Option<(u64, u64)> {
    const AT_LEAST_THE_PRIMARYS: [&str; 5] = [
        "max_connections",
        "max_locks_per_transaction",
        "max_prepared_transactions",
        "max_wal_senders",
        "max_worker_processes",
    ];
    let number = |side: &Option<String>| side.as_ref()?.parse::<u64>().ok();
    let counts = AT_LEAST_THE_PRIMARYS.contains(&change.what.as_str());
    number(&change.from)
        .zip(number(&change.to))
        .filter(|_| counts)
}
