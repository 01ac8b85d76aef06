//! Values that PostgreSQL takes and that cost data.

use super::value::boolean;

/// A switch, the position that is dangerous, and what comes of it.
type Risk = (&'static str, bool, &'static str);

const RISKS: &[Risk] = &[
    (
        "allow_system_table_mods",
        true,
        "one wrong statement breaks the catalogue",
    ),
    (
        "autovacuum",
        false,
        "tables grow without end, and writes stop when transaction numbers run out",
    ),
    (
        "data_sync_retry",
        true,
        "a failed write to disk may be taken for a good one",
    ),
    (
        "fsync",
        false,
        "a crash of the machine leaves a broken database",
    ),
    (
        "full_page_writes",
        false,
        "a crash of the machine leaves half-written pages",
    ),
    (
        "ignore_checksum_failure",
        true,
        "damaged pages are read as if they were whole",
    ),
    (
        "ignore_invalid_pages",
        true,
        "recovery goes on over missing pages",
    ),
    (
        "ignore_system_indexes",
        true,
        "the catalogue is read without its indexes",
    ),
    (
        "synchronous_commit",
        false,
        "a crash loses transactions that were reported as committed",
    ),
    (
        "track_counts",
        false,
        "autovacuum does not know what to do, and tables grow without end",
    ),
    (
        "zero_damaged_pages",
        true,
        "damaged pages are emptied when they are read",
    ),
];

/// What comes of the value, where it costs data.
pub(super) fn consequence(name: &str, value: &str) -> Option<&'static str> {
    let (_, bad, consequence) = RISKS.iter().find(|(known, ..)| *known == name)?;
    (boolean(value) == Some(*bad)).then_some(*consequence)
}
