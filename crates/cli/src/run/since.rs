//! A moment, and how long ago it was.

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Since when something is as it is. Written as RFC 3339 in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Since(OffsetDateTime);

impl Since {
    /// Seconds since 1970; `None` when no calendar has them.
    pub(crate) fn at(seconds: u64) -> Option<Self> {
        let seconds = i64::try_from(seconds).ok()?;
        OffsetDateTime::from_unix_timestamp(seconds).ok().map(Self)
    }

    /// `for 12 s`, by the clock of this machine.
    pub(crate) fn words(self) -> String {
        let lasted = OffsetDateTime::now_utc() - self.0;
        lasting(u64::try_from(lasted.whole_seconds()).unwrap_or_default())
    }
}

fn lasting(seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    match seconds {
        0..120 => format!("for {seconds} s"),
        120..7200 => format!("for {} min", seconds / MINUTE),
        7200..172_800 => format!("for {} h", seconds / HOUR),
        _ => format!("for {} days", seconds / DAY),
    }
}

impl Serialize for Since {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.format(&Rfc3339).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_in_the_unit_that_reads_best() {
        let told = [0, 119, 120, 7199, 7200, 172_799, 200_000].map(lasting);
        assert_eq!(
            told,
            [
                "for 0 s",
                "for 119 s",
                "for 2 min",
                "for 119 min",
                "for 2 h",
                "for 47 h",
                "for 2 days"
            ]
        );
    }

    #[test]
    fn json_has_a_time_of_day() {
        let text = serde_json::to_string(&Since::at(1_700_000_000)).unwrap();
        assert_eq!(text, "\"2023-11-14T22:13:20Z\"");
    }
}
