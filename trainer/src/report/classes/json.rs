//! `evaluation.json` of classes: the scores of an evaluation for programs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::scores::{
    ACCURACY, BALANCED_ACCURACY, ROC_AUC, balanced_accuracy, confusion, roc_auc, scores, scores_of_constant,
};
use super::{ClassEvaluation, ClassFold, ClassOutcome};
use crate::report::bootstrap::{self, ConfidenceInterval};
use crate::report::error::ReportError;
use crate::report::files::{read_record, write_record};
use crate::report::part::Part;
use crate::statistics::MeanStd;

/// A score of crystals of a number of classes.
type Score = fn(&[&ClassOutcome], usize) -> Option<f64>;

/// Content of `evaluation.json` and `validation_scores.json`. Scores have the names and definitions of [`fn@scores`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassificationRecord {
    /// Name of the task.
    pub task: String,
    /// Name of the property.
    pub property: String,
    /// Names of the classes, `[K]`.
    pub classes: Vec<String>,
    /// The scored part, if it is not the test part.
    #[serde(default, skip_serializing_if = "Part::is_test")]
    pub part: Part,
    /// Every fold, in the order evaluated.
    pub folds: Vec<ClassFoldRecord>,
    /// Means over the folds of the scores that all folds have.
    pub mean: BTreeMap<String, f64>,
    /// Population standard deviations of the scores over the folds; empty for a single fold.
    pub std: BTreeMap<String, f64>,
    /// Numbers of scored crystals of all folds by known class (rows) and predicted class (columns), `[K][K]`.
    pub confusion: Vec<Vec<usize>>,
    /// Seeds of all folds, ascending.
    pub seeds: Vec<u64>,
    /// Calibration of the probabilities; absent if the validation crystals give no temperature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationRecord>,
    /// Confidence intervals of the means of ROC-AUC and balanced accuracy; empty with fewer than two crystals of every class in
    /// a fold, and in files of earlier versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub intervals: BTreeMap<String, ConfidenceInterval>,
}

/// Calibration of probabilities by a temperature.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationRecord {
    /// The temperature.
    pub temperature: f64,
    /// Number of validation crystals that it is made of.
    pub validation_crystals: usize,
}

/// Scores of a fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassFoldRecord {
    /// Name: `fold-0`, or `split` for a task without cross-validation.
    pub name: String,
    /// Seeds whose probabilities were averaged.
    pub seeds: Vec<u64>,
    /// Population standard deviations over the seeds of the scores of each alone, by the name of the score; absent of a
    /// single seed, and in files of earlier versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seed_std: BTreeMap<String, f64>,
    /// Number of crystals for training.
    pub train: usize,
    /// Number of crystals for validation.
    pub validation: usize,
    /// Number of scored crystals: those of the test part, unless the record says another one.
    pub test: usize,
    /// Scores by name.
    pub scores: BTreeMap<String, f64>,
    /// Accuracy of the commonest class of the training part as the prediction of every crystal.
    pub dummy_accuracy: f64,
    /// Balanced accuracy of this predictor; absent in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dummy_balanced_accuracy: Option<f64>,
}

impl ClassificationRecord {
    /// Computes the scores of an evaluation, which has folds and crystals.
    #[must_use]
    pub fn new(evaluation: &ClassEvaluation) -> Self {
        let classes = evaluation.classes.len();
        let folds = evaluation.folds.iter().map(|fold| {
            let outcomes: Vec<&ClassOutcome> = fold.outcomes.iter().collect();
            let mut dummy = scores_of_constant(&outcomes, classes, fold.dummy);
            ClassFoldRecord {
                name: fold.name.clone(),
                seeds: fold.seeds.clone(),
                seed_std: fold.seed_std.clone(),
                train: fold.train,
                validation: fold.validation,
                test: outcomes.len(),
                scores: scores(&outcomes, classes),
                dummy_accuracy: dummy.remove(ACCURACY).unwrap_or(f64::NAN),
                dummy_balanced_accuracy: dummy.remove(BALANCED_ACCURACY),
            }
        });
        let folds: Vec<ClassFoldRecord> = folds.collect();
        let (mut means, mut deviations) = (BTreeMap::new(), BTreeMap::new());
        for name in folds.first().into_iter().flat_map(|fold| fold.scores.keys()) {
            let of_folds: Option<Vec<f64>> =
                folds.iter().map(|fold| fold.scores.get(name).copied()).collect();
            let Some(spread) = of_folds.and_then(|scores| MeanStd::of(&scores)) else { continue };
            means.insert(name.clone(), spread.mean);
            deviations.extend(spread.std.map(|std| (name.clone(), std)));
        }
        let seeds: BTreeSet<u64> = folds.iter().flat_map(|fold| fold.seeds.iter().copied()).collect();
        Self {
            task: evaluation.task.clone(),
            property: evaluation.property.clone(),
            classes: evaluation.classes.clone(),
            part: evaluation.part,
            folds,
            mean: means,
            std: deviations,
            confusion: confusion(&evaluation.outcomes(), classes),
            seeds: seeds.into_iter().collect(),
            calibration: evaluation.temperature.map(|temperature| CalibrationRecord {
                temperature: temperature.value,
                validation_crystals: temperature.crystals,
            }),
            intervals: intervals(evaluation),
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`ReportError::Io`] or [`ReportError::Json`].
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        read_record(path)
    }

