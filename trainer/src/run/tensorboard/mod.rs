//! Event files for TensorBoard: the records of a run as curves over its optimiser steps.
//!
//! | curve | content |
//! |---|---|
//! | `step/loss`, `step/<term>` | mean losses of a step's batches |
//! | `train/loss`, `train/<term>` | mean training losses of an epoch |
//! | `validation/loss`, `validation/<term>` | mean validation losses after an epoch |
//! | `optimiser/learning_rate`, `optimiser/gradient_norm` | of a step |
//! | `speed/step_crystals_per_second`, `speed/epoch_crystals_per_second` | crystals per second; an epoch's with its validation |
//!
//! The files of a run lie in a folder, numbered in the order in which they were begun. A run that is resumed begins
//! another file, whose first message drops the steps after the checkpoint from the files before. Numbers are those of
//! [`metrics`](super::metrics) in single precision.

mod frame;
mod message;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;

use super::error::RunError;
use super::folder::Existing;
use super::metrics::{EpochRecord, Losses, Record, StepRecord};
use crate::run::step::TOTAL;
use crate::unit;

use message::{Content, Event, Metadata, Summary, Value};

/// Beginning of the name of an event file, by which TensorBoard finds it, before its number.
const PREFIX: &str = "events.out.tfevents.";
/// Number of digits of that number, so that names sort like numbers.
const DIGITS: usize = 10;
/// End of the names of our event files.
const SUFFIX: &str = ".mmpt";
/// Depth of the folders with event files: those of members lie in folders of folds.
const DEPTH: usize = 2;
/// Name of a run in a folder without a name.
const NAMELESS: &str = "run";
/// Curves of speed.
const STEP_SPEED: &str = "speed/step_crystals_per_second";
const EPOCH_SPEED: &str = "speed/epoch_crystals_per_second";

/// Returns the folder for the event files of a run, or of the members of a fine-tuning: that of the run's name.
pub fn folder_of(tensorboard: &Path, run: &Path) -> PathBuf {
    let name = |path: PathBuf| path.file_name().map(OsStr::to_owned);
    let name = std::path::absolute(run).ok().and_then(name);
    let name =
        name.or_else(|| std::fs::canonicalize(run).ok().and_then(|path| Some(path.file_name()?.to_owned())));
    tensorboard.join(name.unwrap_or_else(|| OsString::from(NAMELESS)))
}

/// Checks that a new run does not mix its event files with those of another run.
///
/// # Errors
/// [`RunError::Events`], or [`RunError::Io`] if a folder cannot be read.
pub fn require_free(folder: &Path, existing: Existing) -> Result<(), RunError> {
    match existing {
        Existing::Resume | Existing::Overwrite => Ok(()),
        Existing::Refuse if files_below(folder, DEPTH)?.is_empty() => Ok(()),
        Existing::Refuse => Err(RunError::Events { path: folder.to_owned() }),
    }
}

/// Removes the event files of a run that is replaced.
///
/// # Errors
/// [`RunError::Io`].
pub fn clear(folder: &Path) -> Result<(), RunError> {
    for path in files_below(folder, DEPTH)? {
        std::fs::remove_file(&path).map_err(RunError::io("remove", &path))?;
    }
    Ok(())
}

/// Returns the number of an event file of ours.
fn number_of(name: &OsStr) -> Option<u64> {
    let digits = name.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    (digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

/// Returns the event files in a folder, and those in folders down to a depth.
fn files_below(folder: &Path, depth: usize) -> Result<Vec<PathBuf>, RunError> {
    let unreadable = || RunError::io("read", folder);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable())?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable())?;
        let kind = entry.file_type().map_err(unreadable())?;
        if kind.is_file() && number_of(&entry.file_name()).is_some() {
            files.push(entry.path());
        } else if kind.is_dir() && depth > 0 {
            files.extend(files_below(&entry.path(), depth - 1)?);
        }
    }
    Ok(files)
}

