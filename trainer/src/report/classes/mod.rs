//! Results of an evaluation of classes as files, as [`super`] writes those of numbers.
//!
//! * [`scores`]: scores of predicted classes; [`temperature`]: calibrated probabilities
//! * [`json`] writes `evaluation.json`; `table` writes `predictions.csv`; `html` with `charts` writes `report.html`
//! * `published`: MatBench's record

mod charts;
#[cfg(test)]
pub(super) mod example;
mod html;
pub mod json;
mod published;
pub mod scores;
mod table;
pub mod temperature;

use std::path::{Path, PathBuf};

pub use self::table::probability_columns;

use self::json::ClassificationRecord;
use self::temperature::Temperature;
use super::check::check_folds;
use super::error::ReportError;
use super::files::{ResultFiles, remove_marked, require_marked};
use super::matbench::Matbench;
use super::part::Part;
use super::{FoldOutcome, LearningCurves, Structure};

/// Number of mistakes that the page lists, the surest first.
const WORST: usize = 20;

/// A test crystal with its class and the predicted probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassOutcome {
    /// Identifier of the crystal in the store.
    pub material_id: String,
    /// Conventional formula of the crystal.
    pub formula: String,
    /// Index of its class.
    pub target: usize,
    /// Probabilities of the classes, `[K]`: the mean of an ensemble, calibrated if the evaluation has a temperature.
    pub probabilities: Vec<f64>,
    /// Standard deviation over the ensemble of the probability of the predicted class; `None` for a single model.
    pub deviation: Option<f64>,
    /// Distance from the training crystals, as that of [`Outcome`](super::Outcome).
    pub domain_distance: Option<f64>,
    /// Whether it holds an element that no training crystal holds.
    pub has_unseen_element: bool,
}

impl ClassOutcome {
    /// Returns the index of the most probable class, the first of several.
    #[must_use]
    pub fn predicted(&self) -> usize {
        most_probable(&self.probabilities)
    }

    /// Whether the predicted class is the crystal's.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.predicted() == self.target
    }

    /// Returns the probability of the predicted class.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        self.probabilities.get(self.predicted()).copied().unwrap_or(f64::NAN)
    }

    /// Returns the probability of the crystal's class.
    #[must_use]
    pub fn of_target(&self) -> f64 {
        self.probabilities.get(self.target).copied().unwrap_or(f64::NAN)
    }
}

/// Returns the index of the largest probability, the first of several.
#[must_use]
pub fn most_probable(probabilities: &[f64]) -> usize {
    let mut best = 0;
    for (index, probability) in probabilities.iter().enumerate() {
        if probabilities.get(best).is_some_and(|largest| probability > largest) {
            best = index;
        }
    }
    best
}

/// A fold with its test crystals.
pub type ClassFold = FoldOutcome<ClassOutcome, usize>;

/// An evaluated task of classes.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassEvaluation {
    /// Name of the task.
    pub task: String,
    /// Description of the task in a sentence.
    pub description: String,
    /// Name of the property whose classes are predicted.
    pub property: String,
    /// Names of the classes, `[K]`.
    pub classes: Vec<String>,
    /// Part of each fold that is scored.
    pub part: Part,
    /// All evaluated folds.
    pub folds: Vec<ClassFold>,
    /// Temperature of the probabilities; `None` if the validation crystals give none ([`Temperature::of`]).
    pub temperature: Option<Temperature>,
    /// Losses of the members over their epochs.
    pub curves: LearningCurves,
    /// Crystals that the report page shows in space: the surest mistakes and those chosen.
    pub structures: Vec<Structure>,
    /// Settings in the report page, as name and value.
    pub settings: Vec<(String, String)>,
    /// MatBench data set of the task, if there is one.
    pub matbench: Option<Matbench>,
}

impl ClassEvaluation {
    /// Returns the test crystals of all folds.
    pub fn outcomes(&self) -> Vec<&ClassOutcome> {
        self.folds.iter().flat_map(|fold| &fold.outcomes).collect()
    }

    /// Returns the name of a class.
    fn class(&self, index: usize) -> &str {
        self.classes.get(index).map_or("", String::as_str)
    }

    /// Returns the identifiers of the wrongly predicted test crystals with the largest confidence, in descending order.
    pub fn worst_ids(&self) -> Vec<&str> {
        self.worst().into_iter().map(|(_, outcome)| outcome.material_id.as_str()).collect()
    }

    /// Returns the wrongly predicted test crystals with the largest confidence in descending order, with their folds.
    fn worst(&self) -> Vec<(&ClassFold, &ClassOutcome)> {
        let mut mistakes: Vec<(&ClassFold, &ClassOutcome)> = Vec::new();
        for fold in &self.folds {
            let wrong = fold.outcomes.iter().filter(|outcome| !outcome.is_right());
            mistakes.extend(wrong.map(|outcome| (fold, outcome)));
        }
        mistakes.sort_by(|(_, left), (_, right)| {
            let order = right.confidence().total_cmp(&left.confidence());
            order.then_with(|| left.material_id.cmp(&right.material_id))
        });
        mistakes.truncate(WORST);
        mistakes
    }
}

/// Checks that existing files with the names of results are those of an evaluation of classes, as
/// [`super::require_own`] does.
///
/// # Errors
/// [`ReportError::Foreign`] for the first file that is not a result.
pub fn require_own(folder: &Path) -> Result<(), ReportError> {
    require_marked(folder, |path| ClassificationRecord::read(path).is_ok(), table::is_own, html::is_own)
}

