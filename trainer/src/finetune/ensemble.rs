//! Fine-tuning of all folds and seeds of a task, with a run for each, in one folder.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::count::counted;
use schemas::lock::{self, LOCK_FILE};
use schemas::output;

use burn::prelude::*;

use super::Predictor;
use super::calibration::Calibration;
use super::domain::TrainingCrystals;
use super::ensemble_record::{EnsembleRecord, fold_of_member, member_name};
use super::member::{Encoders, MemberRequest, part, run_member};
use super::predictions::{record_training, validate};
use crate::atomic;
use crate::config::Config;
use crate::config::finetune::FinetuneSelect;
use crate::config::schedule::ScheduleKind;
use crate::data::Sources;
use crate::device::DeviceName;
use crate::error::TrainError;
use crate::model::{HeadSize, PropertyModel};
use crate::ranks::Ranks;
use crate::run::RunError;
use crate::run::begin::require_edges;
use crate::run::folder::{BEST_FILE, Existing, RunFolder};
use crate::run::interrupt::Interrupt;
use crate::run::memory;
use crate::run::progress::{Extent, Progress};
use crate::run::tensorboard;
use crate::run::training_run::Ending;
use crate::task::{Excluded, Fold, Labelled, Remark, Task};

/// The arguments of [`finetune`].
#[derive(Debug, Clone)]
pub struct Request {
    /// The task.
    pub task: Task,
    /// The resolved configuration. Its seed is replaced by that of each member.
    pub config: Config,
    /// Weights file to begin with; fresh weights if `None`.
    pub weights: Option<PathBuf>,
    /// Seeds. Every fold has a member for each; those that are there again do not count.
    pub seeds: Vec<u64>,
    /// Indices of the folds; `None` for all.
    pub folds: Option<Vec<usize>>,
    /// Published list of identifiers, for tasks that are split by one.
    pub split_file: Option<PathBuf>,
    /// Whether to accept fewer crystals than the definition of the task has.
    pub allow_partial: bool,
    /// Folder of all members.
    pub folder: PathBuf,
    /// How to treat an existing run in the folder.
    pub existing: Existing,
    /// Removes what was made of the members of a task in the folder, when these are removed: their scores, which would be
    /// taken for those of the next ones. Evaluation, which knows them, builds on fine-tuning and not the other way round.
    pub remove_results: fn(&Path, &Task) -> Result<(), TrainError>,
    /// The device of the model.
    pub device: DeviceName,
    /// The processes that train together.
    pub ranks: Arc<dyn Ranks>,
    /// Folder of the event files of runs, if the members are to write some; see [`tensorboard`].
    pub tensorboard: Option<PathBuf>,
    /// Whether to suppress progress reports.
    pub quiet: bool,
}

/// Result of a member.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Name of the fold.
    pub fold: String,
    /// Seed of the member.
    pub seed: u64,
    /// Folder of the run.
    pub folder: PathBuf,
    /// Number of crystals for training.
    pub train: usize,
    /// Loss of the validation part with the weights that are kept: of a single target its mean absolute error in its
    /// unit, of several ones that of the standardised targets, of classes the cross entropy.
    pub validation_error: Option<f64>,
    /// Epoch of these weights, from 1.
    pub best_epoch: Option<u64>,
    /// Number of epochs done.
    pub epochs: u64,
}

/// The result of [`finetune`].
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Members that were run or were already finished, in order.
    pub members: Vec<Member>,
    /// Excluded crystals, with reasons, of the first seed.
    pub excluded: Vec<Excluded>,
    /// Remarks about the division of the crystals that a user should see, of the first seed.
    pub remarks: Vec<Remark>,
    /// Whether Ctrl-C ended the run.
    pub interrupted: bool,
    /// Whether the weights have a description. The defaults apply otherwise.
    pub described: bool,
}

/// Fine-tunes all members of a task one after the other. The test parts are not used.
///
/// # Errors
/// [`TrainError`] for weights that cannot be read, a task that does not fit the shards, or a folder of another
/// fine-tuning. Finished members are kept.
pub fn finetune(request: &Request, interrupt: &Interrupt) -> Result<Summary, TrainError> {
    finetune_reporting(request, interrupt, |runs| Progress::new(runs, request.quiet))
}

