//! `sty explain CODE`

use clap::Args;
use sty_core::ExitCode;

use crate::printer::Printer;
use crate::run::packages;

/// Explain an error code such as `inventory/duplicate-address`
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Code, as printed in brackets
    code: String,
}

impl Explain {
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<ExitCode> {
        let mut ours = packages::CODES.into_iter();
        let ours = ours.find(|(code, _)| *code == self.code);
        match sty_inventory::explain(&self.code).or(ours.map(|(_, page)| page)) {
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