/// An event file, open for appending.
#[derive(Debug)]
pub(super) struct EventFile {
    path: PathBuf,
    file: File,
    /// Unit of the weighted sum of the losses; `1` for none.
    unit: String,
    /// Curves that the file describes already.
    described: BTreeSet<String>,
}

impl EventFile {
    /// Begins a file of a run that goes on after `step`, behind those that are there. `unit` is that of the weighted sum
    /// of the losses, `1` for none.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub(super) fn create(folder: &Path, step: u64, unit: &str) -> Result<Self, RunError> {
        std::fs::create_dir_all(folder).map_err(RunError::io("create", folder))?;
        let there = files_below(folder, 0)?;
        let last = there.iter().filter_map(|path| number_of(path.file_name()?)).max();
        let number = last.map_or(0, |number| number.saturating_add(1));
        let path = folder.join(format!("{PREFIX}{number:0DIGITS$}{SUFFIX}"));
        let file = OpenOptions::new().append(true).create_new(true).open(&path);
        let file = file.map_err(RunError::io("create", &path))?;
        let mut events = Self { path, file, unit: unit.to_owned(), described: BTreeSet::new() };
        events.write(0, Content::version())?;
        if last.is_some() {
            events.write(step.saturating_add(1), Content::start())?;
        }
        Ok(events)
    }

    /// Appends the curves' points of a record.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub(super) fn append(&mut self, record: &Record) -> Result<(), RunError> {
        let (step, points) = match record {
            Record::Step(record) => (record.step, points_of_step(record)),
            Record::Epoch(record) => (record.step, points_of_epoch(record)),
        };
        let values = points.into_iter().map(|(tag, value)| self.value(tag, value)).collect();
        self.write(step, Content::Summary(Summary { values }))
    }

    /// Returns a point, with the description of its curve if it is the first.
    fn value(&mut self, tag: String, value: f64) -> Value {
        let is_first = self.described.insert(tag.clone());
        let metadata = is_first.then(|| Metadata::of_scalars(self.description(&tag)));
        Value { tag, value: Some(value as f32), metadata }
    }

    /// Returns the description of a curve.
    fn description(&self, tag: &str) -> String {
        match tag.rsplit_once('/') {
            _ if [STEP_SPEED, EPOCH_SPEED].contains(&tag) => "crystals per second".to_owned(),
            Some((_, TOTAL)) => unit::shown("in ", &self.unit, ""),
            _ => String::new(),
        }
    }

    /// Appends an event as one piece, so that a reader sees whole ones alone.
    fn write(&mut self, step: u64, content: Content) -> Result<(), RunError> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let event = Event { wall_time: now(), step, content: Some(content) };
        let framed = frame::framed(&event.encode_to_vec());
        self.file.write_all(&framed).map_err(RunError::io("write", &self.path))
    }
}

/// Returns the seconds since 1970; 0 for a clock before that.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// Curves by name, with a point each.
type Points = Vec<(String, f64)>;

fn points_of(losses: &Losses, group: &str) -> Points {
    losses.iter().map(|(term, loss)| (format!("{group}/{term}"), *loss)).collect()
}

fn points_of_step(record: &StepRecord) -> Points {
    let mut points = points_of(&record.losses, "step");
    points.push(("optimiser/learning_rate".to_owned(), record.learning_rate));
    points.push(("optimiser/gradient_norm".to_owned(), record.gradient_norm));
    points.push((STEP_SPEED.to_owned(), record.cost.crystals_per_second));
    points
}

fn points_of_epoch(record: &EpochRecord) -> Points {
    let mut points = points_of(&record.train, "train");
    points.extend(record.validation.iter().flat_map(|losses| points_of(losses, "validation")));
    points.push((EPOCH_SPEED.to_owned(), record.cost.crystals_per_second));
    points
}

#[cfg(test)]
mod tests;
