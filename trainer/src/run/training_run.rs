//! The training loop: epochs of batches with records and checkpoints, until the end or the first Ctrl-C.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use burn::module::Module;
use burn::prelude::*;
use schemas::count::counted;

use crate::config::Config;
use crate::config::run::Select;
use crate::config::schedule::ScheduleKind;
use crate::data::size::Size;
use crate::data::{Selection, StreamSettings};
use crate::device;
use crate::error::TrainError;
use crate::model::Pass;
use crate::model::mask::DrawKey;
use crate::optimiser::Norm;
use crate::ranks::{self, Ranks};
use crate::run::begin::{Crystals, training_stream};
use crate::run::card::Card;
use crate::run::checkpoint::State;
use crate::run::folder::RunFolder;
use crate::run::gpu::GpuGauge;
use crate::run::interrupt::Interrupt;
use crate::run::memory;
use crate::run::metrics::{Cost, EpochRecord, MemoryGauge, Record, StepRecord};
use crate::run::prepared::{Batches, Prepared};
use crate::run::progress::{Extent, Position, Progress};
use crate::run::schedule::Schedule;
use crate::run::seconds::HostSeconds;
use crate::run::snapshot;
use crate::run::step::{Learner, Objective, TOTAL, Values, total};
use crate::run::terms::Terms;
use crate::run::writer::{Divergence, Writer};
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

/// A batch that was learned from. Its losses may still be on the device.
struct LearnedBatch {
    terms: Terms,
    /// Number of the batch in its epoch, from 1.
    number: u64,
    /// Identifiers of the crystals.
    identifiers: Vec<String>,
    uploaded_bytes: u64,
}

/// A step that was taken, without losses and cost.
struct TakenStep {
    step: u64,
    batches: Vec<LearnedBatch>,
    norm: Norm,
    learning_rate: f64,
    /// Number of crystals of the epoch up to this step.
    position: u64,
    seconds: HostSeconds,
}

