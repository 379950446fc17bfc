//! Writing to the folder of a run. Rank 0 writes everything, the others nothing.

use std::io::Write;
use std::path::Path;

use burn::module::Module;

use crate::atomic;
use crate::config::Config;
use crate::error::TrainError;
use crate::run::average::WeightAverage;
use crate::run::card::Card;
use crate::run::checkpoint::{Checkpoint, State};
use crate::run::cycle_ends::CycleEnds;
use crate::run::folder::{DIVERGED_FILE, RunFolder};
use crate::run::metrics::{self, MetricsLog, Record};
use crate::run::snapshot;
use crate::run::step::{Learner, Objective, Titles, Values};
use crate::run::tensorboard::EventFile;
use crate::weights::{self, Description};

/// A loss or gradient that is not finite, and its place.
pub(super) struct Divergence {
    /// Name of the quantity: `loss`, `norm of the gradients` or `validation loss`.
    pub(super) quantity: &'static str,
    /// NaN or an infinity.
    pub(super) value: f64,
    /// Epoch, from 1.
    pub(super) epoch: u64,
    /// Batch of the epoch, from 1.
    pub(super) batch: u64,
}

/// Writer of a run's folder.
#[derive(Debug)]
pub(super) struct Writer {
    folder: RunFolder,
    /// The records; `None` on all ranks but the first.
    log: Option<MetricsLog>,
    /// The records for TensorBoard, if they are wanted.
    events: Option<EventFile>,
}

impl Writer {
    /// Opens the folder and keeps its first `records` records.
    pub(super) fn open(folder: RunFolder, records: u64, leads: bool) -> Result<Self, TrainError> {
        let log = leads.then(|| MetricsLog::open(&folder.metrics(), records)).transpose()?;
        Ok(Self { folder, log, events: None })
    }

    /// Writes the records for TensorBoard, too, into a folder; see [`EventFile::create`].
    pub(super) fn begin_events(&mut self, folder: &Path, step: u64, unit: &str) -> Result<(), TrainError> {
        if self.writes() {
            self.events = Some(EventFile::create(folder, step, unit)?);
        }
        Ok(())
    }

    fn writes(&self) -> bool {
        self.log.is_some()
    }

    /// Writes the resolved configuration.
    pub(super) fn config(&self, config: &Config) -> Result<(), TrainError> {
        if self.writes() {
            self.folder.write_config(config)?;
        }
        Ok(())
    }

    /// Appends a record and returns the number of records.
    pub(super) fn record(&mut self, record: &Record) -> Result<u64, TrainError> {
        let Some(log) = &mut self.log else { return Ok(0) };
        log.append(record)?;
        if let Some(events) = &mut self.events {
            events.append(record)?;
        }
        Ok(log.records())
    }

    /// Writes the best weights, with those at the ends of earlier cycles.
    pub(super) fn best<M: Module>(
        &self,
        model: &M,
        description: &Description,
        cycle_ends: &CycleEnds,
    ) -> Result<(), TrainError> {
        if !self.writes() {
            return Ok(());
        }
        let path = self.folder.best();
        let tensors = snapshot::weights_of(model).into_iter().chain(cycle_ends.named());
        weights::write(&path, &description.to_metadata(), tensors)
            .map_err(|source| TrainError::Weights { path, source })
    }

    /// Writes the card of the best weights.
    pub(super) fn card(&self, card: &Card<'_>) -> Result<(), TrainError> {
        if self.writes() { card.write(&self.folder.card()) } else { Ok(()) }
    }

    /// Draws the loss curves. `titles` say what the losses are; `unit` is that of the weighted sum.
    pub(super) fn curves(&self, constants: &Values, titles: &Titles, unit: &str) -> Result<(), TrainError> {
        if self.writes() {
            let records = metrics::read(&self.folder.metrics())?;
            crate::run::curves::write(&self.folder.curves(), records, constants, titles, unit)?;
        }
        Ok(())
    }

    /// Writes the records to disk, then the checkpoint.
    pub(super) fn checkpoint<O: Objective>(
        &self,
        state: &State,
        description: &Description,
        learner: &Learner<O>,
    ) -> Result<(), TrainError> {
        let Some(log) = &self.log else { return Ok(()) };
        log.sync()?;
        let (first_moments, second_moments) = snapshot::moments_of(&learner.optimiser);
        let checkpoint = Checkpoint {
            state: state.clone(),
            description: description.clone(),
            weights: snapshot::weights_of(learner.model()),
            first_moments,
            second_moments,
            averages: learner.average.as_ref().map(WeightAverage::tensors).unwrap_or_default(),
            cycle_ends: learner.cycle_ends.clone(),
        };
        Ok(checkpoint.write(&self.folder.checkpoint())?)
    }

    /// Lists the crystals of a batch on which the run has diverged, and returns the error.
    pub(super) fn diverged(&self, divergence: Divergence, identifiers: &[String]) -> TrainError {
        let Divergence { quantity, value, epoch, batch } = divergence;
        let listed = self.folder.path().join(DIVERGED_FILE);
        let content = serde_json::json!({
            "quantity": quantity,
            "value": value.to_string(),
            "epoch": epoch,
            "batch": batch,
            "material_ids": identifiers,
        });
        let written = match self.writes() {
            true => atomic::write(&listed, |out| writeln!(out, "{content:#}")),
            false => Ok(()),
        };
        match written {
            Ok(()) => TrainError::Diverged { quantity, value, epoch, batch, listed },
            Err(source) => TrainError::Write { path: listed, source },
        }
    }
}
