//! Pre-training: an encoder learns from crystals alone. One folder a method.
//!
//! * [`mmpt`]: masked views and periodic attributes; [`barlow_twins`]: the agreement of two views
//! * `begin`: what a run begins with; [`load`]: encoders out of weights files

pub mod barlow_twins;
mod begin;
pub mod load;
pub mod mmpt;

use std::path::PathBuf;
use std::sync::Arc;

use burn::prelude::*;

use crate::config::Config;
use crate::config::pretrain::MethodKind;
use crate::data::{LatticeStatistics, Selection};
use crate::device::DeviceName;
use crate::error::TrainError;
use crate::model::Encoder;
use crate::ranks::Ranks;
use crate::run::checkpoint::State;
use crate::run::folder::Existing;
use crate::run::interrupt::Interrupt;
use crate::run::metrics::{self, Record};
use crate::run::step::{Objective, Values};
use crate::run::training_run::{Ending, TrainingRun};
use begin::begin;
use mmpt::MmptObjective;

/// The objective of a pre-training method. A new method is a folder beside [`mmpt`] that implements this, and a line in
/// each `match` on the configured method.
pub trait Pretraining: Objective<Batch: Sized> + Sized {
    /// The objective of a configuration; `device` is the one without automatic differentiation, on which
    /// batches are made, `ranks` share them.
    fn new(config: &Config, cutoff_angstrom: f64, device: &Device, ranks: &Arc<dyn Ranks>) -> Self;

    /// A model with fresh weights for a training set's lattice statistics; `device` is one with automatic
    /// differentiation, where parameters are made.
    fn init(config: &Config, statistics: &LatticeStatistics, device: &Device) -> Self::Model;

    /// The encoder of a model, which fine-tuning takes over.
    fn into_encoder(model: Self::Model) -> Encoder;

    /// Losses of a predictor that always says the same, by term, for the terms that have one.
    ///
    /// # Errors
    /// [`TrainError::Data`] if the crystals cannot be read.
    fn constant_losses(config: &Config, selection: &Selection) -> Result<Values, TrainError>;
}

/// What to do.
#[derive(Debug, Clone)]
pub struct Request {
    /// The resolved configuration.
    pub config: Config,
    /// Folder of the run.
    pub folder: PathBuf,
    /// What to do with a run that is there.
    pub existing: Existing,
    /// Where the model runs.
    pub device: DeviceName,
    /// The processes that train together.
    pub ranks: Arc<dyn Ranks>,
    /// Weights to begin with.
    pub weights: Option<PathBuf>,
    /// Whether to report nothing.
    pub quiet: bool,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// How it ended.
    pub ending: Ending,
    /// Its state at the end.
    pub state: State,
    /// Losses of the last whole epoch, on the rank that leads.
    pub last: Option<Values>,
    /// Losses of a predictor that always says the same, by term.
    pub constants: Values,
}

/// Runs, or goes on with, a pre-training.
///
/// # Errors
/// [`TrainError`]; the last checkpoint is whole whatever happens.
pub fn pretrain(request: Request, interrupt: &Interrupt) -> Result<Summary, TrainError> {
    match request.config.pretrain.method {
        MethodKind::Mmpt => run::<MmptObjective>(request, interrupt),
    }
}

fn run<P: Pretraining>(request: Request, interrupt: &Interrupt) -> Result<Summary, TrainError> {
    let leads = request.ranks.leads();
    let setup = begin::<P>(request)?;
    let (metrics, constants) = (setup.folder.metrics(), setup.constants.clone());
    let (ending, state) = TrainingRun::begin(setup, interrupt)?.run()?;
    let records = if leads { metrics::read(&metrics)? } else { Vec::new() };
    let last = records.into_iter().rev().find_map(|record| match record {
        Record::Epoch(epoch) => Some(epoch.train),
        Record::Step(_) => None,
    });
    Ok(Summary { ending, state, last, constants })
}