/// Removes the results of an evaluation of classes, as [`super::remove_own`] does.
pub(super) fn remove_own(folder: &Path) -> Result<(), ReportError> {
    remove_marked(folder, |path| ClassificationRecord::read(path).is_ok(), table::is_own, html::is_own)
}

/// Writes the scores of an evaluation alone into an existing folder, and returns the file.
///
/// # Errors
/// Those of [`write`](fn@write).
pub fn write_scores(folder: &Path, evaluation: &ClassEvaluation) -> Result<PathBuf, ReportError> {
    check(evaluation)?;
    let path = folder.join(super::json::file(evaluation.part));
    ClassificationRecord::new(evaluation).write(&path)?;
    Ok(path)
}

/// Writes the results of an evaluation on the test parts into an existing folder and returns the files:
///
/// * `evaluation.json`, see [`ClassificationRecord`]
/// * `predictions.csv`: material_id, formula, property, fold, target, prediction, confidence, deviation, and the
///   probability of every class
/// * `report.html`
/// * for a MatBench task `info.json`, and `results.json.gz` if the evaluation is complete (otherwise the page lists what
///   is missing)
///
/// # Errors
/// [`ReportError`] for an evaluation without folds or crystals, a probability that is not finite, and a file that cannot be
/// written. Everything is checked before the first file is written. Each file is complete or absent.
pub fn write(folder: &Path, evaluation: &ClassEvaluation) -> Result<Vec<PathBuf>, ReportError> {
    check(evaluation)?;
    let record = ClassificationRecord::new(evaluation);
    let published = evaluation.matbench.as_ref().map(|matbench| published::record(evaluation, matbench));
    let mut files = ResultFiles::new(folder);
    record.write(&files.path(super::json::FILE))?;
    table::write(&files.path(super::table::FILE), evaluation)?;
    let notes = files.matbench(evaluation.matbench.as_ref(), published)?;
    files.page(html::page(evaluation, &record, &notes))?;
    Ok(files.finish())
}

/// Checks folds, classes and probabilities before any file is written.
fn check(evaluation: &ClassEvaluation) -> Result<(), ReportError> {
    check_folds(&evaluation.task, &evaluation.folds)?;
    for fold in &evaluation.folds {
        for outcome in &fold.outcomes {
            let refuse = |quantity, value| {
                let (fold, material_id) = (fold.name.clone(), outcome.material_id.clone());
                Err(ReportError::Number { fold, quantity, material_id, value })
            };
            if outcome.target >= evaluation.classes.len() {
                return refuse("class", outcome.target as f64);
            }
            if let Some(&value) = outcome.probabilities.iter().find(|value| !(0.0..=1.0).contains(*value)) {
                return refuse("probability", value);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::classes::example::{evaluation, outcome};

    #[test]
    fn what_cannot_be_reported_is_refused_by_name() {
        let good = evaluation();
        check(&good).expect("it can be reported");
        let refusal = |evaluation: &ClassEvaluation| check(evaluation).expect_err("a fault").to_string();
        let mut changed = good.clone();
        changed.folds[0].outcomes[0] = outcome("a", 0, &[f64::NAN, 0.5]);
        assert!(refusal(&changed).contains("the probability of a is NaN"), "{}", refusal(&changed));
        changed.folds[0].outcomes[0] = outcome("a", 2, &[0.5, 0.5]);
        assert!(refusal(&changed).contains("the class of a is 2"), "{}", refusal(&changed));
        changed.folds[0].outcomes.clear();
        assert_eq!(refusal(&changed), "task metals: fold-0 has no test crystals");
        changed.folds.clear();
        assert_eq!(refusal(&changed), "task metals: no fold was evaluated");
    }

    #[test]
    fn files_are_written_and_known_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let files = write(folder.path(), &evaluation()).expect("it is writable");
        let names: Vec<_> = files.iter().filter_map(|file| file.file_name()).collect();
        assert_eq!(names, ["evaluation.json", "predictions.csv", "report.html"]);
        require_own(folder.path()).expect("they are its own");
        let first: Vec<_> = files.iter().map(|file| std::fs::read(file).expect("it is there")).collect();
        write(folder.path(), &evaluation()).expect("it is writable");
        let again: Vec<_> = files.iter().map(|file| std::fs::read(file).expect("it is there")).collect();
        assert_eq!(first, again);
        std::fs::write(folder.path().join("predictions.csv"), "a,b\n").expect("it is writable");
        assert!(require_own(folder.path()).is_err());
        std::fs::write(folder.path().join("notes.txt"), "of others").expect("it is writable");
        crate::report::remove_own(folder.path()).expect("it is writable");
        let mut left: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").flatten().collect();
        left.sort_by_key(std::fs::DirEntry::file_name);
        let left: Vec<_> = left.iter().map(std::fs::DirEntry::file_name).collect();
        assert_eq!(left, ["notes.txt", "predictions.csv"], "those of others");
    }

    #[test]
    fn the_surest_mistakes_come_first() {
        let evaluation = evaluation();
        let worst = evaluation.worst();
        let mistakes: Vec<_> =
            worst.iter().map(|(fold, outcome)| (&*fold.name, &*outcome.material_id)).collect();
        assert_eq!(mistakes, [("fold-1", "e"), ("fold-0", "c")]);
    }

    #[test]
    fn the_first_of_equal_probabilities_counts() {
        assert_eq!(most_probable(&[0.5, 0.5]), 0);
        assert_eq!(most_probable(&[0.2, 0.4, 0.4]), 1);
    }
}
