//! Folds that are drawn by a seed, with values alike.

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::super::crystals::Crystal;

/// A draw of folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Draw {
    /// Number of folds.
    pub(super) folds: usize,
    /// Seed of the draw.
    pub(super) seed: u64,
}

impl Draw {
    /// Returns the fold of every crystal with a value.
    ///
    /// The crystals are sorted by their values. Of as many neighbours in this order as there are folds, each fold gets
    /// one, which is drawn. The sizes of the folds differ by at most one, and so do the numbers of crystals below any
    /// value, and of those with any value that is common. The order of the shards does not matter.
    pub(super) fn folds(&self, list: &[Crystal]) -> Vec<Option<usize>> {
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        let mut order: Vec<usize> = (0..self.folds).collect();
        let mut folds = vec![None; list.len()];
        for neighbours in by_value(list, |_| true).chunks(self.folds.max(1)) {
            order.shuffle(&mut generator);
            for (&position, fold) in neighbours.iter().zip(&order) {
                folds[position] = Some(*fold);
            }
        }
        folds
    }

    /// Returns whether each crystal is held out of training where it is not tested. `folds` are those drawn. Each `number`
    /// is another draw.
    ///
    /// Of every `1 / share` neighbours in the order of the values of a fold one is drawn, and one at least of every fold.
    /// Where that would be far more than the share, since a fold has less than half as many crystals, the neighbours are
    /// those in the order of all values, and crystals of at least two folds are drawn. No fold then lacks a validation
    /// part.
    pub(super) fn held_out(
        &self,
        list: &[Crystal],
        folds: &[Option<usize>],
        share: f64,
        number: u64,
    ) -> Vec<bool> {
        // Other numbers than those of the folds.
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(1 + number);
        let size = (1.0 / share).round().max(1.0) as usize;
        let fold_of = |position: usize| folds.get(position).copied().flatten();
        let mut held_out = vec![false; list.len()];
        let mut hold = |drawn: Vec<usize>| drawn.into_iter().for_each(|position| held_out[position] = true);
        if 2 * folds.iter().flatten().count() >= size.saturating_mul(self.folds) {
            for fold in 0..self.folds {
                let of_fold = by_value(list, |position| fold_of(position) == Some(fold));
                hold(one_of_each(&of_fold, size, &mut generator));
            }
            return held_out;
        }
        let all = by_value(list, |position| fold_of(position).is_some());
        let drawn = one_of_each(&all, size, &mut generator);
        let first = drawn.first().and_then(|&position| fold_of(position));
        if drawn.iter().all(|&position| fold_of(position) == first) {
            let others: Vec<usize> =
                all.iter().copied().filter(|&position| fold_of(position) != first).collect();
            hold(one_of_each(&others, others.len().max(1), &mut generator));
        }
        hold(drawn);
        held_out
    }
}

/// Draws one of every `size` neighbours; of fewer at the end if they are at least half as many, or the only ones.
fn one_of_each(neighbours: &[usize], size: usize, generator: &mut ChaCha8Rng) -> Vec<usize> {
    let blocks = neighbours.chunks(size).enumerate();
    let whole = blocks.filter(|(block, neighbours)| *block == 0 || 2 * neighbours.len() >= size);
    whole.map(|(_, neighbours)| neighbours[generator.random_range(0..neighbours.len())]).collect()
}

