//! One file per verb.

pub(crate) mod apply;
pub(crate) mod check;
pub(crate) mod cluster;
pub(crate) mod completions;
pub(crate) mod connect;
pub(crate) mod docs;
pub(crate) mod down;
pub(crate) mod drill;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod node;
pub(crate) mod plan;
pub(crate) mod repo;
pub(crate) mod sandbox;
pub(crate) mod schema;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod up;
