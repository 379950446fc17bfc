//! `evaluation.json`: the scores of an evaluation for programs.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::bootstrap::{self, ConfidenceInterval};
use super::error::ReportError;
use super::files::{read_record, write_record};
use super::interval::{COVERAGE, Interval};
use super::part::Part;
use super::{Evaluation, FoldOutcome, Outcome};
use crate::statistics::{MeanStd, Scores, mean};

/// Name of the file in the folder of an evaluation.
pub const FILE: &str = "evaluation.json";

/// Name of the file with the scores of the validation parts.
pub const VALIDATION_FILE: &str = "validation_scores.json";

/// Returns the name of the file with the scores of a part.
#[must_use]
pub fn file(part: Part) -> &'static str {
    match part {
        Part::Test => FILE,
        Part::Validation => VALIDATION_FILE,
    }
}

/// Content of `evaluation.json` and `validation_scores.json`. Errors are in `unit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationRecord {
    /// Name of the task.
    pub task: String,
    /// Name of the predicted property.
    pub property: String,
    /// Unit of the target, after the task's transform.
    pub unit: String,
    /// The scored part, if it is not the test part.
    #[serde(default, skip_serializing_if = "Part::is_test")]
    pub part: Part,
    /// Every fold, in the order evaluated.
    pub folds: Vec<FoldRecord>,
    /// Means of the scores over the folds.
    pub mean: Summary,
    /// Population standard deviations of the scores over the folds, as in [`MeanStd`].
    pub std: Spread,
    /// Seeds of all folds, ascending.
    pub seeds: Vec<u64>,
    /// Interval around every prediction; absent with too few validation crystals, and in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<IntervalRecord>,
    /// Confidence interval of the mean absolute error; absent with fewer than two crystals in a fold, and in files of earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mae_interval: Option<ConfidenceInterval>,
}

/// Interval around every prediction, `lower_90` to `upper_90` in tables.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntervalRecord {
    /// Share of new crystals whose value is to lie in it.
    pub coverage: f64,
    /// Half of its width.
    pub half_width: f64,
    /// Number of validation crystals that it is made of; for numbers of the sites, of their sites.
    pub validation_crystals: usize,
    /// Share of the test crystals, or of their sites, whose value lies in it.
    pub covered: f64,
}

impl IntervalRecord {
    fn new(evaluation: &Evaluation, interval: Interval) -> Self {
        let Interval { half_width, crystals } = interval;
        let (mut within, mut all) = (0_usize, 0_usize);
        for outcome in evaluation.outcomes() {
            within += usize::from(outcome.error().abs() <= half_width);
            all += 1;
        }
        let covered = within as f64 / all.max(1) as f64;
        Self { coverage: COVERAGE, half_width, validation_crystals: crystals, covered }
    }
}

/// Scores of a fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldRecord {
    /// Name: `fold-0`, or `split` for a task without cross-validation.
    pub name: String,
    /// Seeds whose predictions were averaged.
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
    /// Number of their sites, over which errors are taken; absent for numbers of whole crystals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_sites: Option<usize>,
    /// Mean absolute error.
    pub mae: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Coefficient of determination; null if all targets are the same.
    pub r2: Option<f64>,
    /// Mean absolute error of the training median as a predictor.
    pub dummy_mae: f64,
    /// Root of the mean squared error of the training median as a predictor.
    pub dummy_rmse: f64,
}

/// Means of the scores over the folds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary<T = f64> {
    /// Mean absolute error.
    pub mae: T,
    /// Root of the mean squared error.
    pub rmse: T,
    /// Coefficient of determination; null if a fold has none.
    pub r2: Option<f64>,
    /// Mean absolute error of the training median as a predictor.
    pub dummy_mae: T,
    /// Root of the mean squared error of the training median as a predictor.
    pub dummy_rmse: T,
}

/// Population standard deviations of the scores over the folds; null for a single fold.
pub type Spread = Summary<Option<f64>>;

