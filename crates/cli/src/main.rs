//! `sty`: one inventory in, a highly available PostgreSQL service out.

mod args;
mod context;
mod diagnostics;
mod printer;
mod reading;
mod refusal;
mod run;
mod verbs;

use std::process::ExitCode as ProcessExit;

use clap::Parser;
use sty_core::ExitCode;

use crate::args::{Cli, Command};
use crate::printer::Printer;

fn main() -> ProcessExit {
    // Nodes and forwarders outlive this program: what its caller had open, locks and pipes that
    // somebody waits for, does not go on with them.
    close_fds::set_fds_cloexec(3, &[]);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let printer = Printer::new(&cli.global);
    let code = match dispatch(&cli, &printer) {
        Ok(code) => code,
        Err(error) => {
            printer.progress("");
            refusal::tell(&error, &printer).unwrap_or(ExitCode::Failed)
        }
    };
    printer.progress("");
    ProcessExit::from(code.code())
}

fn usage(error: &clap::Error) -> ProcessExit {
    // Help and version go to standard output and are no error; a closed pipe is none either.
    let _ = error.print();
    let code = if error.use_stderr() {
        ExitCode::Usage
    } else {
        ExitCode::Done
    };
    ProcessExit::from(code.code())
}

fn dispatch(cli: &Cli, printer: &Printer) -> anyhow::Result<ExitCode> {
    let global = &cli.global;
    match &cli.command {
        Command::Up(verb) => verb.run(global, printer),
        Command::Down(verb) => verb.run(printer),
        Command::Init(verb) => verb.run(global, printer),
        Command::Check(verb) => verb.run(global, printer),
        Command::Show(verb) => verb.run(global, printer),
        Command::Plan(verb) => verb.run(global, printer),
        Command::Apply(verb) => verb.run(global, printer),
        Command::Status(verb) => verb.run(global, printer),
        Command::Connect(verb) => verb.run(global, printer),
        Command::History(verb) => verb.run(global, printer),
        Command::Drill(verb) => verb.run(global, printer),
        Command::Cluster(verb) => verb.run(global, printer),
        Command::Node(verb) => verb.run(global, printer),
        Command::Repo(verb) => verb.run(global, printer),
        Command::Sandbox(verb) => verb.run(global, printer),
        Command::Schema(verb) => verb.run(printer),
        Command::Explain(verb) => verb.run(printer),
        Command::Completions(verb) => verb.run(printer),
        Command::Docs(verb) => verb.run(printer),
        Command::Generate(verb) => verb.run(printer),
        Command::NodeSession => {
            sty_node::serve(std::io::stdin().lock(), std::io::stdout())?;
            Ok(ExitCode::Done)
        }
    }
}
