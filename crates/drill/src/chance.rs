//! Faults in random order that a seed repeats.

/// Numbers that look random and follow from a seed alone (SplitMix64).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One of `choices`; `None` when there are none.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let count = u64::try_from(choices.len())
            .ok()
            .filter(|count| *count > 0)?;
        let index = usize::try_from(self.next() % count).ok()?;
        choices.get(index).copied()
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;
    use crate::Fault;

    fn thirty(seed: u64) -> Vec<Fault> {
        let mut chance = Chance::new(seed);
        (0..30).map(|_| chance.pick(&Fault::ALL).unwrap()).collect()
    }

    #[test]
    fn a_seed_repeats_and_another_differs() {
        assert_eq!(thirty(7), thirty(7));
        assert_ne!(thirty(7), thirty(8));
        let mut classes = thirty(7);
        classes.sort();
        classes.dedup();
        assert!(classes.len() > 6, "{classes:?}");
        assert_eq!(Chance::new(1).pick::<u8>(&[]), None);
    }
}
