//! Reading files that the operator named: whatever is named, it ends.

use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// The most that is read of a file.
const LIMIT: u64 = 64 << 20;

/// Why a file cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Why, to follow the name of the file and a colon.
    pub(crate) why: String,
    /// There is nothing of that name.
    pub(crate) missing: bool,
}

impl Unreadable {
    fn because(why: &str) -> Self {
        Self {
            why: why.to_owned(),
            missing: false,
        }
    }
}

impl From<std::io::Error> for Unreadable {
    fn from(error: std::io::Error) -> Self {
        Self {
            missing: error.kind() == ErrorKind::NotFound,
            why: error.to_string(),
        }
    }
}

/// The content of a file, of a pipe, or of what is typed.
///
/// # Errors
/// What cannot be opened or read, directories, devices, and more than 64 MiB.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Unreadable> {
    let file = File::open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(Unreadable::because("it is a directory"));
    }
    if kind.is_block_device() || (kind.is_char_device() && !file.is_terminal()) {
        return Err(Unreadable::because("it is a device, not a file"));
    }
    let mut content = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut content)?;
    match u64::try_from(content.len()) {
        Ok(..=LIMIT) => Ok(content),
        _ => Err(Unreadable::because("it is larger than 64 MiB")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::{LIMIT, read};
    use std::fs::{File, write};

    #[test]
    fn what_is_no_file_of_a_sane_size_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let why = |name: &str| read(&home.path().join(name)).map_err(|error| error.why);
        write(home.path().join("a"), "x").unwrap();
        assert_eq!(why("a"), Ok(b"x".to_vec()));
        assert_eq!(why(""), Err("it is a directory".to_owned()));
        assert_eq!(
            why("/dev/zero"),
            Err("it is a device, not a file".to_owned())
        );
        let large = File::create(home.path().join("large")).unwrap();
        large.set_len(LIMIT + 1).unwrap();
        assert_eq!(why("large"), Err("it is larger than 64 MiB".to_owned()));
        assert!(read(&home.path().join("none")).unwrap_err().missing);
    }
}
