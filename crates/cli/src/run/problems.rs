//! Failures, as people read them.

use sty_engine::ConnectError;
use sty_wire::observation::Failure;

use crate::printer::{BLUE, DIM, RED, paint};

/// A node that could not be reached.
pub(crate) fn unreachable(error: &ConnectError) -> Failure {
    let diagnostic = error.diagnostic();
    let mut failure = Failure::message(diagnostic.message);
    failure.hint = diagnostic.help;
    failure
}

/// A failure with all that helps to mend it: node, what was tried, command, exit code, last
/// lines, next step.
pub(crate) fn render(node: &str, what: &str, failure: &Failure) -> String {
    let mut lines = vec![format!(
        "{} {node}: {what}: {}",
        paint(RED.bold(), "failed"),
        failure.message
    )];
    if let Some(command) = &failure.command {
        let code = failure.exit_code.map(|code| format!(" (exit code {code})"));
        lines.push(format!(
            "    command: {command}{}",
            code.unwrap_or_default()
        ));
    }
    for line in &failure.tail {
        lines.push(paint(DIM, format_args!("    | {line}")));
    }
    if let Some(hint) = &failure.hint {
        lines.push(format!("    {}: {hint}", paint(BLUE, "hint")));
    }
    lines.join("\n")
}