/// Fine-tunes as [`finetune`] does, and reports the progress by what `report` makes of the extents of all members, in the
/// order in which they are trained. Of several processes only the leading one reports.
///
/// # Errors
/// Those of [`finetune`].
pub fn finetune_reporting(
    request: &Request,
    interrupt: &Interrupt,
    report: impl FnOnce(Vec<Extent>) -> Progress,
) -> Result<Summary, TrainError> {
    // A caller may have changed it since it was resolved, and every member has a seed of its own.
    for &seed in &request.seeds {
        Config { seed, ..request.config.clone() }.validate()?;
    }
    let device = request.device.open()?;
    let encoders = request.weights.as_deref().map(Encoders::read).transpose()?;
    let config = match &encoders {
        Some(encoders) => encoders.configure(request.config.clone())?,
        None => request.config.clone(),
    };
    if config.data.shards.is_empty() {
        return Err(TrainError::NoShards);
    }
    let features = encoders
        .as_ref()
        .filter(|encoders| encoders.described)
        .map(|encoders| &encoders.description.features);
    let sources = Arc::new(Sources::resolve(&config.data.shards, features)?);
    require_edges(&config.model, sources.settings())?;
    let numbers = PropertyModel::numbers(
        &config.model,
        HeadSize {
            width: config.finetune.head_width,
            outputs: request.task.outputs(),
            per_site: request.task.per_site,
        },
    );
    memory::require_model(numbers, &config, &device, memory::available())?;
    let mut record = EnsembleRecord {
        weights_sha256: request.weights.as_deref().map(TrainError::sha256_of).transpose()?,
        weights: request.weights.clone(),
        shards: config.data.shards.clone(),
        seeds: distinct(&request.seeds),
        folds: request.folds.clone(),
        split_file: request.split_file.clone(),
        allow_partial: request.allow_partial,
        fraction: config.finetune.fraction,
        train_on_validation: config.finetune.train_on_validation,
        held_out: config.finetune.validation,
        crystals_sha256: BTreeMap::new(),
        task: request.task.clone(),
    };
    let mut summary = Summary {
        members: Vec::new(),
        excluded: Vec::new(),
        remarks: Vec::new(),
        interrupted: false,
        described: encoders.as_ref().is_none_or(|encoders| encoders.described),
    };
    // Every partition first: a task that does not fit the shards leaves no folder behind.
    let seeds = record.seeds.clone();
    let partitions = seeds
        .iter()
        .map(|&seed| request.task.partition(&sources, &record.options(seed)))
        .collect::<Result<Vec<_>, _>>()?;
    for (&seed, partition) in seeds.iter().zip(&partitions) {
        let hashed = partition.folds.iter().map(|fold| (member_name(&fold.name, seed), fold.sha256()));
        record.crystals_sha256.extend(hashed);
    }
    // They differ between the seeds by the share of the training crystals alone.
    if let Some(first) = partitions.first() {
        summary.remarks.clone_from(&first.remarks);
        summary.excluded.clone_from(&first.excluded);
    }
    // The members that would be removed may be what others begin with.
    if request.existing == Existing::Overwrite {
        output::require_outside(&request.folder, &request.weights)?;
    }
    let shards = sources.shards().iter().map(|shard| &shard.path);
    output::require_apart(&request.folder, shards.chain(&request.weights))?;
    let events = request.tensorboard.as_deref().map(|folder| tensorboard::folder_of(folder, &request.folder));
    if let Some(events) = &events {
        output::require_apart(events, sources.shards().iter().map(|shard| &shard.path))?;
        tensorboard::require_free(events, request.existing)?;
    }
    let claim = || claim(request, record);
    let _lock = request.ranks.leads().then(claim).transpose()?;
    if let Some(events) = &events
        && request.existing == Existing::Overwrite
        && request.ranks.leads()
    {
        tensorboard::clear(events)?;
    }
    let folds = partitions.iter().flat_map(|partition| &partition.folds);
    let extents = folds.map(|fold| Extent { epochs: config.run.epochs, crystals: fold.train.len() as u64 });
    let mut progress = match request.ranks.leads() {
        true => report(extents.collect()),
        false => Progress::new(extents.collect(), true),
    };
    for (&seed, partition) in seeds.iter().zip(&partitions) {
        for fold in &partition.folds {
            let folder = member_folder(&request.folder, &fold.name, seed);
            let member = MemberRequest {
                task: &request.task,
                sources: &sources,
                fold,
                config: Config { seed, ..config.clone() },
                existing: existing(request.existing, &folder),
                folder: folder.clone(),
                events: events.as_deref().map(|events| member_folder(events, &fold.name, seed)),
                device: device.clone(),
                encoders: encoders.as_ref(),
                ranks: &request.ranks,
            };
            let crystals = counted(fold.train.len(), "crystal");
            let name = format!("{}, seed {seed}: {crystals} to train on", fold.name);
            progress.announce(summary.members.len(), &name);
            let (ending, state) = run_member(member, &mut progress, interrupt)?;
            let (validation_error, best_epoch) = match state.last_loss {
                Some(error) => (Some(error), Some(state.epoch)),
                None => (state.best_loss, state.best_epoch),
            };
            summary.members.push(Member {
                fold: fold.name.clone(),
                seed,
                folder,
                train: fold.train.len(),
                validation_error,
                best_epoch,
                epochs: state.epoch,
            });
            if ending == Ending::Interrupted {
                return Ok(Summary { interrupted: true, ..summary });
            }
            if request.ranks.leads() {
                describe(request, fold, &sources, seed, &device, is_unused_by_training(&config))?;
            }
        }
    }
    Ok(summary)
}

/// Returns the seeds in their order, each once.
fn distinct(seeds: &[u64]) -> Vec<u64> {
    let mut seen = BTreeSet::new();
    seeds.iter().copied().filter(|seed| seen.insert(*seed)).collect()
}

