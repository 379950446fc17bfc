//! Errors of predictions.

use std::path::{Path, PathBuf};

use etl::pipeline::BuildError;
use etl::source::{InputKind, SourceError};
use schemas::count::{agree, counted};
use schemas::output::OutputIsInput;

use crate::data::DataError;
use crate::error::TrainError;
use crate::table::UnknownEnding;

/// An error that ends a prediction. It names the file, model or setting at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// No models were given.
    #[error("no weights are given")]
    NoModels,
    /// An argument names no weights.
    #[error("{}: no weights there", path.display())]
    NoWeights {
        /// The file, folder or pattern.
        path: PathBuf,
    },
    /// The record of a fine-tuning's members cannot be read.
    #[error(transparent)]
    Record(Box<TrainError>),
    /// No inputs were given.
    #[error("no input is given: name structures, folders, archives or stores")]
    NoInputs,
    /// Two models do not make an ensemble.
    #[error(
        "{} and {} make no ensemble: {key} is {first_value} in the first and {second_value} in the second",
        first.display(), second.display()
    )]
    DifferentModels {
        /// Weights file of the first model.
        first: PathBuf,
        /// Weights file of the model that differs.
        second: PathBuf,
        /// The property that differs.
        key: String,
        /// Value of the first model.
        first_value: String,
        /// Value of the second model.
        second_value: String,
    },
    /// A model returned another number of predictions than crystals, which is a bug.
    #[error("{}: {} for {}", path.display(), counted(*found, "prediction"), counted(*expected, "crystal"))]
    PredictionCount {
        /// Weights file of the model.
        path: PathBuf,
        /// Number of predictions.
        found: usize,
        /// Number of crystals.
        expected: usize,
    },
    /// The file name of the table has an unknown ending.
    #[error(transparent)]
    Format(#[from] UnknownEnding),
    /// The table of predictions, or that of the entries left out, already exists.
    #[error("{} already exists", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The table of the entries left out would replace a file that is not such a table.
    #[error(
        "{}: the entries left out would be listed here, but the file is no such list: move it",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The table of an interrupted prediction would replace a file that is not such a table.
    #[error(
        "{}: the predictions of an interrupted run would be here, but the file is no such table: move it",
        path.display()
    )]
    ForeignPartial {
        /// The file.
        path: PathBuf,
    },
    /// A table is also an input, or is inside a store that is read.
    #[error(transparent)]
    OutputIsInput(#[from] OutputIsInput),
    /// Stores and structures were given together.
    #[error("{} is a store and {} is not: give them one after another", store.display(), other.display())]
    StoresAndStructures {
        /// Path of the first store or shard.
        store: PathBuf,
        /// Path of the first other input.
        other: PathBuf,
    },
    /// Inputs of two kinds were given together.
    #[error(
        "{} is read as {first_kind} and {} as {second_kind}: give them one after another",
        first.display(), second.display()
    )]
    DifferentKinds {
        /// Path of the first input.
        first: PathBuf,
        /// Kind of the first input.
        first_kind: InputKind,
        /// Path of the first input of another kind.
        second: PathBuf,
        /// Kind of that input.
        second_kind: InputKind,
    },
    /// The kind of an input cannot be determined.
    #[error("{0}")]
    Kind(SourceError),
    /// The structures cannot be read.
    #[error(transparent)]
    Structures(#[from] BuildError),
    /// The shards cannot be read, the batches cannot be built, or a pattern of weights cannot be followed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// No entry of the input has a prediction.
    #[error(
        "no crystal could be predicted, {} {} left out{}",
        counted(*left_out, "entry"),
        agree(left_out, "was", "were"),
        see(listed.as_deref())
    )]
    NothingPredicted {
        /// Number of entries without a prediction.
        left_out: u64,
        /// Table of these entries, if there are any.
        listed: Option<PathBuf>,
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

impl PredictError {
    /// Adds the file to an error of writing.
    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}

/// Returns a hint to the table of the entries left out.
fn see(listed: Option<&Path>) -> String {
    listed.map_or_else(String::new, |path| format!(": see {}", path.display()))
}
