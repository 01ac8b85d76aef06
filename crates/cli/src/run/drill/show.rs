//! Drills for people.

use std::collections::BTreeMap;

use sty_drill::{Audit, Drill, Elsewhere, Fault, Measured, Run, Spread, Summary};
use sty_inventory::model::PgCluster;

use super::account::Account;
use crate::printer::{BOLD, GREEN, Printer, RED, bytes, count, paint, table};

/// One line about a run that has ended.
pub(super) fn run(printer: &Printer, run: &Run) {
    for problem in &run.problems {
        printer.say(format!("{} {problem}", paint(RED.bold(), "problem")));
    }
    let reads = run.reads.as_ref().map(|reads| reads.gap_ms);
    let audit = &run.writes.audit;
    printer.note(format!(
        "{}  {} of {}: no write for {}, no read for {}, redundant after {}; {} rows acknowledged, \
         {}, {} twice; the idle client {}",
        paint(BOLD, format!("run {}", run.run)),
        run.fault,
        run.victims.join(", "),
        shown(Some(run.writes.gap_ms)),
        shown(reads),
        shown(run.redundancy_ms),
        audit.acknowledged_rows,
        lost_with_log(audit),
        audit.rows_seen_twice,
        match (&run.idle_client.error, run.idle_client.survived) {
            (_, true) => paint(GREEN, "survived"),
            (error, false) => paint(RED, error.as_deref().unwrap_or("did not")),
        },
    ));
    if let Some(old) = &run.old_primary {
        printer.note(format!(
            "       the old primary acknowledged {} rows in all; {} after the fault are lost",
            old.audit.acknowledged_rows,
            lost(old.lost_rows_acknowledged_after_fault)
        ));
    }
}

/// All runs and what they have in common.
pub(crate) fn print(printer: &Printer, drill: &Drill) {
    let mut runs = table(&[
        "RUN",
        "FAULT",
        "VICTIM",
        "NO WRITE",
        "NO READ",
        "REDUNDANT",
        "LOST",
        "TWICE",
        "IDLE",
        "ERRORS",
    ]);
    for run in &drill.runs {
        let idle = if run.idle_client.survived {
            "ok"
        } else {
            "lost"
        };
        let reads = run.reads.as_ref().map(|reads| reads.gap_ms);
        let old = run.old_primary.as_ref().map(|old| old.audit.lost_rows);
        runs.add_row([
            run.run.to_string(),
            run.fault.to_string(),
            run.victims.join(", "),
            shown(Some(run.writes.gap_ms)),
            shown(reads),
            shown(run.redundancy_ms),
            (run.writes.audit.lost_rows + old.unwrap_or(0)).to_string(),
            run.writes.audit.rows_seen_twice.to_string(),
            idle.to_owned(),
            errors(&run.writes.errors),
        ]);
    }
    let summary = &drill.summary;
    type Figure = fn(&Spread) -> u64;
    let figures: [(&str, Figure); 3] = [
        ("p50", |spread| spread.p50),
        ("p95", |spread| spread.p95),
        ("max", |spread| spread.max),
    ];
    for (name, figure) in figures {
        let of = |spread: &Option<Spread>| shown(spread.as_ref().map(figure));
        runs.add_row([
            String::new(),
            name.to_owned(),
            String::new(),
            of(&summary.write_gap_ms),
            of(&summary.read_gap_ms),
            of(&summary.redundancy_ms),
        ]);
    }
    printer.data(runs.to_string());
}

/// Earlier drills, newest first.
pub(crate) fn history(printer: &Printer, drills: &[Drill]) {
    let mut found = table(&[
        "WHEN",
        "CLUSTER",
        "FAULT",
        "PLAN",
        "RUNS",
        "NO WRITE P50",
        "P95",
        "MAX",
        "NO READ P95",
        "REDUNDANT P95",
        "LOST",
        "TWICE",
    ]);
    for drill in drills {
        let mut row = vec![
            drill.began.split('.').next().unwrap_or_default().to_owned(),
            drill.cluster.clone(),
            drill.fault.clone(),
            drill.rto_plan.clone(),
        ];
        row.extend(figures(&drill.summary));
        found.add_row(row);
    }
    printer.data(found.to_string());
}

/// Runs of many drills together.
pub(crate) fn measured(printer: &Printer, all: &[Measured]) {
    let mut found = table(&[
        "PLAN",
        "SYNC",
        "MEMBERS",
        "FAULT",
        "RUNS",
        "NO WRITE P50",
        "P95",
        "MAX",
        "NO READ P95",
        "REDUNDANT P95",
        "LOST",
        "TWICE",
    ]);
    for Measured {
        kind,
        fault,
        summary,
    } in all
    {
        let mut row = vec![
            kind.rto_plan.clone(),
            kind.synchronous.clone(),
            kind.members.to_string(),
            fault.to_string(),
        ];
        row.extend(figures(summary));
        found.add_row(row);
    }
    printer.data(found.to_string());
}

/// Runs, times without writes and reads, time to full redundancy, rows lost and seen twice.
fn figures(summary: &Summary) -> [String; 8] {
    let of =
        |spread: &Option<Spread>, figure: fn(&Spread) -> u64| shown(spread.as_ref().map(figure));
    [
        summary.runs.to_string(),
        of(&summary.write_gap_ms, |spread| spread.p50),
        of(&summary.write_gap_ms, |spread| spread.p95),
        of(&summary.write_gap_ms, |spread| spread.max),
        of(&summary.read_gap_ms, |spread| spread.p95),
        of(&summary.redundancy_ms, |spread| spread.p95),
        summary.lost_rows.to_string(),
        summary.rows_seen_twice.to_string(),
    ]
}

/// What a drill does to nodes that are not of a sandbox.
pub(crate) fn blast_radius(printer: &Printer, cluster: &PgCluster, faults: &[Fault], runs: u32) {
    printer.say(format!(
        "{} strikes cluster {}, {}, while its clients are served:",
        paint(RED.bold(), "this"),
        paint(BOLD, &cluster.name),
        count(runs.try_into().unwrap_or(usize::MAX), "time"),
    ));
    for fault in faults {
        if let Elsewhere::Safe(what) = fault.elsewhere() {
            printer.say(format!("  {fault}: {what}"));
        }
    }
    for instance in &cluster.instances {
        printer.say(format!("  {}  {}", instance.name, instance.address));
    }
    printer.say(format!(
        "rows go to a schema `sty_drill` in database {}, which is dropped at the end",
        Account::of(cluster).database
    ));
}

fn lost_with_log(audit: &Audit) -> String {
    let lost = lost(audit.lost_rows);
    match audit.lost_wal_bytes {
        Some(log) => format!("{lost} lost ({} of log)", bytes(log)),
        None => format!("{lost} lost"),
    }
}

fn lost(rows: u64) -> String {
    match rows {
        0 => rows.to_string(),
        _ => paint(RED, rows),
    }
}

fn errors(errors: &BTreeMap<String, u64>) -> String {
    let each = errors
        .iter()
        .map(|(error, times)| format!("{error} {times}"));
    each.collect::<Vec<_>>().join(", ")
}

/// Milliseconds as seconds, or a dash.
fn shown(milliseconds: Option<u64>) -> String {
    match milliseconds {
        Some(time) => format!("{}.{:02} s", time / 1000, time % 1000 / 10),
        None => "-".to_owned(),
    }
}
