//! Files: written whole or not at all, and checksums.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ring::digest::{Context, Digest, SHA256};

use crate::RepoError;

const PUBLIC: u32 = 0o644;
const PRIVATE: u32 = 0o600;

/// Writes a file that others may read; it appears whole.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), RepoError> {
    write_mode(path, content, PUBLIC)
}

/// Writes a file that only its owner may read; it appears whole.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), RepoError> {
    write_mode(path, content, PRIVATE)
}

fn write_mode(path: &Path, content: &[u8], mode: u32) -> Result<(), RepoError> {
    let partial = path.with_extension("partial");
    remove_if_there(&partial)?;
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&partial)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
    written.map_err(RepoError::io(&partial))?;
    fs::rename(&partial, path).map_err(RepoError::io(path))
}

/// Content of a text file; `None` when it is not there.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<String>, RepoError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RepoError::io(path)(error)),
    }
}

/// Removes a file; not being there is fine.
pub(crate) fn remove_if_there(path: &Path) -> Result<(), RepoError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(RepoError::io(path)(error)),
        _ => Ok(()),
    }
}

/// Makes a directory with its parents.
pub(crate) fn make_dir(path: &Path) -> Result<(), RepoError> {
    fs::create_dir_all(path).map_err(RepoError::io(path))
}

/// Removes a directory with its content; not being there is fine.
pub(crate) fn remove_dir(path: &Path) -> Result<(), RepoError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(RepoError::io(path)(error)),
        _ => Ok(()),
    }
}

/// Size and sha256 of a file.
pub(crate) fn checksum(path: &Path) -> Result<(u64, String), RepoError> {
    let mut file = File::open(path).map_err(RepoError::io(path))?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer).map_err(RepoError::io(path))?;
        if count == 0 {
            return Ok((size, hex(&context.finish())));
        }
        size += count as u64;
        context.update(&buffer[..count]);
    }
}

/// sha256 of bytes, hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&ring::digest::digest(&SHA256, bytes))
}

fn hex(digest: &Digest) -> String {
    hex_bytes(digest.as_ref())
}

/// Lower-case hexadecimal.
pub(crate) fn hex_bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of a hexadecimal text.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits
        .map(|pair| (pair.len() == 2).then(|| byte(pair)).flatten())
        .collect()
}

/// Holds `path` locked until dropped; `None` when someone else does.
pub(crate) fn try_guard(path: &Path) -> Result<Option<File>, RepoError> {
    let file = File::create(path).map_err(RepoError::io(path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(RepoError::io(path)(error)),
    }
}

/// Holds `path` locked until dropped, after whoever has it now.
pub(crate) fn guard(path: &Path) -> Result<File, RepoError> {
    let file = File::create(path).map_err(RepoError::io(path))?;
    file.lock().map_err(RepoError::io(path))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_goes_both_ways() {
        assert_eq!(unhex("00ff7e"), Some(vec![0, 255, 126]));
        assert_eq!(hex_bytes(&[0, 255, 126]), "00ff7e");
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("zz"), None);
    }

    #[test]
    fn private_files_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        write_private(&path, b"secret").unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(checksum(&path).unwrap(), (6, sha256(b"secret")));
    }
}
