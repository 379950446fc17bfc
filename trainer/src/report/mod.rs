//! Results of an evaluation as files: for programs, for people, and for two leaderboards.
//!
//! * [`bootstrap`]: confidence intervals of scores
//! * [`elements`]: errors by element; `domain`: errors by distance from the training crystals; [`interval`]: intervals
//!   around predictions
//! * [`classes`]: the same files for classes instead of numbers
//! * [`mod@json`] writes `evaluation.json`; [`part`]: the parts that are scored
//! * `files`: reading and writing of the files
//! * `table`: `predictions.csv`
//! * `html`: `report.html`, a page without external resources, with `parity`, `histogram` and `error_charts` (of points by
//!   `scatter`), `element_table`, `learning_curves` and `crystal_view`
//! * [`matbench`] with `python`: `results.json.gz` and `info.json` for MatBench's leaderboard
//! * [`jarvis`]: the zipped CSV for the JARVIS leaderboard
//!
//! The same evaluation gives the same bytes. No file holds a time.

pub mod bootstrap;
mod check;
pub mod classes;
mod crystal_view;
mod domain;
mod element_table;
pub mod elements;
mod error;
mod error_charts;
#[cfg(test)]
pub(crate) mod example;
mod files;
mod histogram;
mod html;
pub mod interval;
pub mod jarvis;
pub mod json;
mod learning_curves;
pub mod matbench;
pub(crate) mod number;
mod parity;
pub mod part;
mod python;
mod scatter;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use check::LARGEST;
pub use crystal_view::{MOST_SITES, Structure};
pub use error::ReportError;
pub use learning_curves::{LearningCurve, LearningCurves, Points};

use schemas::property::words;

use self::files::{ResultFiles, remove_marked, require_mark, require_marked};
use self::interval::Interval;
use self::jarvis::Jarvis;
use self::json::EvaluationRecord;
use self::matbench::Matbench;
use self::part::Part;
use crate::unit;

/// Name of the report page in the folder of an evaluation.
pub const PAGE: &str = "report.html";

/// Number of crystals with the largest errors that the page lists.
const WORST: usize = 20;

/// A test crystal with its target and prediction, or one of its sites.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Identifier of the crystal in the store.
    pub material_id: String,
    /// Conventional formula of the crystal.
    pub formula: String,
    /// Target, in the unit of the target.
    pub target: f64,
    /// Prediction, in the unit of the target; the mean of an ensemble.
    pub prediction: f64,
    /// Standard deviation of the ensemble's predictions, in the unit of the target; `None` for a single model.
    pub deviation: Option<f64>,
    /// Index of the site, from 0; `None` for a number of the whole crystal.
    pub site: Option<usize>,
    /// Symbols of the elements of the crystal, in any order, or of the site.
    pub elements: Vec<String>,
    /// Number of sites in its cell.
    pub sites: usize,
    /// Distance from the training crystals, 1 for a usual one among the others; `None` without a record of them.
    pub domain_distance: Option<f64>,
    /// Whether it holds an element that no training crystal holds.
    pub has_unseen_element: bool,
}

impl Outcome {
    /// Returns prediction - target.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.prediction - self.target
    }
}

/// A fold with its crystals of the scored part, the test crystals as a rule. `O` is such a crystal, `D` what the dummy
/// predicts for each: of numbers the median of the training targets, of classes the index of the commonest class of the
/// training part.
///
/// MatBench's dummy for numbers predicts the mean and has a larger absolute error: 67.29 against 55.18 meV/atom for
/// `matbench_jdft2d`.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldOutcome<O = Outcome, D = f64> {
    /// Name: `fold-0`, or `split` for a task without cross-validation.
    pub name: String,
    /// Seeds of the members whose predictions were averaged.
    pub seeds: Vec<u64>,
    /// Population standard deviations over the seeds of the scores of each alone, by the name of the score; none of a
    /// single seed.
    pub seed_std: BTreeMap<String, f64>,
    /// The prediction of the dummy.
    pub dummy: D,
    /// Number of crystals for training.
    pub train: usize,
    /// Number of crystals for validation.
    pub validation: usize,
    /// The test crystals, or their sites.
    pub outcomes: Vec<O>,
}

impl FoldOutcome {
    /// Returns the number of test crystals.
    fn crystals(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.site.is_none_or(|site| site == 0)).count()
    }
}

/// An evaluated task.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Name of the task.
    pub task: String,
    /// Description of the task in a sentence.
    pub description: String,
    /// Name of the predicted property.
    pub property: String,
    /// Unit of the target after the transform, such as `log10(GPa)`.
    pub unit: String,
    /// Part of each fold that is scored.
    pub part: Part,
    /// All evaluated folds.
    pub folds: Vec<FoldOutcome>,
    /// Interval around every prediction; `None` if there are too few validation crystals.
    pub interval: Option<Interval>,
    /// Losses of the members over their epochs.
    pub curves: LearningCurves,
    /// Crystals that the report page shows in space: those with the largest errors and those chosen.
    pub structures: Vec<Structure>,
    /// Settings in the report page, as name and value.
    pub settings: Vec<(String, String)>,
    /// MatBench data set of the task, if there is one.
    pub matbench: Option<Matbench>,
    /// JARVIS benchmark of the task, if there is one.
    pub jarvis: Option<Jarvis>,
}

