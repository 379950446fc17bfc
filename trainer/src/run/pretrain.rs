//! Pre-training: the masked model and its losses as the objective of a run.

use std::path::PathBuf;
use std::sync::Arc;

use burn::prelude::*;
use schemas::output;

use crate::config::Config;
use crate::data::{ConstantPredictor, GraphBatch, LatticeStatistics, Selection};
use crate::device::DeviceName;
use crate::error::TrainError;
use crate::loss::Losses;
use crate::model::mask::{DrawKey, Masks};
use crate::model::{Batch, Mmpt, Trace};
use crate::ranks::Ranks;
use crate::run::begin::{Crystals, claimed, fresh, given, restored, steps};
use crate::run::checkpoint::State;
use crate::run::course::{Beginning, Course, Ending};
use crate::run::folder::Existing;
use crate::run::interrupt::Interrupt;
use crate::run::metrics::{self, Record};
use crate::run::step::{Learner, Objective, Values};

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

/// Losses of a predictor that always says the same: section 6 of the specification, and 1 for the
/// standardised lattice.
pub fn constant_losses(config: &Config, selection: &Selection) -> Result<Values, TrainError> {
    let constant = ConstantPredictor::of(selection)?;
    let labels = config.pal.labels;
    let terms = [
        ("L_A", constant.atom_type),
        ("L_X", constant.centre_distance),
        ("L_L", 1.0),
        ("L_Die", constant.direction(labels)),
        ("L_Unit", constant.same_cell(labels)),
        ("L_Dis", constant.edge_distance),
    ];
    Ok(terms.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The model with both views masked, trained by the terms of Eq. 7.
#[derive(Debug)]
pub struct Pretraining {
    config: Config,
    cutoff_angstrom: f64,
    device: Device,
    ranks: Arc<dyn Ranks>,
}

impl Pretraining {
    /// The objective of a configuration; `device` is the one without automatic differentiation, on which
    /// batches are made, `ranks` share them.
    pub fn new(config: &Config, cutoff_angstrom: f64, device: &Device, ranks: &Arc<dyn Ranks>) -> Self {
        Self { config: config.clone(), cutoff_angstrom, device: device.clone(), ranks: Arc::clone(ranks) }
    }
}

impl Objective for Pretraining {
    type Model = Mmpt;
    type Batch = Batch;

    fn prepare(&self, graph: GraphBatch<f32>, key: DrawKey) -> Batch {
        let masks = Masks::draw(self.config.model.masking, key, &graph.atom_offsets);
        Batch::shared(graph, &masks, self.cutoff_angstrom, &self.ranks, &self.device)
    }

    fn losses(&self, model: &Mmpt, batch: &Batch) -> (Tensor<1>, Values) {
        let mut trace = Trace::off();
        let prediction = model.forward(batch, &mut trace);
        let losses = Losses::new(&self.config.loss, &prediction, batch, &mut trace);
        let (names, mut values): (Vec<_>, Vec<_>) = losses.values().into_iter().unzip();
        self.ranks.average(&mut values);
        (losses.total, names.into_iter().map(str::to_owned).zip(values).collect())
    }

    fn ranks(&self) -> &Arc<dyn Ranks> {
        &self.ranks
    }

    /// Batches count alike: the mean is over batches, as training's is.
    fn weight(&self, _batch: &Batch) -> f64 {
        1.0
    }
}

/// Runs, or goes on with, a pre-training.
///
/// # Errors
/// [`TrainError`]; the last checkpoint is whole whatever happens.
pub fn pretrain(request: Request, interrupt: &Interrupt) -> Result<Summary, TrainError> {
    let leads = request.ranks.leads();
    let beginning = begin(request)?;
    let (metrics, constants) = (beginning.folder.metrics(), beginning.constants.clone());
    let (ending, state) = Course::begin(beginning, interrupt)?.run()?;
    let records = if leads { metrics::read(&metrics)? } else { Vec::new() };
    let last = records.into_iter().rev().find_map(|record| match record {
        Record::Epoch(epoch) => Some(epoch.train),
        Record::Step(_) => None,
    });
    Ok(Summary { ending, state, last, constants })
}

/// Opens everything that a request names.
fn begin(request: Request) -> Result<Beginning<Pretraining>, TrainError> {
    let Request { config, existing, ranks, .. } = request;
    let device = request.device.open()?;
    let crystals = Crystals::open(&config.data, None)?;
    let features = crystals.train.sources().settings().clone();
    let autodiff = device.clone().autodiff();
    // Before the folder is touched: weights that cannot be read cost no earlier run.
    let given = request.weights.as_deref().map(|path| given(path, &config, &features, &autodiff));
    let given = given.transpose()?;
    if existing == Existing::Overwrite {
        output::require_outside(&request.folder, &request.weights)?;
    }
    let shards = crystals.train.sources().shards().iter().map(|shard| &shard.path);
    output::require_apart(&request.folder, shards.chain(&request.weights))?;
    let (folder, checkpoint) = claimed(&request.folder, existing, &config, &*ranks)?;
    let objective = Pretraining::new(&config, features.cutoff_angstrom, &device, &ranks);
    let init = |lattice: &LatticeStatistics| Mmpt::init(&config.model, lattice, config.seed, &autodiff);
    let (learner, description, state) = match checkpoint {
        Some(checkpoint) => {
            let path = folder.checkpoint();
            restored(checkpoint, init, objective, &config, &features, &path, &device)?
        }
        None => {
            let (model, description) = match given {
                Some(given) => given,
                None => fresh(&config, &features, &crystals, &autodiff)?,
            };
            (Learner::new(model, objective, &config.optimiser), description, State::default())
        }
    };
    Ok(Beginning {
        steps: steps(&config, &crystals.train, &*ranks, &device)?,
        constants: constant_losses(&config, &crystals.train)?,
        select: config.run.select,
        config,
        device,
        crystals,
        description,
        learner,
        state,
        folder,
        quiet: request.quiet,
    })
}
