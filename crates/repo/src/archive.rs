//! Packages, packed anew for quick installation.
//!
//! Debian compresses packages with xz, and unpacking that is a quarter of the processor time of an
//! installation. Here the same content is compressed with zstd. Only the container changes:
//! control data and files stay, byte for byte, as published.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::Stdio;

use crate::process::{command, failed, not_started, run};
use crate::{RepoError, disk};

const MAGIC: &[u8] = b"!<arch>\n";
const FORMAT_VERSION: &[u8] = b"2.0\n";
const LEVEL: &str = "-3";

/// Writes the content of the package `from` to the package `to`; `to` appears whole.
pub(crate) fn repack(from: &Path, to: &Path) -> Result<(), RepoError> {
    let parts = ["control", "data", "packed"].map(|part| to.with_extension(part));
    let [control, data, packed] = &parts;
    run(command("dpkg-deb")
        .arg("--ctrl-tarfile")
        .arg(from)
        .stdout(create(control)?))?;
    compress(from, data)?;
    assemble(packed, control, data).map_err(RepoError::io(packed))?;
    fs::rename(packed, to).map_err(RepoError::io(to))?;
    parts[..2]
        .iter()
        .try_for_each(|path| disk::remove_if_there(path))
}

fn create(path: &Path) -> Result<File, RepoError> {
    File::create(path).map_err(RepoError::io(path))
}

/// `dpkg-deb --fsys-tarfile FROM | zstd > TO`, with both results looked at.
fn compress(from: &Path, to: &Path) -> Result<(), RepoError> {
    let mut unpack = command("dpkg-deb");
    unpack.arg("--fsys-tarfile").arg(from);
    unpack.stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = unpack.spawn();
    let mut child = started.map_err(|error| not_started(&unpack, error))?;
    let pipe = child.stdout.take().map_or_else(Stdio::null, Stdio::from);
    let packed = run(command("zstd")
        .args(["--quiet", "--stdout", LEVEL])
        .stdin(pipe)
        .stdout(create(to)?));
    let unpacked = child.wait_with_output().map_err(RepoError::io(from))?;
    packed?;
    match unpacked.status.success() {
        true => Ok(()),
        false => Err(failed(&unpack, &unpacked)),
    }
}

fn assemble(to: &Path, control: &Path, data: &Path) -> io::Result<()> {
    let mut out = File::create(to)?;
    out.write_all(MAGIC)?;
    out.write_all(header("debian-binary", 4).as_bytes())?;
    out.write_all(FORMAT_VERSION)?;
    member(&mut out, "control.tar", control)?;
    member(&mut out, "data.tar.zst", data)
}

fn member(out: &mut File, name: &str, path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    out.write_all(header(name, size).as_bytes())?;
    io::copy(&mut file, out)?;
    match size % 2 {
        0 => Ok(()),
        _ => out.write_all(b"\n"),
    }
}

/// Header of an archive member: 60 bytes, owned by root, without a time.
fn header(name: &str, size: u64) -> String {
    format!(
        "{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n",
        0, 0, 0, 100_644
    )
}

#[cfg(test)]
mod tests {
    use super::header;

    #[test]
    fn headers_have_their_size() {
        for (name, size) in [("debian-binary", 4), ("data.tar.zst", 123_456_789)] {
            let header = header(name, size);
            assert_eq!(header.len(), 60);
            assert_eq!(header[48..58].trim(), size.to_string());
        }
    }
}
