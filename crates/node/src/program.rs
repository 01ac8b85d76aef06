//! The running program itself.

use std::fmt::Write;
use std::fs::File;
use std::io;

use sha2::{Digest, Sha256};

/// SHA-256 of the running program's file, lower case hex. Reads /proc/self/exe.
pub fn sha256() -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open("/proc/self/exe")?, &mut hasher)?;
    Ok(hex(&hasher.finalize()))
}

/// Lower case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
