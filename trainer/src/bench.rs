//! Benchmarks of training steps and of the data path, with estimates of the time of an epoch and a run, and of the
//! memory of a run.
//!
//! * `batches`: the timed batches
//! * [`steps`]: times of the steps and their summary
//! * [`estimate`]: time of an epoch and of a run, from a few steps
//!
//! The bound of the memory is computed by [`crate::run::memory`].

mod batches;
pub mod estimate;
mod regression;
pub mod steps;

use std::path::PathBuf;
use std::time::Instant;

use burn::module::Module;
use burn::prelude::Device;
use serde::Serialize;

use crate::config::Config;
use crate::data::size::{LargestBatch, Size, sizes};
use crate::data::{LatticeStatistics, Selection, Stream, StreamSettings};
use crate::device::{self, DeviceName};
use crate::error::TrainError;
use crate::model::mask::DrawKey;
use crate::model::{HeadSize, Pass, PropertyModel, names};
use crate::optimiser::Rates;
use crate::pretrain::{Pretraining, for_method, load_initial, require_kind};
use crate::ranks;
use crate::run::begin::{Crystals, require_edges, training_stream};
use crate::run::memory::{self, Bound, LargestStep};
use crate::run::resident::resident_bytes;
use crate::run::seconds::HostSeconds;
use crate::run::step::{Learner, Objective, total};
use batches::Batches;
pub use batches::Choice;
use estimate::{Estimate, Work};
use regression::Regression;
use steps::{BatchSize, Seconds, Step, Steps};

/// Number of steps before the timed ones.
const WARMUP_STEPS: usize = 2;
/// Maximum duration of the measurement of the data path in seconds.
const DATA_SECONDS: f64 = 5.0;

/// The arguments of [`bench`](fn@bench).
#[derive(Debug, Clone)]
pub struct Request {
    /// The configuration: model, losses, optimiser, size of the batches and length of the run.
    pub config: Config,
    /// The device of the model.
    pub device: DeviceName,
    /// Number of timed steps.
    pub steps: usize,
    /// Choice of the timed batches.
    pub choice: Choice,
    /// Weights file to begin with; fresh weights if `None`.
    pub weights: Option<PathBuf>,
    /// What is trained.
    pub training: Training,
}

/// What a benchmark trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Training {
    /// The pre-training of the configuration.
    Pretraining,
    /// The model of a property, as fine-tuning does. The targets are zero.
    Finetuning,
}

/// Speed of the data path without the model.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DataPath {
    /// Number of crystals per second that are read, shuffled and built into batches.
    pub crystals_per_s: f64,
    /// Number of threads that build batches, besides the reader.
    pub workers: usize,
}

/// Memory of a run.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Memory {
    /// Resident memory of this process after the timed steps, in bytes.
    pub resident_bytes: u64,
    /// Upper bound of the resident memory of a run, in bytes. It excludes the training steps if they run on a device
    /// with its own memory.
    pub bound_bytes: u64,
    /// Whether the training steps use the host's memory, so that `bound_bytes` includes them.
    pub steps_on_host: bool,
    /// The largest batch that can occur.
    pub largest_batch: LargestBatch,
    /// Upper bound of the memory of a step on the largest batch, without the weights, in bytes.
    pub largest_batch_bytes: u64,
    /// Memory that programs can still allocate, in bytes, if the system reports it.
    pub available_bytes: Option<u64>,
}

/// The result of [`bench`](fn@bench).
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Name of the device.
    pub device: String,
    /// Number of timed steps. Each has a batch of its own if the batches were drawn.
    pub batches: usize,
    /// Mean size of the batches.
    pub size: BatchSize,
    /// Number of trained parameters.
    pub parameters: usize,
    /// Times of the parts of a step.
    pub seconds: Seconds,
    /// Number of crystals per second over all timed steps.
    pub crystals_per_s: f64,
    /// Speed of the data path.
    pub data_path: DataPath,
    /// Estimated time of an epoch and of the run, if the batches were drawn.
    pub estimate: Option<Estimate>,
    /// Memory of the run.
    pub memory: Memory,
    /// Weighted sum of the losses at the last step.
    pub loss: f64,
}

/// Times training steps on batches of the crystals of a run, and estimates the time and the memory of the run.
///
/// # Errors
/// [`TrainError`] if there are no shards or no such device, the weights are not for this model and these shards, or
/// a batch needs more memory than is available.
pub fn bench(request: &Request) -> Result<Report, TrainError> {
    let Request { config, training, .. } = request;
    let device = request.device.open()?;
    let crystals = Crystals::open(&config.data, None)?;
    require_edges(&config.model, crystals.train.sources().settings())?;
    let cutoff = crystals.train.sources().settings().cutoff_angstrom;
    let lattice = LatticeStatistics::of(&crystals.train)?;
    match training {
        Training::Finetuning => {
            let numbers = PropertyModel::numbers(
                &config.model,
                HeadSize { width: config.finetune.head_width, outputs: 1, per_site: false },
            );
            memory::require_model(numbers, config, &device, memory::available())?;
            let objective = Regression::new(config, cutoff, &device);
            bench_objective(request, objective.init(&lattice), objective, &crystals, &device)
        }
        Training::Pretraining => {
            require_kind(config)?;
            for_method!(
                config.pretrain.method,
                P => bench_method::<P>(request, &lattice, &crystals, &device)
            )
        }
    }
}