impl<'a, O: Objective> TrainingRun<'a, O> {
    /// Begins a run. A new run writes a checkpoint at once. A failure in the first batches then leaves something to
    /// continue, and a resumed run begins with the given weights. `progress` is that of this run, or of several with
    /// this one as the current one.
    ///
    /// # Errors
    /// [`TrainError`] if the folder cannot be written, or there are fewer crystals than ranks.
    pub fn begin(
        setup: RunSetup<O>,
        progress: &'a mut Progress,
        interrupt: &'a Interrupt,
    ) -> Result<Self, TrainError> {
        let Extent { epochs, crystals: in_an_epoch } = setup.extent();
        let RunSetup { config, crystals, state, folder, .. } = setup;
        let is_new = state.config_hash.is_empty();
        let ranks = Arc::clone(setup.learner.objective.ranks());
        ranks::require("training", crystals.train.crystals(), &*ranks)?;
        if let Some(validation) = &crystals.validation {
            ranks::require("validation", validation.crystals(), &*ranks)?;
        }
        let writer = Writer::open(folder, state.records, ranks.leads())?;
        let schedule = Schedule::new(&config.schedule, &config.optimiser, setup.steps, epochs);
        progress.begin(state.epoch * in_an_epoch + state.crystals, loss_unit(&setup.description));
        let processes = (!ranks.is_alone()).then(|| ranks.count() as u64);
        let mut course = Self {
            state: State { config_hash: config.hash(), processes, ..state },
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
            learned: Vec::new(),
            taken: Vec::new(),
            read: Instant::now(),
            seconds: HostSeconds::default(),
        };
        if is_new {
            // Before the configuration, which says that there is a run.
            course.save()?;
        }
        course.writer.config(&course.config)?;
        if let Some(folder) = setup.events {
            let unit = loss_unit(&course.description);
            course.writer.begin_events(&folder, course.state.step, unit)?;
        }
        Ok(course)
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
            let next = batches.next(|graph| {
                let size = Size::from(graph);
                memory::require(&self.config, graph.crystals(), &size, memory::available())
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

    /// Reads the losses of the steps that are not yet recorded, and records them.
    fn record_steps(&mut self) -> Result<(), TrainError> {
        let taken = std::mem::take(&mut self.taken);
        if taken.is_empty() {
            return Ok(());
        }
        let steps = taken.len() as f64;
        let mut begun = Instant::now();
        let mut reading = HostSeconds::default();
        let mut read = Vec::with_capacity(taken.len());
        let mut diverged = None;
        for step in taken {
            match self.losses(&step.batches).and_then(|losses| Ok((losses, self.finite_norm(&step)?))) {
                Ok((losses, norm)) => read.push((losses, norm, step)),
                Err(error) => {
                    // The steps before are good, and recorded.
                    diverged = Some(error);
                    break;
                }
            }
        }
        HostSeconds::lap(&mut reading.read, &mut begun);
        // The steps of a reading are not timed one by one: the device works on them while the host goes on.
        let elapsed = (begun - self.read).as_secs_f64() / steps;
        self.read = begun;
        let (resident_bytes, gpu_busy) = (self.memory.resident_bytes(), self.gpu.busy());
        let epoch = self.state.epoch + 1;
        for (losses, gradient_norm, step) in read {
            let crystals = step.batches.iter().map(|batch| batch.identifiers.len() as u64).sum();
            let mut seconds = step.seconds;
            seconds += reading / steps;
            let cost = Cost { resident_bytes, ..Cost::of(elapsed, crystals, seconds.wait) };
            self.progress.update(Position { epoch, crystals: step.position, loss: total(&losses) });
            self.record(Record::Step(StepRecord {
                step: step.step,
                epoch,
                crystals,
                losses,
                learning_rate: step.learning_rate,
                gradient_norm,
                cost,
                host_seconds: seconds,
                uploaded_bytes: step.batches.iter().map(|batch| batch.uploaded_bytes).sum(),
                gpu_busy,
            }))?;
        }
        HostSeconds::lap(&mut self.seconds.record, &mut begun);
        diverged.map_or(Ok(()), Err)
    }

    /// Returns the mean losses of the batches of a step, and adds them to those of the epoch.
    fn losses(&mut self, batches: &[LearnedBatch]) -> Result<Values, TrainError> {
        let mut sums = Values::new();
        for LearnedBatch { terms, number, identifiers, .. } in batches {
            let values = terms.clone().read();
            if let Some(value) = values.values().copied().find(|value| !value.is_finite()) {
                return Err(self.diverged("loss", value, *number, identifiers));
            }
            for (name, value) in values {
                *sums.entry(name.clone()).or_insert(0.0) += value;
                *self.state.sums.entry(name).or_insert(0.0) += value;
            }
        }
        let count = batches.len().max(1) as f64;
        Ok(sums.into_iter().map(|(name, sum)| (name, sum / count)).collect())
    }

    /// Returns the norm of the gradients of a step.
    fn finite_norm(&self, step: &TakenStep) -> Result<f64, TrainError> {
        let norm = step.norm.read();
        if norm.is_finite() {
            return Ok(norm);
        }
        let number = step.batches.last().map_or(self.state.batch, |batch| batch.number);
        let identifiers: Vec<String> =
            step.batches.iter().flat_map(|batch| batch.identifiers.iter().cloned()).collect();
        Err(self.diverged("norm of the gradients", norm, number, &identifiers))
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

    /// Ends an epoch: means, validation, best weights, record, checkpoint and curves.
    fn finish_epoch(&mut self, begun: Instant, before: u64, waited: f64) -> Result<(), TrainError> {
        let State { batch: all, skipped, .. } = self.state;
        if skipped > 0 && skipped == all {
            return Err(TrainError::NothingTrained { epoch: self.state.epoch + 1, batches: all });
        }
        let batches = all.saturating_sub(skipped).max(1) as f64;
        let train: Values = std::mem::take(&mut self.state.sums)
            .into_iter()
            .map(|(name, sum)| (name, sum / batches))
            .collect();
        let epoch = self.state.epoch + 1;
        self.learner.end_epoch(epoch);
        let model = self.learner.kept();
        let validation = self.validate(&model)?;
        let deciding = match (self.select, &validation) {
            (Select::Validation | Select::Last, Some(validation)) => total(validation),
            _ => total(&train),
        };
        let best = deciding.is_finite() && self.state.best_loss.is_none_or(|best| deciding < best);
        if self.config.schedule.kind == ScheduleKind::Plateau {
            self.state.plateau.add(deciding, &self.config.schedule.plateau);
        }
        if best {
            (self.state.best_loss, self.state.best_epoch) = (Some(deciding), Some(epoch));
        }
        let kept = best || self.select == Select::Last;
        self.state.last_loss = (self.select == Select::Last).then_some(deciding);
        if kept {
            self.writer.best(&model, &self.description, &self.learner.cycle_ends)?;
        }
        if self.config.keeps_cycle_end(epoch) {
            self.learner.cycle_ends.push(snapshot::weights_of(&model));
        }
        let crystals = self.state.crystals;
        let cost = Cost {
            resident_bytes: self.memory.resident_bytes(),
            ..Cost::of(begun.elapsed().as_secs_f64(), crystals - before, waited)
        };
        let summary = self.epoch_summary(epoch, &train, validation.as_ref(), best) + &left_out(skipped);
        let record = EpochRecord { step: self.state.step, epoch, crystals, train, validation, best, cost };
        if kept {
            let card = Card {
                config: &self.config,
                description: &self.description,
                sources: self.crystals.train.sources(),
                crystals: self.crystals.train.crystals(),
                epoch: &record,
                constants: &self.constants,
            };
            self.writer.card(&card)?;
        }
        self.record(Record::Epoch(record))?;
        self.progress.say(&summary);
        self.state.missed += self.missed_in_epoch();
        (self.state.epoch, self.state.batch, self.state.crystals) = (epoch, 0, 0);
        self.state.skipped = 0;
        // Before the checkpoint: a run killed in between draws them once more when it is resumed.
        let titles = self.learner.objective.titles();
        self.writer.curves(&self.constants, &titles, loss_unit(&self.description))?;
        self.save()
    }

    /// Returns the mean losses of a model over the validation set.
    fn validate(&self, model: &O::Model) -> Result<Option<Values>, TrainError> {
        let Some(selection) = &self.crystals.validation else { return Ok(None) };
        // Shuffled, the same way every time: a mean over batches that mix the stores can be compared
        // with training's, one over each store's own batches can not.
        let settings = self.stream(DrawKey::VALIDATION, 0);
        let model = model.clone().valid();
        let mut batches = self.batches(selection, settings)?;
        let (mut sums, mut weights) = (BTreeMap::new(), 0.0);
        let objective = &self.learner.objective;
        while let Some(Prepared { batch, .. }) = batches.next(|_| Ok(()))? {
            let weight = objective.weight(&batch);
            for (name, value) in objective.losses(&model, &batch, &mut Pass::evaluation()).1.read() {
                *sums.entry(name).or_insert(0.0) += weight * value;
            }
            weights += weight;
        }
        if sums.is_empty() {
            return Ok(None);
        }
        Ok(Some(sums.into_iter().map(|(name, sum): (String, f64)| (name, sum / weights)).collect()))
    }

    /// Returns a line about an epoch.
    fn epoch_summary(&self, epoch: u64, train: &Values, validation: Option<&Values>, best: bool) -> String {
        let loss = |values: &Values| self.progress.loss(total(values));
        let terms = train.iter().filter(|(name, _)| *name != TOTAL);
        let terms = terms.map(|(name, value)| format!("{name} {value:.4}")).collect::<Vec<_>>().join(", ");
        let validation =
            validation.map(|values| format!("; validation {}", loss(values))).unwrap_or_default();
        let best = if best { ", best so far" } else { "" };
        let terms = if terms.is_empty() { terms } else { format!(" ({terms})") };
        format!("epoch {epoch}: loss {}{terms}{validation}{best}", loss(train))
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

    /// Lists the crystals of a batch on which the run has diverged, and returns the error. `batch` counts from 1.
    fn diverged(&self, quantity: &'static str, value: f64, batch: u64, identifiers: &[String]) -> TrainError {
        let epoch = self.state.epoch + 1;
        let error = self.writer.diverged(Divergence { quantity, value, epoch, batch }, identifiers);
        // It is so on every rank: none may end the others before the list is written.
        self.ranks.any(true);
        error
    }
}

/// Tells of batches that could not be trained on.
fn left_out(batches: u64) -> String {
    match batches {
        0 => String::new(),
        count => format!("; {} of a single atom or edge left out", counted(count, "batch")),
    }
}

/// Returns the unit of the losses of weights: that of their target, or none.
fn loss_unit(description: &Description) -> &str {
    description.target.as_ref().map_or(unit::PURE, |target| &target.unit)
}
