//! Random numbers that depend on seeds alone: neither on the machine nor on the number of threads.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// What random numbers are drawn for; different purposes never share a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// The mutex masks of one crystal.
    Mask = 1,
    /// The order of the row groups of one epoch.
    RowGroupOrder = 2,
    /// The draws from the shuffle buffer of one epoch.
    ShuffleBuffer = 3,
    /// Crystals that stand for the whole store.
    Sample = 4,
}

/// A generator keyed by a purpose, the run's seed, an epoch and an index within the epoch.
pub fn keyed(purpose: Purpose, seed: u64, epoch: u64, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    let words = [purpose as u64, seed, epoch, index];
    for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// A uniform number below `bound`, which must be above 0 (Lemire, "Fast random integer generation in
/// an interval", 2019: multiply, and reject what would be counted once too often).
pub fn below(generator: &mut impl Rng, bound: usize) -> usize {
    let bound = bound as u64;
    let surplus = bound.wrapping_neg().checked_rem(bound).unwrap_or(0);
    loop {
        let product = u128::from(generator.next_u64()) * u128::from(bound);
        if product as u64 >= surplus {
            return (product >> 64) as usize;
        }
    }
}

/// Puts the items into a uniformly random order (Fisher-Yates, from the end).
pub fn shuffle<T>(generator: &mut impl Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(generator, last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_part_of_the_key_counts() {
        let first = |purpose, seed, epoch, index| keyed(purpose, seed, epoch, index).next_u64();
        let base = first(Purpose::Mask, 1, 2, 3);
        assert_eq!(base, first(Purpose::Mask, 1, 2, 3));
        for other in [
            first(Purpose::RowGroupOrder, 1, 2, 3),
            first(Purpose::Mask, 2, 2, 3),
            first(Purpose::Mask, 1, 1, 3),
            first(Purpose::Mask, 1, 2, 2),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn every_order_is_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        let mut generator = keyed(Purpose::RowGroupOrder, 7, 0, 0);
        for _ in 0..6000 {
            let mut items = [0, 1, 2];
            shuffle(&mut generator, &mut items);
            *counts.entry(items).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    proptest! {
        #[test]
        fn numbers_stay_below_the_bound(bound in 1..usize::MAX, seed: u64) {
            let mut generator = keyed(Purpose::ShuffleBuffer, seed, 0, 0);
            prop_assert!((0..20).all(|_| below(&mut generator, bound) < bound));
        }
    }
}
