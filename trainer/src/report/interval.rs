//! Intervals of predictions from errors on validation parts: split conformal prediction (Lei et al. 2018,
//! <https://arxiv.org/abs/1604.04173>).
//!
//! Nothing is assumed of the errors but that those of new crystals are like those of the validation crystals. Then a
//! crystal's value lies within the k-th smallest of n absolute errors from its prediction with a probability of at least
//! k / (n + 1).

use crate::finetune::validated::{Validated, ValidatedPart, averaged};

/// Share of new crystals whose value is to lie in its interval.
pub const COVERAGE: f64 = 0.9;

/// An interval around predictions, in the unit of the target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Half of its width.
    pub half_width: f64,
    /// Number of validation crystals that it is made of, or of their sites.
    pub crystals: usize,
}

/// Returns the interval of an ensemble from those of its members, around the mean of their predictions of a target. `target`
/// is its index.
///
/// Members of a fold with the same validation crystals, which differ by their seeds, are averaged first, as their predictions
/// for new crystals are. The errors of all folds are taken together. `None` if there are too few of them for a coverage, 9 at
/// least for 0.9.
pub fn interval(members: &[ValidatedPart], target: usize, coverage: f64) -> Option<Interval> {
    let error = |crystal: Validated| {
        let known = crystal.targets.get(target).copied().flatten()?;
        Some((known - crystal.predictions.get(target)?).abs())
    };
    of_errors(averaged(members).into_iter().filter_map(error).collect(), coverage)
}

/// Returns the interval of an ensemble whose members predict a number of every site, by the errors of all sites; see
/// [`interval`]. The sites of a crystal are not independent, so the coverage is less sure than so many errors suggest.
pub fn of_sites(members: &[ValidatedPart], coverage: f64) -> Option<Interval> {
    let errors = averaged(members).into_iter().flat_map(|Validated { targets, predictions, .. }| {
        let pairs = targets.into_iter().zip(predictions);
        pairs.filter_map(|(known, prediction)| Some((known? - prediction).abs()))
    });
    of_errors(errors.collect(), coverage)
}

/// Returns the interval of absolute errors.
fn of_errors(mut errors: Vec<f64>, coverage: f64) -> Option<Interval> {
    errors.sort_by(f64::total_cmp);
    let rank = (coverage * (errors.len() + 1) as f64).ceil() as usize;
    let half_width = *errors.get(rank.checked_sub(1)?)?;
    half_width.is_finite().then_some(Interval { half_width, crystals: errors.len() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A member whose crystals, named from `first` on, have targets of 0 and -, and predictions of both alike.
    fn member(first: usize, predictions: &[f64]) -> ValidatedPart {
        let crystal = |(index, &prediction): (usize, &f64)| Validated {
            material_id: format!("m-{}", first + index),
            targets: vec![Some(0.0), None],
            predictions: vec![prediction, prediction],
        };
        ValidatedPart {
            fold: "split".to_owned(),
            crystals: predictions.iter().enumerate().map(crystal).collect(),
        }
    }

    #[test]
    fn the_rank_leaves_room_for_the_new_crystal() {
        let nine: Vec<f64> = (1..=9).map(f64::from).collect();
        assert_eq!(interval(&[member(0, &nine)], 0, 0.9), Some(Interval { half_width: 9.0, crystals: 9 }));
        assert_eq!(interval(&[member(0, &nine)], 1, 0.5), None, "no crystal has that target");
        assert_eq!(interval(&[member(0, &nine[..8])], 0, 0.9), None);
        assert_eq!(interval(&[member(0, &nine)], 0, 0.5), Some(Interval { half_width: 5.0, crystals: 9 }));
        assert_eq!(interval(&[], 0, 0.9), None);
    }

    #[test]
    fn every_site_has_an_error() {
        let crystal = |name: &str, predictions: &[f64]| Validated {
            material_id: name.to_owned(),
            targets: vec![Some(1.0); predictions.len()],
            predictions: predictions.to_vec(),
        };
        let seeds = [[0.0, 3.0], [2.0, 7.0]].map(|sites| ValidatedPart {
            fold: "split".to_owned(),
            crystals: vec![crystal("a", &[sites[0]]), crystal("b", &sites)],
        });
        // Errors 0 of the mean of the only site of the first, 0 and 4 of the sites of the second.
        assert_eq!(of_sites(&seeds, 0.7), Some(Interval { half_width: 4.0, crystals: 3 }));
    }

    #[test]
    fn seeds_are_averaged_and_folds_are_joined() {
        let seeds = [member(0, &[1.0, -3.0]), member(0, &[3.0, 3.0])];
        let found = interval(&[seeds[0].clone(), member(2, &[-5.0]), seeds[1].clone()], 0, 0.5);
        // Errors 2 and 0 of the mean of the first fold, 5 of the second.
        assert_eq!(found, Some(Interval { half_width: 2.0, crystals: 3 }));
        // Another fold with the same crystals was trained on others: its errors are its own.
        let other = ValidatedPart { fold: "fold-1".to_owned(), ..seeds[1].clone() };
        let found = interval(&[seeds[0].clone(), other], 0, 0.7);
        assert_eq!(found, Some(Interval { half_width: 3.0, crystals: 4 }));
    }

    proptest! {
        /// Of exchangeable errors at least the share lies within, and not many more: 1 / (n + 1).
        #[test]
        fn the_share_of_errors_within_is_the_coverage(
            errors in proptest::collection::vec(0.0..1.0_f64, 10..200),
            coverage in 0.3..0.9_f64,
        ) {
            // Each crystal once in the place of the new one.
            let within = (0..errors.len()).filter(|&new| {
                let mut others = errors.clone();
                let error = others.remove(new);
                interval(&[member(0, &others)], 0, coverage).is_some_and(|found| error <= found.half_width)
            });
            let share = within.count() as f64 / errors.len() as f64;
            prop_assert!(share >= coverage - 1e-9, "{share} of {coverage}");
            prop_assert!(share <= coverage + 1.0 / errors.len() as f64 + 1e-9, "{share} of {coverage}");
        }
    }
}
