//! Host name, now and after a boot.

use std::fs;
use std::path::Path;

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};

use super::{atomic, drift};

const PATH: &str = "/etc/hostname";
const LIVE: &str = "/proc/sys/kernel/hostname";
const ROOT: (u32, u32) = (0, 0);

/// Compares the kernel's name and the file.
pub(crate) fn observe(name: &str) -> Result<Observation, Failure> {
    let live = fs::read_to_string(LIVE)
        .map_err(|error| atomic::unable("read", Path::new(LIVE), &error))?;
    // A file that cannot be read is one to write.
    let file = fs::read_to_string(PATH).unwrap_or_default();
    let mut changes = Vec::new();
    if live.trim() != name {
        changes.push(Change::new("hostname", live.trim(), name));
    }
    if file.trim() != name {
        changes.push(Change::new(PATH, file.trim(), name));
    }
    Ok(drift(changes, Risk::Safe))
}

/// Sets both.
pub(crate) fn converge(name: &str) -> Result<(), Failure> {
    let text = format!("{name}\n");
    atomic::replace(Path::new(PATH), text.as_bytes(), ROOT, 0o644, |_| Ok(()))?;
    rustix::system::sethostname(name.as_bytes())
        .map_err(|error| Failure::message(format!("cannot set the host name: {error}")))
}
