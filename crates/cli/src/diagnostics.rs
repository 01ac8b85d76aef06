//! Problems of the inventory, as people read them.

use serde::Serialize;
use sty_core::{Diagnostic, Severity};

use crate::printer::{BLUE, BOLD, Printer, RED, YELLOW, paint};

/// Problems, for machines: what every verb gives that cannot be carried out.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    /// The inventory that they are about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inventory: Option<&'a str>,
    /// Whether the inventory can be used, where that is the question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) valid: Option<bool>,
    /// What was found.
    pub(crate) diagnostics: &'a [Diagnostic],
}

/// Prints every problem, errors last so that they stay in view, and a count.
pub(crate) fn print(printer: &Printer, diagnostics: &[Diagnostic]) {
    let mut order: Vec<&Diagnostic> = diagnostics.iter().collect();
    order.sort_by_key(|diagnostic| diagnostic.severity);
    for diagnostic in order {
        let text = render(diagnostic);
        match diagnostic.severity {
            Severity::Note | Severity::Warning => printer.note(text),
            Severity::Error => printer.say(text),
        }
    }
}

/// How many of a severity there are.
pub(crate) fn count(diagnostics: &[Diagnostic], severity: Severity) -> usize {
    diagnostics
        .iter()
        .filter(|d| d.severity == severity)
        .count()
}

fn render(diagnostic: &Diagnostic) -> String {
    let (style, word) = match diagnostic.severity {
        Severity::Error => (RED.bold(), "error"),
        Severity::Warning => (YELLOW.bold(), "warning"),
        Severity::Note => (BLUE.bold(), "note"),
    };
    let mut lines = vec![format!(
        "{}: {}",
        paint(style, format_args!("{word}[{}]", diagnostic.code)),
        paint(BOLD, &diagnostic.message)
    )];
    for (index, label) in diagnostic.labels.iter().enumerate() {
        let arrow = if index == 0 { "-->" } else { "   " };
        let span = &label.span;
        let place = format!("{}:{}:{}", span.file, span.line, span.column);
        lines.push(format!("  {} {place}  {}", paint(BLUE, arrow), label.text));
    }
    if let Some(help) = &diagnostic.help {
        lines.push(format!("{}: {help}", paint(BLUE, "hint")));
    }
    lines.push(String::new());
    lines.join("\n")
}
