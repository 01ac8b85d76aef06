//! Checks of what was written, once where it stands, one aspect per file.

mod kinds;
mod names;
mod placeholders;
mod ports;
mod secrets;

pub(crate) use kinds::is_of_kind;
pub(crate) use names::{check_values, scalars};
pub(crate) use ports::check_ports;
