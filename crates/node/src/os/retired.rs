//! A service that `sty` had set up and that nobody asks for any more.

use std::fs;

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::resource::{Unit, UnitState};

use super::mark::is_ours;
use super::{absent, drift, unit};
use crate::context::Context;
use crate::systemd;

/// In sync where the configuration is not there, or is somebody else's: then so is the service.
pub(crate) fn observe(
    name: &str,
    config: &str,
    files: &[String],
    context: &Context,
) -> Result<Observation, Failure> {
    if !is_ours(config)? {
        return Ok(Observation::InSync);
    }
    let (mut changes, risk) = match unit::observe(&stopped(name), context)? {
        Observation::Drift { changes, risk } => (changes, risk),
        _ => (Vec::new(), Risk::Safe),
    };
    changes.extend(gone(config, files));
    Ok(drift(changes, risk))
}

/// Stops the service, then removes its files, the configuration last: by it the rest is known to be
/// ours, and what is interrupted between goes on.
pub(crate) fn converge(
    name: &str,
    config: &str,
    files: &[String],
    context: &Context,
) -> Result<(), Failure> {
    if !is_ours(config)? {
        return Ok(());
    }
    unit::converge(&stopped(name), context)?;
    for path in there(config, files) {
        absent::converge(path, false, None)?;
    }
    systemd::daemon_reload()
}

/// Those that are there, the configuration last.
fn there<'a>(config: &'a str, files: &'a [String]) -> impl Iterator<Item = &'a str> {
    let all = files.iter().map(String::as_str).chain([config]);
    all.filter(|path| fs::symlink_metadata(path).is_ok())
}

fn gone<'a>(config: &'a str, files: &'a [String]) -> impl Iterator<Item = Change> {
    there(config, files).map(|path| Change {
        what: path.to_owned(),
        from: Some("there".to_owned()),
        to: None,
        ..Change::default()
    })
}

fn stopped(name: &str) -> Unit {
    Unit {
        name: name.to_owned(),
        state: UnitState::Stopped,
        reload_on: Vec::new(),
        restart_on: Vec::new(),
        console: None,
        stats_socket: None,
    }
}

#[cfg(test)]
mod tests {
    use super::there;

    #[test]
    fn the_configuration_goes_last() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
        let (config, files) = (path("a.conf"), [path("b.lst"), path("none")]);
        for one in [&config, &files[0]] {
            std::fs::write(one, "x").unwrap();
        }
        let found: Vec<&str> = there(&config, &files).collect();
        assert_eq!(found, [files[0].as_str(), config.as_str()]);
    }
}
