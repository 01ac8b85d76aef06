//! What is wrong with the question, so that nothing was touched: exit code 2.

use std::fmt;

use sty_core::{Diagnostic, ExitCode};

use crate::diagnostics::{self, Report};
use crate::printer::{Printer, RED, paint};

const REFUSED: &str = "command/refused";
const FAILED: &str = "command/failed";
const UNREADABLE: &str = "inventory/unreadable";

/// The codes of this module, with the text that explains each.
pub(crate) const CODES: [(&str, &str); 3] = [
    (
        UNREADABLE,
        "There is no inventory where one was looked for, or it cannot be read. `-i FILE` names one, and `sty init` writes one from a template.",
    ),
    (
        REFUSED,
        "The command cannot be carried out as it was given; nothing was touched, and it ends with 2. `--output json` gives such refusals this code.",
    ),
    (
        FAILED,
        "The command did not get to its end, and ends with 1. `--output json` gives such failures this code.",
    ),
];

/// A command that cannot be carried out as given.
#[derive(Debug)]
pub(crate) struct Refused {
    code: &'static str,
    message: String,
    /// The inventory that it is about.
    inventory: Option<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

/// An error that ends `sty` with exit code 2.
pub(crate) fn refused(message: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Refused {
        code: REFUSED,
        message: message.into(),
        inventory: None,
    })
}

/// The same where an inventory, named or looked for, cannot be read.
pub(crate) fn unreadable(inventory: Option<String>, message: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Refused {
        code: UNREADABLE,
        message: message.into(),
        inventory,
    })
}

/// Tells what ended a command, and gives its exit code.
pub(crate) fn tell(error: &anyhow::Error, printer: &Printer) -> anyhow::Result<ExitCode> {
    let refused = error.downcast_ref::<Refused>();
    let text = format!("{error:#}");
    if printer.is_json() {
        let code = refused.map_or(FAILED, |refused| refused.code);
        let (message, help) = match text.split_once("\nhint: ") {
            Some((message, help)) => (message, Some(help.to_owned())),
            None => (text.as_str(), None),
        };
        let diagnostic = Diagnostic {
            help,
            ..Diagnostic::error(code, message)
        };
        printer.json(&Report {
            inventory: refused.and_then(|refused| refused.inventory.as_deref()),
            valid: (code == UNREADABLE).then_some(false),
            diagnostics: &[diagnostic],
        })?;
    } else {
        printer.say(format!("{}: {text}", paint(RED.bold(), "error")));
    }
    Ok(match refused {
        Some(_) => ExitCode::Usage,
        None => ExitCode::Failed,
    })
}

/// Tells that a command waits for its confirmation.
pub(crate) fn tell_unconfirmed(text: &str, printer: &Printer) -> anyhow::Result<ExitCode> {
    if printer.is_json() {
        return tell_all(&[Diagnostic::error(REFUSED, text)], printer);
    }
    printer.say(text);
    Ok(ExitCode::Usage)
}

/// Tells what keeps a command from being carried out.
pub(crate) fn tell_all(found: &[Diagnostic], printer: &Printer) -> anyhow::Result<ExitCode> {
    if printer.is_json() {
        printer.json(&Report {
            inventory: None,
            valid: None,
            diagnostics: found,
        })?;
    } else {
        diagnostics::print(printer, found);
    }
    Ok(ExitCode::Usage)
}

/// Ends the function with a refusal.
macro_rules! refuse {
    ($($part:tt)*) => {
        return Err($crate::refusal::refused(format!($($part)*)))
    };
}
pub(crate) use refuse;
