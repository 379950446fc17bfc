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

use tested::Members;

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

/// Evaluations of numbers, one for each property, or of classes.
#[derive(Debug, Clone)]
pub enum Results {
    /// Numbers, with the scores of each property.
    Numbers(Vec<Evaluation>),
    /// Classes of the single property.
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
            for (evaluation, name) in evaluations.iter().zip(members.task.folders()) {
                let out = request.out.join(name);
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
    for name in task.folders().iter().filter(|_| !task.further.is_empty()) {
        report::require_own(&out.join(name), None)?;
    }
    Ok(())
}

/// Returns the error for shards with other features than those of the weights.
fn other_features(sources: &Sources, source: SettingsError) -> TrainError {
    let path = sources.shards().first().map(|shard| shard.path.clone()).unwrap_or_default();
    DataError::from(StoreError::Settings { path, source }).into()
}

/// Returns the benchmark of the JARVIS leaderboard for a task, if there is one.
fn jarvis(task: &Task) -> Option<Jarvis> {
    task.leaderboard.clone().map(|property| Jarvis { property })
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
        transformed: (task.transform != Transform::None).then(|| task.target_unit()),
    })
}

/// Removes the results in the default folder of a fine-tuning whose members are removed: they would be taken for those of the
/// next ones. `task` is that of the members. Files and folders of others stay, and so does what a link leads to.
///
/// # Errors
/// [`TrainError::Report`] for a file that cannot be removed.
pub fn remove_results(folder: &Path, task: &Task) -> Result<(), TrainError> {
    let out = default_out(folder);
    let is_folder = |path: &PathBuf| path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
    if !is_folder(&out) {
        return Ok(());
    }
    // Of several properties each has a folder of its name.
    let names = if task.further.is_empty() { Vec::new() } else { task.folders() };
    let of_properties = names.iter().map(|name| out.join(name)).filter(is_folder);
    for results in of_properties.chain([out.clone()]) {
        report::remove_own(&results)?;
        // With a file of others in it the folder stays.
        let _ = std::fs::remove_dir(&results);
    }
    Ok(())
}

/// Returns the default folder of the results of a fine-tuning.
pub fn default_out(folder: &Path) -> PathBuf {
    folder.join("evaluation")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{evaluation, outcome};
    use crate::task::TargetColumn;

    #[test]
    fn the_results_of_a_task_alone_are_removed() {
        let kept = tempfile::tempdir().expect("a temporary folder");
        let (folder, elsewhere) = (kept.path().join("run"), kept.path().join("elsewhere"));
        let out = default_out(&folder);
        let write = |path: &Path| {
            std::fs::create_dir_all(path).expect("it is writable");
            let outcomes = vec![outcome("a", 1.0, 2.0, &["O"]), outcome("b", 3.0, 2.5, &["O"])];
            let scores = evaluation(outcomes);
            report::write_scores(path, &scores).expect("it is writable")
        };
        let mut task = Task::load("textbook_band_gap").expect("built in");
        task.property = "gap".to_owned();
        let copy = write(&out.join("old"));
        let of_another = write(&out.join("gap"));
        std::fs::create_dir_all(out.join("empty")).expect("it is writable");
        let alone = write(&out);
        remove_results(&folder, &task).expect("they are there");
        assert!(!alone.exists() && of_another.exists() && copy.exists() && out.join("empty").is_dir());

        let further = |property: &str| TargetColumn {
            property: property.to_owned(),
            unit: String::new(),
            transform: Transform::None,
        };
        task.further = vec![further("bulk"), further("linked")];
        let of_bulk = write(&out.join("bulk"));
        let linked = write(&elsewhere);
        std::os::unix::fs::symlink(&elsewhere, out.join("linked")).expect("a link");
        remove_results(&folder, &task).expect("they are there");
        assert!(!of_another.exists() && !out.join("gap").exists() && !of_bulk.exists());
        assert!(linked.exists() && copy.exists() && out.join("empty").is_dir());

        let linking = kept.path().join("linking");
        std::fs::create_dir_all(&linking).expect("it is writable");
        std::os::unix::fs::symlink(&elsewhere, default_out(&linking)).expect("a link");
        remove_results(&linking, &task).expect("nothing is removed");
        remove_results(&kept.path().join("none"), &task).expect("nothing is there");
        assert!(linked.exists());
    }

    #[test]
    fn chosen_crystals_come_behind_the_worst_one() {
        let chosen = ["c", "b", "c"].map(str::to_owned);
        assert_eq!(shown(&["a", "b", "d"], &chosen), ["a", "c", "b", "d"]);
        assert_eq!(shown(&[], &chosen), ["c", "b"]);
    }
}