impl Evaluation {
    /// Returns the test crystals of all folds.
    fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.folds.iter().flat_map(|fold| &fold.outcomes)
    }

    /// Returns the property in words with its unit: `band gap, eV`.
    fn quantity(&self) -> String {
        format!("{}{}", words(&self.property, &self.unit), unit::shown(", ", &self.unit, ""))
    }

    /// Returns the identifiers of the test crystals with the largest errors, in descending order, each once.
    pub fn worst_ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = Vec::new();
        for (_, outcome) in self.worst(WORST) {
            if !ids.contains(&outcome.material_id.as_str()) {
                ids.push(&outcome.material_id);
            }
        }
        ids
    }

    /// Whether the property is a number of every site.
    fn is_of_sites(&self) -> bool {
        self.outcomes().any(|outcome| outcome.site.is_some())
    }

    /// Returns the word for what has a prediction.
    fn noun(&self) -> &'static str {
        if self.is_of_sites() { "site" } else { "crystal" }
    }

    /// Returns the test crystals with the largest errors in descending order, with the indices of their folds.
    fn worst(&self, number: usize) -> Vec<(usize, &Outcome)> {
        let folds = self.folds.iter().enumerate();
        let mut crystals: Vec<_> = folds
            .flat_map(|(fold, outcomes)| outcomes.outcomes.iter().map(move |outcome| (fold, outcome)))
            .collect();
        let by_error = |left: &(usize, &Outcome), right: &(usize, &Outcome)| {
            let errors = right.1.error().abs().total_cmp(&left.1.error().abs());
            let by_name = || left.1.material_id.cmp(&right.1.material_id);
            errors.then_with(by_name).then(left.1.site.cmp(&right.1.site))
        };
        crystals.sort_by(by_error);
        crystals.truncate(number);
        crystals
    }
}

/// Checks that existing files with the names of results are those of an evaluation. Each file is checked, since one
/// of an evaluation may have been copied among others. The folder may be absent. `jarvis` is the benchmark of the
/// archive.
///
/// # Errors
/// [`ReportError::Foreign`] for the first file that is not a result.
pub fn require_own(folder: &Path, jarvis: Option<&Jarvis>) -> Result<(), ReportError> {
    require_marked(folder, |path| EvaluationRecord::read(path).is_ok(), table::is_own, html::is_own)?;
    match jarvis {
        Some(jarvis) => require_mark(folder.join(jarvis.archive()), jarvis::is_own),
        None => Ok(()),
    }
}

/// Removes the results of an evaluation, of numbers or of classes, from a folder, which may be absent. Files of others stay.
///
/// # Errors
/// [`ReportError::Io`].
pub fn remove_own(folder: &Path) -> Result<(), ReportError> {
    remove_marked(folder, |path| EvaluationRecord::read(path).is_ok(), table::is_own, html::is_own)?;
    classes::remove_own(folder)?;
    jarvis::remove_own(folder)
}

/// Writes one table with the predictions of several evaluations into an existing folder and returns its path.
///
/// # Errors
/// [`ReportError::Io`].
pub fn write_predictions(folder: &Path, evaluations: &[Evaluation]) -> Result<PathBuf, ReportError> {
    let path = folder.join(table::FILE);
    table::write(&path, evaluations)?;
    Ok(path)
}

/// Writes the scores of an evaluation alone into an existing folder, and returns the file.
///
/// # Errors
/// Those of [`write`](fn@write).
pub fn write_scores(folder: &Path, evaluation: &Evaluation) -> Result<PathBuf, ReportError> {
    check::check(evaluation)?;
    let path = folder.join(json::file(evaluation.part));
    EvaluationRecord::new(evaluation)?.write(&path)?;
    Ok(path)
}

/// Writes the results of an evaluation on the test parts into an existing folder and returns the files:
///
/// * `evaluation.json`, see [`EvaluationRecord`]
/// * `predictions.csv`: material_id, formula, property, unit, fold, target, prediction, deviation, lower_90, upper_90,
///   domain_distance; of numbers of the sites a row for each site, with site and element after the formula
/// * `report.html`
/// * for a MatBench task `info.json`, and `results.json.gz` if the evaluation is complete (otherwise the page lists what
///   is missing)
/// * for a JARVIS task with a single split the CSV archive for the leaderboard, see [`jarvis`]
///
/// # Errors
/// [`ReportError`] for an evaluation without folds or crystals, a number that is not finite, a name that does not fit
/// the leaderboard, and a file that cannot be written. Everything is checked before the first file is written. Each
/// file is complete or absent.
pub fn write(folder: &Path, evaluation: &Evaluation) -> Result<Vec<PathBuf>, ReportError> {
    check::check(evaluation)?;
    let record = EvaluationRecord::new(evaluation)?;
    let published = matbench::record(evaluation);
    let mut files = ResultFiles::new(folder);
    record.write(&files.path(json::FILE))?;
    table::write(&files.path(table::FILE), std::slice::from_ref(evaluation))?;
    let notes = files.matbench(evaluation.matbench.as_ref(), published)?;
    if let (Some(jarvis), [fold]) = (&evaluation.jarvis, evaluation.folds.as_slice()) {
        jarvis::write(&files.path(&jarvis.archive()), jarvis, fold)?;
    }
    files.page(html::page(evaluation, &record, &notes))?;
    Ok(files.finish())
}
