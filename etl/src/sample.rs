//! Reproducible selection of rows.

use std::collections::BTreeSet;

/// Returns `size` distinct numbers below `total` in ascending order, or all of them if there are no more. The same
/// seed gives the same numbers (Floyd's algorithm: J. Bentley, Commun. ACM 30, 754 (1987)).
pub(crate) fn ascending(total: u64, size: usize, seed: u64) -> Vec<u64> {
    let size = u64::try_from(size).unwrap_or(u64::MAX).min(total);
    let mut state = seed;
    let mut chosen = BTreeSet::new();
    for largest in total - size..total {
        let candidate = split_mix(&mut state) % (largest + 1);
        if !chosen.insert(candidate) {
            chosen.insert(largest);
        }
    }
    chosen.into_iter().collect()
}

/// Returns the next number of the SplitMix64 generator (Steele, Lea and Flood, OOPSLA 2014).
fn split_mix(state: &mut u64) -> u64 {
    const INCREMENT: u64 = 0x9e37_79b9_7f4a_7c15;
    const FIRST_FACTOR: u64 = 0xbf58_476d_1ce4_e5b9;
    const SECOND_FACTOR: u64 = 0x94d0_49bb_1331_11eb;
    *state = state.wrapping_add(INCREMENT);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(FIRST_FACTOR);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(SECOND_FACTOR);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_generator_gives_its_published_numbers() {
        let mut state = 1_234_567;
        assert_eq!(split_mix(&mut state), 6_457_827_717_110_365_317);
        assert_eq!(split_mix(&mut state), 3_203_168_211_198_807_973);
    }

    proptest! {
        #[test]
        fn samples_are_different_rows_in_order(total in 0_u64..500, size in 0_usize..600, seed: u64) {
            let sample = ascending(total, size, seed);
            prop_assert_eq!(sample.len() as u64, total.min(size as u64));
            prop_assert!(sample.is_sorted_by(|a, b| a < b));
            prop_assert!(sample.iter().all(|row| *row < total));
            prop_assert_eq!(sample, ascending(total, size, seed));
        }
    }

    #[test]
    fn seeds_matter() {
        assert_ne!(ascending(1_000_000, 16, 0), ascending(1_000_000, 16, 1));
    }
}
