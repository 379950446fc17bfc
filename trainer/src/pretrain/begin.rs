//! Setup of a pre-training run: with fresh weights, with given weights or from a checkpoint.

use std::path::Path;

use burn::prelude::*;
use schemas::output;
use schemas::settings::FeatureSettings;

use super::load::load;
use super::{Pretraining, Request};
use crate::config::Config;
use crate::data::LatticeStatistics;
use crate::error::TrainError;
use crate::run::begin::{Crystals, claim_run, require_edges, require_whole_batch, restore, steps};
use crate::run::checkpoint::State;
use crate::run::folder::Existing;
use crate::run::memory;
use crate::run::step::Learner;
use crate::run::tensorboard;
use crate::run::training_run::RunSetup;
use crate::weights::Description;

/// Opens the data, the model and the run folder of a request.
///
/// # Errors
/// [`TrainError`] for anything that cannot be opened.
pub(super) fn begin<P: Pretraining>(request: Request) -> Result<RunSetup<P>, TrainError> {
    let Request { config, existing, ranks, .. } = request;
    let device = request.device.open()?;
    let crystals = Crystals::open(&config.data, None)?;
    require_whole_batch(&config.data, &crystals.train, &*ranks)?;
    let features = crystals.train.sources().settings().clone();
    require_edges(&config.model, &features)?;
    memory::require_model(P::numbers(&config), &config, &device, memory::available())?;
    let autodiff = device.clone().autodiff();
    // Before the folder is touched: weights that cannot be read cost no earlier run.
    let given = request.weights.as_deref().map(|path| load_initial::<P>(path, &config, &features, &autodiff));
    let given = given.transpose()?;
    if existing == Existing::Overwrite {
        output::require_outside(&request.folder, &request.weights)?;
    }
    let shards = crystals.train.sources().shards().iter().map(|shard| &shard.path);
    output::require_apart(&request.folder, shards.chain(&request.weights))?;
    let events = request.tensorboard.as_deref().map(|folder| tensorboard::folder_of(folder, &request.folder));
    if let Some(events) = &events {
        output::require_apart(events, crystals.train.sources().shards().iter().map(|shard| &shard.path))?;
        tensorboard::require_free(events, existing)?;
    }
    let (folder, checkpoint) = claim_run(&request.folder, existing, &config, &*ranks)?;
    if let Some(events) = events.as_deref().filter(|_| existing == Existing::Overwrite && ranks.leads()) {
        tensorboard::clear(events)?;
    }
    let objective = P::new(&config, &features, &device, &ranks);
    let init = |lattice: &LatticeStatistics| P::init(&config, lattice, &autodiff);
    let (learner, description, state) = match checkpoint {
        Some(checkpoint) => {
            let path = folder.checkpoint();
            restore(checkpoint, init, objective, &config, &features, &path, &device)?
        }
        None => {
            let (model, description) = match given {
                Some(given) => given,
                None => fresh::<P>(&config, &features, &crystals, &autodiff)?,
            };
            let learner = Learner::of_run(model, objective, &config);
            (learner, description, State::default())
        }
    };
    Ok(RunSetup {
        steps: steps(&config, &crystals.train, learner.objective.inputs(), &*ranks, &device)?,
        constants: P::constant_losses(&config, &crystals.train)?,
        select: config.run.select,
        config,
        device,
        crystals,
        description,
        learner,
        state,
        folder,
        events,
    })
}

/// Returns a model with the weights of a file, and their description.
///
/// # Errors
/// [`TrainError`] for weights that cannot be read, or are not for this configuration and these features.
pub(crate) fn load_initial<P: Pretraining>(
    path: &Path,
    config: &Config,
    features: &FeatureSettings,
    device: &Device,
) -> Result<(P::Model, Description), TrainError> {
    let loaded = load::<P>(path, device)?;
    loaded
        .description
        .require(&config.model, &config.pretrain, features)
        .map_err(|source| TrainError::Weights { path: path.to_owned(), source })?;
    Ok((loaded.model, loaded.description))
}

/// Returns a model with freshly initialised weights.
fn fresh<P: Pretraining>(
    config: &Config,
    features: &FeatureSettings,
    crystals: &Crystals,
    device: &Device,
) -> Result<(P::Model, Description), TrainError> {
    let lattice = P::lattice(config, LatticeStatistics::of(&crystals.train)?);
    let model = P::init(config, &lattice, device);
    let (model_config, pretrain) = (config.model.clone(), config.pretrain.clone());
    let description =
        Description { model: model_config, pretrain, features: features.clone(), lattice, target: None };
    Ok((model, description))
}
