//! The share of every batch that one of several processes builds.

use std::ops::Range;

/// One of several equal parts of every batch.
///
/// Every process reads all rows, which takes a hundredth of the time of training on them, and draws the same batches.
/// It builds triplets and bases only for its own part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Index of the part, from 0.
    pub index: usize,
    /// Number of parts, at least 1.
    pub count: usize,
}

impl Default for Share {
    /// The whole batch as a single part.
    fn default() -> Self {
        Self { index: 0, count: 1 }
    }
}

impl Share {
    /// Returns the crystals of a batch that belong to this part. The sizes of the parts differ by at most one. No
    /// part is empty if the batch has at least `count` crystals.
    pub fn of(&self, crystals: usize) -> Range<usize> {
        let bound = |index: usize| index * crystals / self.count.max(1);
        bound(self.index)..bound(self.index + 1)
    }
}

/// Position of a batch, or of a part of one, in its epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Index in the epoch of the part's first crystal, from 0.
    pub first_crystal: u64,
    /// Identifiers of all crystals of the whole batch, in order.
    pub whole: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_are_even_and_make_the_whole(crystals in 0_usize..500, count in 1_usize..40) {
            let mut next = 0;
            for index in 0..count {
                let part = Share { index, count }.of(crystals);
                prop_assert_eq!(part.start, next);
                prop_assert!((crystals / count..=crystals.div_ceil(count)).contains(&part.len()));
                next = part.end;
            }
            prop_assert_eq!(next, crystals);
        }
    }
}
