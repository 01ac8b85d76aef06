//! What a member's node knows of why the member is not well, and of what others need from it.

use serde::{Deserialize, Serialize};

/// What no server runs without, of its data directory.
pub const ESSENTIAL: [&str; 7] = [
    "PG_VERSION",
    "base",
    "global/pg_control",
    "global/pg_filenode.map",
    "pg_multixact",
    "pg_wal",
    "pg_xact",
];

/// A file in the data directory of a member that has room and whose server has died again and again
/// while it replayed log over what is there, while another replica replays the same
/// (`fresh_copy.py`).
pub const DIES: &str = "dies_of_its_data";

/// The same where no other replica replays: whether it dies of its data nobody can tell.
pub const REPLAY_FAILS: &str = "replay_fails";

/// What Patroni's history says of a timeline's number that was left out (`timelines.py`).
pub const SKIPPED: &str = "left out";

/// SQL: where a replica's log ends, bytes: where it has received or replayed to, once it has used up
/// what it has and found no more. No row before that (it replays files of its own, is paused, or late
/// on purpose), and with a `restore_command`, by which it may find more elsewhere: nobody can tell.
pub const WAL_END: &str = "\
    SELECT greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0'::pg_lsn
    WHERE coalesce(current_setting('restore_command'), '') = '' AND EXISTS (
      SELECT FROM pg_stat_activity
      WHERE backend_type = 'startup' AND wait_event = 'RecoveryRetrieveRetryInterval')";

/// SQL, one row: the size of a file of log, and where the oldest begins, whatever its timeline; bytes.
pub const WAL_KEPT: &str = "\
    SELECT size.bytes,
      (SELECT min(('x' || substr(name, 9, 8))::bit(32)::bigint * (4294967296 / size.bytes)
                  + ('x' || substr(name, 17, 8))::bit(32)::bigint) * size.bytes
       FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$')
    FROM (SELECT setting::bigint AS bytes FROM pg_settings WHERE name = 'wal_segment_size') size";

/// Why a member is not well, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Patroni does not run.
    PatroniStopped,
    /// Patroni runs and does not answer.
    PatroniSilent,
    /// PostgreSQL is stopped, as Patroni knows.
    Stopped,
    /// PostgreSQL starts.
    Starting,
    /// PostgreSQL replays what was not on disk when it, or its node, died.
    CrashRecovery,
    /// PostgreSQL does not start; its data may be good.
    StartFailed,
    /// PostgreSQL dies again and again while it replays log, and no other replica shows whether that
    /// is for the data here.
    ReplayFails,
    /// A former primary is taken back to where the new one took over.
    Rewinding,
    /// The data of another member is copied here.
    Copying,
    /// There is no data here, and nobody copies any.
    DataMissing,
    /// There is data here with which no server can run: files that every server needs are not
    /// there, or replaying the log over them failed.
    DataBroken,
    /// A replica does not receive the log of the one it follows.
    NotStreaming,
    /// A replica has log that the leader's history does not have.
    TimelineDiverged,
    /// The log that a replica needs next is no longer on the member that it follows.
    WalGone,
    /// The slot of a replica is still held by a connection of it that is gone.
    SlotHeld,
}

impl Condition {
    /// In words, as what a member does or is.
    pub fn words(self) -> &'static str {
        match self {
            Self::PatroniStopped => "Patroni does not run",
            Self::PatroniSilent => "Patroni does not answer",
            Self::Stopped => "PostgreSQL is stopped",
            Self::Starting => "PostgreSQL is starting",
            Self::CrashRecovery => "PostgreSQL recovers from a crash",
            Self::StartFailed => "PostgreSQL does not start",
            Self::ReplayFails => "PostgreSQL dies whenever it replays its log",
            Self::Rewinding => "it is being rewound to where the new primary took over",
            Self::Copying => "the data is being copied anew",
            Self::DataMissing => "it has no data",
            Self::DataBroken => "its data directory is broken",
            Self::NotStreaming => "it does not stream from the leader",
            Self::TimelineDiverged => "its timeline has diverged from the leader's",
            Self::WalGone => "it cannot catch up: the WAL it needs is gone from the leader",
            Self::SlotHeld => "its replication slot is still held by a dead connection",
        }
    }

    /// Whether only a fresh copy of the data brings the member back.
    pub fn needs_copy(self) -> bool {
        matches!(self, Self::DataBroken | Self::WalGone)
    }
}

