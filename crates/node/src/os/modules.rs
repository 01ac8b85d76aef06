//! Kernel modules, now and at boot.

use std::fs;
use std::path::Path;

use sty_core::{Risk, Secret};
use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::resource::{Access, File};

use super::{drift, file};
use crate::context::Context;
use crate::facts::container;
use crate::run::Run;

const BOOT_PATH: &str = "/etc/modules-load.d/sty.conf";

/// Compares the file for the next boot and what the kernel has.
pub(crate) fn observe(names: &[String], context: &Context) -> Result<Observation, Failure> {
    if let Some(kind) = container() {
        return Ok(Observation::Skipped {
            reason: format!("the kernel is not this node's own ({kind})"),
        });
    }
    let mut changes = match file::observe(&boot_file(names), context)? {
        Observation::InSync => Vec::new(),
        Observation::Drift { changes, .. } => changes,
        other => return Ok(other),
    };
    let built_in = built_in();
    let missing = names.iter().filter(|name| !loaded(name, &built_in));
    changes.extend(missing.map(|name| Change::new(name, "not loaded", "loaded")));
    Ok(drift(changes, Risk::Safe))
}

/// Writes the file and loads what is missing.
pub(crate) fn converge(names: &[String], context: &Context) -> Result<(), Failure> {
    file::converge(&boot_file(names), context)?;
    let built_in = built_in();
    for name in names.iter().filter(|name| !loaded(name, &built_in)) {
        Run::new("modprobe").args(["--", name]).ok()?;
    }
    Ok(())
}

fn boot_file(names: &[String]) -> File {
    let text = format!(
        "# Managed by sty: changes made here are replaced.\n{}\n",
        names.join("\n")
    );
    File {
        path: BOOT_PATH.to_owned(),
        content: Secret::new(text),
        secret: false,
        access: Access::root(0o644),
        check: None,
    }
}

fn loaded(name: &str, built_in: &str) -> bool {
    let name = name.replace('-', "_");
    let file = format!("/{name}.ko");
    Path::new("/sys/module").join(&name).exists()
        || built_in
            .lines()
            .any(|line| line.replace('-', "_").ends_with(&file))
}

/// Modules that are part of the kernel; a kernel without such a list has none.
fn built_in() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let path = format!("/lib/modules/{}/modules.builtin", release.trim());
    fs::read_to_string(path).unwrap_or_default()
}
