//! SQL clients as applications are one: they come in over TCP and TLS, know several doors, do not
//! wait for ever, and connect again.
//!
//! A [`Connection`] is one session. A [`Load`] works at a steady rate and keeps a ledger of what
//! it was told. Threads that they start belong to the network namespace of their caller.

mod connection;
mod error;
mod load;
mod login;

pub use connection::{Connection, Pending, Rows};
pub use error::ClientError;
pub use load::{Load, Script};
pub use login::{Door, Login, LoginError};
