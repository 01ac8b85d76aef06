//! What travels between the controller and a node, and what is stored: facts, resources,
//! observations, actions, and the messages that carry them.
//!
//! Pure data. The protocol is one JSON document a line over the node program's standard input
//! and output; both ends are the same build, so there is one version: [`PROTOCOL`].

pub mod action;
pub mod drill;
pub mod facts;
pub mod observation;
pub mod postgres;
pub mod protocol;
pub mod resource;
pub mod standing;
pub mod status;

/// Version of the node protocol. Both ends must agree.
pub const PROTOCOL: u32 = 1;