fn bench_method<P: Pretraining>(
    request: &Request,
    lattice: &LatticeStatistics,
    crystals: &Crystals,
    device: &Device,
) -> Result<Report, TrainError> {
    let Request { config, weights, .. } = request;
    memory::require_model(P::numbers(config), config, device, memory::available())?;
    let autodiff = device.clone().autodiff();
    let features = crystals.train.sources().settings();
    let model = match weights {
        Some(path) => load_initial::<P>(path, config, features, &autodiff)?.0,
        None => P::init(config, &P::lattice(config, *lattice), &autodiff),
    };
    let objective = P::new(config, features, device, &ranks::alone());
    bench_objective(request, model, objective, crystals, device)
}

fn bench_objective<O: Objective>(
    request: &Request,
    model: O::Model,
    objective: O,
    crystals: &Crystals,
    device: &Device,
) -> Result<Report, TrainError> {
    let Request { config, choice, .. } = request;
    let parameters = names::trained(&model);
    let inputs = objective.inputs();
    let sizes = sizes(&crystals.train, inputs)?;
    let mut learner = Learner::of_run(model, objective, config);
    let bound = Bound::of(config, parameters, &sizes);
    let on_host = device::computes_on_host(device);
    let bound_bytes = resident_bytes() + bound.host_bytes(on_host) as u64;

    let settings = training_stream(config, inputs, 0, 0, &*ranks::alone(), device);
    let data_path = data_path(&crystals.train, &settings)?;
    let mut batches = Batches::choose(*choice, &crystals.train, settings, WARMUP_STEPS + request.steps)?;
    let (timed, loss) =
        timed_steps(request, &mut batches, &mut learner, device, crystals.validation.is_some())?;

    let work =
        |sizes: &[Size]| -> f64 { sizes.iter().map(|size| estimate::work(config.model.graph(), size)).sum() };
    let whole = Work {
        crystals: crystals.train.crystals(),
        train: work(&sizes),
        validation: match &crystals.validation {
            Some(validation) => work(&crate::data::size::sizes(validation, inputs)?),
            None => 0.0,
        },
    };
    let estimate =
        (*choice == Choice::Drawn).then(|| Estimate::new(&timed, &whole, config, data_path.crystals_per_s));
    Ok(Report {
        device: request.device.to_string(),
        batches: timed.count(),
        size: timed.mean_size(),
        parameters,
        seconds: timed.seconds(),
        crystals_per_s: timed.crystals_per_s(),
        data_path,
        estimate,
        memory: Memory {
            resident_bytes: resident_bytes(),
            bound_bytes,
            steps_on_host: on_host,
            largest_batch: bound.batch,
            largest_batch_bytes: bound.step_bytes as u64,
            available_bytes: memory::available(),
        },
        loss,
    })
}

/// Times training steps, each on the next batch and in the same way as a run. Also returns the loss of the last step.
fn timed_steps<O: Objective>(
    request: &Request,
    batches: &mut Batches,
    learner: &mut Learner<O>,
    device: &Device,
    validates: bool,
) -> Result<(Steps, f64), TrainError> {
    let Request { config, .. } = request;
    let rates = Rates::of(&config.optimiser);
    let mut largest = LargestStep::default();
    let (mut timed, mut loss) = (Steps::default(), f64::NAN);
    for step in 0..WARMUP_STEPS + request.steps {
        let graph = batches.next()?;
        let (crystals, triplets, size) = (graph.crystals(), graph.triplets(), Size::from(&graph));
        largest.require(config, device, crystals, &size, memory::available)?;
        let key = DrawKey { seed: config.seed, epoch: 0, first_crystal: graph.origin.first_crystal };
        let mut clock = Clock::new();
        let batch = learner.objective.prepare(graph, key);
        let preparation = clock.lap();
        let terms = learner.learn(&batch);
        let learning = clock.lap();
        let norm = learner.gradient_norm();
        let of_norm = clock.lap();
        learner.step(&norm, rates);
        let optimiser = clock.lap();
        loss = total(&terms.read());
        norm.read();
        wait(device);
        let read = clock.lap();
        let HostSeconds { forward, backward, .. } = learner.take_seconds();
        let validation = if validates {
            let model = learner.model().valid();
            let mut clock = Clock::new();
            learner.objective.losses(&model, &batch, &mut Pass::evaluation()).1.read();
            clock.lap()
        } else {
            0.0
        };
        if step >= WARMUP_STEPS {
            timed.push(Step {
                crystals,
                triplets,
                uploaded_bytes: learner.objective.uploaded_bytes(&batch),
                size,
                work: estimate::work(config.model.graph(), &size),
                preparation,
                gradients: learning + read,
                forward,
                backward,
                read,
                norm: of_norm,
                optimiser,
                validation,
            });
        }
    }
    Ok((timed, loss))
}

/// A stopwatch for the parts of a step.
struct Clock(Instant);

impl Clock {
    fn new() -> Self {
        Self(Instant::now())
    }

    /// Returns the seconds since the last call.
    fn lap(&mut self) -> f64 {
        let begun = std::mem::replace(&mut self.0, Instant::now());
        (self.0 - begun).as_secs_f64()
    }
}

/// Waits until a device has finished its queued operations.
fn wait(device: &Device) {
    // A failed operation shows in the values that the next step reads.
    let _ = device.sync();
}

/// Measures the crystals per second of the data path, shuffled as in training.
fn data_path(selection: &Selection, settings: &StreamSettings) -> Result<DataPath, TrainError> {
    let begun = Instant::now();
    let mut crystals = 0;
    let mut epoch = 0;
    while begun.elapsed().as_secs_f64() < DATA_SECONDS {
        for batch in Stream::<f32>::open(selection, StreamSettings { epoch, ..settings.clone() })? {
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
