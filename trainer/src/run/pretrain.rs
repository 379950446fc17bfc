//! Pre-training: epochs of batches, records, checkpoints, until the end or the first Ctrl-C.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use burn::prelude::*;

use crate::atomic;
use crate::config::Config;
use crate::config::run::Select;
use crate::data::{ConstantPredictor, GraphBatch, Selection, Stream};
use crate::device::{self, DeviceName};
use crate::error::TrainError;
use crate::loss::TOTAL;
use crate::model::mask::DrawKey;
use crate::run::begin::{
    Crystals, fresh, given, remove_if_there, restored, resumable, steps, training_stream,
};
use crate::run::checkpoint::{Checkpoint, State};
use crate::run::folder::{Existing, RunFolder};
use crate::run::interrupt::Interrupt;
use crate::run::memory;
use crate::run::metrics::{self, Cost, EpochRecord, MetricsLog, Record, StepRecord};
use crate::run::progress::{Extent, Position, Progress};
use crate::run::schedule::Schedule;
use crate::run::snapshot;
use crate::run::step::{Learner, Values, total};
use crate::weights::{self, Description};

/// Epoch of the order and the masks of the validation set: the same in every epoch, unlike any of
/// training.
const VALIDATION_EPOCH: u64 = u64::MAX;
/// File of a run's folder with the crystals of the batch that a run ended on.
const DIVERGED_FILE: &str = "diverged.json";
/// Seconds in a minute.
const MINUTE: f64 = 60.0;

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
    /// Weights to begin with.
    pub weights: Option<PathBuf>,
    /// Whether to report nothing.
    pub quiet: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// After its last epoch.
    Finished,
    /// After epochs without improvement.
    EarlyStopped,
    /// By Ctrl-C; a checkpoint was written.
    Interrupted,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// How it ended.
    pub ending: Ending,
    /// Its state at the end.
    pub state: State,
    /// Losses of the last whole epoch.
    pub last: Option<Values>,
    /// Losses of a predictor that always says the same, by term.
    pub constants: Values,
}

/// Losses of a predictor that always says the same: SPEC section 6, and 1 for the standardised
/// lattice.
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

/// Runs, or goes on with, a pre-training.
///
/// # Errors
/// [`TrainError`]; the last checkpoint is whole whatever happens.
pub fn pretrain(request: Request, interrupt: &Interrupt) -> Result<Summary, TrainError> {
    let mut run = Run::start(request, interrupt)?;
    let ending = run.train()?;
    run.progress.finish();
    let last = metrics::read(&run.folder.metrics())?.into_iter().rev().find_map(|record| match record {
        Record::Epoch(epoch) => Some(epoch.train),
        Record::Step(_) => None,
    });
    Ok(Summary { ending, state: run.state, last, constants: run.constants })
}

/// A run in progress.
struct Run<'a> {
    config: Config,
    device: Device,
    crystals: Crystals,
    description: Description,
    learner: Learner,
    schedule: Schedule,
    state: State,
    folder: RunFolder,
    log: MetricsLog,
    progress: Progress,
    constants: Values,
    interrupt: &'a Interrupt,
    saved: Instant,
}

/// Sums over the batches of one step.
#[derive(Default)]
struct StepSums {
    losses: Values,
    batches: u64,
    crystals: u64,
    /// Identifiers of the crystals.
    identifiers: Vec<String>,
}

