//! Scores of predictions and their spread over folds; means, medians and quantiles; probabilities of logits.

/// Scores of predictions. Errors are in the unit of the target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// Number of pairs.
    pub count: usize,
    /// Mean absolute error.
    pub mae: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Coefficient of determination, 1 - Σ(target - prediction)² / Σ(target - mean target)²: 1 for perfect
    /// predictions, 0 for the mean of these targets. `None` if all targets are the same.
    pub r2: Option<f64>,
}

impl Scores {
    /// Returns the scores of pairs (target, prediction); `None` without pairs.
    ///
    /// Sums are compensated and numbers are scaled before they are squared, so that neither a common offset nor the
    /// magnitude of the unit costs digits.
    #[must_use]
    pub fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        if pairs.is_empty() {
            return None;
        }
        let errors: Vec<f64> = pairs.iter().map(|(target, prediction)| prediction - target).collect();
        let targets: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
        let error_norm = root_mean_square(&errors);
        Some(Self {
            count: pairs.len(),
            mae: mean(errors.iter().map(|error| error.abs())),
            rmse: error_norm,
            r2: spread(&targets)
                .filter(|&spread| spread > 0.0)
                .map(|spread| 1.0 - (error_norm / spread).powi(2))
                .filter(|r2| r2.is_finite()),
        })
    }

    /// Returns the scores of a predictor that always predicts `constant`; `None` without targets.
    #[must_use]
    pub fn of_constant(targets: impl IntoIterator<Item = f64>, constant: f64) -> Option<Self> {
        let pairs: Vec<_> = targets.into_iter().map(|target| (target, constant)).collect();
        Self::of(&pairs)
    }
}

/// Mean and standard deviation of values, such as those of folds, seeds or models.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanStd {
    /// Arithmetic mean.
    pub mean: f64,
    /// Population standard deviation: the divisor is the number of values. MatBench reports the same (`numpy.std` over
    /// the folds, `MatbenchTask.scores`). `None` for a single value.
    pub std: Option<f64>,
}

impl MeanStd {
    /// Returns the statistics of values; `None` without any.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let std = spread(values)?;
        Some(Self { mean: mean(values.iter().copied()), std: (values.len() > 1).then_some(std) })
    }
}

/// Returns the median of the values, which is the mean of the two middle ones for an even number; `None` without
/// values.
///
/// The median is the constant with the smallest mean absolute error on the values.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get((sorted.len() / 2).checked_sub(1)?)?;
    Some(lower + (upper - lower) / 2.0)
}

/// Returns the value below which the share `level` (0 to 1) of the values lies, without interpolation; `None` without
/// values.
pub(crate) fn quantile(values: &[f64], level: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (level * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1).min(sorted.len()).checked_sub(1)?).copied()
}

/// Returns the arithmetic mean by Neumaier's compensated sum; NaN without values.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut lost, mut count) = (0.0_f64, 0.0_f64, 0_usize);
    for value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
        count += 1;
    }
    (sum + lost) / count as f64
}

/// Returns `exp(t x_c) / Σ_c exp(t x_c)`: the probabilities of classes with the logits x at an inverse temperature t.
pub(crate) fn softmax(logits: &[f64], t: f64) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let parts: Vec<f64> = logits.iter().map(|logit| (t * (logit - largest)).exp()).collect();
    let sum: f64 = parts.iter().sum();
    parts.into_iter().map(|part| part / sum).collect()
}

/// Returns the root of the mean of the squares, without squaring large or small numbers.
fn root_mean_square(values: &[f64]) -> f64 {
    let scale = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    if scale == 0.0 {
        return 0.0;
    }
    scale * mean(values.iter().map(|value| (value / scale).powi(2))).sqrt()
}

