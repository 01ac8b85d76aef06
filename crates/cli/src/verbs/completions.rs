//! `sty completions SHELL`

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use sty_core::ExitCode;

use crate::args::Cli;
use crate::printer::Printer;

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
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<ExitCode> {
        let script = script(self.shell);
        printer.data(String::from_utf8(script)?.trim_end());
        Ok(ExitCode::Done)
    }
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command_line(), "sty", &mut script);
    script
}

/// A command without the verbs that its help does not show.
fn shown(command: &Command) -> Command {
    // The name of a command lives as long as the program.
    let name: &'static str = command.get_name().to_owned().leak();
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    let shown = Command::new(name)
        .args(command.get_arguments())
        .subcommands(verbs.map(shown));
    match command.get_about() {
        Some(about) => shown.about(about.clone()),
        None => shown,
    }
}

/// The whole command line.
fn command_line() -> Command {
    shown(&Cli::command())
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn shells_complete_what_help_shows() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            let script = String::from_utf8_lossy(&script);
            for verb in Cli::command().get_subcommands() {
                let name = verb.get_name();
                assert_eq!(
                    script.contains(name),
                    !verb.is_hide_set(),
                    "{shell}: {name}"
                );
            }
            assert!(script.contains("inventory"), "{shell}");
        }
        let all = command_line();
        let sandbox = all.find_subcommand("sandbox");
        let names =
            sandbox.map(|verb| Vec::from_iter(verb.get_subcommands().map(Command::get_name)));
        let names = names.unwrap_or_default();
        assert!(
            names.contains(&"up") && !names.contains(&"serve"),
            "{names:?}"
        );
    }
}