/// Returns the positions of the wanted crystals with a value, in the order of the values. Of several properties the first
/// one counts that a crystal has a value of; those of the same one are neighbours.
fn by_value(list: &[Crystal], is_wanted: impl Fn(usize) -> bool) -> Vec<usize> {
    let valued = list.iter().enumerate().filter(|(position, _)| is_wanted(*position));
    let valued = valued.filter_map(|(position, crystal)| {
        Some((crystal.first_value()?, crystal.material_id.as_str(), position))
    });
    let mut valued: Vec<((usize, f64), &str, usize)> = valued.collect();
    valued.sort_by(|((property, a), first, _), ((other, b), second, _)| {
        property.cmp(other).then(a.total_cmp(b)).then(first.cmp(second))
    });
    valued.into_iter().map(|(_, _, position)| position).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn crystals(values: &[Option<f64>]) -> Vec<Crystal> {
        let crystal = |(index, value): (usize, &Option<f64>)| Crystal {
            material_id: format!("m-{index}"),
            values: vec![*value],
            sites: Vec::new(),
            of_no_class: None,
            part: None,
            fold: None,
            structure_hash: None,
        };
        values.iter().enumerate().map(crystal).collect()
    }

    #[test]
    fn seeds_draw_other_folds() {
        let list = crystals(&(0..40).map(|value| Some(f64::from(value))).collect::<Vec<_>>());
        let drawn = |seed| Draw { folds: 4, seed }.folds(&list);
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }

    #[test]
    fn every_fold_holds_crystals_out_with_values_alike() {
        let list = crystals(&(0..203).map(|value| Some(f64::from(value))).collect::<Vec<_>>());
        let draw = Draw { folds: 5, seed: 3 };
        let folds = draw.folds(&list);
        let held_out = draw.held_out(&list, &folds, 0.1, 0);
        assert_eq!(held_out, draw.held_out(&list, &folds, 0.1, 0));
        let values: Vec<usize> = (0..203).filter(|&position| held_out[position]).collect();
        assert_eq!(values.len(), 20, "a tenth");
        assert!(values[9] < 130 && values[10] > 70, "of low and high values: {values:?}");
        // Of few crystals one of two folds.
        let few = crystals(&[Some(1.0), Some(2.0), None, Some(3.0), Some(4.0)]);
        let draw = Draw { folds: 2, seed: 3 };
        let folds = draw.folds(&few);
        let held_out = draw.held_out(&few, &folds, 0.1, 0);
        let of_fold =
            |fold| folds.iter().zip(&held_out).filter(|(of, held)| **of == Some(fold) && **held).count();
        assert_eq!([of_fold(0), of_fold(1)], [1, 1]);
        assert!(!held_out[2]);
    }

    #[test]
    fn a_tenth_is_held_out_of_small_folds_too() {
        let list = crystals(&(0..46).map(|value| Some(f64::from(value))).collect::<Vec<_>>());
        for count in [23, 46] {
            let draw = Draw { folds: count, seed: 3 };
            let folds = draw.folds(&list);
            let held_out = draw.held_out(&list, &folds, 0.1, 0);
            let of_folds: Vec<Option<usize>> =
                folds.iter().zip(&held_out).filter(|(_, held)| **held).map(|(fold, _)| *fold).collect();
            assert_eq!(of_folds.len(), 5, "{count} folds");
            assert!(of_folds.iter().any(|fold| *fold != of_folds[0]), "of two folds: {of_folds:?}");
        }
    }

    #[test]
    fn a_tiny_share_holds_out_two_crystals() {
        let list = crystals(&(0..20).map(|value| Some(f64::from(value))).collect::<Vec<_>>());
        let draw = Draw { folds: 4, seed: 3 };
        let held_out = draw.held_out(&list, &draw.folds(&list), 1e-20, 0);
        assert_eq!(held_out.iter().filter(|held| **held).count(), 2);
    }

    proptest! {
        #[test]
        fn folds_are_alike(
            values in proptest::collection::vec(proptest::option::of(-3_i32..3), 0..60),
            folds in 2_usize..7,
            seed in 0_u64..9,
        ) {
            let values: Vec<Option<f64>> = values.iter().map(|value| value.map(f64::from)).collect();
            let list = crystals(&values);
            let drawn = Draw { folds, seed }.folds(&list);
            for (fold, value) in drawn.iter().zip(&values) {
                prop_assert_eq!(fold.is_some(), value.is_some());
            }
            // Of all values, and of those up to any.
            for most in [f64::INFINITY, -1.0, 0.0, 2.0] {
                let counts: Vec<usize> = (0..folds)
                    .map(|fold| {
                        let members = drawn.iter().zip(&values).filter(|(of, _)| **of == Some(fold));
                        members.filter(|(_, value)| value.is_some_and(|value| value <= most)).count()
                    })
                    .collect();
                let spread = counts.iter().max().unwrap_or(&0) - counts.iter().min().unwrap_or(&0);
                prop_assert!(spread <= 1, "{:?}", counts);
            }
            // Shards in another order.
            let mut reversed = list.clone();
            reversed.reverse();
            let mut again = Draw { folds, seed }.folds(&reversed);
            again.reverse();
            prop_assert_eq!(again, drawn);
        }
    }
}
