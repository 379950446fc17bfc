//! Evaluation of a fine-tuning on the test or validation parts of its task.
//!
//! * `tested`: predictions of all members for the scored parts
//! * `seeds`: spread of the scores of single seeds
//! * `outcomes`: these as targets and predictions of numbers or classes
//! * `structures`: cells and sites of the worst crystals

mod outcomes;
mod seeds;
mod structures;
mod tested;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::StoreError;
use schemas::matbench::published_crystals;
use schemas::output;
use schemas::settings::SettingsError;

use crate::config::ModelKind;
use crate::config::finetune::Loss;
use crate::data::{DataError, Sources};
use crate::device::DeviceName;
use crate::error::TrainError;
use crate::finetune::ensemble_record::EnsembleRecord;
use crate::report::classes::{self, ClassEvaluation};
use crate::report::jarvis::Jarvis;
use crate::report::matbench::Matbench;
use crate::report::part::Part;
use crate::report::{self, Evaluation};
use crate::run::interrupt::Interrupt;
use crate::task::{Task, Transform};

use tested::{Members, TestedFold};

/// The arguments of [`evaluate`](fn@evaluate).
#[derive(Debug, Clone)]
pub struct Request {
    /// Folder of the fine-tuning.
    pub folder: PathBuf,
    /// Folder of the results.
    pub out: PathBuf,
    /// Part of every fold that is scored.
    pub part: Part,
    /// Shards to use instead of those of the fine-tuning, for stores that have moved.
    pub shards: Vec<String>,
    /// Authors of the submission in MatBench's record.
    pub authors: String,
    /// Identifiers of test crystals that the page shows in space beside the worst.
    pub show: Vec<String>,
    /// The device of the model.
    pub device: DeviceName,
    /// Asks to stop before the next member is tested.
    pub interrupt: Interrupt,
}

/// What was evaluated.
#[derive(Debug, Clone)]
pub enum Results {
    /// Numbers, an evaluation for each property.
    Numbers(Vec<Evaluation>),
    /// Classes of a property.
    Classes(Box<ClassEvaluation>),
}

/// The result of [`evaluate`](fn@evaluate).
#[derive(Debug, Clone)]
pub struct Summary {
    /// Targets and predictions.
    pub results: Results,
    /// The files written.
    pub files: Vec<PathBuf>,
}

/// Predicts a part of every fold with the best weights of every seed, averages over the seeds and writes the results. Of
/// the test parts these are the files of [`report::write`] and [`classes::write`], of the validation parts the scores
/// alone. Of several properties each has a folder of its name with its results, and one table holds the predictions of
/// all.
///
/// # Errors
/// [`TrainError`] for a folder without a fine-tuning, a missing member, weights that cannot be read, shards that do
/// not fit the task or give a member other training crystals than it had, validation parts that were trained on, results that cannot be written, and an interruption.
pub fn evaluate(request: &Request) -> Result<Summary, TrainError> {
    let device = request.device.open()?;
    let record = EnsembleRecord::read(&request.folder)?
        .ok_or_else(|| TrainError::NoFinetuning { path: request.folder.clone() })?;
    if request.part == Part::Validation && record.train_on_validation {
        return Err(TrainError::TrainedOnValidation { path: request.folder.clone() });
    }
    let task = record.task.clone();
    let shards = if request.shards.is_empty() { &record.shards } else { &request.shards };
    let sources = Arc::new(Sources::resolve(shards, None)?);
    output::require_apart(&request.out, sources.shards().iter().map(|shard| &shard.path))?;
    require_own(&request.out, &task)?;
    let mut members = Members {
        request,
        device,
        record,
        task,
        sources,
        settings: Vec::new(),
        kind: ModelKind::Mmpt,
        loss: Loss::default(),
        calibrations: Vec::new(),
        curves: Vec::new(),
    };
    let folds = members.folds()?;
    require_tested(&request.show, &folds)?;
    let folder = |path: &Path| {
        std::fs::create_dir_all(path).map_err(|source| TrainError::Write { path: path.to_owned(), source })
    };
    folder(&request.out)?;
    if !members.task.classes().is_empty() {
        let mut evaluation = outcomes::of_classes(&members, folds);
        if request.part == Part::Test {
            evaluation.structures =
                structures::read(&members.sources, &shown(&evaluation.worst_ids(), &request.show))?;
        }
        let files = match request.part {
            Part::Test => classes::write(&request.out, &evaluation)?,
            Part::Validation => vec![classes::write_scores(&request.out, &evaluation)?],
        };
        return Ok(Summary { results: Results::Classes(Box::new(evaluation)), files });
    }
    let mut evaluations = outcomes::of_numbers(&members, &folds)?;
    // The scores of validation parts have no page that shows crystals.
    for evaluation in evaluations.iter_mut().filter(|_| request.part == Part::Test) {
        let ids = shown(&evaluation.worst_ids(), &request.show);
        evaluation.structures = structures::read(&members.sources, &ids)?;
    }
    let write = |out: &Path, evaluation: &Evaluation| match request.part {
        Part::Test => report::write(out, evaluation),
        Part::Validation => Ok(vec![report::write_scores(out, evaluation)?]),
    };
    let mut files = Vec::new();
    match evaluations.as_slice() {
        [evaluation] => files = write(&request.out, evaluation)?,
        evaluations => {
            for (evaluation, target) in evaluations.iter().zip(members.task.targets()) {
                let out = request.out.join(target.folder());
                folder(&out)?;
                files.extend(write(&out, evaluation)?);
            }
            if request.part == Part::Test {
                files.push(report::write_predictions(&request.out, evaluations)?);
            }
        }
    }
    Ok(Summary { results: Results::Numbers(evaluations), files })
}

