//! Random numbers that can be repeated.

use std::time::{SystemTime, UNIX_EPOCH};

/// A generator (splitmix64) with a known seed.
pub(crate) struct Chance(u64);

impl Chance {
    /// Seeded by `STY_SEED`, `clock` for a new one each time; prints the seed. What is struck
    /// still depends on the machine's speed.
    pub(crate) fn from_environment() -> Self {
        let given = std::env::var("STY_SEED").unwrap_or_else(|_| "1".to_owned());
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seed = match given.as_str() {
            "clock" => u64::from(now.expect("the clock is right").subsec_nanos()),
            text => text.parse().expect("STY_SEED is a number or `clock`"),
        };
        eprintln!("== seed: STY_SEED={seed}");
        Self(seed)
    }

    /// A number from `from` up to, and without, `to`.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from)
    }

    /// An index below `count`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        let found = self.between(0, u64::try_from(count).expect("a small number"));
        usize::try_from(found).expect("a small number")
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
