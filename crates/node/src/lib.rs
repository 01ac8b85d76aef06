//! The node side of `sty`: looks at this machine, compares it with what it should be, and
//! changes it when told to.
//!
//! It runs as root for as long as its standard input is open and leaves nothing running. One
//! session is one controller: see [`serve`].

mod accounts;
mod context;
mod controller;
mod drill;
mod etcd;
mod facts;
mod http;
mod kinds;
mod observe;
mod os;
mod patroni;
mod pooler;
mod ports;
mod postgres;
mod program;
mod proxy;
mod run;
mod session;
mod status;
mod systemd;
mod wait;

pub use facts::{FactsError, gather as gather_facts};
pub use patroni::{settings_arrived, settings_waiting};
pub use program::sha256 as program_sha256;
pub use session::{ServeError, serve};