impl EvaluationRecord {
    /// Computes the scores of an evaluation.
    ///
    /// # Errors
    /// [`ReportError::NoFolds`] or [`ReportError::EmptyFold`] if there is nothing to score.
    pub fn new(evaluation: &Evaluation) -> Result<Self, ReportError> {
        let folds = evaluation
            .folds
            .iter()
            .map(|fold| {
                FoldRecord::new(fold).ok_or_else(|| ReportError::EmptyFold {
                    task: evaluation.task.clone(),
                    fold: fold.name.clone(),
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let over_folds = |score: fn(&FoldRecord) -> f64| {
            MeanStd::of(&folds.iter().map(score).collect::<Vec<_>>())
                .ok_or_else(|| ReportError::NoFolds { task: evaluation.task.clone() })
        };
        let mae = over_folds(|fold| fold.mae)?;
        let rmse = over_folds(|fold| fold.rmse)?;
        let dummy_mae = over_folds(|fold| fold.dummy_mae)?;
        let dummy_rmse = over_folds(|fold| fold.dummy_rmse)?;
        let r2 = folds.iter().map(|fold| fold.r2).collect::<Option<Vec<_>>>();
        let r2 = r2.and_then(|values| MeanStd::of(&values));
        let mut seeds: Vec<u64> = folds.iter().flat_map(|fold| fold.seeds.iter().copied()).collect();
        seeds.sort_unstable();
        seeds.dedup();
        Ok(Self {
            task: evaluation.task.clone(),
            property: evaluation.property.clone(),
            unit: evaluation.unit.clone(),
            part: evaluation.part,
            mean: Summary {
                mae: mae.mean,
                rmse: rmse.mean,
                r2: r2.map(|r2| r2.mean),
                dummy_mae: dummy_mae.mean,
                dummy_rmse: dummy_rmse.mean,
            },
            std: Spread {
                mae: mae.std,
                rmse: rmse.std,
                r2: r2.and_then(|r2| r2.std),
                dummy_mae: dummy_mae.std,
                dummy_rmse: dummy_rmse.std,
            },
            folds,
            seeds,
            interval: evaluation.interval.map(|interval| IntervalRecord::new(evaluation, interval)),
            mae_interval: mae_interval(evaluation),
        })
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

/// Returns the confidence interval of the mean over the folds of the mean absolute error. The sites of a crystal, which are
/// not independent, are drawn together.
fn mae_interval(evaluation: &Evaluation) -> Option<ConfidenceInterval> {
    let errors: Vec<Vec<Vec<f64>>> = evaluation.folds.iter().map(errors).collect();
    let folds: Vec<Vec<usize>> = errors.iter().map(|crystals| vec![crystals.len()]).collect();
    bootstrap::interval(&folds, |fold, drawn| {
        let errors = errors.get(fold)?;
        Some(mean(drawn.iter().filter_map(|&crystal| errors.get(crystal)).flatten().copied()))
    })
}

/// Returns the absolute errors of a fold, those of a crystal's sites together. The crystals are in the order of their
/// identifiers, since those that are drawn depend on their places.
fn errors(fold: &FoldOutcome) -> Vec<Vec<f64>> {
    let mut outcomes: Vec<&Outcome> = fold.outcomes.iter().collect();
    outcomes.sort_by(|left, right| left.material_id.cmp(&right.material_id).then(left.site.cmp(&right.site)));
    let mut crystals: Vec<Vec<f64>> = Vec::new();
    let mut previous: Option<&Outcome> = None;
    for outcome in outcomes {
        let is_same = previous.is_some_and(|previous| previous.material_id == outcome.material_id);
        match crystals.last_mut().filter(|_| is_same && outcome.site.is_some()) {
            Some(sites) => sites.push(outcome.error().abs()),
            None => crystals.push(vec![outcome.error().abs()]),
        }
        previous = Some(outcome);
    }
    crystals
}

impl FoldRecord {
    /// Computes the scores of a fold; `None` without test crystals.
    fn new(fold: &FoldOutcome) -> Option<Self> {
        let pairs: Vec<_> =
            fold.outcomes.iter().map(|outcome| (outcome.target, outcome.prediction)).collect();
        let scores = Scores::of(&pairs)?;
        let dummy = Scores::of_constant(pairs.iter().map(|pair| pair.0), fold.dummy)?;
        Some(Self {
            name: fold.name.clone(),
            seeds: fold.seeds.clone(),
            seed_std: fold.seed_std.clone(),
            train: fold.train,
            validation: fold.validation,
            test: fold.crystals(),
            test_sites: fold.outcomes.iter().any(|outcome| outcome.site.is_some()).then_some(scores.count),
            mae: scores.mae,
            rmse: scores.rmse,
            r2: scores.r2,
            dummy_mae: dummy.mae,
            dummy_rmse: dummy.rmse,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{evaluation, jdft2d, outcome};

    /// Returns two folds whose scores are exact in binary.
    fn two_folds() -> Evaluation {
        let mut evaluation = evaluation(vec![outcome("a", 1.0, 1.5, &["O"]), outcome("b", 3.0, 2.5, &["O"])]);
        let mut second = evaluation.folds[0].clone();
        second.name = "fold-1".to_owned();
        second.seeds = vec![7, 5];
        second.dummy = 1.0;
        second.outcomes = vec![outcome("c", 1.0, 2.0, &["O"]), outcome("d", 1.0, 0.0, &["O"])];
        evaluation.folds.push(second);
        evaluation
    }

    #[test]
    fn folds_are_scored_and_taken_together() {
        let record = EvaluationRecord::new(&two_folds()).expect("there are crystals");
        assert_eq!((record.folds[0].mae, record.folds[0].dummy_mae), (0.5, 1.0));
        assert_eq!((record.folds[1].mae, record.folds[1].dummy_mae), (1.0, 0.0));
        assert_eq!((record.folds[0].r2, record.folds[1].r2), (Some(0.75), None));
        assert_eq!((record.mean.mae, record.std.mae), (0.75, Some(0.25)));
        assert_eq!((record.mean.r2, record.std.r2), (None, None), "not all folds have one");
        assert_eq!(record.seeds, [5, 7, 123]);
    }

    #[test]
    fn the_interval_says_how_much_it_covers() {
        let mut evaluation = two_folds();
        assert_eq!(EvaluationRecord::new(&evaluation).expect("there are crystals").interval, None);
        // Errors of 0.5 twice and of 1 twice.
        evaluation.interval = Some(Interval { half_width: 0.5, crystals: 12 });
        let record = EvaluationRecord::new(&evaluation).expect("there are crystals");
        let expected =
            IntervalRecord { coverage: 0.9, half_width: 0.5, validation_crystals: 12, covered: 0.5 };
        assert_eq!(record.interval, Some(expected));
    }

    #[test]
    fn the_mean_error_has_a_confidence_interval() {
        let record = EvaluationRecord::new(&jdft2d()).expect("there are crystals");
        let ConfidenceInterval { low, high, .. } = record.mae_interval.expect("there are enough crystals");
        assert!(low < record.mean.mae && record.mean.mae < high, "{record:?}");
        // Of 636 crystals the mean is known to some percent.
        assert!((0.05..0.25).contains(&((high - low) / record.mean.mae)), "{record:?}");
        // Every crystal of a fold has the same error.
        let record = EvaluationRecord::new(&two_folds()).expect("there are crystals");
        assert_eq!(record.mae_interval.map(|found| (found.low, found.high)), Some((0.75, 0.75)));
    }

    #[test]
    fn the_interval_does_not_depend_on_the_order_of_the_crystals() {
        let mut evaluation = jdft2d();
        let record = EvaluationRecord::new(&evaluation).expect("there are crystals");
        for fold in &mut evaluation.folds {
            fold.outcomes.reverse();
        }
        let reversed = EvaluationRecord::new(&evaluation).expect("there are crystals");
        assert!(record.mae_interval.is_some());
        assert_eq!(record.mae_interval, reversed.mae_interval);
    }

    #[test]
    fn records_of_earlier_versions_are_read() {
        let record = EvaluationRecord::new(&two_folds()).expect("there are crystals");
        let mut text = serde_json::to_value(&record).expect("JSON");
        text.as_object_mut().expect("an object").remove("mae_interval").expect("it is new");
        let earlier: EvaluationRecord = serde_json::from_value(text).expect("an earlier record");
        assert_eq!(earlier, EvaluationRecord { mae_interval: None, ..record });
    }

    #[test]
    fn one_fold_has_no_spread() {
        let mut evaluation = two_folds();
        evaluation.folds.truncate(1);
        let record = EvaluationRecord::new(&evaluation).expect("there are crystals");
        assert_eq!((record.mean.mae, record.mean.r2), (0.5, Some(0.75)));
        let text = serde_json::to_value(record.std).expect("numbers");
        assert!(text.as_object().expect("an object").values().all(serde_json::Value::is_null), "{text}");
    }

    #[test]
    fn the_file_reads_back_and_has_the_same_bytes_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(FILE);
        let record = EvaluationRecord::new(&two_folds()).expect("there are crystals");
        record.write(&path).expect("it is writable");
        assert_eq!(EvaluationRecord::read(&path).expect("it is readable"), record);
        let first = std::fs::read(&path).expect("it is there");
        record.write(&path).expect("it is writable");
        assert_eq!(std::fs::read(&path).expect("it is there"), first);
        assert!(first.ends_with(b"}\n"));
    }

    #[test]
    fn another_file_is_refused_with_its_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(FILE);
        std::fs::write(&path, "{\"task\": 3}").expect("it is writable");
        let error = EvaluationRecord::read(&path).expect_err("it is no evaluation").to_string();
        assert!(error.contains("evaluation.json is not an evaluation"), "{error}");
        let missing =
            EvaluationRecord::read(&folder.path().join("none")).expect_err("there is none").to_string();
        assert!(missing.starts_with("cannot read "), "{missing}");
    }
}
