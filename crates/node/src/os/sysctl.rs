//! Kernel settings: in a file for the next boot, and live where the kernel allows.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use sty_core::{Risk, Secret};
use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::resource::{Access, File};

use super::{atomic, drift, file};
use crate::context::Context;

/// How a live value stands to the one wanted.
enum Live {
    Same,
    Different(String),
    /// Not to be set on this machine, and why.
    Refused(String),
}

/// Compares file and live values. Values that the kernel does not let this machine set are
/// reported when nothing else differs.
pub(crate) fn observe(
    path: &str,
    values: &BTreeMap<String, String>,
    context: &Context,
) -> Result<Observation, Failure> {
    let mut changes = match file::observe(&boot_file(path, values), context)? {
        Observation::InSync => Vec::new(),
        Observation::Drift { changes, .. } => changes,
        other => return Ok(other),
    };
    let mut refused = Vec::new();
    for (name, wanted) in values {
        match live(name, wanted)? {
            Live::Same => {}
            Live::Different(found) => changes.push(Change::new(name, found, wanted)),
            Live::Refused(why) => refused.push(format!("{name} ({why})")),
        }
    }
    if changes.is_empty() && !refused.is_empty() {
        return Ok(Observation::Skipped {
            reason: format!(
                "the kernel does not let this node set {}",
                refused.join(", ")
            ),
        });
    }
    Ok(drift(changes, Risk::Safe))
}

/// Writes the file, and the live values that may be set.
pub(crate) fn converge(
    path: &str,
    values: &BTreeMap<String, String>,
    context: &Context,
) -> Result<(), Failure> {
    file::converge(&boot_file(path, values), context)?;
    for (name, wanted) in values {
        if let Live::Different(found) = live(name, wanted)? {
            fs::write(live_path(name), wanted).map_err(|error| {
                Failure::message(format!(
                    "cannot set {name} from `{found}` to `{wanted}`: {error}"
                ))
            })?;
        }
    }
    Ok(())
}

fn boot_file(path: &str, values: &BTreeMap<String, String>) -> File {
    let mut text = "# Managed by sty: changes made here are replaced.\n".to_owned();
    for (name, value) in values {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name} = {value}");
    }
    File {
        path: path.to_owned(),
        content: Secret::new(text),
        secret: false,
        access: Access::root(0o644),
        check: None,
    }
}

/// Dots separate, except in names that are written with slashes: `net/ipv4/conf/eth0.1/rp_filter`.
fn live_path(name: &str) -> PathBuf {
    let relative = match name.contains('/') {
        true => name.to_owned(),
        false => name.replace('.', "/"),
    };
    Path::new("/proc/sys").join(relative)
}

fn live(name: &str, wanted: &str) -> Result<Live, Failure> {
    let path = live_path(name);
    let found = match fs::read_to_string(&path) {
        Ok(found) => words(&found),
        Err(error) => return refusal(&path, error).map(Live::Refused),
    };
    if found == words(wanted) {
        return Ok(Live::Same);
    }
    // Opening for writing changes nothing, and asks all that the kernel checks before a write.
    match OpenOptions::new().write(true).open(&path) {
        Ok(_) => Ok(Live::Different(found)),
        Err(error) => refusal(&path, error).map(Live::Refused),
    }
}

/// Why the kernel refuses, in words; any other error is a failure.
fn refusal(path: &Path, error: io::Error) -> Result<String, Failure> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok("not in this kernel".to_owned()),
        io::ErrorKind::ReadOnlyFilesystem => Ok("read-only in this container".to_owned()),
        io::ErrorKind::PermissionDenied => Ok("not permitted".to_owned()),
        _ => Err(atomic::unable("look at", path, &error)),
    }
}

/// Values of several numbers are separated by tabs when read.
fn words(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_paths() {
        assert_eq!(
            live_path("vm.swappiness"),
            Path::new("/proc/sys/vm/swappiness")
        );
        assert_eq!(
            live_path("net/ipv4/conf/eth0.1/rp_filter"),
            Path::new("/proc/sys/net/ipv4/conf/eth0.1/rp_filter")
        );
    }

    #[test]
    fn a_setting_that_this_kernel_lacks_is_refused_and_not_failed() {
        assert!(matches!(
            live("vm.no_such_setting", "1"),
            Ok(Live::Refused(_))
        ));
        assert_eq!(words("4096\t131072\t6291456\n"), "4096 131072 6291456");
    }
}