/// How a member stands, seen from its own node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Standing {
    /// Why it is not well, as far as that can be told without the others.
    pub condition: Option<Condition>,
    /// Since when, seconds since 1970: the last moment at which it was seen to be otherwise.
    pub since: Option<u64>,
    /// Of a replica that does not stream: where its log ends, bytes. `None` when it can take log
    /// from elsewhere, or when it is not known.
    pub wal_end: Option<u64>,
    /// Where the log that is kept here begins, bytes, and the size of its files.
    pub wal_kept: Option<WalKept>,
    /// Replication slots here, when somebody does not stream.
    pub slots: Vec<Slot>,
}

/// The log that a server keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalKept {
    /// Position of the oldest byte.
    pub from: u64,
    /// Bytes of one file.
    pub segment_bytes: u64,
}

/// A replication slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Name.
    pub name: String,
    /// Somebody is connected to it.
    pub active: bool,
    /// It no longer keeps the log that its owner needs, and never will again.
    pub lost: bool,
    /// Since when nobody is, seconds since 1970; PostgreSQL 17 and later know it.
    pub inactive_since: Option<u64>,
}

impl Standing {
    /// The condition of a replica `name` that stands like this, as what it follows stands like
    /// `upstream`.
    pub fn behind(&self, name: &str, upstream: &Self) -> Option<Condition> {
        if self.condition != Some(Condition::NotStreaming) {
            return self.condition;
        }
        let gone = self.wal_end.zip(upstream.wal_kept);
        if gone.is_some_and(|(end, kept)| end / kept.segment_bytes * kept.segment_bytes < kept.from)
        {
            return Some(Condition::WalGone);
        }
        match upstream.slot_of(name) {
            Some(slot) if slot.active => Some(Condition::SlotHeld),
            _ => self.condition,
        }
    }

    /// The slot that Patroni keeps here for member `name`.
    pub fn slot_of(&self, name: &str) -> Option<&Slot> {
        let wanted = name.to_lowercase().replace(['-', '.'], "_");
        self.slots.iter().find(|slot| slot.name == wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: u64 = 16 << 20;

    fn check(wal_end: Option<u64>, kept_from: u64, active: bool) -> Option<Condition> {
        let replica = Standing {
            condition: Some(Condition::NotStreaming),
            wal_end,
            ..Standing::default()
        };
        let upstream = Standing {
            wal_kept: Some(WalKept {
                from: kept_from,
                segment_bytes: FILE,
            }),
            slots: vec![Slot {
                name: "pg_test_3".to_owned(),
                active,
                lost: false,
                inactive_since: None,
            }],
            ..Standing::default()
        };
        replica.behind("pg-test-3", &upstream)
    }

    #[test]
    fn wal_is_gone_when_the_file_in_which_a_replicas_log_ends_is() {
        assert_eq!(
            check(Some(2 * FILE - 1), 2 * FILE, false),
            Some(Condition::WalGone)
        );
        assert_eq!(
            check(Some(2 * FILE), 2 * FILE, false),
            Some(Condition::NotStreaming)
        );
        assert_eq!(
            check(Some(3 * FILE + 7), 3 * FILE, false),
            Some(Condition::NotStreaming)
        );
        assert_eq!(check(None, 2 * FILE, false), Some(Condition::NotStreaming));
    }

    #[test]
    fn a_slot_that_somebody_holds_while_its_replica_does_not_stream_is_held() {
        assert_eq!(check(Some(2 * FILE), FILE, true), Some(Condition::SlotHeld));
        assert_eq!(check(Some(FILE), 2 * FILE, true), Some(Condition::WalGone));
    }

    #[test]
    fn what_a_node_knows_by_itself_stands() {
        let copying = Standing {
            condition: Some(Condition::Copying),
            wal_end: Some(0),
            ..Standing::default()
        };
        let upstream = Standing::default();
        assert_eq!(
            copying.behind("pg-test-3", &upstream),
            Some(Condition::Copying)
        );
    }
}
