//! Evaluation of a fine-tuning on the test parts of its task.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::prelude::*;
use crystal::composition::conventional_formula;
use crystal::element::SYMBOLS;
use schemas::StoreError;
use schemas::matbench::published_crystals;
use schemas::output;
use schemas::settings::SettingsError;

use crate::config::{Config, ModelKind};
use crate::data::{DataError, Sources};
use crate::device::DeviceName;
use crate::error::TrainError;
use crate::finetune::Predictor;
use crate::finetune::calibration::Calibration;
use crate::finetune::ensemble::member_folder;
use crate::finetune::ensemble_record::EnsembleRecord;
use crate::finetune::member::part;
use crate::finetune::predictions::predict_selection;
use crate::report::interval::{self, COVERAGE, Interval, Validated};
use crate::report::jarvis::Jarvis;
use crate::report::matbench::Matbench;
use crate::report::statistics::{MeanStd, median};
use crate::report::{self, Evaluation, FoldOutcome, Outcome};
use crate::run::folder::{BEST_FILE, CONFIG_FILE};
use crate::task::{Fold, Task};

/// Settings in the report page.
const SHOWN_SETTINGS: [&str; 10] = [
    "run.epochs",
    "run.early_stop",
    "data.batch_crystals",
    "optimiser.kind",
    "optimiser.learning_rate",
    "finetune.head_learning_rate",
    "optimiser.weight_decay",
    "optimiser.clip_norm",
    "schedule.kind",
    "finetune.fraction",
];

/// The arguments of [`evaluate`](fn@evaluate).
#[derive(Debug, Clone)]
pub struct Request {
    /// Folder of the fine-tuning.
    pub folder: PathBuf,
    /// Folder of the results.
    pub out: PathBuf,
    /// Shards to use instead of those of the fine-tuning, for stores that have moved.
    pub shards: Vec<String>,
    /// Authors of the submission in MatBench's record.
    pub authors: String,
    /// The device of the model.
    pub device: DeviceName,
}

/// The result of [`evaluate`](fn@evaluate).
#[derive(Debug, Clone)]
pub struct Summary {
    /// Targets and predictions.
    pub evaluation: Evaluation,
    /// The files written.
    pub files: Vec<PathBuf>,
}

/// Predicts the test part of every fold with the best weights of every seed, averages over the seeds and writes the
/// results (see [`report::write`]).
///
/// # Errors
/// [`TrainError`] for a folder without a fine-tuning, a missing member, weights that cannot be read, shards that do
/// not fit the task, and results that cannot be written.
pub fn evaluate(request: &Request) -> Result<Summary, TrainError> {
    let device = request.device.open()?;
    let record = EnsembleRecord::read(&request.folder)?
        .ok_or_else(|| TrainError::NoFinetuning { path: request.folder.clone() })?;
    let task = record.task.clone();
    let shards = if request.shards.is_empty() { &record.shards } else { &request.shards };
    let sources = Arc::new(Sources::resolve(shards, None)?);
    output::require_apart(&request.out, sources.shards().iter().map(|shard| &shard.path))?;
    report::require_own(&request.out, jarvis(&task).as_ref())?;
    let mut members = Members {
        request,
        device,
        record,
        task,
        sources,
        settings: Vec::new(),
        kind: ModelKind::Mmpt,
        calibrations: Vec::new(),
    };
    let folds = members.folds()?;
    let interval = interval::interval(&members.calibrations, COVERAGE);
    let evaluation = members.evaluation(folds, interval);
    std::fs::create_dir_all(&request.out)
        .map_err(|source| TrainError::Write { path: request.out.clone(), source })?;
    let files = report::write(&request.out, &evaluation)?;
    Ok(Summary { evaluation, files })
}

/// The members of a fine-tuning under evaluation.
struct Members<'a> {
    request: &'a Request,
    device: Device,
    record: EnsembleRecord,
    task: Task,
    sources: Arc<Sources>,
    settings: Vec<(String, String)>,
    /// Kind of the models.
    kind: ModelKind,
    /// Predictions of the validation parts.
    calibrations: Vec<Vec<Validated>>,
}

