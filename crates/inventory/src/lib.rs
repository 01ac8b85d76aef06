//! The inventory: what the operator wrote, typed and validated.
//!
//! YAML text becomes a raw tree with places, is merged as Ansible merges it, checked, and built
//! into [`model::Inventory`]. Pure: files that the inventory refers to are read by the caller.

mod build;
pub mod codes;
pub mod generate;
mod load;
mod merge;
pub mod model;
pub mod postgres;
pub mod registry;
mod report;
mod show;
mod source;
mod suggest;
pub mod template;
mod validate;
mod written;

pub use codes::explain;
pub use load::{Loaded, load, load_bytes};
pub use registry::{reference_markdown, schema};
pub use show::{Effective, Origin};
pub use template::{Filling, Template, fill, templates};
pub use written::Written;
