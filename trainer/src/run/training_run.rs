//! The training loop: epochs of batches with records and checkpoints, until the end or the first Ctrl-C.

mod epoch_end;
mod steps;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use burn::prelude::*;

use self::steps::{LearnedBatch, TakenStep};
use crate::config::Config;
use crate::config::run::Select;
use crate::data::fingerprint::fingerprint;
use crate::data::size::Size;
use crate::data::{Selection, StreamSettings};
use crate::device;
use crate::error::TrainError;
use crate::ranks::{self, Ranks};
use crate::run::begin::{Crystals, training_stream};
use crate::run::checkpoint::State;
use crate::run::folder::RunFolder;
use crate::run::gpu::GpuGauge;
use crate::run::interrupt::Interrupt;
use crate::run::memory::{self, LargestStep};
use crate::run::metrics::Record;
use crate::run::prepared::{Batches, Prepared};
use crate::run::progress::{Extent, Progress};
use crate::run::resident::MemoryGauge;
use crate::run::schedule::Schedule;
use crate::run::seconds::HostSeconds;
use crate::run::step::{Learner, Objective, Values};
use crate::run::writer::Writer;
use crate::unit;
use crate::weights::Description;

/// Number of seconds in a minute.
const MINUTE: f64 = 60.0;
/// Number of steps whose losses are read together from a device with its own memory. Each reading makes the host wait
/// for the device and then the device for the host.
const STEPS_A_READING: usize = 10;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The last epoch is done.
    Finished,
    /// The loss has not improved for the configured number of epochs.
    EarlyStopped,
    /// Ctrl-C stopped the run after a checkpoint.
    Interrupted,
}

/// The parts of a run that begins or continues.
#[derive(Debug)]
pub struct RunSetup<O: Objective> {
    /// The resolved configuration.
    pub config: Config,
    /// The device of the model, without automatic differentiation.
    pub device: Device,
    /// Crystals of the run.
    pub crystals: Crystals,
    /// Weights to keep as the best.
    pub select: Select,
    /// Description of the weights.
    pub description: Description,
    /// Model and optimiser.
    pub learner: Learner<O>,
    /// Number of optimiser steps of the whole run, for the schedule.
    pub steps: u64,
    /// State of the run; the default for a new one.
    pub state: State,
    /// Folder of the run.
    pub folder: RunFolder,
    /// Losses of the constant predictor, by term.
    pub constants: Values,
    /// Folder of the run's event files, if there are to be any.
    pub events: Option<PathBuf>,
}

impl<O: Objective> RunSetup<O> {
    /// Returns the length of the run.
    pub fn extent(&self) -> Extent {
        Extent { epochs: self.config.run.epochs, crystals: self.crystals.train.crystals() }
    }
}

/// A run in progress.
pub struct TrainingRun<'a, O: Objective> {
    config: Config,
    device: Device,
    crystals: Crystals,
    select: Select,
    description: Description,
    learner: Learner<O>,
    schedule: Schedule,
    state: State,
    ranks: Arc<dyn Ranks>,
    writer: Writer,
    progress: &'a mut Progress,
    constants: Values,
    interrupt: &'a Interrupt,
    saved: Instant,
    memory: MemoryGauge,
    largest_step: LargestStep,
    gpu: GpuGauge,
    /// Batches since the last step.
    learned: Vec<LearnedBatch>,
    /// Steps that are not yet recorded.
    taken: Vec<TakenStep>,
    /// The time of the last reading of losses.
    read: Instant,
    /// Seconds of the step in progress.
    seconds: HostSeconds,
}

impl<'a, O: Objective> TrainingRun<'a, O> {
    /// Begins a run. A new run writes a checkpoint at once. A failure in the first batches then leaves something to
    /// continue, and a resumed run begins with the given weights. `progress` is that of this run, or of several with
    /// this one as the current one.
    ///
    /// # Errors
    /// [`TrainError`] if the folder cannot be written, there are fewer crystals than ranks, or the shards of a resumed run have
    /// changed.
    pub fn begin(
        setup: RunSetup<O>,
        progress: &'a mut Progress,
        interrupt: &'a Interrupt,
    ) -> Result<Self, TrainError> {
        let Extent { epochs, crystals: in_an_epoch } = setup.extent();
        let RunSetup { config, crystals, state, folder, .. } = setup;
        let is_new = state.config_hash.is_empty();
        let shards_sha256 = Some(fingerprint(crystals.train.sources())?);
        if !is_new && state.shards_sha256.is_some() && state.shards_sha256 != shards_sha256 {
            return Err(TrainError::OtherShards { path: folder.path().to_owned() });
        }
        let ranks = Arc::clone(setup.learner.objective.ranks());
        ranks::require("training", crystals.train.crystals(), &*ranks)?;
        if let Some(validation) = &crystals.validation {
            ranks::require("validation", validation.crystals(), &*ranks)?;
        }
        let writer = Writer::open(folder, state.records, ranks.leads())?;
        let schedule = Schedule::new(&config.schedule, &config.optimiser, setup.steps, epochs);
        progress.begin(state.epoch * in_an_epoch + state.crystals, loss_unit(&setup.description));
        let processes = (!ranks.is_alone()).then(|| ranks.count() as u64);
        let mut run = Self {
            state: State { config_hash: config.hash(), shards_sha256, processes, ..state },
            config,
            gpu: GpuGauge::of(&setup.device),
            device: setup.device,
            crystals,
            select: setup.select,
            description: setup.description,
            learner: setup.learner,
            schedule,
            ranks,
            writer,
            progress,
            constants: setup.constants,
            interrupt,
            saved: Instant::now(),
            memory: MemoryGauge::default(),
            largest_step: LargestStep::default(),
            learned: Vec::new(),
            taken: Vec::new(),
            read: Instant::now(),
            seconds: HostSeconds::default(),
        };
        if is_new {
            // Before the configuration, which says that there is a run.
            run.save()?;
        }
        run.writer.config(&run.config)?;
        if let Some(folder) = setup.events {
            let unit = loss_unit(&run.description);
            run.writer.begin_events(&folder, run.state.step, unit)?;
        }
        Ok(run)
    }

