//! The error type of the trainer's commands.

use std::path::{Path, PathBuf};

use schemas::count::counted;
use schemas::hash::file_sha256;
use schemas::output::OutputIsInput;
use schemas::settings::SettingsError;

use crate::catalogue::CatalogueError;
use crate::config::ConfigError;
use crate::data::DataError;
use crate::device::DeviceError;
use crate::ranks::RanksError;
use crate::report::ReportError;
use crate::report::part::Part;
use crate::run::RunError;
use crate::table::UnknownEnding;
use crate::task::TaskError;
use crate::weights::{Mismatch, WeightsError};

/// An error that ends a trainer command. It names the file, key, crystal or tensor at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The shards cannot be read or batched.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The device cannot be opened.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The run folder cannot be used.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The processes of a launcher cannot train together.
    #[error(transparent)]
    Ranks(#[from] RanksError),
    /// Weights cannot be found by their name.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// A weights file cannot be read, written or used.
    #[error("{}", with_path(path, source))]
    Weights {
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: WeightsError,
    },
    /// The store has other edges than the model needs.
    #[error("{model}: {source}")]
    OtherEdges {
        /// Name of the model.
        model: &'static str,
        /// The setting of the store that differs.
        source: SettingsError,
    },
    /// A weights file holds another model.
    #[error("{}: {source}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// The tensors that differ.
        source: Mismatch,
    },
    /// The work was interrupted, and nothing was written.
    #[error("interrupted")]
    Interrupted,
    /// The folder to evaluate is not that of a fine-tuning.
    #[error("{} holds no fine-tuning: there is no finetune.toml", path.display())]
    NoFinetuning {
        /// The folder.
        path: PathBuf,
    },
    /// The predictions of a member for its validation part cannot be read.
    #[error("cannot read the predictions for a validation part in {}: {reason}", path.display())]
    Calibration {
        /// The file.
        path: PathBuf,
        /// A description of the fault.
        reason: String,
    },
    /// A member of a fine-tuning has no weights.
    #[error("{} is missing: its training has not come so far, or it was removed", path.display())]
    NoMember {
        /// Path of the missing weights.
        path: PathBuf,
    },
    /// A pre-training of another kind of encoder.
    #[error("the pre-training \"{method}\" trains the encoder \"{needed}\", not \"{found}\"")]
    MethodKind {
        /// The pre-training, as `pretrain.method`.
        method: &'static str,
        /// The encoder that it trains.
        needed: &'static str,
        /// The encoder asked for.
        found: &'static str,
    },
    /// A setting with which a pre-training cannot learn.
    #[error("{key} = {value}: must be at least {least} with the pre-training \"{method}\"")]
    MethodSetting {
        /// The pre-training, as `pretrain.method`.
        method: &'static str,
        /// The dotted key.
        key: &'static str,
        /// The value.
        value: usize,
        /// The least value.
        least: usize,
    },
    /// No batch of an epoch could be trained on.
    #[error(
        "nothing was trained in epoch {epoch}: batch normalisation needs more than a single atom or edge in a batch, \
         and none of the {batches} has more"
    )]
    NothingTrained {
        /// The epoch, from 1.
        epoch: u64,
        /// Number of batches.
        batches: u64,
    },
    /// Weights without a head cannot predict.
    #[error("{} was pre-trained alone and predicts no property", path.display())]
    NotFinetuned {
        /// The file.
        path: PathBuf,
    },
    /// The task cannot be done with these shards.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The results of an evaluation cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A part of a task has no crystals.
    #[error("{task}, {fold}: no crystal is left for {part}")]
    EmptyPart {
        /// Name of the task.
        task: String,
        /// Name of the fold.
        fold: String,
        /// `train`, `validation` or `test`.
        part: &'static str,
    },
    /// No crystal of the scored parts has a value of a property.
    #[error("{task}: no crystal of a {part} part has a value of {property}")]
    NotScored {
        /// Name of the task.
        task: String,
        /// The scored part.
        part: Part,
        /// Name of the property.
        property: String,
    },
    /// The validation crystals were trained on, so that their scores say nothing.
    #[error("{}: trained on its validation crystals, too: their scores say nothing", path.display())]
    TrainedOnValidation {
        /// Folder of the fine-tuning.
        path: PathBuf,
    },
    /// A crystal that is to be shown was not tested.
    #[error("{material_id} is not among the test crystals")]
    NoTestCrystal {
        /// Identifier of the crystal.
        material_id: String,
    },
    /// The record of a fine-tuning's folder cannot be understood.
    #[error("{}: {reason}", path.display())]
    EnsembleRecord {
        /// The file.
        path: PathBuf,
        /// A description of the fault.
        reason: String,
    },
    /// No crystals are left to train on.
    #[error("no crystal is left to train on: {subset} of {}", counted(*crystals, "crystal"))]
    NoCrystals {
        /// Name of the selected subset.
        subset: String,
        /// Number of crystals in the shards.
        crystals: u64,
    },
    /// The crystals for training do not fill a batch, and smaller ones are left out.
    #[error(
        "{} to train on cannot fill a batch of {batch}, and data.drop_incomplete leaves out smaller ones",
        counted(*crystals, "crystal")
    )]
    NoWholeBatch {
        /// Number of crystals for training.
        crystals: u64,
        /// Number of crystals in a batch of all processes.
        batch: u64,
    },
    /// No shards were given.
    #[error("no shards are named")]
    NoShards,
    /// The run in the folder has other settings.
    #[error(
        "the run in {} was started with {key} = {found}, not {asked}{}",
        path.display(),
        why(key, found, asked)
    )]
    OtherConfiguration {
        /// The run's folder.
        path: PathBuf,
        /// The first key that differs.
        key: String,
        /// Value of the run.
        found: String,
        /// Value asked for.
        asked: String,
    },
    /// The mean or the standard deviation of targets is beyond the largest number.
    #[error("values of {property} are so large that their mean or deviation is no number: use another unit")]
    LargeTargets {
        /// The property.
        property: String,
    },
    /// The shards of a resumed run have changed since it was started.
    #[error("the shards have changed since the run in {} was started", path.display())]
    OtherShards {
        /// The run's folder.
        path: PathBuf,
    },
    /// The training or validation crystals of a member, or their values, have changed since it was started.
    #[error(
        "the training or validation crystals of {}, or their values, have changed since it was started",
        path.display()
    )]
    OtherCrystals {
        /// The member's folder.
        path: PathBuf,
    },
    /// The loss or a gradient is not finite.
    #[error(
        "the {quantity} is {value} in epoch {epoch}, batch {batch}: its crystals are listed in {}, the last \
         good checkpoint is kept; a lower optimiser.learning_rate or optimiser.clip_norm = 10 may help",
        listed.display()
    )]
    Diverged {
        /// `loss`, `norm of the gradients` or `validation loss`.
        quantity: &'static str,
        /// NaN or an infinity.
        value: f64,
        /// Epoch, counted from 1.
        epoch: u64,
        /// Batch of the epoch, counted from 1.
        batch: u64,
        /// File with the identifiers of the batch's crystals.
        listed: PathBuf,
    },
    /// Weights give a number that is not finite for a crystal.
    #[error(
        "{}: the {quantity} of {material_id} is not finite: the training has diverged, or it knows no crystal like this",
        weights.display()
    )]
    NotFinite {
        /// The weights.
        weights: PathBuf,
        /// `embedding` or `prediction`.
        quantity: &'static str,
        /// Identifier of the crystal.
        material_id: String,
    },
    /// A batch needs more memory than is available.
    #[error(
        "a batch of {} with {} needs about {} MiB, but only {} MiB are free: lower \
         data.batch_crystals, or set data.batch_triplets so that large crystals make small batches",
        counted(*crystals, "crystal"),
        counted(*edges, "edge"),
        needed >> 20,
        available >> 20
    )]
    Memory {
        /// Number of crystals in the batch.
        crystals: usize,
        /// Number of edges in the batch.
        edges: u64,
        /// Memory needed, in bytes.
        needed: u64,
        /// Memory available, in bytes.
        available: u64,
    },
    /// A model needs more memory than is available.
    #[error(
        "a model of {numbers} numbers needs about {} MiB with its gradients and the optimiser's means, but only {} MiB \
         are free: lower the widths or the numbers of layers",
        needed >> 20,
        available >> 20
    )]
    ModelMemory {
        /// Number of numbers of the model.
        numbers: f64,
        /// Memory needed, in bytes.
        needed: u64,
        /// Memory available, in bytes.
        available: u64,
    },
    /// The output is also an input.
    #[error(transparent)]
    OutputIsInput(#[from] OutputIsInput),
    /// The file name of a table has an unknown ending.
    #[error(transparent)]
    Format(#[from] UnknownEnding),
    /// The embeddings of every atom were asked for in a CSV.
    #[error(
        "{}: a CSV has no place for the vectors of every atom (per_atom): .parquet, .json and .jsonl have",
        path.display()
    )]
    PerAtomCsv {
        /// The table.
        path: PathBuf,
    },
    /// The table to write already exists.
    #[error("{} already exists", path.display())]
    Exists {
        /// The table.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: std::io::Error,
    },
}

