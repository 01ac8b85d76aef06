//! Roles and databases on a real PostgreSQL server, through the node protocol.
//!
//! Needs a PostgreSQL server in /usr/lib/postgresql and root, as the node program does.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod configuration;
mod databases;
mod node;
mod roles;
mod server;
mod settings;
mod standing;
