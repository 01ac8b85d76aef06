//! Runs of many drills together.

#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::json;
use sty_drill::{Drill, Fault, Summary, markdown, measured};

fn drill(plan: &str, runs: &[(&str, u64)]) -> Drill {
    let run = |(fault, gap): &(&str, u64)| {
        json!({
            "run": 1, "began": "", "fault": fault, "victims": [], "leader_before": null,
            "timeline_before": null, "leader_after": null, "timeline_after": null, "fault_ms": 0,
            "writes": {
                "gap_ms": gap, "errors": {}, "acknowledged_rows": 10, "lost_rows": 1,
                "lost_first": [7], "rows_seen_twice": 0, "refused_rows_found": 0,
                "unanswered_rows": 0, "unanswered_rows_found": 0},
            "reads": null, "idle_client": {"survived": true, "error": null}, "old_primary": null,
            "redundancy_ms": gap + 1000, "redundancy_after_heal_ms": null, "problems": [],
        })
    };
    let runs: Vec<_> = runs.iter().map(run).collect();
    let summary = json!({
        "runs": 0, "write_gap_ms": null, "read_gap_ms": null, "redundancy_ms": null,
        "not_redundant": 0, "lost_rows": 0, "rows_seen_twice": 0, "refused_rows_found": 0,
        "lost_rows_acknowledged_after_fault": 0, "idle_clients_survived": 0, "write_errors": {},
        "read_errors": {},
    });
    serde_json::from_value(json!({
        "began": "", "ended": null, "operator": "", "inventory": "", "cluster": "pg-test",
        "fault": "random", "seed": 1, "rto_plan": plan, "synchronous": "off", "members": 3,
        "clients": {"service": "primary", "read_service": null, "rate_per_second": 40},
        "runs": runs, "summary": summary,
    }))
    .unwrap()
}

#[test]
fn a_run_that_was_cut_short_has_no_figures() {
    let mut drill = drill(
        "fast",
        &[("restart", 900), ("restart", 77_000), ("node-kill", 9)],
    );
    for run in &mut drill.runs[1..] {
        run.interrupted = true;
    }
    let all = measured(std::slice::from_ref(&drill));
    assert_eq!(all.len(), 1, "nothing is known of the other fault");
    for summary in [&all[0].summary, &Summary::of(&drill.runs)] {
        let gap = summary.write_gap_ms.as_ref().unwrap();
        assert_eq!((summary.runs, gap.max), (1, 900));
    }
}

#[test]
fn runs_are_put_together_by_plan_and_fault() {
    let all = measured(&[
        drill("norm", &[("switchover", 2000)]),
        drill("fast", &[("node-kill", 21_000), ("switchover", 1900)]),
        drill("fast", &[("node-kill", 22_340)]),
    ]);
    let order: Vec<_> = all
        .iter()
        .map(|one| (one.kind.rto_plan.as_str(), one.fault))
        .collect();
    let expected = [
        ("fast", Fault::NodeKill),
        ("fast", Fault::Switchover),
        ("norm", Fault::Switchover),
    ];
    assert_eq!(order, expected);
    insta::assert_snapshot!(markdown(&all), @"

    ## `pg_rto: fast`, 3 members, asynchronous

    | fault | runs | no write p50 | p95 | max | no read p95 | redundant p95 | rows lost | rows twice | idle clients kept |
    |---|---|---|---|---|---|---|---|---|---|
    | `node-kill` | 2 | 21.00 | 22.34 | 22.34 | - | 23.34 | 2 | 0 | 2 of 2 |
    | `switchover` | 1 | 1.90 | 1.90 | 1.90 | - | 2.90 | 1 | 0 | 1 of 1 |

    ## `pg_rto: norm`, 3 members, asynchronous

    | fault | runs | no write p50 | p95 | max | no read p95 | redundant p95 | rows lost | rows twice | idle clients kept |
    |---|---|---|---|---|---|---|---|---|---|
    | `switchover` | 1 | 2.00 | 2.00 | 2.00 | - | 3.00 | 1 | 0 | 1 of 1 |
    ");
}
