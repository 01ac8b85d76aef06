//! The data file as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Manager, Role};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCatalog {
    pub(crate) families: BTreeMap<String, RawFamily>,
    pub(crate) os: Vec<RawOs>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFamily {
    pub(crate) manager: Manager,
    pub(crate) bin_dir: String,
    pub(crate) architectures: BTreeMap<String, String>,
    pub(crate) roles: BTreeMap<Role, RawRole>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRole {
    pub(crate) packages: Vec<String>,
    #[serde(default)]
    pub(crate) units: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOs {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) family: String,
    #[serde(default)]
    pub(crate) suite: String,
    pub(crate) release_ids: Vec<String>,
    pub(crate) release: String,
    #[serde(default)]
    pub(crate) verified: bool,
    #[serde(default)]
    pub(crate) versions: BTreeMap<Role, String>,
    #[serde(default)]
    pub(crate) roles: BTreeMap<Role, RawRole>,
    pub(crate) sources: Vec<RawSource>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSource {
    pub(crate) name: String,
    pub(crate) postgresql: Vec<u32>,
    pub(crate) bin_dir: Option<String>,
    pub(crate) module: Option<String>,
    #[serde(default)]
    pub(crate) unmodular: Vec<u32>,
    #[serde(default)]
    pub(crate) roles: BTreeMap<Role, RawRole>,
}
