//! How long a training step takes, and how fast the data comes.

use std::sync::Arc;
use std::time::Instant;

use burn::module::Module;
use serde::Serialize;

use crate::config::Config;
use crate::data::{LatticeStatistics, Selection, Sources, Stream, StreamSettings, Subset};
use crate::device::{self, DeviceName};
use crate::error::TrainError;
use crate::model::Mmpt;
use crate::model::mask::DrawKey;
use crate::ranks;
use crate::run::pretrain::Pretraining;
use crate::run::step::{Learner, Objective};
use crate::run::{memory, metrics};

/// Steps before the clock runs.
const WARMUP_STEPS: usize = 2;
/// Seconds for which the data path is measured at most.
const DATA_SECONDS: f64 = 5.0;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Request {
    /// Model, losses, optimiser, size of the batch.
    pub config: Config,
    /// Where the model runs.
    pub device: DeviceName,
    /// Steps to time.
    pub steps: usize,
}

/// Fastest, middle and slowest of several times.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Times {
    /// Fastest.
    pub min: f64,
    /// Middle.
    pub median: f64,
    /// Slowest.
    pub max: f64,
}

/// Seconds of each part of a step.
#[derive(Debug, Clone, Serialize)]
pub struct Seconds {
    /// Model, losses and their gradients.
    pub gradients: Times,
    /// The optimiser.
    pub optimizer: Times,
    /// Both.
    pub step: Times,
}

/// Numbers of the batch that is measured.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Size {
    /// Crystals.
    pub crystals: usize,
    /// Atoms.
    pub atoms: usize,
    /// Edges.
    pub edges: usize,
    /// Triplets.
    pub triplets: usize,
}

/// Speed of the data path alone.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DataPath {
    /// Crystals read, shuffled and built in a second, nothing else running.
    pub crystals_per_s: f64,
    /// Threads that built batches, beside the one that reads.
    pub workers: usize,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where the model ran.
    pub device: String,
    /// Numbers of the batch.
    pub size: Size,
    /// Parameters that are trained.
    pub parameters: usize,
    /// Times.
    pub seconds: Seconds,
    /// Crystals a second at the fastest step.
    pub crystals_per_s_min_step: f64,
    /// The data path.
    pub data_path: DataPath,
    /// Resident memory at the end, in bytes.
    pub resident_bytes: u64,
    /// Memory of a step on the batch as it is estimated, in bytes.
    pub estimated_batch_bytes: u64,
    /// Weighted sum of the losses at the last step.
    pub loss: f64,
}

/// Times steps on the first batch of the shards, in the shards' order, again and again with the same
/// masks.
///
/// # Errors
/// [`TrainError`] when there are no shards or no such device.
pub fn bench(request: &Request) -> Result<Report, TrainError> {
    let Request { config, steps, .. } = request;
    let device = request.device.open()?;
    if config.data.shards.is_empty() {
        return Err(TrainError::NoShards);
    }
    let sources = Arc::new(Sources::resolve(&config.data.shards, None)?);
    let cutoff = sources.settings().cutoff_angstrom;
    let selection = Selection::new(&sources, Subset::All)?;
    let settings = StreamSettings {
        seed: config.seed,
        labels: config.pal.labels,
        ..StreamSettings::in_order(&config.data, config.model.graph, &device)
    };
    let no_crystals = || TrainError::NoCrystals { subset: "all".to_owned(), crystals: 0 };
    let graph = Stream::<f32>::open(&selection, settings.clone())?.next().ok_or_else(no_crystals)??;
    let size = Size {
        crystals: graph.crystals(),
        atoms: graph.atoms(),
        edges: graph.edges(),
        triplets: graph.triplets(),
    };
    if device::computes_on_host(&device) {
        memory::require(&config.model, size.crystals, size.edges, memory::available())?;
    }
    let data_path = data_path(&selection, &settings)?;

    let lattice = LatticeStatistics::of(&selection)?;
    let model = Mmpt::init(&config.model, &lattice, config.seed, &device.clone().autodiff());
    let parameters = model.num_params() - 2 * lattice.mean.len();
    let objective = Pretraining::new(config, cutoff, &device, &ranks::alone());
    let mut learner = Learner::new(model, objective, &config.optimiser);
    let batch = learner.objective.prepare(graph, DrawKey { seed: config.seed, epoch: 0, first_crystal: 0 });
    let rates = crate::optimiser::Rates {
        learning_rate: config.optimiser.learning_rate,
        beta1: config.optimiser.beta1,
    };
    let (mut gradients, mut optimizer, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    let mut loss = f64::NAN;
    for step in 0..WARMUP_STEPS + steps {
        let begun = Instant::now();
        loss = crate::run::step::total(&learner.learn(&batch));
        let middle = Instant::now();
        // As the reference does it: no clipping, so no norm.
        learner.step(0.0, rates);
        wait(&device);
        if step >= WARMUP_STEPS {
            gradients.push((middle - begun).as_secs_f64());
            optimizer.push(middle.elapsed().as_secs_f64());
            whole.push(begun.elapsed().as_secs_f64());
        }
    }
    let seconds = Seconds { gradients: times(gradients), optimizer: times(optimizer), step: times(whole) };
    Ok(Report {
        device: request.device.to_string(),
        size,
        parameters,
        crystals_per_s_min_step: size.crystals as f64 / seconds.step.min,
        seconds,
        data_path,
        resident_bytes: metrics::resident_bytes(),
        estimated_batch_bytes: memory::estimate(&config.model, size.edges),
        loss,
    })
}

/// Waits until a device has done what it was given.
fn wait(device: &burn::prelude::Device) {
    // A failed operation shows in the values that the next step reads.
    let _ = device.sync();
}

/// Crystals a second through the data path, shuffled as in training.
fn data_path(selection: &Selection, settings: &StreamSettings) -> Result<DataPath, TrainError> {
    let begun = Instant::now();
    let mut crystals = 0;
    let mut epoch = 0;
    while begun.elapsed().as_secs_f64() < DATA_SECONDS {
        let settings = StreamSettings {
            epoch,
            shuffle_buffer: StreamSettings::default().shuffle_buffer,
            ..settings.clone()
        };
        for batch in Stream::<f32>::open(selection, settings)? {
            crystals += batch?.crystals();
            if begun.elapsed().as_secs_f64() >= DATA_SECONDS {
                break;
            }
        }
        epoch += 1;
    }
    let crystals_per_s = crystals as f64 / begun.elapsed().as_secs_f64();
    Ok(DataPath { crystals_per_s, workers: settings.workers })
}

/// Fastest, middle and slowest.
fn times(mut seconds: Vec<f64>) -> Times {
    seconds.sort_by(f64::total_cmp);
    let at = |index: usize| seconds.get(index).copied().unwrap_or(f64::NAN);
    Times { min: at(0), median: at(seconds.len() / 2), max: at(seconds.len().saturating_sub(1)) }
}
