//! The mutex masks (specification, section 5).

use crate::data::random::{Purpose, draw, keyed};

/// Draws the mask M of the first view, shape `[N]`; true for a hidden atom. The second view hides the other atoms.
///
/// Of the n atoms of a crystal, `floor(n / 2)` are drawn uniformly without replacement (specification, section 5), so
/// that a crystal of one atom has no hidden atom. `atom_offsets` are the offsets of the crystals' atoms, see
/// [`crate::data::GraphBatch::atom_offsets`]; `first_crystal` is the index of the first crystal in the epoch. The
/// draw for a crystal depends only on the seed, the epoch, its index and its number of atoms, and not on the division
/// of the epoch into batches or of a batch among processes.
pub fn random_mask(atom_offsets: &[usize], seed: u64, epoch: u64, first_crystal: u64) -> Vec<bool> {
    let mut mask = vec![false; atom_offsets.last().copied().unwrap_or(0)];
    let mut order = Vec::new();
    for (position, crystal) in (first_crystal..).zip(atom_offsets.windows(2)) {
        let mut generator = keyed(Purpose::Mask, seed, epoch, position);
        let (first, end) = (crystal[0], crystal[1]);
        order.clear();
        order.extend(first..end);
        let masked = order.len() / 2;
        draw(&mut generator, &mut order, masked).iter().for_each(|&atom| mask[atom] = true);
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
        for crystal in 0..5000 {
            let mask = random_mask(&[0, 5], 123, 1, crystal);
            for (count, masked) in counts.iter_mut().zip(mask) {
                *count += i32::from(masked);
            }
        }
        assert!(counts.iter().all(|count| (1850..2150).contains(count)), "{counts:?}");
    }

    #[test]
    fn seeds_epochs_and_crystals_differ() {
        let mask = |seed, epoch, crystal| random_mask(&[0, 64], seed, epoch, crystal);
        assert_eq!(mask(1, 2, 3), mask(1, 2, 3));
        assert_ne!(mask(1, 2, 3), mask(0, 2, 3));
        assert_ne!(mask(1, 2, 3), mask(1, 0, 3));
        assert_ne!(mask(1, 2, 3), mask(1, 2, 0));
    }

    proptest! {
        #[test]
        fn the_division_into_batches_does_not_matter(
            sizes in prop::collection::vec(1_usize..12, 1..20),
            cut in 0_usize..20,
            first: u32,
        ) {
            let offsets = |sizes: &[usize]| {
                let ends = sizes.iter().scan(0, |end, size| { *end += size; Some(*end) });
                std::iter::once(0).chain(ends).collect::<Vec<_>>()
            };
            let (first, cut) = (u64::from(first), cut.min(sizes.len()));
            let mut divided = random_mask(&offsets(&sizes[..cut]), 5, 1, first);
            divided.extend(random_mask(&offsets(&sizes[cut..]), 5, 1, first + cut as u64));
            prop_assert_eq!(divided, random_mask(&offsets(&sizes), 5, 1, first));
        }

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
