//! Where the time of an apply went.

use std::collections::BTreeMap;

use sty_engine::Timing;
use sty_wire::resource::Stage;

use crate::printer::{Printer, table};

/// Actions that are listed one by one.
const LONGEST: usize = 12;

/// Prints when each stage ran on which nodes, and the longest actions.
pub(crate) fn print(printer: &Printer, timings: &[Timing]) {
    printer.data(stages(timings));
    printer.data("");
    printer.data(longest(timings));
}

fn stages(timings: &[Timing]) -> String {
    let mut spans: BTreeMap<(Stage, &str), (f64, f64, f64, usize)> = BTreeMap::new();
    for one in timings {
        let span = spans
            .entry((one.stage, &one.node))
            .or_insert((one.began, one.ended(), 0.0, 0));
        span.0 = span.0.min(one.began);
        span.1 = span.1.max(one.ended());
        span.2 += one.seconds;
        span.3 += 1;
    }
    let mut table = table(&["STAGE", "NODE", "FROM", "TO", "BUSY", "ACTIONS"]);
    for ((stage, node), (from, to, busy, actions)) in spans {
        table.add_row([
            format!("{stage:?}").to_lowercase(),
            node.to_owned(),
            format!("{from:.1}"),
            format!("{to:.1}"),
            format!("{busy:.1}"),
            actions.to_string(),
        ]);
    }
    table.to_string()
}

fn longest(timings: &[Timing]) -> String {
    let mut sorted: Vec<&Timing> = timings.iter().collect();
    sorted.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
    let mut table = table(&["SECONDS", "NODE", "LONGEST ACTIONS"]);
    for one in sorted.into_iter().take(LONGEST) {
        let seconds = format!("{:.2}", one.seconds);
        table.add_row([seconds, one.node.clone(), one.title.clone()]);
    }
    table.to_string()
}
