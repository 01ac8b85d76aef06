//! Sandboxes with real nodes. Needs root and the host packages.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of a test fail the test, and its output tells how long things took"
)]

mod bench;
mod recovery;
mod saved;
mod story;
