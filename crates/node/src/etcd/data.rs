//! Whether a member's directory holds what it has stored, by its log: that is what etcd itself
//! goes by when it starts. Without one it makes its directories anew, and may then be refused as
//! one that has been there before; where it joins, it begins a log, and ends as soon as it hears
//! of entries that it once had.

use std::fs::{self, File};
use std::io::{BufReader, ErrorKind, Read, Result};
use std::path::Path;

/// The log of a member that has not gone beyond its first file.
const FIRST: &str = "0000000000000000-0000000000000000.wal";

/// Kinds of records that say nothing of what was stored: of whom the log is, votes, checksums.
const METADATA: u8 = 1;
const STATE: u8 = 3;
const CHECKSUM: u8 = 4;
/// The snapshot of index 0 with which every log begins, at the end of its record.
const NO_SNAPSHOT: [u8; 6] = [0x1a, 4, 8, 0, 0x10, 0];

/// Whether something is stored in `member`. What cannot be read may be something.
pub(super) fn is_there(member: &Path) -> bool {
    let wal = member.join("wal");
    match logs(&wal) {
        Ok(logs) if logs.is_empty() => false,
        Ok(logs) if logs == [FIRST] => has_entries(&wal.join(FIRST)).unwrap_or(true),
        Ok(_) => true,
        // A link that leads nowhere: its disk may be missing.
        Err(error) => error.kind() != ErrorKind::NotFound || wal.is_symlink(),
    }
}

/// Also those that etcd has set aside.
fn logs(wal: &Path) -> Result<Vec<String>> {
    let names = fs::read_dir(wal)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into()));
    let names: Vec<String> = names.collect::<Result<_>>()?;
    let is_log = |name: &String| name.contains(".wal");
    Ok(names.into_iter().filter(is_log).collect())
}

/// Each record comes behind its length, of which the uppermost byte tells how it is filled up;
/// what follows the last one is zeros.
fn has_entries(log: &Path) -> Result<bool> {
    let mut log = BufReader::new(File::open(log)?);
    loop {
        let mut head = [0; 8];
        log.read_exact(&mut head)?;
        let [low, high, longer @ .., filling] = head;
        if head == [0; 8] {
            return Ok(false);
        }
        let filled = if filling >= 0x80 { filling & 7 } else { 0 };
        let length = u16::from_le_bytes([low, high]);
        let mut record = vec![0; length.into()];
        log.read_exact(&mut record)?;
        if longer != [0; 5] || tells(&record) {
            return Ok(true);
        }
        log.read_exact(&mut vec![0; filled.into()])?;
    }
}

/// Whether a record is, or may be, of an entry, or of a snapshot that stands for some.
fn tells(record: &[u8]) -> bool {
    let says_nothing = matches!(record, [8, METADATA | STATE | CHECKSUM, ..]);
    !says_nothing && !record.ends_with(&NO_SNAPSHOT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &[u8] = &[8, 2, 0x10, 0, 0x1a, 8, 8, 0, 0x10, 2, 0x18, 1, 0x22, 0];

    /// The beginning of every log: checksum, metadata, the snapshot of index 0, a vote.
    fn beginning() -> Vec<Vec<u8>> {
        let snapshot = [&[8, 5, 0x10, 7][..], &NO_SNAPSHOT].concat();
        let metadata = vec![8, METADATA, 0x10, 7, 0x1a, 2, 8, 1];
        let state = vec![8, STATE, 0x10, 7, 0x1a, 6, 8, 2, 0x10, 0, 0x18, 0];
        vec![vec![8, CHECKSUM, 0x10, 0], metadata, snapshot, state]
    }

    fn log(records: &[Vec<u8>]) -> Vec<u8> {
        let mut text = Vec::new();
        for record in records {
            let filled = (8 - record.len() % 8) % 8;
            let mut head = u64::try_from(record.len()).unwrap().to_le_bytes();
            if filled > 0 {
                head[7] = 0x80 | u8::try_from(filled).unwrap();
            }
            text.extend(head);
            text.extend(record);
            text.extend(vec![0; filled]);
        }
        text.extend([0; 64]);
        text
    }

    /// Whether something is stored in a member with these logs.
    fn found(logs: &[(&str, &[u8])]) -> bool {
        let member = tempfile::tempdir().unwrap();
        fs::create_dir_all(member.path().join("wal")).unwrap();
        for (name, text) in logs {
            fs::write(member.path().join("wal").join(name), text).unwrap();
        }
        is_there(member.path())
    }

    #[test]
    fn a_log_without_entries_is_of_a_member_that_has_stored_nothing() {
        assert!(!found(&[(FIRST, &log(&beginning()))]));
        let one = [beginning(), vec![ENTRY.to_vec()]].concat();
        assert!(found(&[(FIRST, &log(&one))]));
        let mut copied = beginning();
        copied.push(vec![8, 5, 0x10, 7, 0x1a, 4, 8, 9, 0x10, 2]);
        assert!(found(&[(FIRST, &log(&copied))]));
    }

    #[test]
    fn a_member_without_log_has_stored_nothing() {
        let member = tempfile::tempdir().unwrap();
        fs::create_dir(member.path().join("snap")).unwrap();
        assert!(!is_there(member.path()));
        std::os::unix::fs::symlink("/nowhere/at/all", member.path().join("wal")).unwrap();
        assert!(is_there(member.path()), "on a disk that is away");
        assert!(!found(&[("0.tmp", b"")]));
    }

    #[test]
    fn what_cannot_be_read_or_goes_on_may_hold_something() {
        let empty = log(&beginning());
        assert!(found(&[(FIRST, b"")]));
        assert!(found(&[(FIRST, &empty[..20])]));
        let second = "0000000000000001-0000000000000a00.wal";
        assert!(found(&[(FIRST, &empty), (second, &empty)]));
        assert!(found(&[(second, &empty)]));
        let aside = format!("{FIRST}.broken");
        assert!(found(&[(FIRST, &empty), (&aside, b"")]));
    }
}
