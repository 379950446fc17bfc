//! The mutex masks of SPEC 5.

use crate::data::random::{Purpose, below, keyed};

/// The atoms M that the first view masks, shape `[N]`; the second view masks the others.
///
/// Of a crystal of n atoms, `floor(n / 2)` are drawn uniformly without replacement (SPEC 5; a
/// crystal of one atom has none). `atom_offsets` are the first atoms of the crystals and N, as in
/// [`crate::data::GraphBatch::atom_offsets`]. The draw depends on the seed, the epoch and the
/// batch's index within the epoch, and on nothing else.
pub fn random_mask(atom_offsets: &[usize], seed: u64, epoch: u64, batch: u64) -> Vec<bool> {
    let mut generator = keyed(Purpose::Mask, seed, epoch, batch);
    let mut mask = vec![false; atom_offsets.last().copied().unwrap_or(0)];
    let mut order = Vec::new();
    for crystal in atom_offsets.windows(2) {
        let (first, end) = (crystal[0], crystal[1]);
        order.clear();
        order.extend(first..end);
        let masked = order.len() / 2;
        for position in 0..masked {
            let drawn = position + below(&mut generator, order.len() - position);
            order.swap(position, drawn);
            mask[order[position]] = true;
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_lone_atom_is_never_masked() {
        assert_eq!(random_mask(&[0, 1], 123, 0, 0), [false]);
        assert!(random_mask(&[0], 123, 0, 0).is_empty());
        assert!(random_mask(&[], 123, 0, 0).is_empty());
    }

    #[test]
    fn every_atom_is_masked_equally_often() {
        let mut counts = [0; 5];
        for batch in 0..5000 {
            let mask = random_mask(&[0, 5], 123, 1, batch);
            for (count, masked) in counts.iter_mut().zip(mask) {
                *count += i32::from(masked);
            }
        }
        assert!(counts.iter().all(|count| (1850..2150).contains(count)), "{counts:?}");
    }

    #[test]
    fn seeds_epochs_and_batches_differ() {
        let mask = |seed, epoch, batch| random_mask(&[0, 64], seed, epoch, batch);
        assert_eq!(mask(1, 2, 3), mask(1, 2, 3));
        assert_ne!(mask(1, 2, 3), mask(0, 2, 3));
        assert_ne!(mask(1, 2, 3), mask(1, 0, 3));
        assert_ne!(mask(1, 2, 3), mask(1, 2, 0));
    }

    proptest! {
        #[test]
        fn half_of_every_crystal(sizes in prop::collection::vec(1_usize..40, 1..9), seed: u64) {
            let mut offsets = vec![0];
            for size in sizes {
                offsets.push(offsets[offsets.len() - 1] + size);
            }
            let mask = random_mask(&offsets, seed, 0, 0);
            for crystal in offsets.windows(2) {
                let atoms = &mask[crystal[0]..crystal[1]];
                prop_assert_eq!(atoms.iter().filter(|masked| **masked).count(), atoms.len() / 2);
            }
        }
    }
}
