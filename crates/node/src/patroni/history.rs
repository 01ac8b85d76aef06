//! What Patroni keeps of the promotions of a cluster.

use serde_json::Value;
use sty_wire::standing::SKIPPED;
use sty_wire::status::Promotion;

/// Every promotion, oldest first; `None` where the lines are of another form. A number that was left
/// out belongs to the promotion before.
pub(super) fn promotions(lines: &[Value]) -> Option<Vec<Promotion>> {
    let mut promotions: Vec<Promotion> = Vec::new();
    for line in lines {
        let timeline = line[0].as_u64()?;
        let at = line[3].as_str().map(str::to_owned);
        let leader = line[4].as_str().map(str::to_owned);
        match promotions.last_mut() {
            // The line that it belongs to is no longer kept.
            None if line[2] == SKIPPED => {}
            Some(last) if line[2] == SKIPPED => {
                last.next = timeline + 1;
                last.at = at.or(last.at.take());
                last.leader = leader.or(last.leader.take());
            }
            _ => promotions.push(Promotion {
                timeline,
                next: timeline + 1,
                wal_position: line[1].as_u64()?,
                at,
                leader,
            }),
        }
    }
    Some(promotions)
}

/// Whether a log on timeline `own` that ends at `end` is no part of this history: it goes on where
/// its timeline ended, or is on one that was left out.
pub(super) fn parts_from(history: &[Promotion], own: u64, end: Option<u64>) -> bool {
    let mut promotions = history.iter();
    let found = promotions.find(|promotion| (promotion.timeline..promotion.next).contains(&own));
    found.is_some_and(|promotion| {
        own != promotion.timeline || end.is_some_and(|end| end > promotion.wal_position)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{parts_from, promotions};

    /// Timeline 2 was made from 1, and 5 from 2.
    fn with_a_gap() -> Vec<Value> {
        let when = "2026-01-02T03:04:05+00:00";
        let lines = json!([
            [1, 100, "no recovery target specified", when, "pg-test-2"],
            [2, 200, "no recovery target specified"],
            [4, 200, "left out", when, "pg-test-3"],
        ]);
        lines.as_array().cloned().unwrap_or_default()
    }

    #[test]
    fn what_was_left_out_is_no_promotion() {
        let found = promotions(&with_a_gap()).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.timeline, one.next, one.leader.as_deref()))
            .collect();
        assert_eq!(told, [(1, 2, Some("pg-test-2")), (2, 5, Some("pg-test-3"))]);
        let cut = promotions(&with_a_gap()[2..]).unwrap();
        assert!(cut.is_empty());
        assert!(promotions(&[json!({ "of": "another form" })]).is_none());
    }

    #[test]
    fn a_log_on_a_timeline_that_was_left_out_is_no_part_of_the_history() {
        let history = promotions(&with_a_gap()).unwrap();
        assert!(parts_from(&history, 3, None));
        assert!(parts_from(&history, 2, Some(201)));
        assert!(!parts_from(&history, 2, Some(200)));
        assert!(!parts_from(&history, 2, None));
        // The history is written some moments after a promotion.
        assert!(!parts_from(&history, 5, Some(300)));
    }
}
