//! Replacing a file so that nobody ever sees half of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sty_wire::observation::Failure;

use super::access;

/// Writes `content` beside `path`, with owner and mode, has `check` accept it, and puts it in
/// place of `path`. Whatever fails, `path` stays as it was.
pub(crate) fn replace(
    path: &Path,
    content: &[u8],
    ids: (u32, u32),
    mode: u32,
    check: impl FnOnce(&Path) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let candidate = beside(path)?;
    let result = write(&candidate, content, ids, mode)
        .map_err(|error| unable("write", path, &error))
        .and_then(|()| check(&candidate))
        .and_then(|()| go_live(&candidate, path).map_err(|error| unable("replace", path, &error)));
    if result.is_err() {
        // Gone already when it went live; a leftover is overwritten by the next attempt.
        let _ = fs::remove_file(&candidate);
    }
    result
}

/// Always the same name, so that an interrupted attempt leaves one file at most, which the next
/// attempt overwrites. The dot in front and the ending keep `conf.d` readers away from it.
pub(crate) fn beside(path: &Path) -> Result<PathBuf, Failure> {
    let name = path.file_name().ok_or_else(|| {
        Failure::message(format!("`{}` is not the path of a file", path.display()))
    })?;
    Ok(path.with_file_name(format!(".{}.sty-new", name.to_string_lossy())))
}

fn write(candidate: &Path, content: &[u8], ids: (u32, u32), mode: u32) -> io::Result<()> {
    match fs::remove_file(candidate) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Must be new: whoever owns the directory could otherwise have us write through a link.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(candidate)?;
    file.write_all(content)?;
    access::set_open(&file, ids, mode)?;
    file.sync_all()
}

fn go_live(candidate: &Path, path: &Path) -> io::Result<()> {
    fs::rename(candidate, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// Failure of doing something to a path.
pub(crate) fn unable(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::message(format!("cannot {what} {}: {error}", path.display()))
}
