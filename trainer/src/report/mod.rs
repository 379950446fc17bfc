//! The results of an evaluation as files: for programs, for people, and for the two leaderboards.
//!
//! * [`statistics`]: scores, their spread over folds, the median
//! * [`elements`]: the error by element
//! * [`mod@json`] writes `evaluation.json`
//! * `table`: `predictions.csv`
//! * `html` with `parity` and `histogram`: `report.html`, one page without anything from elsewhere
//! * [`matbench`] on `python`: `results.json.gz` and `info.json` as MatBench's submission guide asks
//! * [`jarvis`]: the zipped CSV of the JARVIS leaderboard
//!
//! The same evaluation gives the same bytes: no file says when it was written.

mod check;
pub mod elements;
mod error;
#[cfg(test)]
mod example;
mod histogram;
mod html;
pub mod jarvis;
pub mod json;
pub mod matbench;
pub(crate) mod number;
mod parity;
mod python;
pub mod statistics;
mod table;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::{Path, PathBuf};

pub use check::LARGEST;
pub use error::ReportError;

use schemas::text;

use self::jarvis::Jarvis;
use self::json::EvaluationRecord;
use self::matbench::Matbench;
use crate::atomic;

/// Name of the page in the folder of an evaluation.
pub const PAGE: &str = "report.html";

/// Crystals with the largest errors that the page names.
const WORST: usize = 20;

/// A test crystal, what is known of it and what was predicted.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The crystal's identifier in the store.
    pub material_id: String,
    /// Its formula as chemists write it.
    pub formula: String,
    /// The known value, in the unit of the target.
    pub target: f64,
    /// The predicted value, in the unit of the target; of an ensemble the mean.
    pub prediction: f64,
    /// Standard deviation of the ensemble's predictions, in the unit of the target; None for one model.
    pub deviation: Option<f64>,
    /// Symbols of the crystal's elements, in any order.
    pub elements: Vec<String>,
}

impl Outcome {
    /// Prediction - target.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.prediction - self.target
    }
}

/// A fold and its test crystals.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldOutcome {
    /// `fold-0`, or `split` for a task without cross-validation.
    pub name: String,
    /// Seeds of the members whose predictions were averaged.
    pub seeds: Vec<u64>,
    /// Median of the training targets, which the dummy predicts. MatBench's own dummy predicts their
    /// mean and so has the larger absolute error: 67.29 against 55.18 meV/atom for `matbench_jdft2d`.
    pub train_median: f64,
    /// Crystals trained on.
    pub train: usize,
    /// Crystals that chose the best epoch.
    pub validation: usize,
    /// The test crystals.
    pub outcomes: Vec<Outcome>,
}

/// An evaluated task.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Name of the task.
    pub task: String,
    /// What the task is, in a sentence.
    pub description: String,
    /// The property that is predicted.
    pub property: String,
    /// Unit of the target, after the task's transform: `log10(GPa)`.
    pub unit: String,
    /// Every evaluated fold.
    pub folds: Vec<FoldOutcome>,
    /// Settings that the page shows, name and value.
    pub settings: Vec<(String, String)>,
    /// Which MatBench data set the task is, if any.
    pub matbench: Option<Matbench>,
    /// Which benchmark of the JARVIS leaderboard the task is, if any.
    pub jarvis: Option<Jarvis>,
}

impl Evaluation {
    /// The test crystals of all folds.
    fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.folds.iter().flat_map(|fold| &fold.outcomes)
    }

    /// The test crystals with the largest errors, the largest first, with the positions of their folds.
    fn worst(&self, number: usize) -> Vec<(usize, &Outcome)> {
        let folds = self.folds.iter().enumerate();
        let mut crystals: Vec<_> = folds
            .flat_map(|(fold, outcomes)| outcomes.outcomes.iter().map(move |outcome| (fold, outcome)))
            .collect();
        let by_error = |left: &(usize, &Outcome), right: &(usize, &Outcome)| {
            let errors = right.1.error().abs().total_cmp(&left.1.error().abs());
            errors.then_with(|| left.1.material_id.cmp(&right.1.material_id))
        };
        crystals.sort_by(by_error);
        crystals.truncate(number);
        crystals
    }
}

/// What tells whether a file is of an evaluation.
type Mark = fn(&Path) -> bool;

/// Requires files with the names of results, in a folder that may not be there, to be of an evaluation: each of
/// them, for one of ours may have been copied among others. `jarvis` is the benchmark whose archive is written.
///
/// # Errors
/// [`ReportError::Foreign`] with the first file that is of none.
pub fn require_own(folder: &Path, jarvis: Option<&Jarvis>) -> Result<(), ReportError> {
    let results: [(&str, Mark); 5] = [
        (json::FILE, |path| EvaluationRecord::read(path).is_ok()),
        (table::FILE, table::is_own),
        (PAGE, html::is_own),
        (matbench::INFO, matbench::is_info),
        (matbench::RESULTS, matbench::is_results),
    ];
    let results = results.map(|(name, is_own)| (name.to_owned(), is_own));
    let archive = jarvis.map(|jarvis| (jarvis.archive(), jarvis::is_own as Mark));
    let mut there = results.into_iter().chain(archive).map(|(name, is_own)| (folder.join(name), is_own));
    match there.find(|(path, is_own)| path.exists() && !is_own(path)) {
        Some((path, _)) => Err(ReportError::Foreign { path }),
        None => Ok(()),
    }
}

/// Writes the results of an evaluation into an existing folder and returns the files written:
///
/// * `evaluation.json`, see [`EvaluationRecord`]
/// * `predictions.csv`: material_id, formula, property, unit, fold, target, prediction, deviation
/// * `report.html`
/// * for a MatBench task `info.json`, and `results.json.gz` once [`matbench::check`] finds the
///   evaluation complete (otherwise the page says what is missing)
/// * for a JARVIS task evaluated on one split the leaderboard's CSV archive, see [`jarvis`]
///
/// # Errors
/// [`ReportError`]: an evaluation without folds or crystals, a number that is not finite, a name that
/// the leaderboard cannot take, a file that cannot be written. Everything is checked before the first
/// file is written; each file is whole or not there.
pub fn write(folder: &Path, evaluation: &Evaluation) -> Result<Vec<PathBuf>, ReportError> {
    check::check(evaluation)?;
    let record = EvaluationRecord::new(evaluation)?;
    let published = matbench::record(evaluation);
    let mut files = Vec::new();
    let mut path = |name: &str| {
        let path = folder.join(name);
        files.push(path.clone());
        path
    };
    record.write(&path(json::FILE))?;
    table::write(&path(table::FILE), evaluation)?;
    if let Some(matbench) = &evaluation.matbench {
        matbench::write_info(&path(matbench::INFO), matbench)?;
    }
    if let Some(Ok(text)) = &published {
        matbench::write_results(&path(matbench::RESULTS), text)?;
    }
    if let (Some(jarvis), [fold]) = (&evaluation.jarvis, evaluation.folds.as_slice()) {
        jarvis::write(&path(&jarvis.archive()), jarvis, fold)?;
    }
    let notes: Vec<String> = published.and_then(Result::err).iter().map(ToString::to_string).collect();
    let page = html::page(evaluation, &record, &notes).into_string();
    let file = path(PAGE);
    atomic::write(&file, |out| out.write_all(text::page(&page).as_bytes()))
        .map_err(ReportError::io("write", &file))?;
    Ok(files)
}