/// Whether the validation part influenced neither weights, rates nor the end of training, so that its errors are unbiased.
fn is_unused_by_training(config: &Config) -> bool {
    !config.finetune.train_on_validation
        && config.finetune.select == FinetuneSelect::Last
        && config.run.early_stop.is_none()
        && config.schedule.kind != ScheduleKind::Plateau
}

/// Records beside the weights of a member what its predictions need to be judged: its training crystals, for the domain, and
/// if `calibrates` its predictions for the validation part, for intervals. What is already there is kept.
fn describe(
    request: &Request,
    fold: &Fold,
    sources: &Arc<Sources>,
    seed: u64,
    device: &Device,
    calibrates: bool,
) -> Result<(), TrainError> {
    let weights = member_folder(&request.folder, &fold.name, seed).join(BEST_FILE);
    let is_calibrated = !calibrates || Calibration::read(&weights).is_ok_and(|found| found.is_some());
    let has_domain = TrainingCrystals::is_recorded(&weights);
    if is_calibrated && has_domain {
        return Ok(());
    }
    let (predictor, data) = (Predictor::load(&weights, device)?, &request.config.data);
    let selection = |name, crystals: &[Labelled]| part(&request.task, fold, name, sources, crystals);
    if !has_domain {
        let train = selection("train", &fold.train)?;
        record_training(&predictor, &train, fold.train.len(), data, device)?.write(&weights)?;
    }
    if is_calibrated {
        return Ok(());
    }
    let validation = selection("validation", &fold.validation)?;
    let crystals = validate(&predictor, &validation, &fold.validation, data, device)?;
    Calibration::write(&weights, crystals)
}

/// Returns the folder of a member.
pub fn member_folder(folder: &Path, fold: &str, seed: u64) -> PathBuf {
    folder.join(member_name(fold, seed))
}

/// Creates or opens the folder of a fine-tuning and locks it. Other processes cannot write there while the lock
/// lives.
fn claim(request: &Request, mut record: EnsembleRecord) -> Result<File, TrainError> {
    let (folder, existing) = (request.folder.as_path(), request.existing);
    let unwritable = |source| TrainError::Write { path: folder.to_owned(), source };
    // A stranger's folder gets not even a lock file.
    read_record(folder, existing)?;
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    let held = lock::take(folder).map_err(unwritable)?;
    let held = held.ok_or_else(|| RunError::Locked { path: folder.to_owned() })?;
    // What a process left that was killed while it wrote.
    atomic::remove_partial(folder).map_err(unwritable)?;
    // Once more, now that nobody else can change it.
    if let Some(found) = read_record(folder, existing)? {
        match existing {
            Existing::Overwrite => {
                // The scores first: of weights that are still there they can be made again.
                (request.remove_results)(folder, &found.task)?;
                clear(folder)?;
            }
            Existing::Refuse | Existing::Resume => {
                found.require_same(&record, folder)?;
                // Those of members that this training does not ask for, too.
                record.crystals_sha256.extend(found.crystals_sha256);
            }
        }
    }
    record.write(folder)?;
    Ok(held)
}

/// Returns the record of an existing folder, if it may be continued or replaced.
fn read_record(folder: &Path, existing: Existing) -> Result<Option<EnsembleRecord>, TrainError> {
    let found = EnsembleRecord::read(folder)?;
    match (existing, &found) {
        (Existing::Refuse, Some(_)) => Err(RunError::NotEmpty { path: folder.to_owned() }.into()),
        (Existing::Refuse | Existing::Overwrite, None) if !is_empty_or_absent(folder) => {
            Err(RunError::NotEmpty { path: folder.to_owned() }.into())
        }
        (Existing::Resume, None) => Err(RunError::NoRun { path: folder.to_owned() }.into()),
        _ => Ok(found),
    }
}

/// Removes the files of all earlier members, those of seeds that the record no longer names, too.
fn clear(folder: &Path) -> Result<(), TrainError> {
    let folders = |folder: &Path| -> Result<Vec<PathBuf>, RunError> {
        let entries = std::fs::read_dir(folder).map_err(RunError::io("read", folder))?;
        let paths =
            entries.map(|entry| entry.map_err(RunError::io("read", folder)).map(|entry| entry.path()));
        let paths: Vec<PathBuf> = paths.collect::<Result<_, _>>()?;
        Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
    };
    for fold in folders(folder)? {
        for member in folders(&fold)?.into_iter().filter(|path| fold_of_member(path).is_some()) {
            RunFolder::open(&member, Existing::Overwrite)?;
        }
    }
    Ok(())
}

/// Whether a folder is absent or empty. Files of a run that was killed at its very start do not count.
fn is_empty_or_absent(folder: &Path) -> bool {
    let left = |name: &OsStr| name == LOCK_FILE || atomic::is_partial(name);
    std::fs::read_dir(folder).map_or(true, |entries| entries.flatten().all(|entry| left(&entry.file_name())))
}

/// Returns how to treat the folder of a member when the fine-tuning is continued: absent members begin.
fn existing(whole: Existing, folder: &Path) -> Existing {
    match whole {
        Existing::Resume if !folder.exists() => Existing::Refuse,
        other => other,
    }
}
