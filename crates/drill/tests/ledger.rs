//! What follows from a ledger, for any ledger.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sty_drill::{Attempt, Audit, Fault, IdleClient, Ledger, Outcome, Run, Summary, Window, Writes};

fn attempt(number: u64, ended_us: u64, outcome: Outcome) -> Attempt {
    Attempt {
        number,
        began_us: ended_us.saturating_sub(1),
        ended_us,
        outcome,
        wal_position: None,
    }
}

fn acknowledged(times: &[u64]) -> Ledger {
    let attempts = times.iter().zip(0..);
    let attempts = attempts.map(|(at, number)| attempt(number, *at, Outcome::Acknowledged));
    Ledger {
        attempts: attempts.collect(),
    }
}

fn window(from_us: u64, to_us: u64) -> Window {
    Window { from_us, to_us }
}

#[test]
fn the_gap_is_the_longest_silence_that_touches_the_window() {
    let ledger = acknowledged(&[10, 50, 60, 70, 95, 100]);
    assert_eq!(ledger.gap_us(window(55, 100)), 25);
    let gap = ledger.gap(window(45, 100));
    assert_eq!((gap.from_us, gap.to_us), (10, 50));
    assert_eq!(ledger.gap_us(window(45, 100)), 40, "it had begun before");
    assert_eq!(ledger.gap_us(window(55, 65)), 10);
    assert_eq!(ledger.gap_us(window(55, 150)), 50, "it had not ended");
    assert_eq!(
        Ledger::default().gap_us(window(5, 30)),
        25,
        "nothing at all"
    );
}

#[test]
fn an_answer_after_giving_up_is_a_promise_and_no_service() {
    let ledger = Ledger {
        attempts: vec![
            attempt(1, 10, Outcome::Acknowledged),
            attempt(2, 20, Outcome::Unanswered("no-answer".to_owned())),
            attempt(2, 50, Outcome::Late),
            attempt(3, 90, Outcome::Acknowledged),
        ],
    };
    assert_eq!(ledger.gap_us(window(10, 90)), 80);
    let audit = ledger.audit(&BTreeMap::from([(1, 1), (3, 1)]));
    assert_eq!((audit.acknowledged_rows, audit.lost_rows), (3, 1));
    assert_eq!(audit.lost_first, [2]);
    assert_eq!(audit.unanswered_rows, 0);
    assert_eq!(ledger.lost_since(20, &BTreeMap::from([(1, 1), (3, 1)])), 1);
    assert_eq!(ledger.lost_since(51, &BTreeMap::from([(1, 1), (3, 1)])), 0);
}

#[test]
fn lost_rows_stretch_over_the_log_from_the_last_row_that_is_kept() {
    let mut ledger = acknowledged(&[10, 20, 30, 40, 50]);
    assert_eq!(ledger.audit(&BTreeMap::new()).lost_wal_bytes, None);
    // The next primary went on from 1000; its first rows come before the last of the old one's.
    let positions = [900, 1000, 5000, 7000, 1100];
    for (attempt, position) in ledger.attempts.iter_mut().zip(positions) {
        attempt.wal_position = Some(position);
    }
    let kept = |numbers: &[u64]| numbers.iter().map(|number| (*number, 1)).collect();
    let lost = |found: &BTreeMap<u64, u64>| ledger.audit(found).lost_wal_bytes;
    assert_eq!(lost(&kept(&[0, 1, 4])), Some(6000));
    assert_eq!(lost(&kept(&[0, 1, 3, 4])), Some(4000));
    assert_eq!(lost(&kept(&[0, 1, 2, 3, 4])), None);
    assert_eq!(lost(&kept(&[1])), None, "nothing before it");
}

#[test]
fn only_what_was_sent_later_shows_that_service_is_back() {
    let mut ledger = acknowledged(&[10, 20]);
    assert!(!ledger.serves_after(19));
    ledger.attempts.push(attempt(9, 40, Outcome::Acknowledged));
    assert!(ledger.serves_after(20));
    assert!(!ledger.serves_after(39));
    assert!(!ledger.fails_after(0));
    let refused = Outcome::Refused("53100".to_owned());
    ledger.attempts.push(attempt(10, 60, refused));
    assert!(ledger.fails_after(40) && !ledger.fails_after(59));
}

#[test]
fn rows_that_must_not_be_there_show() {
    let refused = |error: &str| Outcome::Refused(error.to_owned());
    let ledger = Ledger {
        attempts: vec![
            attempt(1, 1, Outcome::Acknowledged),
            attempt(2, 2, refused("25006")),
            attempt(3, 3, Outcome::NotSent("connect-refused".to_owned())),
            attempt(4, 4, refused("25006")),
            attempt(5, 5, Outcome::Unanswered("closed".to_owned())),
        ],
    };
    let audit = ledger.audit(&BTreeMap::from([(1, 2), (2, 1), (5, 1), (77, 1)]));
    let expected = Audit {
        acknowledged_rows: 1,
        rows_seen_twice: 1,
        unanswered_rows: 1,
        unanswered_rows_found: 1,
        refused_rows_found: 2,
        ..Audit::default()
    };
    assert_eq!(audit, expected);
    let errors = [("25006", 2), ("closed", 1), ("connect-refused", 1)];
    let errors = errors.map(|(error, times)| (error.to_owned(), times));
    assert_eq!(ledger.errors_since(0), BTreeMap::from(errors));
    let later = BTreeMap::from([("25006".to_owned(), 1), ("closed".to_owned(), 1)]);
    assert_eq!(ledger.errors_since(4), later);
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Acknowledged),
        1 => Just(Outcome::Late),
        1 => Just(Outcome::Refused("23505".to_owned())),
        1 => Just(Outcome::Unanswered("closed".to_owned())),
        1 => Just(Outcome::NotSent("connect-timeout".to_owned())),
    ]
}

