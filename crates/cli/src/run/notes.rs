//! What nodes tell beside: no action, no fault.

use std::collections::BTreeMap;

use sty_plan::Noted;
use sty_wire::observation::Note;

use crate::printer::{BLUE, DIM, Printer, count, paint};

/// Prints notes with the nodes that they come from; the same of many nodes is one.
pub(crate) fn print<'a>(printer: &Printer, notes: impl Iterator<Item = &'a Noted>) {
    for (note, nodes) in grouped(notes) {
        printer.note(format!(
            "{} {} on {}: {}\n    {}: {}",
            paint(DIM, "note"),
            note.subject,
            on(&nodes),
            note.message,
            paint(BLUE, "hint"),
            note.hint
        ));
    }
}

fn grouped<'a>(notes: impl Iterator<Item = &'a Noted>) -> BTreeMap<&'a Note, Vec<&'a str>> {
    let mut groups: BTreeMap<&Note, Vec<&str>> = BTreeMap::new();
    for noted in notes {
        groups.entry(&noted.note).or_default().push(&noted.node);
    }
    groups
}

fn on(nodes: &[&str]) -> String {
    match nodes {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first} and {}", count(rest.len(), "more node")),
    }
}
