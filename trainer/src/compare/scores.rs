//! Scores of a cell, of numbers or of classes.

use std::path::Path;

use crate::report::ReportError;
use crate::report::classes::json::{ClassFoldRecord, ClassificationRecord};
use crate::report::json::EvaluationRecord;
use crate::statistics::MeanStd;
use crate::task::Metric;

/// Area under the receiver operating characteristic of a predictor that has the same probabilities for all crystals.
const CONSTANT_AREA: f64 = 0.5;

/// Scores as an evaluation has recorded them.
#[derive(Debug, Clone, PartialEq)]
pub enum Scores {
    /// Those of numbers.
    Numbers(EvaluationRecord),
    /// Those of classes.
    Classes(ClassificationRecord),
}

impl Scores {
    /// Reads the file of a task with this metric.
    ///
    /// # Errors
    /// [`ReportError::Io`] or [`ReportError::Json`].
    pub fn read(path: &Path, metric: Metric) -> Result<Self, ReportError> {
        Ok(match metric.is_of_classes() {
            true => Self::Classes(ClassificationRecord::read(path)?),
            false => Self::Numbers(EvaluationRecord::read(path)?),
        })
    }

    /// Returns the score of the model; `None` if a fold has none, such as an area of crystals of one class.
    pub fn model(&self, metric: Metric) -> Option<MeanStd> {
        match self {
            Self::Numbers(record) => Some(MeanStd { mean: record.mean.mae, std: record.std.mae }),
            Self::Classes(record) => {
                let std = record.std.get(metric.name()).copied();
                Some(MeanStd { mean: record.mean.get(metric.name()).copied()?, std })
            }
        }
    }

    /// Returns the mean score over the folds, and its deviation, of a constant prediction: of numbers the error of the
    /// median of the training targets, in their unit; of classes the balanced accuracy, from 0 to 1, of the commonest class
    /// of the training part. The ROC-AUC of any constant is 0.5. `None` if a fold lacks the score.
    pub fn dummy(&self, metric: Metric) -> Option<MeanStd> {
        match self {
            Self::Numbers(record) => Some(MeanStd { mean: record.mean.dummy_mae, std: record.std.dummy_mae }),
            Self::Classes(record) => {
                let of_fold = |fold: &ClassFoldRecord| match metric {
                    Metric::BalancedAccuracy => fold.dummy_balanced_accuracy,
                    Metric::RocAuc | Metric::Mae => Some(CONSTANT_AREA),
                };
                let folds: Option<Vec<f64>> = record.folds.iter().map(of_fold).collect();
                MeanStd::of(&folds?)
            }
        }
    }

    /// Returns the population standard deviation of the scores of single seeds, if there is a single fold with several.
    pub fn seed_std(&self, metric: Metric) -> Option<f64> {
        let spread = match self {
            Self::Numbers(record) => record.folds.first()?.seed_std.get(metric.name()),
            Self::Classes(record) => record.folds.first()?.seed_std.get(metric.name()),
        };
        spread.copied().filter(|_| self.folds() == 1)
    }

    /// Returns the number of folds.
    pub fn folds(&self) -> usize {
        match self {
            Self::Numbers(record) => record.folds.len(),
            Self::Classes(record) => record.folds.len(),
        }
    }

    /// Returns the number of seeds whose predictions were averaged.
    pub fn seeds(&self) -> usize {
        match self {
            Self::Numbers(record) => record.seeds.len(),
            Self::Classes(record) => record.seeds.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores of two folds, the second without an area.
    const CLASSES: &str = r#"{
        "task": "metals", "property": "is_metal", "classes": ["0", "1"],
        "folds": [
            {"name": "fold-0", "seeds": [1, 2], "train": 9, "validation": 3, "test": 3,
             "scores": {"roc_auc": 0.75, "balanced_accuracy": 0.5},
             "dummy_accuracy": 0.5, "dummy_balanced_accuracy": 0.5},
            {"name": "fold-1", "seeds": [1, 2], "train": 9, "validation": 3, "test": 3,
             "scores": {"balanced_accuracy": 1.0},
             "dummy_accuracy": 1.0, "dummy_balanced_accuracy": 1.0}
        ],
        "mean": {"balanced_accuracy": 0.75}, "std": {"balanced_accuracy": 0.25},
        "confusion": [[3, 0], [1, 2]], "seeds": [1, 2]
    }"#;

    #[test]
    fn classes_are_scored_in_the_metric_of_their_task() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("evaluation.json");
        std::fs::write(&path, CLASSES).expect("it is writable");
        let scores = Scores::read(&path, Metric::RocAuc).expect("a record");
        assert_eq!((scores.folds(), scores.seeds()), (2, 2));
        assert_eq!(scores.model(Metric::RocAuc), None, "a fold has none");
        assert_eq!(scores.dummy(Metric::RocAuc), Some(MeanStd { mean: 0.5, std: Some(0.0) }));
        let found = scores.model(Metric::BalancedAccuracy);
        assert_eq!(found, Some(MeanStd { mean: 0.75, std: Some(0.25) }));
        assert_eq!(scores.dummy(Metric::BalancedAccuracy), found, "the mean of 0.5 and 1");
        assert_eq!(scores.seed_std(Metric::BalancedAccuracy), None, "there are folds");
        assert!(Scores::read(&path, Metric::Mae).is_err(), "it is of classes");
        let Scores::Classes(mut record) = scores else { panic!("it is of classes") };
        record.folds.truncate(1);
        record.folds[0].seed_std.insert("roc_auc".to_owned(), 0.125);
        assert_eq!(Scores::Classes(record).seed_std(Metric::RocAuc), Some(0.125));
    }
}