/// Returns the population standard deviation; exactly zero for equal values, `None` without values.
fn spread(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    // The mean of equal numbers may differ from them in its last bit.
    if values.iter().all(|&value| value == first) {
        return Some(0.0);
    }
    let centre = mean(values.iter().copied());
    let distances: Vec<f64> = values.iter().map(|value| value - centre).collect();
    Some(root_mean_square(&distances))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(left: f64, right: f64, tolerance: f64) -> bool {
        (left - right).abs() <= tolerance * left.abs().max(right.abs()).max(1e-300)
    }

    #[test]
    fn scores_are_those_of_the_textbook() {
        let scores = Scores::of(&[(3.0, 2.5), (-0.5, 0.0), (2.0, 2.0), (7.0, 8.0)]).expect("there are pairs");
        assert_eq!(scores.count, 4);
        assert!(close(scores.mae, 0.5, 1e-15), "{scores:?}");
        assert!(close(scores.rmse, 0.375_f64.sqrt(), 1e-15), "{scores:?}");
        // 1 - 1.5 / 29.1875
        assert!(close(scores.r2.expect("targets differ"), 0.948_608_137_044_967_9, 1e-15), "{scores:?}");
    }

    #[test]
    fn equal_targets_have_no_coefficient_of_determination() {
        // Three times 0.1, summed and divided, is not 0.1.
        let scores = Scores::of(&[(0.1, 0.2), (0.1, 0.1), (0.1, 0.3)]).expect("there are pairs");
        assert_eq!(scores.r2, None);
        assert_eq!(Scores::of(&[]), None);
        assert_eq!(MeanStd::of(&[]), None);
    }

    #[test]
    fn a_common_offset_costs_no_digits() {
        let near = [(1.0, 1.5), (2.0, 2.25), (4.0, 3.0)];
        let far = near.map(|(target, prediction)| (target + 1e9, prediction + 1e9));
        let (near, far) = (Scores::of(&near), Scores::of(&far));
        let (near, far) = (near.expect("there are pairs"), far.expect("there are pairs"));
        assert!(close(near.rmse, far.rmse, 1e-14), "{near:?} {far:?}");
        assert!(close(near.r2.unwrap_or(0.0), far.r2.unwrap_or(1.0), 1e-14), "{near:?} {far:?}");
    }

    #[test]
    fn huge_and_tiny_units_neither_overflow_nor_vanish() {
        for unit in [1e-200, 1e90] {
            let scores = Scores::of(&[(1.0 * unit, 2.0 * unit), (3.0 * unit, 3.0 * unit)]);
            let scores = scores.expect("there are pairs");
            assert!(close(scores.rmse, 0.5_f64.sqrt() * unit, 1e-12), "{scores:?}");
            assert!(close(scores.r2.expect("targets differ"), 0.5, 1e-12), "{scores:?}");
        }
    }

    #[test]
    fn folds_spread_as_matbench_counts_them() {
        // numpy.std([1, 2, 3, 4]), whose denominator is 4.
        let spread = MeanStd::of(&[1.0, 2.0, 3.0, 4.0]).expect("there are values");
        assert_eq!(spread.mean, 2.5);
        assert!(close(spread.std.expect("of several"), 1.118_033_988_749_895, 1e-15), "{spread:?}");
        assert_eq!(MeanStd::of(&[0.1]), Some(MeanStd { mean: 0.1, std: None }));
        assert_eq!(MeanStd::of(&[0.1, 0.1]).and_then(|spread| spread.std), Some(0.0));
    }

    #[test]
    fn medians_and_quantiles_are_values_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
        assert_eq!(quantile(&[4.0, 1.0, 2.0, 3.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[4.0, 1.0, 2.0, 3.0], 1.0), Some(4.0));
        assert_eq!(quantile(&[4.0, 1.0, 2.0, 3.0], 0.0), Some(1.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    fn pairs() -> impl Strategy<Value = Vec<(f64, f64)>> {
        prop::collection::vec((-1e3..1e3, -1e3..1e3), 1..60)
    }

    proptest! {
        #[test]
        fn scores_keep_their_order(pairs in pairs()) {
            let scores = Scores::of(&pairs).expect("there are pairs");
            let largest = pairs.iter().map(|(target, prediction)| (target - prediction).abs()).fold(0.0, f64::max);
            prop_assert!(scores.mae <= scores.rmse * (1.0 + 1e-14));
            prop_assert!(scores.rmse <= largest * (1.0 + 1e-14));
            prop_assert!(scores.rmse <= (pairs.len() as f64).sqrt() * scores.mae * (1.0 + 1e-14));
            prop_assert!(scores.r2.is_none_or(|r2| r2 <= 1.0));
        }

        #[test]
        fn perfect_predictions_score_perfectly(pairs in pairs()) {
            let perfect: Vec<_> = pairs.iter().map(|pair| (pair.0, pair.0)).collect();
            let scores = Scores::of(&perfect).expect("there are pairs");
            prop_assert_eq!((scores.mae, scores.rmse), (0.0, 0.0));
            prop_assert!(scores.r2.is_none_or(|r2| r2 == 1.0));
        }

        #[test]
        fn the_mean_target_scores_zero(pairs in pairs()) {
            let targets: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
            let scores = Scores::of_constant(targets.iter().copied(), mean(targets.iter().copied()));
            prop_assert!(scores.expect("there are pairs").r2.is_none_or(|r2| r2.abs() < 1e-9));
        }

        #[test]
        fn the_median_is_the_best_constant(pairs in pairs(), other in -1e3..1e3) {
            let targets: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
            let score = |constant| Scores::of_constant(targets.iter().copied(), constant).expect("there are pairs").mae;
            let best = score(median(&targets).expect("there are targets"));
            prop_assert!(best <= score(other) * (1.0 + 1e-12));
        }

        #[test]
        fn the_order_of_the_crystals_does_not_matter(pairs in pairs()) {
            let forward = Scores::of(&pairs).expect("there are pairs");
            let reversed: Vec<_> = pairs.iter().rev().copied().collect();
            let backward = Scores::of(&reversed).expect("there are pairs");
            prop_assert!(close(forward.mae, backward.mae, 1e-14));
            prop_assert!(close(forward.rmse, backward.rmse, 1e-14));
        }
    }
}
