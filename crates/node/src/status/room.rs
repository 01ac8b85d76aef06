//! Room for what PostgreSQL writes.

use std::path::{Path, PathBuf};

/// The next file of the log (`wal_segment_size`, 16 MiB unless the cluster was made with another
/// one). A primary that has no room for it ends.
const NEEDED_BYTES: u64 = 16 << 20;

/// Says which file system of the instance with this data directory has no room left; `None` where
/// all have some. One that cannot be looked at has other troubles, which are told.
pub(super) fn lacking(data: &str) -> Option<String> {
    let data = Path::new(data);
    let places = [data.to_path_buf(), data.join("pg_wal")];
    let full = |place: &PathBuf| {
        let stat = rustix::fs::statvfs(place.as_path()).ok()?;
        words(place, stat.f_bavail * stat.f_frsize)
    };
    places.iter().find_map(full)
}

fn words(place: &Path, left: u64) -> Option<String> {
    (left < NEEDED_BYTES).then(|| {
        format!(
            "the file system of {} is full, {} KiB are left: PostgreSQL cannot write",
            place.display(),
            left >> 10
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_for_a_file_of_the_log_is_enough() {
        let place = Path::new("/pg/data");
        assert_eq!(words(place, NEEDED_BYTES), None);
        let told = words(place, 4096).unwrap();
        assert!(told.contains("/pg/data is full, 4 KiB are left"), "{told}");
        assert_eq!(lacking("/nowhere/at/all"), None);
    }
}
