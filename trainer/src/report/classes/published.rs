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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::classes::example::evaluation;

    #[test]
    fn a_fold_has_the_probabilities_of_the_second_class_and_matbench_s_scores() {
        let evaluation = evaluation();
        let fold = published(&evaluation.folds[0]);
        assert_eq!((fold.name, fold.seeds), ("fold-0", &[123][..]));
        assert_eq!(fold.predictions, [("a", 0.25), ("b", 0.75), ("c", 0.375)]);
        let scores = fold.scores.expect("both classes occur");
        assert_eq!((&scores["rocauc"], &scores["balanced_accuracy"]), (&1.0.into(), &0.75.into()));
        let mut one_class = evaluation.folds[0].clone();
        one_class.outcomes.truncate(1);
        assert_eq!(published(&one_class).scores, None, "MatBench's ROC-AUC is undefined");
    }
}
