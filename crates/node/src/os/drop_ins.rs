//! Drop-ins of systemd units that `sty` has not written: they may be meant, so they stay; whoever
//! wonders what a unit does shall know of them.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use sty_wire::observation::{Failure, Note};
use sty_wire::resource::{Resource, ResourceKind, UnitState};

/// Where an administrator puts them, and programs for the time until the next boot; `systemctl
/// set-property` has places of its own.
const PLACES: [&str; 4] = [
    "/etc/systemd/system",
    "/etc/systemd/system.control",
    "/run/systemd/system",
    "/run/systemd/system.control",
];
/// The name of those that `sty` writes.
const OWN: &str = "sty.conf";

/// What is to be known of the unit that `resource` wants to run.
pub(crate) fn note(resource: &Resource) -> Option<Note> {
    match &resource.kind {
        ResourceKind::Unit(unit) if unit.state == UnitState::Running => of_unit(&unit.name),
        ResourceKind::EtcdMember(member) => of_unit(&member.unit),
        ResourceKind::PatroniMember(member) => of_unit(&member.unit),
        _ => None,
    }
}

/// What is to be known of a unit.
pub(crate) fn of_unit(unit: &str) -> Option<Note> {
    let files = files(&PLACES, unit);
    let verb = match files.len() {
        0 => return None,
        1 => "changes",
        _ => "change",
    };
    Some(Note {
        subject: unit.to_owned(),
        message: format!(
            "{} {verb} what it does and {} not of `sty`: left alone",
            files.join(" and "),
            if files.len() == 1 { "is" } else { "are" }
        ),
        hint: format!("`systemctl cat {unit}` on the node shows it as it is"),
    })
}

/// `failure` of a unit, naming what else may be to blame.
pub(crate) fn blamed(failure: Failure, unit: &str) -> Failure {
    let Some(note) = of_unit(unit) else {
        return failure;
    };
    let own = failure.hint.map(|hint| format!("{hint}; "));
    Failure {
        hint: Some(format!(
            "{}{}; {}",
            own.unwrap_or_default(),
            note.message,
            note.hint
        )),
        ..failure
    }
}

/// Drop-ins of a unit that are somebody else's.
fn files(places: &[&str], unit: &str) -> Vec<String> {
    let mut found = Vec::new();
    for place in places {
        let directory = format!("{place}/{unit}.d");
        match within(Path::new(&directory)) {
            Ok(files) => found.extend(files),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => found.push(format!("{directory} (cannot be listed: {error})")),
        }
    }
    found
}

fn within(directory: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let is_read = path.extension().is_some_and(|one| one == "conf");
        if is_read && path.file_name().is_some_and(|name| name != OWN) {
            found.push(path.display().to_string());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_takes_up_and_sty_did_not_write_is_found() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("etcd.service.d");
        fs::create_dir(&directory).unwrap();
        for name in ["sty.conf", "nice.conf", "limits.conf", "old.conf.bak"] {
            fs::write(directory.join(name), "[Service]\n").unwrap();
        }
        let place = place.path().to_str().unwrap();
        let found = files(&[place, "/nowhere"], "etcd.service");
        let expected = ["limits.conf", "nice.conf"];
        assert_eq!(
            found,
            expected.map(|name| directory.join(name).display().to_string())
        );
        assert!(files(&[place], "patroni.service").is_empty());
    }
}