impl<'a> Run<'a> {
    fn start(request: Request, interrupt: &'a Interrupt) -> Result<Self, TrainError> {
        let Request { config, existing, .. } = request;
        let device = request.device.open()?;
        let crystals = Crystals::open(&config.data, None)?;
        let features = crystals.train.sources().settings().clone();
        let autodiff = device.clone().autodiff();
        // Before the folder is touched: weights that cannot be read cost no earlier run.
        let given = request.weights.as_deref().map(|path| given(path, &config, &features, &autodiff));
        let given = given.transpose()?;
        let folder = RunFolder::open(&request.folder, existing)?;
        remove_if_there(&folder.path().join(DIVERGED_FILE))?;
        let checkpoint = match existing {
            Existing::Resume => resumable(&folder, &config)?,
            Existing::Refuse | Existing::Overwrite => None,
        };
        let is_new = checkpoint.is_none();
        let (model, description, mut state, optimiser) = match checkpoint {
            Some(checkpoint) => restored(checkpoint, &config, &features, &folder, &device)?,
            None => {
                let (model, description) = match given {
                    Some(given) => given,
                    None => fresh(&config, &features, &crystals, &autodiff)?,
                };
                (model, description, State::default(), None)
            }
        };
        state.config_hash = config.hash();
        let mut learner = Learner::new(model, &config, features.cutoff_angstrom, &device);
        if let Some(optimiser) = optimiser {
            learner.optimiser = optimiser;
        }
        let log = MetricsLog::open(&folder.metrics(), state.records)?;
        let schedule =
            Schedule::new(&config.schedule, &config.optimiser, steps(&config, &crystals, &device)?);
        let extent = Extent { epochs: config.run.epochs, crystals: crystals.train.crystals() };
        let done = state.epoch * extent.crystals + state.crystals;
        let progress = Progress::new(extent, done, request.quiet);
        let constants = constant_losses(&config, &crystals.train)?;
        let saved = Instant::now();
        let mut run = Self {
            config,
            device,
            crystals,
            description,
            learner,
            schedule,
            state,
            folder,
            log,
            progress,
            constants,
            interrupt,
            saved,
        };
        if is_new {
            // There is something good to keep from the first batch on, and a resumed run begins with
            // the weights that were given. Before the configuration, which says that there is a run.
            run.save()?;
        }
        run.folder.write_config(&run.config)?;
        Ok(run)
    }

    fn train(&mut self) -> Result<Ending, TrainError> {
        while self.state.epoch < self.config.run.epochs {
            // Here and not after the epoch, since a run that has stopped may be resumed.
            if self.is_stuck() {
                return Ok(Ending::EarlyStopped);
            }
            if self.epoch()? {
                self.save()?;
                return Ok(Ending::Interrupted);
            }
        }
        Ok(Ending::Finished)
    }

    /// Whether the last epochs brought nothing.
    fn is_stuck(&self) -> bool {
        let best = self.state.best_epoch.unwrap_or(0);
        self.config.run.early_stop.is_some_and(|patience| self.state.epoch.saturating_sub(best) >= patience)
    }

    /// Trains until the end of the epoch; whether it was interrupted before.
    fn epoch(&mut self) -> Result<bool, TrainError> {
        let begun = Instant::now();
        let (epoch, before) = (self.state.epoch, self.state.crystals);
        let settings = training_stream(&self.config, epoch, self.state.batch, &self.device);
        let mut stream = Stream::<f32>::open(&self.crystals.train, settings)?;
        let mut sums = StepSums::default();
        let mut step_begun = Instant::now();
        let mut step_waited = stream.waited();
        while let Some(graph) = stream.next() {
            self.learn(graph?, &mut sums)?;
            if self.learner.accumulated() < self.config.optimiser.accumulate {
                continue;
            }
            let waited = (stream.waited() - step_waited).as_secs_f64();
            self.step(&mut sums, step_begun, waited)?;
            (step_begun, step_waited) = (Instant::now(), stream.waited());
            if self.interrupt.requested() {
                return Ok(true);
            }
            if self.is_due() {
                self.save()?;
            }
        }
        if self.learner.accumulated() > 0 {
            let waited = (stream.waited() - step_waited).as_secs_f64();
            self.step(&mut sums, step_begun, waited)?;
        }
        let waited = stream.waited().as_secs_f64();
        drop(stream);
        self.finish_epoch(begun, before, waited)?;
        Ok(false)
    }