    /// Runs until the end.
    ///
    /// # Errors
    /// [`TrainError`]. The last checkpoint is complete in any case.
    pub fn run(mut self) -> Result<(Ending, State), TrainError> {
        let ending = self.train()?;
        Ok((ending, self.state))
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

    /// Whether the last epochs have not improved the loss.
    fn is_stuck(&self) -> bool {
        let best = self.state.best_epoch.unwrap_or(0);
        self.config.run.early_stop.is_some_and(|patience| self.state.epoch.saturating_sub(best) >= patience)
    }

    /// Trains until the end of the epoch. Returns whether it was interrupted.
    fn epoch(&mut self) -> Result<bool, TrainError> {
        let begun = Instant::now();
        let (epoch, before) = (self.state.epoch, self.state.crystals);
        let drop_incomplete = self.config.data.drop_incomplete;
        let settings = StreamSettings { drop_incomplete, ..self.stream(epoch, self.state.batch) };
        let mut batches = self.batches(&self.crystals.train, settings)?;
        let mut waited = batches.waited();
        self.read = Instant::now();
        loop {
            let (config, device, largest) = (&self.config, &self.device, &mut self.largest_step);
            let next = batches.next(|graph| {
                largest.require(config, device, graph.crystals(), &Size::from(graph), memory::available)
            })?;
            self.seconds.wait += (batches.waited() - waited).as_secs_f64();
            waited = batches.waited();
            let Some(batch) = next else { break };
            self.learn(batch);
            if self.learner.accumulated() < self.config.optimiser.accumulate {
                continue;
            }
            self.step()?;
            if self.ranks.any(self.interrupt.requested()) {
                self.record_steps()?;
                return Ok(true);
            }
            if self.is_due() {
                self.record_steps()?;
                self.save()?;
            }
        }
        if self.learner.accumulated() > 0 {
            self.step()?;
        }
        self.record_steps()?;
        let waited = batches.waited().as_secs_f64();
        drop(batches);
        self.finish_epoch(begun, before, waited)?;
        Ok(false)
    }

    /// Opens batches on the device, prepared ahead if the device has its own memory. Several ranks compare the sizes of
    /// their shares, which must not happen while they exchange gradients.
    fn batches(&self, selection: &Selection, settings: StreamSettings) -> Result<Batches<O>, TrainError> {
        let ahead = !device::computes_on_host(&self.device) && self.ranks.is_alone();
        Batches::open(selection, settings, &self.learner.objective, ahead.then_some(&self.device))
    }

    /// Returns the settings of the stream of an epoch without its first `skip` batches.
    fn stream(&self, epoch: u64, skip: u64) -> StreamSettings {
        let inputs = self.learner.objective.inputs();
        training_stream(&self.config, inputs, epoch, skip, &*self.ranks, &self.device)
    }

    /// Computes the losses and gradients of a batch.
    fn learn(&mut self, prepared: Prepared<O::Batch>) {
        let Prepared { origin, batch, seconds } = prepared;
        self.seconds.upload += seconds;
        let count = origin.whole.len() as u64;
        self.state.batch += 1;
        self.state.crystals += count;
        if !self.learner.objective.trains_on(&batch) {
            self.state.skipped += 1;
            return;
        }
        let terms = self.learner.learn(&batch);
        let uploaded_bytes = self.learner.objective.uploaded_bytes(&batch) as u64;
        let (number, identifiers) = (self.state.batch, origin.whole);
        self.learned.push(LearnedBatch { terms, number, identifiers, uploaded_bytes });
    }

    /// Takes an optimiser step, and records it or, on a device with its own memory, some steps together.
    fn step(&mut self) -> Result<(), TrainError> {
        let place = self.state.step + self.state.missed + self.missed_in_epoch();
        let rates = self.schedule.at(place, self.state.epoch, &self.state.plateau);
        let norm = self.learner.gradient_norm();
        self.learner.step(&norm, rates);
        self.state.step += 1;
        let mut seconds = std::mem::take(&mut self.seconds);
        seconds += self.learner.take_seconds();
        self.taken.push(TakenStep {
            step: self.state.step,
            batches: std::mem::take(&mut self.learned),
            norm,
            learning_rate: rates.learning_rate,
            position: self.state.crystals,
            seconds,
        });
        let together = match device::computes_on_host(&self.device) || !self.ranks.is_alone() {
            true => 1,
            false => STEPS_A_READING,
        };
        if self.taken.len() >= together { self.record_steps() } else { Ok(()) }
    }

    /// Returns the number of optimiser steps that the batches left out so far in the epoch would have been.
    fn missed_in_epoch(&self) -> u64 {
        let State { batch, skipped, .. } = self.state;
        let steps = |batches: u64| batches.div_ceil(self.config.optimiser.accumulate as u64);
        steps(batch) - steps(batch.saturating_sub(skipped))
    }

    fn record(&mut self, record: Record) -> Result<(), TrainError> {
        self.state.records = self.writer.record(&record)?;
        Ok(())
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
        self.writer.checkpoint(&self.state, &self.description, &self.learner)?;
        self.saved = Instant::now();
        Ok(())
    }
}

/// Returns the unit of the losses of weights: that of their target, or none.
fn loss_unit(description: &Description) -> &str {
    description.target.as_ref().map_or(unit::PURE, |target| &target.unit)
}
