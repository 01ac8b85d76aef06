//! Paths at which nothing should be, with a guard against deleting what is not ours.

use std::fs;
use std::io;
use std::path::{Component, Path};

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};

use super::{atomic, drift, file};

/// Directories directly below these never go with all they hold.
const TOP: [&str; 13] = [
    "/bin", "/boot", "/dev", "/home", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys",
    "/usr", "/var",
];
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

/// Compares with what is there. A directory that has content and lacks `mark` is another one than
/// was meant.
pub(crate) fn observe(
    path: &str,
    recursive: bool,
    mark: Option<&str>,
) -> Result<Observation, Failure> {
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
        known_by(path, mark)?;
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
        ..Change::default()
    };
    Ok(drift(vec![change], risk))
}

fn known_by(path: &Path, mark: Option<&str>) -> Result<(), Failure> {
    match mark {
        Some(mark) if file::metadata(&path.join(mark))?.is_none() => Err(Failure {
            hint: Some(
                "look at what it holds, and delete it by hand if nobody needs it".to_owned(),
            ),
            ..Failure::message(format!(
                "{} has content and no `{mark}`: it is not the data that should go",
                path.display()
            ))
        }),
        _ => Ok(()),
    }
}

/// Deletes it; `mark` last, so that what is left after an interruption is known by it.
pub(crate) fn converge(path: &str, recursive: bool, mark: Option<&str>) -> Result<(), Failure> {
    guard(path, recursive)?;
    let path = Path::new(path);
    let Some(found) = file::metadata(path)? else {
        return Ok(());
    };
    let removed = match (found.is_dir(), recursive) {
        (false, _) => fs::remove_file(path),
        (true, false) => fs::remove_dir(path),
        (true, true) => {
            if !is_empty(path)? {
                known_by(path, mark)?;
            }
            empty(path, mark).and_then(|()| fs::remove_dir_all(path))
        }
    };
    removed.map_err(|error| atomic::unable("delete", path, &error))
}

/// Deletes everything in a directory but `mark`. Does not follow links.
fn empty(path: &Path, mark: Option<&str>) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if mark.is_some_and(|mark| entry.file_name() == mark) {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
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
        |error| error.kind() == io::ErrorKind::NotFound,
        |found| found.is_symlink(),
    );
    match depth {
        0 => Some("it is the root directory"),
        1 if !recursive && free => None,
        1 => Some("it is a top-level directory"),
        2 if recursive && TOP.iter().any(|top| path.parent() == Some(Path::new(top))) => {
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
            "/data1/pg-test-17",
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
    fn a_directory_is_known_by_its_mark_to_the_last() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("pg/data");
        fs::create_dir_all(path.join("base/1")).unwrap();
        let text = path.to_str().unwrap();
        let failure = observe(text, true, Some("PG_VERSION")).unwrap_err();
        assert!(failure.message.contains("PG_VERSION"), "{failure:?}");
        assert!(converge(text, true, Some("PG_VERSION")).is_err());
        assert!(path.join("base/1").is_dir());
        fs::write(path.join("PG_VERSION"), "17").unwrap();
        empty(&path, Some("PG_VERSION")).unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        converge(text, true, Some("PG_VERSION")).unwrap();
        assert!(!path.exists());
        converge(text, true, Some("PG_VERSION")).unwrap();
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
