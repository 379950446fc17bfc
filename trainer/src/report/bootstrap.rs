//! Confidence intervals of scores by the bootstrap (Efron 1979, <https://doi.org/10.1214/aos/1176344552>).
//!
//! The test crystals of every fold are drawn anew, as many as there are and with replacement, and scored again. Of classes as
//! many are drawn of each as the fold has: without a rare class, a mean over the classes would be one over fewer of them. The
//! interval holds the middle share of these scores (percentile method). It says how much the score depends on which crystals
//! were tested, and not on how the model was trained. The draws depend on nothing but the numbers of crystals; whoever scores
//! them orders the crystals by their identifiers, so that the interval does not depend on the rows of the store.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::data::random::{Purpose, below, keyed};
use crate::statistics::{mean, quantile};

/// Share of the resampled scores that lie in the interval.
pub const CONFIDENCE: f64 = 0.95;
/// Number of resamples.
pub const RESAMPLES: usize = 1000;
/// Seed of the draws.
const SEED: u64 = 0;
/// Smallest number of crystals of which a resample may be another one.
const FEWEST_CRYSTALS: usize = 2;

/// Confidence interval of a score, in the unit of the score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfidenceInterval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Share of the resampled scores that lie between the ends.
    pub confidence: f64,
    /// Number of resamples.
    pub resamples: usize,
}

/// Returns the interval of the mean over the folds of a score. `folds` has the numbers of test crystals in the strata of every
/// fold, each of which is drawn by itself; `score` scores a fold, given its index and the drawn crystals in ascending order,
/// where those of each stratum follow those of the one before. A resample of which a fold has no score is left out. `None` for
/// a fold without a stratum of two crystals, and if no resample has a score.
pub(super) fn interval(
    folds: &[Vec<usize>],
    score: impl Fn(usize, &[usize]) -> Option<f64> + Sync,
) -> Option<ConfidenceInterval> {
    // Each of its resamples would be the fold itself.
    if folds.iter().any(|strata| strata.iter().all(|&size| size < FEWEST_CRYSTALS)) {
        return None;
    }
    let resample = |resample: usize| {
        let of_fold = |(fold, strata): (usize, &Vec<usize>)| score(fold, &draw(resample, fold, strata));
        let scores: Option<Vec<f64>> = folds.iter().enumerate().map(of_fold).collect();
        scores.map(mean)
    };
    let scores: Vec<f64> = (0..RESAMPLES).into_par_iter().filter_map(resample).collect();
    let beyond = (1.0 - CONFIDENCE) / 2.0;
    let (low, high) = (quantile(&scores, beyond)?, quantile(&scores, 1.0 - beyond)?);
    Some(ConfidenceInterval { low, high, confidence: CONFIDENCE, resamples: scores.len() })
}

/// Draws as many crystals of every stratum of a fold as it has, in ascending order.
fn draw(resample: usize, fold: usize, strata: &[usize]) -> Vec<usize> {
    let mut generator = keyed(Purpose::Bootstrap, SEED, resample as u64, fold as u64);
    let mut times = vec![0_u32; strata.iter().sum()];
    let mut first = 0;
    for &size in strata {
        for _ in 0..size {
            if let Some(times) = times.get_mut(first + below(&mut generator, size)) {
                *times += 1;
            }
        }
        first += size;
    }
    let crystals = times.into_iter().enumerate();
    crystals.flat_map(|(crystal, times)| std::iter::repeat_n(crystal, times as usize)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean of the drawn crystals' numbers.
    fn mean_of(values: &[f64]) -> impl Fn(usize, &[usize]) -> Option<f64> + Sync {
        |_, drawn| Some(mean(drawn.iter().map(|&crystal| values[crystal])))
    }

    #[test]
    fn the_interval_is_that_of_the_standard_error() {
        // A mean of 400 uniform numbers has a standard error of 1 / √(12 · 400).
        let values: Vec<f64> = (0..400).map(|index| (f64::from(index) + 0.5) / 400.0).collect();
        let found = interval(&[vec![400]], mean_of(&values)).expect("there are crystals");
        let expected = 1.96 / (12.0 * 400.0_f64).sqrt();
        for (end, sign) in [(found.low, -1.0), (found.high, 1.0)] {
            assert!((end - 0.5 - sign * expected).abs() < 0.1 * expected, "{found:?}");
        }
        assert_eq!((found.confidence, found.resamples), (CONFIDENCE, RESAMPLES));
    }

    #[test]
    fn it_is_the_same_every_time_and_exact_for_equal_crystals() {
        let values: Vec<f64> = (0..50).map(f64::from).collect();
        let folds = [vec![50], vec![20]];
        assert_eq!(interval(&folds, mean_of(&values)), interval(&folds, mean_of(&values)));
        let equal = interval(&[vec![5], vec![9]], mean_of(&[0.25; 9])).expect("there are crystals");
        assert_eq!((equal.low, equal.high), (0.25, 0.25));
    }

    #[test]
    fn too_few_crystals_have_none() {
        assert_eq!(interval(&[vec![50], vec![1]], |_, _| Some(1.0)), None);
        assert_eq!(interval(&[vec![1, 1]], |_, _| Some(1.0)), None, "every resample is the same");
        assert_eq!(interval(&[vec![50]], |_, _| None), None);
        // A resample without a score is left out.
        let some = interval(&[vec![2]], |_, drawn| (drawn[0] == 0).then_some(1.0)).expect("some have scores");
        assert!(some.resamples > RESAMPLES / 2 && some.resamples < RESAMPLES, "{some:?}");
    }

    #[test]
    fn as_many_crystals_are_drawn_as_there_are() {
        let drawn = draw(3, 1, &[100]);
        assert_eq!(drawn.len(), 100);
        assert!(drawn.is_sorted() && drawn.windows(2).any(|pair| pair[0] == pair[1]), "{drawn:?}");
        assert_ne!(drawn, draw(4, 1, &[100]));
        assert_ne!(drawn, draw(3, 2, &[100]));
    }

    #[test]
    fn every_stratum_keeps_its_number_of_crystals() {
        let strata = [40, 1, 0, 3];
        for resample in 0..50 {
            let drawn = draw(resample, 0, &strata);
            let within = |range: std::ops::Range<usize>| {
                drawn.iter().filter(|crystal| range.contains(*crystal)).count()
            };
            assert_eq!([within(0..40), within(40..41), within(41..44)], [40, 1, 3], "{drawn:?}");
            assert!(drawn.is_sorted());
        }
    }
}
