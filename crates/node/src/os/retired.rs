//! A service that `sty` had set up and that nobody asks for any more.

use std::fs;
use std::io::ErrorKind;

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::resource::{Unit, UnitState};

use super::{drift, unit};
use crate::context::Context;

/// In the first line of what `sty` writes.
const MARK: &str = "Managed by sty.";

/// In sync where the configuration is not there, or is somebody else's: then so is the service.
pub(crate) fn observe(name: &str, config: &str, context: &Context) -> Result<Observation, Failure> {
    if !is_ours(config)? {
        return Ok(Observation::InSync);
    }
    let stopped = match unit::observe(&stopped(name), context)? {
        Observation::Drift { changes, .. } => changes,
        _ => Vec::new(),
    };
    let change = Change {
        what: config.to_owned(),
        from: Some("there".to_owned()),
        to: None,
    };
    let changes = stopped.into_iter().chain([change]).collect();
    Ok(drift(changes, Risk::Restart))
}

/// Stops the service, then removes its configuration: what is interrupted between goes on.
pub(crate) fn converge(name: &str, config: &str, context: &Context) -> Result<(), Failure> {
    if !is_ours(config)? {
        return Ok(());
    }
    unit::converge(&stopped(name), context)?;
    fs::remove_file(config)
        .map_err(|error| Failure::message(format!("cannot remove {config}: {error}")))
}

fn is_ours(config: &str) -> Result<bool, Failure> {
    match fs::read_to_string(config) {
        Ok(text) => Ok(text.lines().next().is_some_and(|line| line.contains(MARK))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::message(format!("cannot read {config}: {error}"))),
    }
}

fn stopped(name: &str) -> Unit {
    Unit {
        name: name.to_owned(),
        state: UnitState::Stopped,
        reload_on: Vec::new(),
        restart_on: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_what_bears_the_mark_is_ours() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("some.conf");
        let ours = || is_ours(path.to_str().unwrap()).unwrap();
        assert!(!ours());
        std::fs::write(&path, "# Managed by sty. Changes are undone.\nx\n").unwrap();
        assert!(ours());
        std::fs::write(&path, "# mine\n# not Managed by sty.\n").unwrap();
        assert!(!ours());
    }
}
