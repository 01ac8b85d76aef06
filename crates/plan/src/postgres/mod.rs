//! PostgreSQL objects: what differs, and the statements that mend it.
//!
//! Pure. [`model`] is what a server was seen to have, [`role`] and [`database`] compare it with
//! what it should have, and [`statement`] turns the differences into SQL, quoted in one place
//! ([`quote`]). What PostgreSQL majors do differently is in [`version`].

pub mod contents;
pub mod creation;
pub mod database;
mod membership;
pub mod model;
pub mod privilege;
pub mod quote;
pub mod role;
pub mod setting;
pub mod statement;
pub mod step;
#[cfg(test)]
mod tests;
pub mod version;

pub use step::{Comparison, Conflict, Place, Step};
