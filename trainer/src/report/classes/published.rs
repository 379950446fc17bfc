//! MatBench's record of a task with two classes: the probability of the second one, which is `True`.

use serde_json::json;

use super::scores::{ACCURACY, BALANCED_ACCURACY, F1, ROC_AUC, scores};
use super::{ClassEvaluation, ClassFold, ClassOutcome};
use crate::report::matbench::{self, Incomplete, Matbench, PublishedFold};

/// Returns the text of the record.
///
/// # Errors
/// [`Incomplete`] for the first thing that is missing.
pub(super) fn record(evaluation: &ClassEvaluation, matbench: &Matbench) -> Result<String, Incomplete> {
    let folds: Vec<PublishedFold<'_>> = evaluation.folds.iter().map(published).collect();
    matbench::complete_record(matbench, &folds, &evaluation.settings)
}

/// Returns a fold as `MatbenchTask.record` stores it.
fn published(fold: &ClassFold) -> PublishedFold<'_> {
    let outcomes: Vec<&ClassOutcome> = fold.outcomes.iter().collect();
    let scores = scores(&outcomes, 2);
    let names = [ACCURACY, BALANCED_ACCURACY, F1, ROC_AUC].map(|name| scores.get(name).copied());
    let scores = match names {
        [Some(accuracy), Some(balanced), Some(f1), Some(area)] => Some(json!({
            "accuracy": accuracy, "balanced_accuracy": balanced, "f1": f1, "rocauc": area,
        })),
        _ => None,
    };
    let probability = |outcome: &&ClassOutcome| outcome.probabilities.get(1).copied().unwrap_or(f64::NAN);
    PublishedFold {
        name: &fold.name,
        seeds: &fold.seeds,
        predictions: outcomes.iter().map(|outcome| (&*outcome.material_id, probability(outcome))).collect(),
        scores,
    }
}
