//! Random numbers that depend only on seeds, and not on the machine or the number of threads.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// Purpose of random numbers. Different purposes never share a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// The mutex mask of a crystal.
    Mask = 1,
    /// The order of an epoch's row groups.
    RowGroupOrder = 2,
    /// The draws from an epoch's shuffle buffer.
    ShuffleBuffer = 3,
    /// A sample of the crystals of a store.
    Sample = 4,
    /// The first augmented view of a crystal.
    FirstView = 5,
    /// The second augmented view of a crystal.
    SecondView = 6,
    /// The draws of a search over settings.
    Search = 7,
    /// The crystals of a resample of a test part.
    Bootstrap = 8,
    /// The noise on a crystal.
    Noise = 9,
    /// The noise on the weights that a batch is computed with.
    WeightNoise = 10,
    /// The noise on the gradients of a step.
    GradientNoise = 11,
    /// The atoms whose types are hidden.
    HiddenTypes = 12,
}

/// Creates a generator from a purpose, the seed of the run, an epoch and an index within the epoch, or a step and a batch of
/// the step.
pub fn keyed(purpose: Purpose, seed: u64, epoch: u64, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    let words = [purpose as u64, seed, epoch, index];
    for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// Draws a uniform number below `bound`, which must be positive (Lemire, "Fast random integer generation in an
/// interval", 2019: multiplication, with rejection of the biased results).
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

/// Draws `count` of the items, at most all, uniformly without replacement. They are moved to the front and returned.
pub fn draw<'a, T>(generator: &mut impl Rng, items: &'a mut [T], count: usize) -> &'a [T] {
    let count = count.min(items.len());
    for position in 0..count {
        let drawn = position + below(generator, items.len() - position);
        items.swap(position, drawn);
    }
    &items[..count]
}

/// Shuffles the items uniformly (Fisher-Yates, from the end).
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
