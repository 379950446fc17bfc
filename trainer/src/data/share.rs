//! Which part of every batch one of several processes builds.

use std::ops::Range;

/// One of several equal parts of every batch.
///
/// Every process reads all rows, which costs a hundredth of training on them, and draws the same
/// batches; triplets and bases are built for its own part alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Which part, from 0.
    pub index: usize,
    /// How many parts there are, at least 1.
    pub count: usize,
}

impl Default for Share {
    /// The whole.
    fn default() -> Self {
        Self { index: 0, count: 1 }
    }
}

impl Share {
    /// Which of a batch's crystals are in this part; the parts differ by one crystal at most, and none is
    /// empty of a batch with at least `count` crystals.
    pub fn of(&self, crystals: usize) -> Range<usize> {
        let bound = |index: usize| index * crystals / self.count.max(1);
        bound(self.index)..bound(self.index + 1)
    }
}

/// What a batch is a part of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Position of the part's first crystal in the epoch, from 0.
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
