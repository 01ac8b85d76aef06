//! The fleet's certificate authority, for verbs that may make one and verbs that may not.

use anyhow::Context as _;
use sty_engine::{Authority, AuthorityOptions};
use sty_inventory::model::Inventory;

use crate::context::InventoryFile;

/// The authority beside the inventory; made when there is none.
pub(crate) fn open(file: &InventoryFile, inventory: &Inventory) -> anyhow::Result<Authority> {
    at(&file.authority(), inventory)
}

/// The same for a verb that changes nothing: where there is none yet, one that is forgotten at
/// the end, so that a plan can be shown before the first apply.
pub(crate) fn borrow(file: &InventoryFile, inventory: &Inventory) -> anyhow::Result<Authority> {
    let directory = file.authority();
    if directory.exists() {
        return at(&directory, inventory);
    }
    let passing = tempfile::tempdir().context("cannot make a temporary directory")?;
    at(&passing.path().join("ca"), inventory)
}

fn at(directory: &std::path::Path, inventory: &Inventory) -> anyhow::Result<Authority> {
    let options = AuthorityOptions {
        common_name: inventory.ca_common_name.clone(),
        validity_days: inventory.ca_validity_days,
        create: true,
    };
    Authority::open(directory, &options).map_err(|error| {
        let diagnostic = error.diagnostic();
        let hint = diagnostic.help.map(|help| format!("\nhint: {help}"));
        anyhow::anyhow!("{}{}", diagnostic.message, hint.unwrap_or_default())
    })
}
