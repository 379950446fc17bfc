//! Setup of a run: its data, its folder and its checkpoint.

use std::path::Path;
use std::sync::Arc;

use burn::prelude::*;
use schemas::settings::FeatureSettings;

use crate::atomic;
use crate::config::data::Validation;
use crate::config::{Config, DataConfig, ModelConfig};
use crate::data::store::SPLIT_COLUMN;
use crate::data::{
    Inputs, LatticeStatistics, Selection, Share, Sources, SplitPart, Stream, StreamSettings, Subset,
};
use crate::device;
use crate::error::TrainError;
use crate::optimiser::flat_parameters;
use crate::ranks::{Ranks, RanksError};
use crate::run::checkpoint::{Checkpoint, State};
use crate::run::error::RunError;
use crate::run::folder::{DIVERGED_FILE, Existing, RunFolder};
use crate::run::snapshot;
use crate::run::step::{Learner, Objective};
use crate::weights::Description;

/// The crystals of a run.
#[derive(Debug)]
pub struct Crystals {
    /// Crystals for training.
    pub train: Selection,
    /// Crystals for validation.
    pub validation: Option<Selection>,
}

impl Crystals {
    /// Opens the shards of a configuration and divides the crystals.
    ///
    /// # Errors
    /// [`TrainError`] if there are no shards, they do not fit together, or no crystals are left for training.
    pub fn open(config: &DataConfig, features: Option<&FeatureSettings>) -> Result<Self, TrainError> {
        if config.shards.is_empty() {
            return Err(TrainError::NoShards);
        }
        let sources = Arc::new(Sources::resolve(&config.shards, features)?);
        let split = |part| Subset::Split { column: SPLIT_COLUMN.to_owned(), part };
        let fraction = config.validation_fraction;
        let (train, validation) = match config.validation {
            Validation::None => (Subset::All, None),
            Validation::Hash => (
                Subset::HashTrain { validation_fraction: fraction },
                Some(Subset::HashValidation { validation_fraction: fraction }),
            ),
            Validation::Split => (split(SplitPart::Train), Some(split(SplitPart::Val))),
        };
        let train = Selection::new(&sources, train)?;
        if train.crystals() == 0 {
            let (subset, crystals) = (train.subset().to_string(), sources.rows());
            return Err(TrainError::NoCrystals { subset, crystals });
        }
        let validation = validation.map(|subset| Selection::new(&sources, subset)).transpose()?;
        Ok(Self { train, validation })
    }
}

/// Checks that a store has the edges that a model needs.
///
/// # Errors
/// [`TrainError::OtherEdges`] for a store with others.
pub fn require_edges(model: &ModelConfig, store: &FeatureSettings) -> Result<(), TrainError> {
    let Some(edges) = model.edges() else { return Ok(()) };
    edges.require(store).map_err(|source| TrainError::OtherEdges { model: model.kind.title(), source })
}

/// Checks that the crystals for training fill a batch where smaller ones are left out.
///
/// # Errors
/// [`TrainError::NoWholeBatch`].
pub(crate) fn require_whole_batch(
    config: &DataConfig,
    train: &Selection,
    ranks: &dyn Ranks,
) -> Result<(), TrainError> {
    let (crystals, batch) = (train.crystals(), config.limit().times(ranks.count()).crystals as u64);
    match config.drop_incomplete && crystals < batch {
        true => Err(TrainError::NoWholeBatch { crystals, batch }),
        false => Ok(()),
    }
}

/// Returns the settings of the stream of a training epoch, for one of the ranks that share its batches. An incomplete
/// last batch is kept.
pub fn training_stream(
    config: &Config,
    inputs: Inputs,
    epoch: u64,
    skip: u64,
    ranks: &dyn Ranks,
    device: &Device,
) -> StreamSettings {
    StreamSettings {
        seed: config.seed,
        epoch,
        shuffle_buffer: Some(config.data.shuffle_buffer),
        limit: config.data.limit(),
        drop_incomplete: false,
        share: Share { index: ranks.rank(), count: ranks.count() },
        labels: config.pretrain.mmpt.labels,
        graph: config.model.graph(),
        inputs,
        workers: config.data.workers,
        queue: config.data.queue,
        skip,
        bases_on_device: !device::computes_on_host(device),
        properties: Vec::new(),
    }
}

/// Returns the checkpoint of a run that continues with the same settings; `None` if the run was killed before its
/// first checkpoint.
fn resumable(folder: &RunFolder, config: &Config) -> Result<Option<Checkpoint>, TrainError> {
    if !folder.config().exists() {
        // Killed after the first checkpoint at most, which knows of the settings by their hash alone.
        let checkpoint = Checkpoint::read(&folder.checkpoint())?;
        let Some(state) = checkpoint.as_ref().map(|checkpoint| &checkpoint.state) else { return Ok(None) };
        return match state.config_hash == config.hash() {
            true => Ok(checkpoint),
            false if state.step == 0 => Ok(None),
            false => Err(TrainError::OtherConfiguration {
                path: folder.path().to_owned(),
                key: "settings (SHA-256)".to_owned(),
                found: state.config_hash.clone(),
                asked: config.hash(),
            }),
        };
    }
    let earlier = Config::load_recorded(&folder.config())?;
    // A longer run of the same settings is the same run, as long as no schedule depends on its length. A shorter one is not: it
    // would keep the weights and records of epochs that its configuration denies.
    let mut comparable = config.clone();
    if !config.schedule.kind.depends_on_length() && config.run.epochs >= earlier.run.epochs {
        comparable.run.epochs = earlier.run.epochs;
    }
    if let Some(difference) = earlier.differences(&comparable).into_iter().next() {
        return Err(TrainError::OtherConfiguration {
            path: folder.path().to_owned(),
            key: difference.key,
            found: difference.left,
            asked: difference.right,
        });
    }
    Ok(Checkpoint::read(&folder.checkpoint())?)
}

