//! From text to inventory, in one run that finds every mistake.

use sty_core::Diagnostic;

use crate::build::build;
use crate::codes;
use crate::merge::{Fleet, merge};
use crate::model::Inventory;
use crate::report::{Dated, Report};
use crate::source::parse;
use crate::validate;

/// What reading an inventory gave.
#[derive(Debug)]
pub struct Loaded {
    /// The inventory; `None` when a diagnostic is an error.
    pub inventory: Option<Inventory>,
    /// Everything found, errors first.
    pub diagnostics: Vec<Diagnostic>,
    pub(crate) file: String,
    pub(crate) fleet: Fleet,
    dated: Dated,
}

impl Loaded {
    /// Problems that depend on the day: passwords that are not good any more on `today`, in days
    /// since 1970-01-01.
    pub fn expired(&self, today: u32) -> impl Iterator<Item = Diagnostic> {
        let past = self.dated.values().filter(move |(day, _)| *day < today);
        past.map(|(_, diagnostic)| diagnostic.clone())
    }
}

/// Reads an inventory.
///
/// `file_name` appears in diagnostics and managed-by lines. `files` reads what the inventory
/// refers to (baseline SQL), by the path written there; its error is shown to the operator.
/// Nothing else is read, and no machine is touched.
pub fn load(file_name: &str, text: &str, files: &dyn Fn(&str) -> Result<String, String>) -> Loaded {
    let report = Report::new(file_name);
    let Some(root) = parse(text, &report) else {
        return Loaded {
            inventory: None,
            diagnostics: report.finish(),
            file: file_name.to_owned(),
            fleet: Fleet::default(),
            dated: Dated::new(),
        };
    };
    let fleet = merge(&root, &report);
    validate::check_values(&fleet, &report);
    let inventory = match fleet.hosts.is_empty() {
        true => {
            refuse_hostless(&report);
            None
        }
        false => {
            let inventory = build(file_name, &fleet, files, &report);
            validate::check_ports(&inventory, &fleet, &report);
            Some(inventory)
        }
    };
    let inventory = inventory.filter(|_| !report.has_errors());
    Loaded {
        inventory,
        dated: report.take_dated(),
        diagnostics: report.finish(),
        file: file_name.to_owned(),
        fleet,
    }
}

fn refuse_hostless(report: &Report) {
    if !report.has_errors() {
        report.push(
            Diagnostic::error(codes::EMPTY, "the inventory has no hosts")
                .help("list them under `hosts` of a group; `sty init` writes an example"),
        );
    }
}
