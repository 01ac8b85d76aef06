//! The node side alone, for tests that reach it over ssh: `node` as the only argument.

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() != Some("node-session") {
        return ExitCode::from(2);
    }
    match sty_node::serve(io::stdin().lock(), io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