impl Members<'_> {
    fn folds(&mut self) -> Result<Vec<FoldOutcome>, TrainError> {
        let mut folds: Vec<Ensemble> = Vec::new();
        for seed in self.record.seeds.clone() {
            for fold in &self.task.partition(&self.sources, &self.record.options(seed))?.folds {
                let outcomes = self.member(fold, seed)?;
                match folds.iter_mut().find(|known| known.fold.name == fold.name) {
                    Some(known) => {
                        known.fold.seeds.push(seed);
                        let predictions = outcomes.into_iter().map(|outcome| outcome.prediction);
                        known.further.push(predictions.collect());
                    }
                    None => folds.push(Ensemble {
                        fold: FoldOutcome {
                            name: fold.name.clone(),
                            seeds: vec![seed],
                            train_median: median_target(fold),
                            train: fold.train.len(),
                            validation: fold.validation.len(),
                            outcomes,
                        },
                        further: Vec::new(),
                    }),
                }
            }
        }
        Ok(folds.into_iter().map(Ensemble::finish).collect())
    }

    /// Returns a member's predictions of its test part.
    fn member(&mut self, fold: &Fold, seed: u64) -> Result<Vec<Outcome>, TrainError> {
        let folder = member_folder(&self.request.folder, &fold.name, seed);
        let weights = folder.join(BEST_FILE);
        if !weights.exists() {
            return Err(TrainError::NoMember { path: weights });
        }
        let config = Config::load_recorded(&folder.join(CONFIG_FILE))?;
        let sources = &self.sources;
        let predictor = Predictor::load(&weights, &self.device)?;
        self.calibrations.extend(Calibration::read(&weights)?.map(|found| found.crystals));
        predictor.features().require(sources.settings()).map_err(|source| other_features(sources, source))?;
        let selection = part(&self.task, fold, "test", sources, &fold.test)?;
        let targets: HashMap<&str, f64> =
            fold.test.iter().map(|crystal| (crystal.material_id.as_str(), crystal.value)).collect();
        self.kind = config.model.kind;
        if self.settings.is_empty() {
            let known = config.settings().into_iter();
            self.settings = known.filter(|(key, _)| SHOWN_SETTINGS.contains(&key.as_str())).collect();
        }
        predict_selection(
            &predictor,
            &selection,
            &config.data,
            &self.device,
            |material_id, prediction, atomic_numbers| {
                let target = targets.get(material_id.as_str()).copied().unwrap_or(f64::NAN);
                let (formula, elements) = (conventional_formula(atomic_numbers), elements(atomic_numbers));
                Outcome { material_id, formula, target, prediction, deviation: None, elements }
            },
        )
    }

    fn evaluation(self, folds: Vec<FoldOutcome>, interval: Option<Interval>) -> Evaluation {
        let Self { task, record, mut settings, .. } = self;
        let weights = match (&record.weights, &record.weights_sha256) {
            (Some(path), Some(hash)) => format!("{} (SHA-256 {hash})", path.display()),
            _ => "none: trained from scratch".to_owned(),
        };
        settings.insert(0, ("weights".to_owned(), weights));
        settings.push(("shards".to_owned(), record.shards.join(", ")));
        settings.push(("seeds".to_owned(), format!("{:?}", record.seeds)));
        Evaluation {
            matbench: matbench(&task, &self.request.authors, self.kind),
            jarvis: jarvis(&task),
            unit: task.target_unit(),
            task: task.name,
            description: task.description,
            property: task.property,
            folds,
            interval,
            settings,
        }
    }
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
    })
}

/// Returns the symbols of the elements among atoms.
fn elements(atomic_numbers: &[u8]) -> Vec<String> {
    let numbers: BTreeSet<u8> = atomic_numbers.iter().copied().collect();
    numbers.into_iter().filter_map(|z| SYMBOLS.get(usize::from(z))).map(|symbol| symbol.to_string()).collect()
}

/// Returns the median of the training targets.
fn median_target(fold: &Fold) -> f64 {
    let targets: Vec<f64> = fold.train.iter().map(|crystal| crystal.value).collect();
    median(&targets).unwrap_or(f64::NAN)
}

/// A fold with the predictions of every seed.
struct Ensemble {
    fold: FoldOutcome,
    /// Predictions of every further seed, in the order of the outcomes.
    further: Vec<Vec<f64>>,
}

impl Ensemble {
    /// Replaces the first seed's predictions by the mean over the seeds, and adds the population standard deviation.
    fn finish(self) -> FoldOutcome {
        let Self { mut fold, further } = self;
        if further.is_empty() {
            return fold;
        }
        for (index, outcome) in fold.outcomes.iter_mut().enumerate() {
            let others = further.iter().filter_map(|seed| seed.get(index).copied());
            let predictions: Vec<f64> = std::iter::once(outcome.prediction).chain(others).collect();
            let spread = MeanStd::of(&predictions);
            outcome.prediction = spread.map_or(outcome.prediction, |spread| spread.mean);
            outcome.deviation = spread.and_then(|spread| spread.std);
        }
        fold
    }
}

/// Returns the default folder of the results of a fine-tuning.
pub fn default_out(folder: &Path) -> PathBuf {
    folder.join("evaluation")
}
