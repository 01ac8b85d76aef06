//! The package repository of the nodes: made from the operating system's own sources, complete,
//! signed with a key of its own, pinned by a lock file, and served over HTTP.
//!
//! Touches the machine it runs on: files below the cache directory, programs `apt-get`,
//! `dpkg-deb`, `mmdebstrap`, `zstd`. Making a repository needs root and the sources; serving one
//! needs neither.

mod apt;
mod archive;
mod armor;
mod available;
mod builder;
mod disk;
mod error;
mod event;
mod index;
mod key;
mod layout;
mod lock;
mod openpgp;
mod pool;
mod process;
mod prove;
mod resolve;
mod root;
mod serve;
mod stanza;

pub use armor::public_key;
pub use available::{Available, Summary, available, list, upstream_version};
pub use builder::{BuildReport, BuildRequest, build};
pub use error::RepoError;
pub use event::Event;
pub use layout::Layout;
pub use lock::{LockFile, LockedPackage};
pub use serve::{Serving, serve, serve_forever};

/// Debian packages that the machine which makes a repository needs besides apt and dpkg.
pub const HOST_PACKAGES: [&str; 2] = ["mmdebstrap", "zstd"];
