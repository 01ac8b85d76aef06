//! One `apply` at a time per inventory on this controller.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The lock cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ControllerLockError {
    /// Someone else has it.
    #[error("{holder} is at work on this inventory (lock `{}`)", .path.display())]
    Held {
        /// Who, as they said.
        holder: String,
        /// Lock file.
        path: PathBuf,
    },
    /// The file cannot be used.
    #[error("cannot use lock file `{}`", .path.display())]
    Unusable {
        /// Lock file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Held until dropped, or until the process ends, however it ends. The file stays.
#[derive(Debug)]
pub struct ControllerLock {
    _file: File,
}

impl ControllerLock {
    /// Takes the lock `path`, whose directory is made when missing. Does not wait. `holder` is
    /// what the next one is told: `ann@ops, pid 4711, since 2026-11-21T09:00:00Z`.
    ///
    /// # Errors
    /// When someone else has it, or the file cannot be used.
    pub fn acquire(path: &Path, holder: &str) -> Result<Self, ControllerLockError> {
        let unusable = |source| ControllerLockError::Unusable {
            path: path.to_owned(),
            source,
        };
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(unusable)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {
                write_holder(&mut file, holder).map_err(unusable)?;
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => Err(ControllerLockError::Held {
                holder: read_holder(&mut file),
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }
}

fn write_holder(file: &mut File, holder: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(holder.as_bytes())?;
    file.flush()
}

fn read_holder(file: &mut File) -> String {
    let mut holder = String::new();
    match file.read_to_string(&mut holder) {
        Ok(1..) => holder,
        _ => "another `sty`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::ControllerLock;

    #[test]
    fn excludes_and_names() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("files/lock");
        let first = ControllerLock::acquire(&path, "ann@ops, pid 1").unwrap();
        let refused = ControllerLock::acquire(&path, "bob")
            .unwrap_err()
            .to_string();
        assert!(
            refused.starts_with("ann@ops, pid 1 is at work"),
            "{refused}"
        );
        drop(first);
        ControllerLock::acquire(&path, "bob").unwrap();
    }
}