prop_compose! {
    fn ledger()(entries in prop::collection::vec((0_u64..60, 0_u64..1000, outcome()), 0..80)) -> Ledger {
        let mut attempts: Vec<Attempt> = entries
            .into_iter()
            .map(|(number, at, outcome)| attempt(number, at, outcome))
            .collect();
        attempts.sort_by_key(|attempt| attempt.ended_us);
        Ledger { attempts }
    }
}

proptest! {
    /// A row counts as lost if and only if it was acknowledged, at whatever time, and is missing.
    #[test]
    fn lost_is_acknowledged_and_missing(
        ledger in ledger(),
        present in prop::collection::btree_map(0_u64..60, 1_u64..3, 0..60),
    ) {
        let promised: BTreeSet<u64> = ledger.attempts.iter()
            .filter(|one| matches!(one.outcome, Outcome::Acknowledged | Outcome::Late))
            .map(|one| one.number)
            .collect();
        let audit = ledger.audit(&present);
        let lost = promised.iter().filter(|number| !present.contains_key(number)).count();
        prop_assert_eq!(audit.lost_rows, lost as u64);
        prop_assert_eq!(audit.acknowledged_rows, promised.len() as u64);
        prop_assert!(audit.unanswered_rows_found <= audit.unanswered_rows);
        prop_assert_eq!(ledger.lost_since(0, &present), audit.lost_rows);
        // Every row that is there is accounted for in exactly one way.
        let kept = promised.len() - lost;
        prop_assert_eq!(
            present.len() as u64,
            kept as u64 + audit.unanswered_rows_found + audit.refused_rows_found
        );
    }

    /// No loss, no surplus when exactly the acknowledged rows are there, once.
    #[test]
    fn a_faithful_server_is_found_faithful(ledger in ledger()) {
        let promised = ledger.attempts.iter()
            .filter(|one| matches!(one.outcome, Outcome::Acknowledged | Outcome::Late))
            .map(|one| (one.number, 1))
            .collect();
        let audit = ledger.audit(&promised);
        prop_assert_eq!(audit.lost_rows + audit.rows_seen_twice + audit.refused_rows_found, 0);
    }

    /// The order in which answers were written down does not matter; a wider window never has a
    /// shorter gap; more acknowledgements never lengthen it.
    #[test]
    fn gaps_are_well_behaved(
        mut times in prop::collection::vec(0_u64..1000, 0..40),
        from in 0_u64..500,
        length in 0_u64..500,
        more in 0_u64..1000,
    ) {
        let one = window(from, from + length);
        let gap = acknowledged(&times).gap_us(one);
        prop_assert!(gap <= acknowledged(&times).gap_us(window(from, from + length + 100)));
        prop_assert!(acknowledged(&[]).gap_us(one) == length);
        times.reverse();
        prop_assert_eq!(acknowledged(&times).gap_us(one), gap);
        if (from..=from + length).contains(&more) && times.iter().any(|at| *at <= from) {
            times.push(more);
            prop_assert!(acknowledged(&times).gap_us(one) <= gap);
        }
    }
}

#[test]
fn a_run_in_which_something_went_otherwise_holds_no_promise() {
    assert!(Summary::default().holds(true));
    let told = Summary {
        with_problems: 1,
        ..Summary::default()
    };
    assert!(!told.holds(false));
}

#[test]
fn what_is_lost_is_compared_with_what_may_be() {
    let audit = |lost_wal_bytes| Audit {
        lost_rows: 3,
        lost_wal_bytes,
        ..Audit::default()
    };
    assert_eq!(audit(Some(4096)).beyond(4096), None);
    assert_eq!(audit(None).beyond(0), None);
    let told = audit(Some(4097)).beyond(4096).unwrap_or_default();
    assert!(
        told.contains("4097 bytes") && told.contains("4096"),
        "{told}"
    );
}

#[test]
fn who_is_pooled_is_promised_sessions_and_planned_moves_without_an_error() {
    let run = |fault: Fault, survived: bool, errors: &[&str]| Run {
        run: 1,
        began: String::new(),
        fault,
        victims: Vec::new(),
        leader_before: None,
        timeline_before: None,
        leader_after: None,
        timeline_after: None,
        fault_ms: 0,
        fault_span: None,
        writes: Writes {
            errors: errors.iter().map(|one| ((*one).to_owned(), 1)).collect(),
            ..Writes::default()
        },
        reads: None,
        idle_client: IdleClient {
            survived,
            error: None,
        },
        old_primary: None,
        redundancy_ms: None,
        redundancy_after_heal_ms: None,
        problems: Vec::new(),
        interrupted: false,
    };
    let broken = |run: Run| run.broken_promises().len();
    assert_eq!(broken(run(Fault::Switchover, true, &[])), 0);
    assert_eq!(broken(run(Fault::NodeKill, true, &["08006"])), 0);
    assert_eq!(broken(run(Fault::NodeKill, false, &[])), 1);
    assert_eq!(broken(run(Fault::Restart, false, &["08006"])), 2);
}
