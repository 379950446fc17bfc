//! Shares of the training part, of which a smaller one is part of a larger one.

use super::Labelled;
use crate::data::subset::hash_position;

/// Prefix of the hashed seed and identifier, which makes this choice independent of other choices by hash.
const SALT: &str = "mmpt-fraction";
/// Tolerance of the product of share and size for rounding errors: 0.07 · 100 is 7.000000000000001 and means seven
/// crystals.
const ROUNDING: f64 = 1e-12;

/// Keeps ⌈fraction·n⌉ of n crystals in their order: those of the lowest rank, which is a hash of seed and identifier.
pub(super) fn keep(crystals: Vec<Labelled>, fraction: f64, seed: u64) -> Vec<Labelled> {
    let kept = (fraction * crystals.len() as f64 * (1.0 - ROUNDING)).ceil() as usize;
    if kept >= crystals.len() {
        return crystals;
    }
    let salt = format!("{SALT}:{seed}:");
    let mut ranked: Vec<(f64, usize, Labelled)> = crystals
        .into_iter()
        .enumerate()
        .map(|(position, crystal)| (hash_position(&salt, &crystal.material_id), position, crystal))
        .collect();
    ranked.sort_by(|(left, _, one), (right, _, other)| {
        left.total_cmp(right).then_with(|| one.material_id.cmp(&other.material_id))
    });
    ranked.truncate(kept);
    ranked.sort_by_key(|(_, position, _)| *position);
    ranked.into_iter().map(|(_, _, crystal)| crystal).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn crystals(count: usize) -> Vec<Labelled> {
        (0..count)
            .map(|index| Labelled { material_id: format!("m{index}"), targets: vec![index as f64] })
            .collect()
    }

    #[test]
    fn rounding_adds_no_crystal() {
        assert_eq!(keep(crystals(100), 0.07, 1).len(), 7);
        assert_eq!(keep(crystals(100), 0.071, 1).len(), 8);
        assert_eq!(keep(crystals(3), 1e-9, 1).len(), 1);
        assert_eq!(keep(crystals(3), 1.0, 1), crystals(3));
    }

    #[test]
    fn another_seed_keeps_others() {
        assert_ne!(keep(crystals(100), 0.1, 1), keep(crystals(100), 0.1, 2));
    }

    #[test]
    fn the_choice_stays_for_ever() {
        // Changing these would give published learning curves other training sets.
        let kept: Vec<_> =
            keep(crystals(50), 0.1, 123).into_iter().map(|crystal| crystal.material_id).collect();
        assert_eq!(kept, ["m14", "m23", "m34", "m35", "m48"]);
    }

    proptest! {
        #[test]
        fn a_smaller_share_is_part_of_a_larger_one(
            count in 1_usize..200,
            seed in 0_u64..5,
            shares in [0.001_f64..1.0, 0.001_f64..1.0],
        ) {
            let [small, large] = if shares[0] < shares[1] { shares } else { [shares[1], shares[0]] };
            let (small, large) = (keep(crystals(count), small, seed), keep(crystals(count), large, seed));
            let within: HashSet<&str> = large.iter().map(|crystal| crystal.material_id.as_str()).collect();
            prop_assert!(small.iter().all(|crystal| within.contains(crystal.material_id.as_str())));
            prop_assert!(small.is_sorted_by(|one, other| one.targets < other.targets));
        }
    }
}