/// Opens the folder of a run, and its checkpoint if the run continues. Rank 0 locks the folder and decides; the
/// others read the result.
pub(crate) fn claim_run(
    path: &Path,
    existing: Existing,
    config: &Config,
    ranks: &dyn Ranks,
) -> Result<(RunFolder, Option<Checkpoint>), TrainError> {
    let (folder, checkpoint) = if ranks.leads() {
        let (folder, checkpoint) = take_folder(path, existing, config)?;
        ranks.any(checkpoint.is_some());
        (folder, checkpoint)
    } else {
        let folder = RunFolder::of_another(path);
        let checkpoint = if ranks.any(false) { Checkpoint::read(&folder.checkpoint())? } else { None };
        (folder, checkpoint)
    };
    require_same(checkpoint.as_ref(), path, ranks)?;
    Ok((folder, checkpoint))
}

/// Checks that all ranks continue from the same step and that their number is unchanged.
fn require_same(checkpoint: Option<&Checkpoint>, path: &Path, ranks: &dyn Ranks) -> Result<(), TrainError> {
    let steps = checkpoint.map_or(0.0, |checkpoint| (checkpoint.state.step + 1) as f64);
    let mut mean = [steps];
    // No rank goes on, and writes, before all have read.
    ranks.average(&mut mean);
    if mean != [steps] {
        return Err(RanksError::OtherCheckpoint { rank: ranks.rank(), path: path.to_owned() }.into());
    }
    let Some(checkpoint) = checkpoint else { return Ok(()) };
    let (found, asked) = (checkpoint.state.processes.unwrap_or(1), ranks.count() as u64);
    if found == asked {
        return Ok(());
    }
    Err(TrainError::OtherConfiguration {
        path: path.to_owned(),
        key: "processes".to_owned(),
        found: found.to_string(),
        asked: asked.to_string(),
    })
}

/// Locks the folder of a run for this process and reads its checkpoint.
fn take_folder(
    path: &Path,
    existing: Existing,
    config: &Config,
) -> Result<(RunFolder, Option<Checkpoint>), TrainError> {
    let folder = RunFolder::open(path, existing)?;
    let diverged = folder.path().join(DIVERGED_FILE);
    atomic::remove_if_there(&diverged).map_err(|source| TrainError::Write { path: diverged, source })?;
    let checkpoint = match existing {
        Existing::Resume => resumable(&folder, config)?,
        Existing::Refuse | Existing::Overwrite => None,
    };
    // They are written before the checkpoint that knows of them.
    let epoch = checkpoint.as_ref().and_then(|checkpoint| checkpoint.state.best_epoch);
    if let Some(epoch) = epoch.filter(|_| !folder.best().exists()) {
        return Err(RunError::BestMissing { path: folder.best(), epoch }.into());
    }
    Ok((folder, checkpoint))
}

/// Restores a run from a checkpoint. `init` makes a model of the configuration's sizes; `path` is the file of the
/// checkpoint.
pub(crate) fn restore<O: Objective>(
    checkpoint: Checkpoint,
    init: impl FnOnce(&LatticeStatistics) -> O::Model,
    objective: O,
    config: &Config,
    features: &FeatureSettings,
    path: &Path,
    device: &Device,
) -> Result<(Learner<O>, Description, State), TrainError> {
    let Checkpoint { state, description, weights, first_moments, second_moments, averages, cycle_ends } =
        checkpoint;
    description
        .require(&config.model, &config.pretrain, features)
        .map_err(|source| TrainError::Weights { path: path.to_owned(), source })?;
    let model = snapshot::with_weights(init(&description.lattice), weights, &[], path)?;
    let mut learner = Learner::of_run(model, objective, config);
    let parameters = flat_parameters(learner.model()).into_iter();
    let sizes = parameters.map(|(name, parameter)| (name, parameter.dims()[0])).collect();
    if !snapshot::are_moments_of(&sizes, &first_moments, &second_moments, config.optimiser.kind) {
        let reason = "the optimiser's moments are not those of the model".to_owned();
        return Err(RunError::Checkpoint { path: path.to_owned(), reason }.into());
    }
    let steps = u32::try_from(state.step).unwrap_or(u32::MAX);
    snapshot::restore_moments(&mut learner.optimiser, steps, first_moments, second_moments, device);
    learner
        .restore_average(averages, device)
        .map_err(|source| TrainError::Model { path: path.to_owned(), source })?;
    learner.cycle_ends = cycle_ends;
    Ok((learner, description, state))
}

/// Returns the number of optimiser steps of the whole run, for the schedule.
pub(crate) fn steps(
    config: &Config,
    train: &Selection,
    inputs: Inputs,
    ranks: &dyn Ranks,
    device: &Device,
) -> Result<u64, TrainError> {
    let settings = StreamSettings {
        drop_incomplete: config.data.drop_incomplete,
        ..training_stream(config, inputs, 0, 0, ranks, device)
    };
    let stream = Stream::<f32>::open(train, settings)?;
    let batches = match stream.batches() {
        Some(batches) => batches,
        // With a budget of triplets only reading tells, and not every schedule needs to know.
        None if !config.schedule.kind.depends_on_steps() => return Ok(u64::MAX),
        None => {
            let mut batches = 0;
            for batch in stream {
                batch?;
                batches += 1;
            }
            batches
        }
    };
    Ok(batches.div_ceil(config.optimiser.accumulate as u64) * config.run.epochs)
}
