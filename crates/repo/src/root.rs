//! A minimal system of the nodes' kind: what its apt has installed is where resolving starts, and
//! its sources are where packages come from.

use std::fs::{self, File};

use sty_catalog::Os;

use crate::process::{command, run};
use crate::{Event, Layout, RepoError, disk};

/// What the system is made with; another recipe makes another system.
fn recipe(os: &Os, architecture: &str) -> String {
    format!("mmdebstrap minbase {} {architecture}\n", os.suite)
}

/// Makes the system unless it is there, and gives the right to use it and its package lists, which
/// repositories may share: others wait until it is dropped. No mirror is named: mmdebstrap takes the default one, in
/// the way this machine's apt is configured.
pub(crate) fn ensure(
    layout: &Layout,
    os: &Os,
    architecture: &str,
    on: &mut dyn FnMut(Event),
) -> Result<File, RepoError> {
    let root = layout.root();
    let stamp = root.with_extension("recipe");
    disk::make_dir(root.parent().unwrap_or(&root))?;
    let guard = disk::guard(&layout.root_guard())?;
    let recipe = recipe(os, architecture);
    if disk::read_if_there(&stamp)?.as_deref() == Some(&recipe) && root.exists() {
        return Ok(guard);
    }
    on(Event::MakingRoot(os.name.clone()));
    disk::remove_if_there(&stamp)?;
    let partial = root.with_extension("partial");
    disk::remove_dir(&partial)?;
    disk::remove_dir(&root)?;
    run(command("mmdebstrap")
        .arg("--quiet")
        .arg("--variant=minbase")
        .arg(format!("--architectures={architecture}"))
        .arg("--format=directory")
        .arg(&os.suite)
        .arg(&partial))?;
    fs::rename(&partial, &root).map_err(RepoError::io(&root))?;
    disk::write(&stamp, recipe.as_bytes())?;
    Ok(guard)
}

/// Names of the packages that the system has.
pub(crate) fn installed(layout: &Layout) -> Result<Vec<String>, RepoError> {
    let path = layout.root().join("var/lib/dpkg/status");
    let text = fs::read_to_string(&path).map_err(RepoError::io(&path))?;
    let stanzas = crate::stanza::Stanza::parse_all(&text);
    let names = stanzas.iter().filter_map(|stanza| stanza.get("Package"));
    Ok(names.map(str::to_owned).collect())
}
