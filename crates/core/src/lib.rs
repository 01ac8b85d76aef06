//! Words that every crate of `sty` shares: diagnostics, secrets, risks, exit codes and kinds of
//! database objects.
//!
//! Pure: nothing here reads a clock, a file, the environment or a machine.

mod diagnostic;
mod exit;
mod objects;
mod risk;
mod secret;

pub use diagnostic::{Diagnostic, Label, Severity, Span};
pub use exit::ExitCode;
pub use objects::Objects;
pub use risk::Risk;
pub use secret::Secret;
