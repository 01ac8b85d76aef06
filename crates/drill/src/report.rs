//! What a drill found, run by run and together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Audit, Fault, Spread};

/// A drill: some runs, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// When it began, RFC 3339.
    pub began: String,
    /// When it ended, RFC 3339; `None` while it goes on, and of one that died.
    pub ended: Option<String>,
    /// `user@host`.
    pub operator: String,
    /// Inventory file.
    pub inventory: String,
    /// Cluster.
    pub cluster: String,
    /// Class that was asked for; `random` for one by chance in each run.
    pub fault: String,
    /// What repeats a random order.
    pub seed: Option<u64>,
    /// Recovery plan of the cluster (`pg_rto`).
    pub rto_plan: String,
    /// How writes wait for replicas: `off`, `on`, `quorum`.
    pub synchronous: String,
    /// Members of the cluster.
    pub members: u64,
    /// Clients, the same in every run.
    pub clients: Clients,
    /// What the runs found.
    pub runs: Vec<Run>,
    /// Together.
    pub summary: Summary,
}

/// Clients of a drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clients {
    /// Service that rows are written through.
    pub service: String,
    /// Service that they are read through, where there is one.
    pub read_service: Option<String>,
    /// Rows written in a second, while all is well.
    pub rate_per_second: u32,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number, from 1.
    pub run: u32,
    /// When it began, RFC 3339.
    pub began: String,
    /// What was broken.
    pub fault: Fault,
    /// Whom it struck: members of the cluster or of etcd.
    pub victims: Vec<String>,
    /// Who led before, and on which timeline.
    pub leader_before: Option<String>,
    /// See above.
    pub timeline_before: Option<u64>,
    /// Who led at the end.
    pub leader_after: Option<String>,
    /// See above.
    pub timeline_after: Option<u64>,
    /// How long the fault lasted, from the first to the last moment of its making.
    pub fault_ms: u64,
    /// From when it was made whole until its end began.
    #[serde(default)]
    pub fault_span: Option<Span>,
    /// The writer.
    pub writes: Writes,
    /// The reader.
    pub reads: Option<Reads>,
    /// The client that did nothing meanwhile.
    pub idle_client: IdleClient,
    /// A client that speaks to the old primary alone, where a fault may leave it alive.
    pub old_primary: Option<OldPrimary>,
    /// From the fault to full redundancy; `None` when it did not come within the limit.
    pub redundancy_ms: Option<u64>,
    /// The same, counted from the end of the fault.
    pub redundancy_after_heal_ms: Option<u64>,
    /// What went otherwise than it should, in words.
    pub problems: Vec<String>,
    /// The operator cut it short: its figures are none.
    #[serde(default)]
    pub interrupted: bool,
}

impl Run {
    /// What clients who come in through the pooler are promised and did not get, in words.
    pub fn broken_promises(&self) -> Vec<String> {
        let mut broken = Vec::new();
        if !self.idle_client.survived {
            let error = self.idle_client.error.as_deref().unwrap_or_default();
            broken.push(format!("a client that was idle lost its session: {error}"));
        }
        if self.fault.is_planned() && !self.writes.errors.is_empty() {
            let errors: Vec<&str> = self.writes.errors.keys().map(String::as_str).collect();
            let errors = errors.join(", ");
            broken.push(format!("writers met errors in a planned move: {errors}"));
        }
        broken
    }
}

/// Between two moments, RFC 3339 by the clock of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its beginning.
    pub from: String,
    /// Its end.
    pub to: String,
}

/// What the writer met.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Writes {
    /// Longest time without an acknowledged row.
    pub gap_ms: u64,
    /// When that was.
    #[serde(default)]
    pub gap_span: Option<Span>,
    /// What became of the rows.
    #[serde(flatten)]
    pub audit: Audit,
    /// Errors: SQLSTATE, or a word for what happened to the connection, and how often.
    pub errors: BTreeMap<String, u64>,
}

/// What the reader met.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reads {
    /// Longest time without an answer.
    pub gap_ms: u64,
    /// Errors, as for writes.
    pub errors: BTreeMap<String, u64>,
}