    /// One batch forward and backward.
    fn learn(&mut self, graph: GraphBatch<f32>, sums: &mut StepSums) -> Result<(), TrainError> {
        let key = DrawKey { seed: self.config.seed, epoch: self.state.epoch, batch: self.state.batch };
        let (count, identifiers) = (graph.crystals() as u64, graph.material_ids.clone());
        if device::computes_on_host(&self.device) {
            memory::require(&self.config.model, graph.crystals(), graph.edges(), memory::available())?;
        }
        let batch = self.learner.prepare(graph, key);
        let values = self.learner.learn(&batch);
        if let Some(value) = values.values().copied().find(|value| !value.is_finite()) {
            return Err(self.diverged("loss", value, self.state.batch + 1, &identifiers));
        }
        for (name, value) in values {
            *sums.losses.entry(name.clone()).or_insert(0.0) += value;
            *self.state.sums.entry(name).or_insert(0.0) += value;
        }
        sums.batches += 1;
        sums.crystals += count;
        sums.identifiers.extend(identifiers);
        self.state.batch += 1;
        self.state.crystals += count;
        Ok(())
    }

    /// One step of the optimiser and its record.
    fn step(&mut self, sums: &mut StepSums, begun: Instant, waited: f64) -> Result<(), TrainError> {
        let rates = self.schedule.at(self.state.step);
        let StepSums { losses, batches, crystals, identifiers } = std::mem::take(sums);
        let norm = self.learner.gradient_norm();
        if !norm.is_finite() {
            return Err(self.diverged("norm of the gradients", norm, self.state.batch, &identifiers));
        }
        self.learner.step(norm, rates);
        self.state.step += 1;
        let losses: Values =
            losses.into_iter().map(|(name, sum)| (name, sum / batches.max(1) as f64)).collect();
        let epoch = self.state.epoch + 1;
        self.progress.update(Position { epoch, crystals: self.state.crystals, loss: total(&losses) });
        self.record(Record::Step(StepRecord {
            step: self.state.step,
            epoch,
            crystals,
            losses,
            learning_rate: rates.learning_rate,
            gradient_norm: norm,
            cost: cost(begun, crystals, waited),
        }))
    }

    fn record(&mut self, record: Record) -> Result<(), TrainError> {
        self.log.append(&record)?;
        self.state.records = self.log.records();
        Ok(())
    }

    /// Means, validation, best weights, record, checkpoint, curves.
    fn finish_epoch(&mut self, begun: Instant, before: u64, waited: f64) -> Result<(), TrainError> {
        let batches = self.state.batch.max(1) as f64;
        let train: Values = std::mem::take(&mut self.state.sums)
            .into_iter()
            .map(|(name, sum)| (name, sum / batches))
            .collect();
        let validation = self.validate()?;
        let deciding = match (self.config.run.select, &validation) {
            (Select::Validation, Some(validation)) => total(validation),
            _ => total(&train),
        };
        let best = deciding.is_finite() && self.state.best_loss.is_none_or(|best| deciding < best);
        let epoch = self.state.epoch + 1;
        if best {
            (self.state.best_loss, self.state.best_epoch) = (Some(deciding), Some(epoch));
            let tensors = snapshot::weights_of(self.learner.model());
            let path = self.folder.best();
            weights::write(&path, &self.description.to_metadata(), tensors)
                .map_err(|source| TrainError::Weights { path, source })?;
        }
        let crystals = self.state.crystals;
        let said = said(epoch, &train, validation.as_ref(), best);
        self.record(Record::Epoch(EpochRecord {
            step: self.state.step,
            epoch,
            crystals,
            train,
            validation,
            best,
            cost: cost(begun, crystals - before, waited),
        }))?;
        self.progress.say(&said);
        (self.state.epoch, self.state.batch, self.state.crystals) = (epoch, 0, 0);
        // Before the checkpoint: a run killed in between draws them once more when it is resumed.
        let records = metrics::read(&self.folder.metrics())?;
        crate::run::curves::write(&self.folder.curves(), &records, &self.constants)?;
        self.save()
    }

