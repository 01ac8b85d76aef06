//! One operation at a time on a sandbox, and one owner of its name on this machine.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::{Dirs, Error, Result, SandboxName};

/// Host-wide, because namespaces and control groups are.
const DIR: &str = "/run/sty/sandbox";

/// Held while an operation changes a sandbox; the kernel releases it when the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Waits for the lock of a name, and makes sure that the name belongs to this state directory.
    pub(crate) fn take(dirs: &Dirs, name: &SandboxName) -> Result<Lock> {
        fs::create_dir_all(DIR).map_err(Error::io("create", Path::new(DIR)))?;
        let path = Path::new(DIR).join(name.as_str());
        loop {
            let file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(Error::io("open", &path))?;
            file.lock().map_err(Error::io("lock", &path))?;
            let lock = Lock {
                file,
                path: path.clone(),
            };
            // The holder before may have removed the file that was waited for.
            if lock.is_current()? {
                return lock.claim(dirs, name);
            }
        }
    }

    fn is_current(&self) -> Result<bool> {
        let held = self
            .file
            .metadata()
            .map_err(Error::io("read", &self.path))?;
        Ok(fs::metadata(&self.path)
            .is_ok_and(|now| (now.dev(), now.ino()) == (held.dev(), held.ino())))
    }

    fn claim(mut self, dirs: &Dirs, name: &SandboxName) -> Result<Lock> {
        let mut owner = String::new();
        self.file
            .read_to_string(&mut owner)
            .map_err(Error::io("read", &self.path))?;
        let mine = std::path::absolute(&dirs.state).map_err(Error::io("find", &dirs.state))?;
        let owner = Dirs {
            state: PathBuf::from(&owner),
            cache: PathBuf::new(),
        };
        if owner.state.is_absolute() && owner.state != mine && owner.place(name).dir().exists() {
            let owner = owner.state;
            return Err(Error::NameTaken {
                sandbox: name.to_string(),
                owner,
                mine,
            });
        }
        self.file.rewind().map_err(Error::io("write", &self.path))?;
        self.file
            .set_len(0)
            .map_err(Error::io("write", &self.path))?;
        self.file
            .write_all(mine.as_os_str().as_encoded_bytes())
            .map_err(Error::io("write", &self.path))?;
        Ok(self)
    }

    /// Gives the name up: nothing of the sandbox is left.
    pub(crate) fn remove(self) -> Result<()> {
        fs::remove_file(&self.path).map_err(Error::io("remove", &self.path))
    }
}
