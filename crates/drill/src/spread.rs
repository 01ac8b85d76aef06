//! How a figure spreads over the runs.

use serde::{Deserialize, Serialize};

/// Percentiles by nearest rank: each is a figure that a run really had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Half of the runs had at most this.
    pub p50: u64,
    /// 95 of 100 runs had at most this.
    pub p95: u64,
    /// The worst run.
    pub max: u64,
}

impl Spread {
    /// Of these figures; `None` when there are none.
    pub fn of(figures: impl IntoIterator<Item = u64>) -> Option<Self> {
        let mut sorted: Vec<u64> = figures.into_iter().collect();
        sorted.sort_unstable();
        Some(Self {
            p50: rank(&sorted, 50)?,
            p95: rank(&sorted, 95)?,
            max: *sorted.last()?,
        })
    }
}

fn rank(sorted: &[u64], percent: usize) -> Option<u64> {
    let place = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(place - 1).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Spread;

    #[test]
    fn of_few_and_many() {
        assert_eq!(Spread::of([]), None);
        let one = Spread {
            p50: 7,
            p95: 7,
            max: 7,
        };
        assert_eq!(Spread::of([7]), Some(one));
        let hundred = Spread {
            p50: 50,
            p95: 95,
            max: 100,
        };
        assert_eq!(Spread::of((1..=100).rev()), Some(hundred));
    }

    proptest! {
        #[test]
        fn half_and_nearly_all_are_not_above(figures in prop::collection::vec(0_u64..1000, 1..200)) {
            let spread = Spread::of(figures.clone()).unwrap();
            let not_above = |limit| figures.iter().filter(|one| **one <= limit).count() * 100;
            prop_assert!(not_above(spread.p50) >= figures.len() * 50);
            prop_assert!(not_above(spread.p95) >= figures.len() * 95);
            prop_assert_eq!(figures.iter().max(), Some(&spread.max));
            prop_assert!(figures.contains(&spread.p50) && figures.contains(&spread.p95));
        }
    }
}