    /// Mean losses over the validation set.
    fn validate(&self) -> Result<Option<Values>, TrainError> {
        let Some(selection) = &self.crystals.validation else { return Ok(None) };
        // Shuffled, the same way every time: a mean over batches that mix the stores can be compared
        // with training's, one over each store's own batches can not.
        let settings = training_stream(&self.config, VALIDATION_EPOCH, 0, &self.device);
        let model = self.learner.model().valid();
        let (mut sums, mut batches) = (BTreeMap::new(), 0u64);
        for graph in Stream::<f32>::open(selection, settings)? {
            let key = DrawKey { seed: self.config.seed, epoch: VALIDATION_EPOCH, batch: batches };
            let batch = self.learner.prepare(graph?, key);
            for (name, value) in self.learner.evaluate(&model, &batch) {
                *sums.entry(name).or_insert(0.0) += value;
            }
            batches += 1;
        }
        if batches == 0 {
            return Ok(None);
        }
        Ok(Some(sums.into_iter().map(|(name, sum): (String, f64)| (name, sum / batches as f64)).collect()))
    }

    /// Whether a checkpoint is due in the middle of an epoch.
    fn is_due(&self) -> bool {
        let run = &self.config.run;
        run.checkpoint_steps.is_some_and(|steps| self.state.step.is_multiple_of(steps.max(1)))
            || run
                .checkpoint_minutes
                .is_some_and(|minutes| self.saved.elapsed().as_secs_f64() >= minutes * MINUTE)
    }

    /// Writes the checkpoint.
    fn save(&mut self) -> Result<(), TrainError> {
        self.log.sync()?;
        let (first_moments, second_moments) = snapshot::moments_of(&self.learner.optimiser);
        let checkpoint = Checkpoint {
            state: self.state.clone(),
            description: self.description.clone(),
            weights: snapshot::weights_of(self.learner.model()),
            first_moments,
            second_moments,
        };
        checkpoint.write(&self.folder.checkpoint())?;
        self.saved = Instant::now();
        Ok(())
    }

    /// Lists the crystals that a run ended on; `batch` counts from 1.
    fn diverged(&self, quantity: &'static str, value: f64, batch: u64, identifiers: &[String]) -> TrainError {
        let listed = self.folder.path().join(DIVERGED_FILE);
        let epoch = self.state.epoch + 1;
        let content = serde_json::json!({
            "quantity": quantity,
            "value": value.to_string(),
            "epoch": epoch,
            "batch": batch,
            "material_ids": identifiers,
        });
        match atomic::write(&listed, |out| writeln!(out, "{content:#}")) {
            Ok(()) => TrainError::Diverged { quantity, value, epoch, batch, listed },
            Err(source) => TrainError::Write { path: listed, source },
        }
    }
}

/// What a stretch of a run took.
fn cost(begun: Instant, crystals: u64, waited: f64) -> Cost {
    let seconds = begun.elapsed().as_secs_f64();
    Cost {
        seconds,
        crystals_per_second: crystals as f64 / seconds.max(f64::MIN_POSITIVE),
        wait_share: waited / seconds.max(f64::MIN_POSITIVE),
        resident_bytes: metrics::resident_bytes(),
    }
}

/// A line about an epoch.
fn said(epoch: u64, train: &Values, validation: Option<&Values>, best: bool) -> String {
    let terms = train.iter().filter(|(name, _)| *name != TOTAL);
    let terms = terms.map(|(name, value)| format!("{name} {value:.4}")).collect::<Vec<_>>().join(", ");
    let validation =
        validation.map(|values| format!("; validation {:.4}", total(values))).unwrap_or_default();
    let best = if best { ", best so far" } else { "" };
    format!("epoch {epoch}: loss {:.4} ({terms}){validation}{best}", total(train))
}