impl TrainError {
    /// Returns the SHA-256 of a file, such as a weights file, in hexadecimal digits.
    ///
    /// # Errors
    /// [`TrainError::Read`].
    pub fn sha256_of(path: &Path) -> Result<String, Self> {
        match file_sha256(path) {
            Ok((sha256, _)) => Ok(sha256),
            Err(source) => Err(Self::Read { path: path.to_owned(), source }),
        }
    }
}

/// Returns the reason why a run cannot go on with another value of a setting, where it is not plain.
fn why(key: &str, found: &str, asked: &str) -> &'static str {
    let number = |text: &str| text.parse::<u64>().ok();
    match key {
        "run.epochs" if number(asked) < number(found) => ": a run cannot become shorter",
        // Without such a schedule a run may become longer.
        "run.epochs" => ": its learning rates depend on it, by schedule.kind",
        _ => "",
    }
}

/// Returns the message of an error of a weights file, with the path where the error lacks it.
fn with_path(path: &Path, source: &WeightsError) -> String {
    let (name, text) = (path.display().to_string(), source.to_string());
    if text.contains(&name) { text } else { format!("{name}: {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weights_file_is_named_once() {
        let path = PathBuf::from("runs/best.safetensors");
        let cut = WeightsError::Truncated { path: path.clone(), expected: Some(12), found: 8 };
        let lacking = WeightsError::MissingMetadata { key: "mmpt.config".to_owned() };
        for source in [cut, lacking] {
            let line = TrainError::Weights { path: path.clone(), source }.to_string();
            assert_eq!(line.matches("best.safetensors").count(), 1, "{line}");
        }
    }

    #[test]
    fn the_length_of_a_run_is_fixed_for_a_reason() {
        let of = |key: &str, found: &str, asked: &str| {
            let (key, found, asked) = (key.to_owned(), found.to_owned(), asked.to_owned());
            TrainError::OtherConfiguration { path: "runs".into(), key, found, asked }.to_string()
        };
        let other = |key: &str| of(key, "1", "2");
        let shorter = of("run.epochs", "10", "9");
        assert!(shorter.ends_with("run.epochs = 10, not 9: a run cannot become shorter"), "{shorter}");
        assert_eq!(
            other("run.epochs"),
            "the run in runs was started with run.epochs = 1, not 2: its learning rates depend on it, by schedule.kind"
        );
        assert_eq!(other("seed"), "the run in runs was started with seed = 1, not 2");
    }
}
