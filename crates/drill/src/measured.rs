//! Runs of many drills, put together by what was broken and where.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::{Drill, Fault, Run, Spread, Summary};

/// A kind of cluster. Figures of different kinds say nothing about each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Kind {
    /// Recovery plan (`pg_rto`).
    pub rto_plan: String,
    /// How writes wait for replicas: `off`, `on`, `quorum`.
    pub synchronous: String,
    /// Members of the cluster.
    pub members: u64,
}

/// What all runs with one class of fault on one kind of cluster found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// Where.
    #[serde(flatten)]
    pub kind: Kind,
    /// What was broken.
    pub fault: Fault,
    /// The runs together.
    pub summary: Summary,
}

/// Puts the runs of `drills` together, by kind of cluster and class of fault, in this order.
pub fn measured(drills: &[Drill]) -> Vec<Measured> {
    let mut groups: BTreeMap<(Kind, Fault), Vec<Run>> = BTreeMap::new();
    for drill in drills {
        let kind = Kind {
            rto_plan: drill.rto_plan.clone(),
            synchronous: drill.synchronous.clone(),
            members: drill.members,
        };
        for run in drill.runs.iter().filter(|run| !run.interrupted) {
            let group = groups.entry((kind.clone(), run.fault)).or_default();
            group.push(run.clone());
        }
    }
    let summary = |((kind, fault), runs): ((Kind, Fault), Vec<Run>)| Measured {
        kind,
        fault,
        summary: Summary::of(&runs),
    };
    groups.into_iter().map(summary).collect()
}

/// One table for each kind of cluster; times in seconds.
pub fn markdown(all: &[Measured]) -> String {
    let mut text = String::new();
    let mut kind = None;
    for measured in all {
        if kind.replace(&measured.kind) != Some(&measured.kind) {
            text.push_str(&heading(&measured.kind));
        }
        text.push_str(&row(measured));
    }
    text
}

fn heading(kind: &Kind) -> String {
    let waits = match kind.synchronous.as_str() {
        "off" => "asynchronous",
        "on" => "synchronous",
        other => other,
    };
    format!(
        "\n## `pg_rto: {}`, {} members, {waits}\n\n\
         | fault | runs | no write p50 | p95 | max | no read p95 | redundant p95 | rows lost | \
         rows twice | idle clients kept |\n|---|---|---|---|---|---|---|---|---|---|\n",
        kind.rto_plan, kind.members
    )
}

fn row(measured: &Measured) -> String {
    let summary = &measured.summary;
    let (writes, reads) = (&summary.write_gap_ms, &summary.read_gap_ms);
    let cells = [
        seconds(writes, |one| one.p50),
        seconds(writes, |one| one.p95),
        seconds(writes, |one| one.max),
        seconds(reads, |one| one.p95),
        seconds(&summary.redundancy_ms, |one| one.p95),
        summary.lost_rows.to_string(),
        summary.rows_seen_twice.to_string(),
        format!("{} of {}", summary.idle_clients_survived, summary.runs),
    ];
    let mut text = format!("| `{}` | {} |", measured.fault, summary.runs);
    for cell in cells {
        // Writing to a string cannot fail.
        let _ = write!(text, " {cell} |");
    }
    text.push('\n');
    text
}

fn seconds(spread: &Option<Spread>, figure: fn(&Spread) -> u64) -> String {
    match spread.as_ref().map(figure) {
        Some(time) => format!("{}.{:02}", time / 1000, time % 1000 / 10),
        None => "-".to_owned(),
    }
}
