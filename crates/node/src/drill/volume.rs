//! A data volume that can really be full, on a node whose disk must not be.
//!
//! The data moves to a file system in memory of limited size, mounted over its directory. What
//! lies below stays where it is, and is replaced by the data when the volume is released.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use sty_wire::drill::Volume;
use sty_wire::observation::Failure;

use crate::run::Run;
use crate::systemd;

/// The limited file system.
const LIMITED: &str = "/run/sty/drill/limited";
/// The directory below it.
const BELOW: &str = "/run/sty/drill/below";
/// What takes the room.
const FILLER: &str = "sty-drill-filler";
const COPY_LIMIT: Duration = Duration::from_secs(300);
static BLOCK: [u8; 65_536] = [0; 65_536];

/// Moves the data to a limited file system. Done already, nothing changes; one that fails leaves
/// everything where it was.
pub(super) fn limit(volume: &Volume, spare_bytes: u64) -> Result<(), Failure> {
    if mounted(&volume.directory)? {
        return Ok(());
    }
    stop(volume)?;
    let moved = move_to_limited(volume, spare_bytes);
    if moved.is_err() {
        for directory in [BELOW, LIMITED] {
            // Where it was not mounted yet there is nothing to undo.
            Run::new("umount").args(["--lazy", directory]).any_exit()?;
        }
    }
    systemd::start(&volume.unit)?;
    moved
}

fn move_to_limited(volume: &Volume, spare_bytes: u64) -> Result<(), Failure> {
    let used = bytes_below(&volume.directory)?;
    for directory in [LIMITED, BELOW] {
        fs::create_dir_all(directory).map_err(|error| unable("create", directory, &error))?;
    }
    let size = format!("size={}", used + used / 20 + spare_bytes);
    run(&["mount", "-t", "tmpfs", "-o", &size, "tmpfs", LIMITED])?;
    run(&["mount", "--bind", &volume.directory, BELOW])?;
    // What is mounted over the directory must not appear here too.
    run(&["mount", "--make-private", BELOW])?;
    copy(&volume.directory, LIMITED)?;
    run(&["mount", "--bind", LIMITED, &volume.directory])
}

/// Writes until no room is left.
pub(super) fn fill(volume: &Volume) -> Result<(), Failure> {
    if !mounted(&volume.directory)? {
        return Err(Failure::message(format!(
            "{} is not limited: filling it would fill the whole node",
            volume.directory
        )));
    }
    let path = Path::new(&volume.directory).join(FILLER);
    let shown = path.display().to_string();
    let mut file = File::create(&path).map_err(|error| unable("create", &shown, &error))?;
    let mut block = BLOCK.as_slice();
    while !block.is_empty() {
        match file.write_all(block) {
            Ok(()) => {}
            // What is left is less than a block.
            Err(error) if full(&error) => block = &block[..block.len() / 2],
            Err(error) => return Err(unable("write", &shown, &error)),
        }
    }
    Ok(())
}

/// Gives the room back.
pub(super) fn empty(volume: &Volume) -> Result<(), Failure> {
    let path = Path::new(&volume.directory).join(FILLER);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(unable("remove", &path.display().to_string(), &error))
        }
        _ => Ok(()),
    }
}

/// Moves the data back. Done already, nothing changes.
pub(super) fn release(volume: &Volume) -> Result<(), Failure> {
    if !mounted(&volume.directory)? {
        return Ok(());
    }
    stop(volume)?;
    empty(volume)?;
    if device(BELOW)? == device(LIMITED)? {
        return Err(Failure::message(format!(
            "{BELOW} is not the disk below {LIMITED}: nothing was moved"
        )));
    }
    run(&["find", BELOW, "-mindepth", "1", "-delete"])?;
    copy(LIMITED, BELOW)?;
    for directory in [&volume.directory, BELOW, LIMITED] {
        // Logs of the pooler may be open on it: it goes when they are closed.
        run(&["umount", "--lazy", directory])?;
    }
    systemd::start(&volume.unit)
}

/// Stops the unit; a server that outlived it would write to data that moves.
fn stop(volume: &Volume) -> Result<(), Failure> {
    systemd::stop(&volume.unit)?;
    let pid = format!("{}/postmaster.pid", volume.data);
    match Path::new(&pid).exists() {
        true => Err(Failure::message(format!(
            "PostgreSQL runs on without {}: {pid} is there",
            volume.unit
        ))),
        false => Ok(()),
    }
}

fn mounted(directory: &str) -> Result<bool, Failure> {
    let finished = Run::new("mountpoint")
        .args(["--quiet", directory])
        .any_exit()?;
    Ok(finished.code == Some(0))
}

fn device(directory: &str) -> Result<u64, Failure> {
    let found = fs::metadata(directory).map_err(|error| unable("look at", directory, &error))?;
    Ok(found.dev())
}

fn bytes_below(directory: &str) -> Result<u64, Failure> {
    let words = [
        "--summarize",
        "--apparent-size",
        "--block-size=1",
        directory,
    ];
    let told = Run::new("du").args(words).ok()?.stdout;
    let first = told.split_whitespace().next().unwrap_or_default();
    first
        .parse()
        .map_err(|_| Failure::message(format!("cannot measure {directory}: `{}`", told.trim())))
}

/// Everything in `from` with owners, modes, links and the directory's own.
fn copy(from: &str, to: &str) -> Result<(), Failure> {
    let words = ["--archive", &format!("{from}/."), &format!("{to}/")];
    Run::new("cp").args(words).limit(COPY_LIMIT).ok().map(drop)
}

fn run(words: &[&str]) -> Result<(), Failure> {
    let [program, arguments @ ..] = words else {
        return Ok(());
    };
    Run::new(program)
        .args(arguments.iter().copied())
        .ok()
        .map(drop)
}

fn full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::StorageFull
}

fn unable(what: &str, path: &str, error: &io::Error) -> Failure {
    Failure::message(format!("cannot {what} {path}: {error}"))
}
