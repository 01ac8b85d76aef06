//! `sty schema`

use clap::Args;
use sty_core::ExitCode;

use crate::printer::Printer;

/// Print the JSON Schema of the inventory, for editors
///
/// Save it and name it in the first line of the inventory:
/// `# yaml-language-server: $schema=sty.schema.json`
#[derive(Debug, Args)]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<ExitCode> {
        printer.data(serde_json::to_string_pretty(&sty_inventory::schema())?);
        Ok(ExitCode::Done)
    }
}
