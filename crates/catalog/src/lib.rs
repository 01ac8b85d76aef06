//! Which packages give a role on which operating system, as data.
//!
//! The facts are in `data/packages.toml`; this crate only reads and answers. Pure: no machine,
//! file or network is touched, the data is part of the binary.

mod apt;
mod error;
mod os;
mod raw;
mod role;

pub use apt::{APT_KEY_NAME, APT_KEY_PATH, APT_SOURCE_PATH, apt_source};
pub use error::CatalogError;
pub use os::{Architecture, Catalog, Manager, Os, Source};
pub use role::Role;
