//! `sty explain CODE`

use clap::Args;
use serde::Serialize;
use sty_core::ExitCode;

use crate::printer::Printer;
use crate::refusal::{self, refuse};
use crate::run::packages;

/// Explain an error code such as `inventory/duplicate-address`
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Code, as printed in brackets
    code: String,
}

/// An explained code, for machines.
#[derive(Serialize)]
struct Page {
    code: &'static str,
    explanation: &'static str,
}

/// Every code with the text that explains it.
pub(crate) fn codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let inventory = sty_inventory::codes::ALL.iter().copied();
    inventory.chain(packages::CODES).chain(refusal::CODES)
}

impl Explain {
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<ExitCode> {
        let Some((code, explanation)) = codes().find(|(code, _)| *code == self.code) else {
            refuse!("no error has the code `{}`", self.code);
        };
        if printer.is_json() {
            printer.json(&Page { code, explanation })?;
        } else {
            printer.data(explanation);
        }
        Ok(ExitCode::Done)
    }
}
