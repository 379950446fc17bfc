//! Every fold and seed of a task, one run each, in one folder.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::count::counted;
use schemas::lock::{self, LOCK_FILE};
use schemas::output;
use schemas::text;

use super::ensemble_record::EnsembleRecord;
use super::member::{Encoders, MemberRequest, run_member};
use crate::atomic;
use crate::config::Config;
use crate::data::Sources;
use crate::device::DeviceName;
use crate::error::TrainError;
use crate::ranks::Ranks;
use crate::run::RunError;
use crate::run::folder::{Existing, RunFolder};
use crate::run::interrupt::Interrupt;
use crate::run::training_run::Ending;
use crate::task::{Excluded, Task};

/// What to do.
#[derive(Debug, Clone)]
pub struct Request {
    /// The task.
    pub task: Task,
    /// The resolved configuration; its seed is that of each member in turn.
    pub config: Config,
    /// Weights to begin with; fresh ones without.
    pub weights: Option<PathBuf>,
    /// Seeds, one member each for every fold.
    pub seeds: Vec<u64>,
    /// Folds, by number; every one without.
    pub folds: Option<Vec<usize>>,
    /// Published list of identifiers, for tasks that are divided by one.
    pub split_file: Option<PathBuf>,
    /// Whether the parts may be smaller than the task says.
    pub allow_partial: bool,
    /// Folder of all members.
    pub folder: PathBuf,
    /// What to do with what is there.
    pub existing: Existing,
    /// Where the model runs.
    pub device: DeviceName,
    /// The processes that train together.
    pub ranks: Arc<dyn Ranks>,
    /// Whether to report nothing.
    pub quiet: bool,
}

/// What became of one member.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Name of its fold.
    pub fold: String,
    /// Its seed.
    pub seed: u64,
    /// Its folder.
    pub folder: PathBuf,
    /// Crystals it was trained on.
    pub train: usize,
    /// Lowest mean absolute error on the validation part, in the target's unit.
    pub validation_error: Option<f64>,
    /// Its epoch, from 1.
    pub best_epoch: Option<u64>,
    /// Epochs done.
    pub epochs: u64,
}

/// What became of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The members that were run or found finished, in order.
    pub members: Vec<Member>,
    /// Crystals that were left out, with reasons.
    pub excluded: Vec<Excluded>,
    /// Whether Ctrl-C ended it.
    pub interrupted: bool,
    /// Whether the weights said what they belong to; without that the defaults were taken.
    pub described: bool,
}

/// Fine-tunes every member of a task, one after the other; the test parts are not looked at.
///
/// # Errors
/// [`TrainError`]: weights that cannot be read, a task that the shards cannot serve, a folder of another
/// fine-tuning. Members that are finished stay.
pub fn finetune(request: &Request, interrupt: &Interrupt) -> Result<Summary, TrainError> {
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
    let record = EnsembleRecord {
        weights_sha256: request.weights.as_deref().map(EnsembleRecord::hash_weights).transpose()?,
        weights: request.weights.clone(),
        shards: config.data.shards.clone(),
        seeds: request.seeds.clone(),
        folds: request.folds.clone(),
        split_file: request.split_file.clone(),
        allow_partial: request.allow_partial,
        fraction: config.finetune.fraction,
        task: request.task.clone(),
    };
    let mut summary = Summary {
        members: Vec::new(),
        excluded: Vec::new(),
        interrupted: false,
        described: encoders.as_ref().is_none_or(|encoders| encoders.described),
    };
    // Every partition first: a task that does not fit the shards leaves no folder behind.
    let partitions = request
        .seeds
        .iter()
        .map(|&seed| request.task.partition(&sources, &record.options(seed)))
        .collect::<Result<Vec<_>, _>>()?;
    // The members that would be removed may be what others begin with.
    if request.existing == Existing::Overwrite {
        output::require_outside(&request.folder, &request.weights)?;
    }
    let shards = sources.shards().iter().map(|shard| &shard.path);
    output::require_apart(&request.folder, shards.chain(&request.weights))?;
    let claim = || claim(&request.folder, request.existing, &record);
    let _lock = request.ranks.leads().then(claim).transpose()?;
    for (&seed, partition) in request.seeds.iter().zip(&partitions) {
        summary.excluded.clone_from(&partition.excluded);
        for fold in &partition.folds {
            let folder = member_folder(&request.folder, &fold.name, seed);
            let member = MemberRequest {
                task: &request.task,
                sources: &sources,
                fold,
                config: Config { seed, ..config.clone() },
                existing: existing(request.existing, &folder),
                folder: folder.clone(),
                device: device.clone(),
                encoders: encoders.as_ref(),
                ranks: &request.ranks,
                quiet: request.quiet,
            };
            if !request.quiet && request.ranks.leads() {
                let crystals = counted(fold.train.len(), "crystal");
                eprintln!("{}, seed {seed}: {crystals} to train on", text::line(&fold.name));
            }
            let (ending, state) = run_member(member, interrupt)?;
            summary.members.push(Member {
                fold: fold.name.clone(),
                seed,
                folder,
                train: fold.train.len(),
                validation_error: state.best_loss,
                best_epoch: state.best_epoch,
                epochs: state.epoch,
            });
            if ending == Ending::Interrupted {
                return Ok(Summary { interrupted: true, ..summary });
            }
        }
    }
    Ok(summary)
}

/// Folder of one member.
pub fn member_folder(folder: &Path, fold: &str, seed: u64) -> PathBuf {
    folder.join(fold).join(format!("seed-{seed}"))
}

/// Makes the folder one of this fine-tuning; nobody else may write there for as long as the lock lives.
fn claim(folder: &Path, existing: Existing, record: &EnsembleRecord) -> Result<File, TrainError> {
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
            Existing::Overwrite => clear(folder, &found.seeds)?,
            Existing::Refuse | Existing::Resume => found.require_same(record, folder)?,
        }
    }
    record.write(folder)?;
    Ok(held)
}

/// What a folder was begun with, if that may be gone on with or replaced.
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

/// Removes the files of earlier members, so that none of other settings is left among the new ones.
fn clear(folder: &Path, seeds: &[u64]) -> Result<(), TrainError> {
    for entry in std::fs::read_dir(folder).map_err(RunError::io("read", folder))? {
        let fold = entry.map_err(RunError::io("read", folder))?.file_name();
        for &seed in seeds {
            let member = member_folder(folder, &fold.to_string_lossy(), seed);
            if member.is_dir() {
                RunFolder::open(&member, Existing::Overwrite)?;
            }
        }
    }
    Ok(())
}

/// Whether a folder holds nothing, or is not there; what a run killed in its first moment leaves does not
/// count.
fn is_empty_or_absent(folder: &Path) -> bool {
    let left = |name: &OsStr| name == LOCK_FILE || atomic::is_partial(name);
    std::fs::read_dir(folder).map_or(true, |entries| entries.flatten().all(|entry| left(&entry.file_name())))
}

/// What to do with a member's folder when the whole is gone on with: members not begun yet begin.
fn existing(whole: Existing, folder: &Path) -> Existing {
    match whole {
        Existing::Resume if !folder.exists() => Existing::Refuse,
        other => other,
    }
}
