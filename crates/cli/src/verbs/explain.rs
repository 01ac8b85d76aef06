//! `sty explain CODE`

use clap::Args;
use sty_core::ExitCode;

use crate::printer::Printer;

/// Explain an error code such as `inventory/duplicate-address`
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Code, as printed in brackets
    code: String,
}

impl Explain {
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<ExitCode> {
        match sty_inventory::explain(&self.code) {
            Some(text) => {
                printer.data(text);
                Ok(ExitCode::Done)
            }
            None => {
                printer.say(format!("no error has the code `{}`", self.code));
                Ok(ExitCode::Usage)
            }
        }
    }
}