/// Checks that crystals are among the test crystals of the folds.
fn require_tested(chosen: &[String], folds: &[TestedFold]) -> Result<(), TrainError> {
    let tested: HashSet<&str> =
        folds.iter().flat_map(|fold| &fold.crystals).map(|crystal| crystal.material_id.as_str()).collect();
    match chosen.iter().find(|id| !tested.contains(id.as_str())) {
        Some(material_id) => Err(TrainError::NoTestCrystal { material_id: material_id.clone() }),
        None => Ok(()),
    }
}

/// Returns the identifiers of the crystals that the page shows in space, each once: the worst one, those chosen, and the
/// others of the worst.
fn shown<'a>(worst: &[&'a str], chosen: &'a [String]) -> Vec<&'a str> {
    let (first, others) = worst.split_at(worst.len().min(1));
    let chosen = chosen.iter().map(String::as_str);
    let mut seen = HashSet::new();
    let mut shown: Vec<&str> = first.iter().copied().chain(chosen).chain(others.iter().copied()).collect();
    shown.retain(|id| seen.insert(*id));
    shown
}

/// Checks that existing files with the names of a task's results are those of an evaluation.
fn require_own(out: &Path, task: &Task) -> Result<(), TrainError> {
    if !task.classes().is_empty() {
        return Ok(classes::require_own(out)?);
    }
    report::require_own(out, jarvis(task).as_ref())?;
    for target in task.targets().iter().filter(|_| !task.further.is_empty()) {
        report::require_own(&out.join(target.folder()), None)?;
    }
    Ok(())
}

/// Returns the error for shards with other features than those of the weights.
fn other_features(sources: &Sources, source: SettingsError) -> TrainError {
    let path = sources.shards().first().map(|shard| shard.path.clone()).unwrap_or_default();
    DataError::from(StoreError::Settings { path, source }).into()
}

/// Name of the data set of the JARVIS tasks.
const JARVIS_DATASET: &str = "dft_3d";

/// Returns the benchmark of the JARVIS leaderboard for a task, if there is one.
fn jarvis(task: &Task) -> Option<Jarvis> {
    let property = task.leaderboard.clone()?;
    Some(Jarvis { property, dataset: JARVIS_DATASET.to_owned() })
}

/// Returns the entries of MatBench's record about this program.
fn matbench(task: &Task, authors: &str, kind: ModelKind) -> Option<Matbench> {
    let is_dataset = published_crystals(&task.name).is_some();
    is_dataset.then(|| Matbench {
        dataset: task.name.clone(),
        authors: authors.to_owned(),
        algorithm: kind.title().to_owned(),
        algorithm_long: match kind {
            ModelKind::Mmpt => "Mutex masked pre-training of a periodic multigraph network (DimeNet++ with \
                                attention over the multigraph, lattice transformer), fine-tuned on each fold"
                .to_owned(),
            kind => format!("{}: {}, trained on each fold", kind.title(), kind.about()),
        },
        bibtex_refs: String::new(),
        notes: String::new(),
        transformed: (task.transform != Transform::None).then(|| task.target_unit()),
    })
}

/// Returns the default folder of the results of a fine-tuning.
pub fn default_out(folder: &Path) -> PathBuf {
    folder.join("evaluation")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_crystals_come_behind_the_worst_one() {
        let chosen = ["c", "b", "c"].map(str::to_owned);
        assert_eq!(shown(&["a", "b", "d"], &chosen), ["a", "c", "b", "d"]);
        assert_eq!(shown(&[], &chosen), ["c", "b"]);
    }
}