    /// Writes the file. The same evaluation gives the same bytes.
    ///
    /// # Errors
    /// [`ReportError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        write_record(path, self)
    }
}

/// Returns the crystals of a fold by their classes, in the order of their identifiers.
fn by_class(fold: &ClassFold) -> Vec<&ClassOutcome> {
    let mut outcomes: Vec<&ClassOutcome> = fold.outcomes.iter().collect();
    outcomes.sort_by(|left, right| {
        left.target.cmp(&right.target).then_with(|| left.material_id.cmp(&right.material_id))
    });
    outcomes
}

/// Returns the confidence intervals of the scores that are resampled. The crystals of every class are drawn by themselves.
fn intervals(evaluation: &ClassEvaluation) -> BTreeMap<String, ConfidenceInterval> {
    let folds: Vec<Vec<&ClassOutcome>> = evaluation.folds.iter().map(by_class).collect();
    let of_classes = |outcomes: &Vec<&ClassOutcome>| -> Vec<usize> {
        outcomes.chunk_by(|left, right| left.target == right.target).map(|class| class.len()).collect()
    };
    let sizes: Vec<Vec<usize>> = folds.iter().map(of_classes).collect();
    let scores: [(&str, Score); 2] = [(ROC_AUC, roc_auc), (BALANCED_ACCURACY, balanced_accuracy)];
    let interval = |(name, score): (&str, Score)| {
        let found = bootstrap::interval(&sizes, |fold, drawn| {
            let outcomes = folds.get(fold)?;
            let drawn: Vec<&ClassOutcome> =
                drawn.iter().filter_map(|&crystal| outcomes.get(crystal).copied()).collect();
            score(&drawn, evaluation.classes.len())
        });
        found.map(|found| (name.to_owned(), found))
    };
    scores.into_iter().filter_map(interval).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::classes::example::{evaluation, outcome};

    #[test]
    fn folds_are_scored_and_taken_together() {
        let record = ClassificationRecord::new(&evaluation());
        assert_eq!(record.folds.iter().map(|fold| fold.scores[ROC_AUC]).collect::<Vec<_>>(), [1.0, 1.0]);
        assert!((record.mean[ACCURACY] - 2.0 / 3.0).abs() < 1e-12 && record.std[ACCURACY].abs() < 1e-12);
        assert_eq!(record.confusion, [[2, 1], [1, 2]]);
        assert!((record.folds[1].dummy_accuracy - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(record.folds[1].dummy_balanced_accuracy, Some(0.5));
        let mut one = evaluation();
        one.folds.truncate(1);
        assert!(ClassificationRecord::new(&one).std.is_empty());
        // A fold of one class has no characteristic, and then neither has the mean.
        one.folds[0].outcomes.truncate(1);
        assert!(!ClassificationRecord::new(&one).mean.contains_key(ROC_AUC));
    }

    #[test]
    fn scores_have_intervals_and_earlier_records_none() {
        let mut evaluation = evaluation();
        let outcomes: Vec<ClassOutcome> =
            evaluation.outcomes().into_iter().cycle().take(60).cloned().collect();
        evaluation.folds.truncate(1);
        evaluation.folds[0].outcomes = outcomes;
        let record = ClassificationRecord::new(&evaluation);
        for name in [ROC_AUC, BALANCED_ACCURACY] {
            let found = record.intervals[name];
            assert!(found.low < record.mean[name] && record.mean[name] < found.high, "{name}: {found:?}");
        }
        let mut text = serde_json::to_value(&record).expect("JSON");
        text.as_object_mut().expect("an object").remove("intervals").expect("it is new");
        let earlier: ClassificationRecord = serde_json::from_value(text).expect("an earlier record");
        assert!(earlier.intervals.is_empty());
    }

    /// Returns an evaluation of a fold with 40 crystals of the first class, all found, and two of the second, both missed.
    fn rare() -> ClassEvaluation {
        let mut evaluation = evaluation();
        evaluation.folds.truncate(1);
        let crystal = |index: usize| {
            let target = usize::from(index < 2);
            let probability = if index == 0 { 0.6 } else { 0.9 - index as f64 / 200.0 };
            outcome(&format!("m-{index:02}"), target, &[probability, 1.0 - probability])
        };
        evaluation.folds[0].outcomes = (0..42).map(crystal).collect();
        evaluation
    }

    #[test]
    fn a_rare_class_is_in_every_resample() {
        let record = ClassificationRecord::new(&rare());
        assert_eq!(record.mean[BALANCED_ACCURACY], 0.5);
        let found = record.intervals[BALANCED_ACCURACY];
        // Without the second class it would be 1.
        assert_eq!((found.low, found.high), (0.5, 0.5));
        assert_eq!(record.intervals[ROC_AUC].resamples, bootstrap::RESAMPLES);
    }

    #[test]
    fn intervals_do_not_depend_on_the_order_of_the_crystals() {
        let mut evaluation = rare();
        let crystal = |index: usize| {
            let probability = (index * 7 % 30) as f64 / 30.0;
            outcome(&format!("m-{index:02}"), index % 2, &[1.0 - probability, probability])
        };
        evaluation.folds[0].outcomes = (0..30).map(crystal).collect();
        let record = ClassificationRecord::new(&evaluation);
        assert_eq!(record.intervals.len(), 2);
        evaluation.folds[0].outcomes.reverse();
        assert_eq!(ClassificationRecord::new(&evaluation).intervals, record.intervals);
    }
}
