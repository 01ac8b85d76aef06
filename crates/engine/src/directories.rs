//! Where the controller keeps things outside the inventory, and who runs it.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It cannot be made or looked at.
    #[error("cannot use directory `{}`", .path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It belongs to someone else or is open to others.
    #[error(
        "directory `{}` must belong to the user who runs `sty` and be closed to others (mode 0700); \
         remove it or set `XDG_RUNTIME_DIR`",
        .path.display()
    )]
    Open {
        /// Which.
        path: PathBuf,
    },
    /// Neither `STY_STATE_DIR` nor `HOME` is set.
    #[error("no place for state: set `STY_STATE_DIR` or `HOME`")]
    Homeless,
}

/// Effective user id of this process.
pub(crate) fn user_id() -> io::Result<u32> {
    Ok(std::fs::metadata("/proc/self")?.uid())
}

/// Directory for sockets of shared connections, mode 0700, made when missing: `/run/sty-ssh`
/// for root, `$XDG_RUNTIME_DIR/sty-ssh` or `/tmp/sty-ssh-UID` for others. Short, because paths of sockets
/// are limited to about 100 bytes.
///
/// # Errors
/// When it cannot be made, or is not ours alone.
pub fn runtime_directory() -> Result<PathBuf, DirectoryError> {
    let uid = user_id().map_err(|source| unusable("/proc/self", source))?;
    let session = std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty());
    let path = match session {
        _ if uid == 0 => PathBuf::from("/run/sty-ssh"),
        Some(dir) if dir.len() < 40 => PathBuf::from(dir).join("sty-ssh"),
        _ => PathBuf::from(format!("/tmp/sty-ssh-{uid}")),
    };
    private_directory(&path, uid)?;
    Ok(path)
}

fn private_directory(path: &Path, uid: u32) -> Result<(), DirectoryError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(unusable(path, error));
        }
        _ => {}
    }
    let found = std::fs::symlink_metadata(path).map_err(|source| unusable(path, source))?;
    let private = found.is_dir() && found.uid() == uid && found.permissions().mode() & 0o077 == 0;
    if private {
        Ok(())
    } else {
        Err(DirectoryError::Open {
            path: path.to_owned(),
        })
    }
}

/// Directory of the controller's own state (journals), not made by this call: `$STY_STATE_DIR`,
/// `/var/lib/sty` for root, `$XDG_STATE_HOME/sty` or `~/.local/state/sty` for others.
///
/// # Errors
/// When no such place can be named.
pub fn state_directory() -> Result<PathBuf, DirectoryError> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = set("STY_STATE_DIR") {
        return Ok(path.into());
    }
    if user_id().map_err(|source| unusable("/proc/self", source))? == 0 {
        return Ok("/var/lib/sty".into());
    }
    if let Some(path) = set("XDG_STATE_HOME") {
        return Ok(PathBuf::from(path).join("sty"));
    }
    let home = set("HOME").ok_or(DirectoryError::Homeless)?;
    Ok(PathBuf::from(home).join(".local/state/sty"))
}

fn unusable(path: impl AsRef<Path>, source: io::Error) -> DirectoryError {
    DirectoryError::Unusable {
        path: path.as_ref().to_owned(),
        source,
    }
}

/// Who runs this process, `user@host`; behind `sudo`, the user who called it.
pub fn operator() -> String {
    let user = ["SUDO_USER", "LOGNAME", "USER"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
        .or_else(|| {
            user_id().ok().map(|uid| match uid {
                0 => "root".to_owned(),
                uid => format!("uid {uid}"),
            })
        })
        .unwrap_or_else(|| "unknown".to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match host.trim() {
        "" => user,
        host => format!("{user}@{host}"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{private_directory, user_id};

    #[test]
    fn refuses_a_directory_open_to_others() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("sty");
        let uid = user_id().unwrap();
        private_directory(&path, uid).unwrap();
        private_directory(&path, uid).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let error = private_directory(&path, uid).unwrap_err().to_string();
        assert!(error.contains("0700"), "{error}");
        assert!(private_directory(&path, uid + 1).is_err());
    }
}
