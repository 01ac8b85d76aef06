//! Words that every crate of `sty` shares: diagnostics, secrets, risks and exit codes.
//!
//! Pure: nothing here reads a clock, a file, the environment or a machine.

mod diagnostic;
mod exit;
mod risk;
mod secret;

pub use diagnostic::{Diagnostic, Label, Severity, Span};
pub use exit::ExitCode;
pub use risk::Risk;
pub use secret::Secret;
