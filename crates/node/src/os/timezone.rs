//! Time zone.

use std::fs;
use std::path::{Path, PathBuf};

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};

use super::{atomic, drift, link};

const LOCAL: &str = "/etc/localtime";
const NAME: &str = "/etc/timezone";
const ROOT: (u32, u32) = (0, 0);

/// Compares /etc/localtime, and /etc/timezone where there is one.
pub(crate) fn observe(name: &str) -> Result<Observation, Failure> {
    let zone = zone(name);
    if !zone.is_file() {
        let reason = format!("{} does not exist; is `tzdata` installed?", zone.display());
        return Ok(Observation::Pending { reason });
    }
    // Both forms of the link mean the same.
    let found = fs::canonicalize(LOCAL).ok();
    let same_name = fs::read_to_string(NAME).map_or(true, |text| text.trim() == name);
    if found.is_some() && found == fs::canonicalize(&zone).ok() && same_name {
        return Ok(Observation::InSync);
    }
    match link::observe(LOCAL, &zone.display().to_string())? {
        Observation::InSync => {
            let change = Change::new(NAME, "another zone", name);
            Ok(drift(vec![change], Risk::Safe))
        }
        other => Ok(other),
    }
}

/// Sets both.
pub(crate) fn converge(name: &str) -> Result<(), Failure> {
    link::converge(LOCAL, &zone(name).display().to_string())?;
    if !Path::new(NAME).exists() {
        return Ok(());
    }
    let text = format!("{name}\n");
    atomic::replace(Path::new(NAME), text.as_bytes(), ROOT, 0o644, |_| Ok(()))
}

fn zone(name: &str) -> PathBuf {
    Path::new("/usr/share/zoneinfo").join(name)
}
