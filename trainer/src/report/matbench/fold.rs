//! A fold with MatBench's scores of numbers.

use serde_json::{Value, json};

use crate::report::FoldOutcome;
use crate::statistics::{Scores, mean};

/// Targets of at most this magnitude are left out of the mean absolute percentage error.
const LEAST_TARGET: f64 = 1e-5;

/// A fold as MatBench's record holds it.
pub(in crate::report) struct PublishedFold<'a> {
    /// Name, such as `fold-0`.
    pub(in crate::report) name: &'a str,
    /// Seeds of the ensemble.
    pub(in crate::report) seeds: &'a [u64],
    /// Identifiers and predictions.
    pub(in crate::report) predictions: Vec<(&'a str, f64)>,
    /// Scores by MatBench's names; `None` if one is undefined.
    pub(in crate::report) scores: Option<Value>,
}

/// Returns a fold of numbers with MatBench's scores.
pub(super) fn published(fold: &FoldOutcome) -> PublishedFold<'_> {
    let pairs: Vec<_> = fold.outcomes.iter().map(|outcome| (outcome.target, outcome.prediction)).collect();
    let shares = pairs.iter().filter(|pair| pair.0.abs() > LEAST_TARGET);
    let percentage = mean(shares.map(|(target, prediction)| ((target - prediction) / target).abs()));
    let scores = Scores::of(&pairs).filter(|_| percentage.is_finite());
    let largest = fold.outcomes.iter().map(|outcome| outcome.error().abs()).fold(0.0, f64::max);
    PublishedFold {
        name: &fold.name,
        seeds: &fold.seeds,
        predictions: fold.outcomes.iter().map(|outcome| (&*outcome.material_id, outcome.prediction)).collect(),
        scores: scores.map(|scores| {
            json!({"mae": scores.mae, "rmse": scores.rmse, "mape": percentage, "max_error": largest})
        }),
    }
}
