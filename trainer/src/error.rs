//! What ends a command of the trainer.

use std::path::{Path, PathBuf};

use schemas::count::counted;
use schemas::output::OutputIsInput;

use crate::config::ConfigError;
use crate::data::DataError;
use crate::device::DeviceError;
use crate::ranks::RanksError;
use crate::report::ReportError;
use crate::run::RunError;
use crate::table::UnknownEnding;
use crate::task::TaskError;
use crate::weights::{Mismatch, WeightsError};

/// An error with the file, key, crystal or tensor that it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The shards.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The run folder.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The processes that train together.
    #[error(transparent)]
    Ranks(#[from] RanksError),
    /// A weights file.
    #[error("{}", with_path(path, source))]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: WeightsError,
    },
    /// A weights file holds another model.
    #[error("{}: {source}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// The tensors that differ.
        source: Mismatch,
    },
    /// A folder to be evaluated is none of `trainer finetune`.
    #[error("{} holds no fine-tuning: there is no finetune.toml", path.display())]
    NoFinetuning {
        /// The folder.
        path: PathBuf,
    },
    /// A member of a fine-tuning has no weights.
    #[error("{} is missing: its training has not come so far, or it was removed", path.display())]
    NoMember {
        /// The member's weights.
        path: PathBuf,
    },
    /// Weights without a head were to predict.
    #[error("{} was pre-trained alone and predicts no property", path.display())]
    NotFinetuned {
        /// The file.
        path: PathBuf,
    },
    /// The task cannot be done with these shards.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The results of an evaluation.
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
    /// A file that says what a folder was begun with cannot be understood.
    #[error("{}: {reason}", path.display())]
    EnsembleRecord {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is nothing to train on.
    #[error("no crystal is left to train on: {subset} of {}", counted(*crystals, "crystal"))]
    NoCrystals {
        /// Which part was asked for.
        subset: String,
        /// Crystals in the shards.
        crystals: u64,
    },
    /// No shards were named.
    #[error("no shards are named")]
    NoShards,
    /// The run was made with other settings.
    #[error("the run in {} was started with {key} = {found}, not {asked}", path.display())]
    OtherConfiguration {
        /// The run's folder.
        path: PathBuf,
        /// The first key that differs.
        key: String,
        /// The run's value.
        found: String,
        /// The value asked for.
        asked: String,
    },
    /// The loss or a gradient is not a number any more.
    #[error(
        "the {quantity} is {value} in epoch {epoch}, batch {batch}: its crystals are listed in {}, the last \
         good checkpoint is kept; a lower optimiser.learning_rate or optimiser.clip_norm = 10 may help",
        listed.display()
    )]
    Diverged {
        /// `loss` or `norm of the gradients`.
        quantity: &'static str,
        /// NaN or an infinity.
        value: f64,
        /// Epoch, counted from 1.
        epoch: u64,
        /// Batch of the epoch, counted from 1.
        batch: u64,
        /// File with the batch's identifiers.
        listed: PathBuf,
    },
    /// A batch needs more memory than there is.
    #[error(
        "a batch of {} with {} needs about {} MiB, but only {} MiB are free: lower --batch, or set \
         --batch-triplets so that large crystals make small batches",
        counted(*crystals, "crystal"),
        counted(*edges, "edge"),
        needed >> 20,
        available >> 20
    )]
    Memory {
        /// Crystals of the batch.
        crystals: usize,
        /// Edges of the batch.
        edges: u64,
        /// Bytes it needs.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// What is to be written is read, too.
    #[error(transparent)]
    OutputIsInput(#[from] OutputIsInput),
    /// The ending of a table's name belongs to no format.
    #[error(transparent)]
    Format(#[from] UnknownEnding),
    /// `--per-atom` was asked for in a CSV.
    #[error(
        "{}: --per-atom gives every site a vector, for which a CSV has no place: .parquet, .json and .jsonl have",
        path.display()
    )]
    PerAtomCsv {
        /// The table.
        path: PathBuf,
    },
    /// The table to write exists already.
    #[error("{} already exists", path.display())]
    Exists {
        /// The table.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What is wrong with a weights file; what says nothing of the file gets its name.
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
}
