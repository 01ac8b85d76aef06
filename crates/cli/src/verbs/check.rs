//! `sty check`

use clap::Args;
use sty_core::{ExitCode, Severity};

use crate::args::Global;
use crate::context;
use crate::diagnostics::{self, Report};
use crate::printer::{GREEN, Printer, RED, count, paint};

/// Find every mistake in the inventory; touches nothing
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
}

impl Check {
    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let (file, loaded) = context::read_inventory_and_packages(global)?;
        let errors = diagnostics::count(&loaded.diagnostics, Severity::Error);
        let warnings = diagnostics::count(&loaded.diagnostics, Severity::Warning);
        let valid = errors == 0 && (!self.strict || warnings == 0);
        if printer.is_json() {
            printer.json(&Report {
                inventory: Some(&file.name),
                valid: Some(valid),
                diagnostics: &loaded.diagnostics,
            })?;
        } else {
            diagnostics::print(printer, &loaded.diagnostics);
            printer.say(summary(&file.name, &loaded, errors, warnings));
        }
        Ok(if valid {
            ExitCode::Done
        } else {
            ExitCode::Usage
        })
    }
}

fn summary(name: &str, loaded: &sty_inventory::Loaded, errors: usize, warnings: usize) -> String {
    match &loaded.inventory {
        Some(inventory) => format!(
            "{} {name}: {}, {}, {}",
            paint(GREEN, "ok"),
            count(inventory.nodes.len(), "node"),
            count(inventory.clusters.len(), "PostgreSQL cluster"),
            count(warnings, "warning"),
        ),
        None => format!(
            "{} {name}: {}, {}; nothing was touched",
            paint(RED.bold(), "invalid"),
            count(errors, "error"),
            count(warnings, "warning"),
        ),
    }
}
