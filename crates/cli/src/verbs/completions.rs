//! `sty completions SHELL`

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use sty_core::ExitCode;

use crate::args::Cli;

/// Print shell completions
///
/// For bash: `sty completions bash > /etc/bash_completion.d/sty`
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// Shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        clap_complete::generate(
            self.shell,
            &mut Cli::command(),
            "sty",
            &mut std::io::stdout(),
        );
        Ok(ExitCode::Done)
    }
}
