//! Paths at which nothing should be, with a guard against deleting what is not ours.

use std::fs;
use std::path::{Component, Path};

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};

use super::{atomic, drift, file};

/// Where directories directly below may go, with all they hold.
const PARENTS: [&str; 7] = ["/data", "/etc", "/opt", "/pg", "/run", "/srv", "/tmp"];
/// Below /etc, these never go.
const SYSTEM: [&str; 8] = [
    "/etc/apt",
    "/etc/default",
    "/etc/pam.d",
    "/etc/security",
    "/etc/ssh",
    "/etc/ssl",
    "/etc/sudoers.d",
    "/etc/systemd",
];

/// Compares with what is there.
pub(crate) fn observe(path: &str, recursive: bool) -> Result<Observation, Failure> {
    guard(path, recursive)?;
    let path = Path::new(path);
    let Some(found) = file::metadata(path)? else {
        return Ok(Observation::InSync);
    };
    let (what, risk) = if !found.is_dir() {
        ("there", Risk::Safe)
    } else if is_empty(path)? {
        ("an empty directory", Risk::Safe)
    } else if recursive {
        ("a directory with content", Risk::Destroy)
    } else {
        return Err(Failure::message(format!(
            "{} is a directory with content, which is not to be deleted with it",
            path.display()
        )));
    };
    let change = Change {
        what: path.display().to_string(),
        from: Some(what.to_owned()),
        to: None,
    };
    Ok(drift(vec![change], risk))
}

/// Deletes it.
pub(crate) fn converge(path: &str, recursive: bool) -> Result<(), Failure> {
    guard(path, recursive)?;
    let path = Path::new(path);
    let Some(found) = file::metadata(path)? else {
        return Ok(());
    };
    let removed = match (found.is_dir(), recursive) {
        (false, _) => fs::remove_file(path),
        (true, false) => fs::remove_dir(path),
        // Does not follow links.
        (true, true) => fs::remove_dir_all(path),
    };
    removed.map_err(|error| atomic::unable("delete", path, &error))
}

fn guard(path: &str, recursive: bool) -> Result<(), Failure> {
    refusal(path, recursive).map_or(Ok(()), |reason| {
        Err(Failure::message(format!(
            "deleting `{path}` is refused: {reason}; this is a fault of sty"
        )))
    })?;
    let mounts = fs::read_to_string("/proc/self/mountinfo")
        .map_err(|error| Failure::message(format!("cannot read the mounts: {error}")))?;
    match mount_inside(&mounts, path) {
        Some(mount) if recursive => Err(Failure {
            hint: Some(format!("unmount {mount} first")),
            ..Failure::message(format!(
                "deleting `{path}` is refused: {mount} is mounted there"
            ))
        }),
        _ => Ok(()),
    }
}

/// Why `path` must never be deleted.
fn refusal(path: &str, recursive: bool) -> Option<&'static str> {
    let path = Path::new(path);
    let plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
    if !path.is_absolute() || !path.components().all(plain) {
        return Some("it is no plain absolute path");
    }
    let depth = path.components().count() - 1;
    // A link may go; and gone it must not be refused.
    let free = fs::symlink_metadata(path).map_or_else(
        |error| error.kind() == std::io::ErrorKind::NotFound,
        |found| found.is_symlink(),
    );
    match depth {
        0 => Some("it is the root directory"),
        1 if !recursive && free => None,
        1 => Some("it is a top-level directory"),
        2 if recursive
            && !PARENTS
                .iter()
                .any(|parent| path.parent() == Some(Path::new(parent))) =>
        {
            Some("it is a directory of the system")
        }
        2 if recursive && SYSTEM.iter().any(|system| path == Path::new(system)) => {
            Some("it is a directory of the system")
        }
        _ => None,
    }
}

/// A mount point at or below `path`.
fn mount_inside<'a>(mounts: &'a str, path: &str) -> Option<&'a str> {
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    points
        .into_iter()
        .find(|point| Path::new(point).starts_with(path))
}

fn is_empty(path: &Path) -> Result<bool, Failure> {
    let mut entries = fs::read_dir(path).map_err(|error| atomic::unable("read", path, &error))?;
    Ok(entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ours_is_never_deleted() {
        for path in [
            "/",
            "",
            "data",
            "/data",
            "/etc",
            "/etc/ssh",
            "/usr/lib",
            "/var/lib",
            "/data/..",
            "/data/../etc/x",
            "/home/ada",
        ] {
            assert!(refusal(path, true).is_some(), "{path}");
        }
        for path in [
            "/data/etcd",
            "/data/postgres/pg-test-17",
            "/etc/patroni",
            "/var/lib/x/y",
        ] {
            assert_eq!(refusal(path, true), None, "{path}");
        }
        assert_eq!(refusal("/etc/cron.d/old", false), None);
        assert!(refusal("/etc", false).is_some(), "a directory");
        assert!(refusal("/no-such", true).is_some());
        assert_eq!(refusal("/no-such", false), None, "gone already");
    }

    #[test]
    fn mounts_at_or_below_are_found() {
        let mounts = "36 35 98:0 / /data rw - ext4 /dev/sdb rw\n\
                      37 35 98:0 / /data/pg-test2 rw - ext4 /dev/sdc rw\n";
        assert_eq!(mount_inside(mounts, "/data"), Some("/data"));
        assert_eq!(
            mount_inside(mounts, "/data/pg-test2"),
            Some("/data/pg-test2")
        );
        assert_eq!(mount_inside(mounts, "/data/pg-test"), None);
    }
}
