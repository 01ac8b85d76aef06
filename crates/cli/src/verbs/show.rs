//! `sty show NAME`

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use sty_core::{ExitCode, Severity};
use sty_inventory::{Effective, Origin};

use crate::args::Global;
use crate::context;
use crate::diagnostics;
use crate::printer::{DIM, Printer, paint};
use crate::refusal::{refuse, refused};

/// Print the effective values of a host, group or cluster, and where each came from
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sty show pg-test                 what differs from the defaults, and where it was written
  sty show 10.10.10.11 --all       every parameter
  sty show pg-test pg_users        one parameter")]
pub(crate) struct Show {
    /// Host, group or cluster
    name: String,
    /// Only these parameters
    parameters: Vec<String>,
    /// Defaults too
    #[arg(short, long)]
    all: bool,
}

impl Show {
    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let (file, loaded) = context::read_inventory(global)?;
        let Some(values) = loaded.effective(&self.name) else {
            let errors = diagnostics::count(&loaded.diagnostics, Severity::Error);
            if errors > 0 {
                return context::tell_invalid(&file, &loaded.diagnostics, printer);
            }
            refuse!("no host, group or cluster is named `{}`", self.name);
        };
        for name in &self.parameters {
            if sty_inventory::registry::parameter(name).is_none() {
                return Err(unknown(name));
            }
            if !values.iter().any(|value| value.name == name) {
                printer.note(format!("`{name}` has no value for {}", self.name));
            }
        }
        let wanted: Vec<_> = values
            .into_iter()
            .filter(|value| {
                let named = self.parameters.iter().any(|name| name == value.name);
                let written = value.origin != Origin::Default;
                named || (self.parameters.is_empty() && (self.all || written))
            })
            .collect();
        if printer.is_json() {
            printer.json(&wanted.iter().map(Row::from).collect::<Vec<_>>())?;
            return Ok(ExitCode::Done);
        }
        for value in &wanted {
            printer.data(format!(
                "{}: {}  {}",
                value.name,
                value.shown(),
                paint(DIM, format_args!("# {}", origin(&value.origin)))
            ));
        }
        Ok(ExitCode::Done)
    }
}

/// Why nothing is shown of a name that is no parameter's.
fn unknown(name: &str) -> anyhow::Error {
    let near = sty_inventory::registry::near(name);
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "look it up in the parameter reference".to_owned(),
    };
    refused(format!("`{name}` is not a parameter\nhint: {hint}"))
}

/// An effective value, for machines.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    value: &'a Value,
    origin: String,
    effective: bool,
}

impl<'a> From<&'a Effective> for Row<'a> {
    fn from(value: &'a Effective) -> Self {
        Self {
            name: value.name,
            value: &value.value,
            origin: origin(&value.origin),
            effective: value.effective,
        }
    }
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Default => "default".to_owned(),
        Origin::Group { name, span } => {
            format!("group {name}, {}:{}:{}", span.file, span.line, span.column)
        }
        Origin::Host { name, span } => {
            format!("host {name}, {}:{}:{}", span.file, span.line, span.column)
        }
    }
}
