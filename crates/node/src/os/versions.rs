//! Newer versions of packages that are installed, with nothing restarted by their installation.

use std::collections::BTreeMap;

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};

use super::{drift, packages};
use crate::context::Context;
use crate::run::Run;

/// What is installed in an older version than is wanted.
pub(super) fn observe(
    versions: &BTreeMap<String, String>,
    context: &Context,
) -> Result<Observation, Failure> {
    let installed = context.packages()?;
    let mut changes = Vec::new();
    for (name, wanted) in versions {
        if let Some(found) = installed.version(name)
            && is_older(found, wanted)?
        {
            changes.push(Change::new(format!("package {name}"), found, wanted));
        }
    }
    Ok(drift(changes, Risk::Safe))
}

/// As dpkg orders versions.
fn is_older(found: &str, wanted: &str) -> Result<bool, Failure> {
    if found == wanted {
        return Ok(false);
    }
    let compared = Run::new("dpkg")
        .args(["--compare-versions", found, "lt", wanted])
        .any_exit()?;
    Ok(compared.code == Some(0))
}

/// Installs exactly the wanted versions of what is older, from the configured source.
pub(super) fn converge(
    versions: &BTreeMap<String, String>,
    context: &Context,
) -> Result<(), Failure> {
    let installed = context.packages()?;
    let mut wanted = Vec::new();
    for (name, version) in versions {
        if let Some(found) = installed.version(name)
            && is_older(found, version)?
        {
            wanted.push(format!("{name}={version}"));
        }
    }
    packages::starting_nothing(|| {
        packages::read_lists(context)?;
        context.say(format!("installing {} packages", wanted.len()));
        packages::apt_install()
            .args(["--only-upgrade", "--"])
            .args(wanted)
            .watched(&packages::told_slowly(context))?;
        Run::new("systemctl").arg("daemon-reload").ok().map(drop)
    })
}
