//! The program that runs on nodes: this very executable.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Directory on a node that usually holds the program.
pub(crate) const DIRECTORY: &str = "/opt/sty/bin";

const BUFFER: usize = 256 * 1024;

/// The program cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the running program `{}`", .path.display())]
pub struct ProgramError {
    /// Which file.
    path: PathBuf,
    /// Why.
    source: io::Error,
}

/// An executable that speaks the node protocol when called with the argument `node-session`.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    file: File,
    size: u64,
    sha256: String,
}

impl Program {
    /// The running program. Reads it whole, for its hash.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn current() -> Result<Self, ProgramError> {
        let own = Path::new("/proc/self/exe");
        let path = std::env::current_exe().unwrap_or_else(|_| own.to_owned());
        Self::open(path, own)
    }

    /// Another file, for a controller that is not `sty` itself.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn at(path: &Path) -> Result<Self, ProgramError> {
        Self::open(path.to_owned(), path)
    }

    fn open(path: PathBuf, from: &Path) -> Result<Self, ProgramError> {
        match read(from) {
            Ok((file, size, sha256)) => Ok(Self {
                path,
                file,
                size,
                sha256,
            }),
            Err(source) => Err(ProgramError { path, source }),
        }
    }

    /// SHA-256, lower case hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where it is on this machine.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// File name on a node.
    pub(crate) fn name(&self) -> String {
        let short: String = self.sha256.chars().take(16).collect();
        format!("sty-{short}")
    }

    /// A reader of the whole file, independent of others.
    pub(crate) fn reader(&self) -> impl Read {
        let whole = Cursor {
            file: &self.file,
            offset: 0,
        };
        BufReader::with_capacity(BUFFER, whole)
    }
}

fn read(from: &Path) -> io::Result<(File, u64, String)> {
    let mut file = File::open(from)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let mut size = 0;
    while let count @ 1.. = file.read(&mut buffer)? {
        hash.update(&buffer[..count]);
        size += count as u64;
    }
    Ok((file, size, format!("{:x}", hash.finalize())))
}

struct Cursor<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for Cursor<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}