/// A client that stays connected through the pooler, does nothing during the fault, and asks
/// again when all is well.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IdleClient {
    /// Whether its session was still good.
    pub survived: bool,
    /// If not, the error.
    pub error: Option<String>,
}

/// A client with a session on the old primary itself, past proxy and pooler, that never lets go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OldPrimary {
    /// What became of its rows.
    #[serde(flatten)]
    pub audit: Audit,
    /// Rows that the old primary acknowledged after the fault, and that are not there.
    pub lost_rows_acknowledged_after_fault: u64,
    /// Errors, as for writes.
    pub errors: BTreeMap<String, u64>,
}

/// All runs together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Runs.
    pub runs: u64,
    /// Longest times without a write.
    pub write_gap_ms: Option<Spread>,
    /// Longest times without a read.
    pub read_gap_ms: Option<Spread>,
    /// Times to full redundancy, of the runs that reached it.
    pub redundancy_ms: Option<Spread>,
    /// Runs that did not reach full redundancy within the limit.
    pub not_redundant: u64,
    /// Acknowledged rows lost, through the service and on the old primary.
    pub lost_rows: u64,
    /// The log that went with them, bytes: the most in one run.
    #[serde(default)]
    pub lost_wal_bytes: u64,
    /// Rows there more than once.
    pub rows_seen_twice: u64,
    /// Rows refused and there all the same.
    pub refused_rows_found: u64,
    /// Rows that the old primary acknowledged after the fault and that are lost.
    pub lost_rows_acknowledged_after_fault: u64,
    /// Runs in which something went otherwise than it should.
    #[serde(default)]
    pub with_problems: u64,
    /// Runs whose idle client survived.
    pub idle_clients_survived: u64,
    /// Errors of writers.
    pub write_errors: BTreeMap<String, u64>,
    /// Errors of readers.
    pub read_errors: BTreeMap<String, u64>,
}

impl Summary {
    /// Of these runs, but for those that were cut short.
    pub fn of(runs: &[Run]) -> Self {
        let runs: Vec<&Run> = runs.iter().filter(|run| !run.interrupted).collect();
        let mut summary = Self {
            runs: u64::try_from(runs.len()).unwrap_or(u64::MAX),
            write_gap_ms: Spread::of(runs.iter().map(|run| run.writes.gap_ms)),
            read_gap_ms: Spread::of(
                runs.iter()
                    .filter_map(|run| Some(run.reads.as_ref()?.gap_ms)),
            ),
            redundancy_ms: Spread::of(runs.iter().filter_map(|run| run.redundancy_ms)),
            ..Self::default()
        };
        for run in runs {
            summary.add(run);
        }
        summary
    }

    fn add(&mut self, run: &Run) {
        let old = run.old_primary.as_ref();
        for audit in old
            .map(|old| &old.audit)
            .into_iter()
            .chain([&run.writes.audit])
        {
            self.lost_rows += audit.lost_rows;
            let lost = audit.lost_wal_bytes.unwrap_or_default();
            self.lost_wal_bytes = self.lost_wal_bytes.max(lost);
            self.rows_seen_twice += audit.rows_seen_twice;
            self.refused_rows_found += audit.refused_rows_found;
        }
        self.lost_rows_acknowledged_after_fault +=
            old.map_or(0, |old| old.lost_rows_acknowledged_after_fault);
        self.not_redundant += u64::from(run.redundancy_ms.is_none());
        self.with_problems += u64::from(!run.problems.is_empty());
        self.idle_clients_survived += u64::from(run.idle_client.survived);
        add(&mut self.write_errors, &run.writes.errors);
        if let Some(reads) = &run.reads {
            add(&mut self.read_errors, &reads.errors);
        }
    }

    /// Whether no promise to a client was broken and every run ended in full redundancy. Rows
    /// lost count as broken promises only where writes wait for a replica.
    pub fn holds(&self, synchronous: bool) -> bool {
        self.not_redundant == 0
            && self.with_problems == 0
            && self.rows_seen_twice == 0
            && self.refused_rows_found == 0
            && self.lost_rows_acknowledged_after_fault == 0
            && (!synchronous || self.lost_rows == 0)
    }
}

fn add(sum: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (error, times) in more {
        *sum.entry(error.clone()).or_default() += times;
    }
}
