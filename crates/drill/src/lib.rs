//! Drills: which faults there are, what a client's ledger says, and how runs add up.
//!
//! Pure: nothing here reads a clock or touches a machine. Times are microseconds since the start
//! of a run, on one clock.

mod chance;
mod fault;
mod ledger;
mod measured;
mod report;
mod spread;

pub use chance::Chance;
pub use fault::{Elsewhere, Entry, Fault, Hold, UnknownFault, Victim};
pub use ledger::{Attempt, Audit, Ledger, Outcome, Window};
pub use measured::{Kind, Measured, markdown, measured};
pub use report::{Clients, Drill, IdleClient, OldPrimary, Reads, Run, Span, Summary, Writes};
pub use spread::Spread;
