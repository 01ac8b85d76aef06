//! Serves the port forwards of a sandbox, as `sty sandbox forward-serve` does.

use std::process::ExitCode;

use sty_sandbox::{Dirs, SandboxName, forward};

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    let served = SandboxName::new(&name)
        .and_then(|name| forward::serve(&Dirs::from_environment(), &name, std::io::stdout()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is the log that `up` quotes from.
            let _nowhere_else =
                std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{error}\n"));
            ExitCode::FAILURE
        }
    }
}
