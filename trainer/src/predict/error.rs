//! Why there are no predictions.

use std::path::{Path, PathBuf};

use etl::pipeline::BuildError;
use etl::source::{InputKind, SourceError};
use schemas::count::{agree, counted};
use schemas::output::OutputIsInput;

use crate::data::DataError;
use crate::table::UnknownEnding;

/// An error with the file, model or setting that it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// No model was given.
    #[error("no weights are given")]
    NoModels,
    /// An argument that names no weights.
    #[error("{}: no weights there", path.display())]
    NoWeights {
        /// The file, folder or pattern given.
        path: PathBuf,
    },
    /// No input was given.
    #[error("no input is given: name structures, folders, archives or stores")]
    NoInputs,
    /// Two models do not make an ensemble.
    #[error(
        "{} and {} make no ensemble: {key} is {first_value} in the first and {second_value} in the second",
        first.display(), second.display()
    )]
    DifferentModels {
        /// Weights of the first model.
        first: PathBuf,
        /// Weights of the model that differs from it.
        second: PathBuf,
        /// What differs.
        key: String,
        /// The first model's value.
        first_value: String,
        /// The second model's value.
        second_value: String,
    },
    /// A model gave another number of predictions than it was asked for: a fault of this software.
    #[error("{}: {} for {}", path.display(), counted(*found, "prediction"), counted(*expected, "crystal"))]
    PredictionCount {
        /// The model's weights.
        path: PathBuf,
        /// Predictions it gave.
        found: usize,
        /// Crystals of the batch.
        expected: usize,
    },
    /// The ending of the table's name belongs to no format.
    #[error(transparent)]
    Format(#[from] UnknownEnding),
    /// The table of predictions, or that of the entries left out, exists already.
    #[error("{} already exists", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The table of the entries left out would replace another file.
    #[error(
        "{}: the entries left out would be listed here, but the file is no such list: move it",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A table is an input as well, or lies in a store that is read.
    #[error(transparent)]
    OutputIsInput(#[from] OutputIsInput),
    /// Stores and structures were given together.
    #[error("{} is a store and {} is not: give them one after another", store.display(), other.display())]
    StoresAndStructures {
        /// The first store or shard.
        store: PathBuf,
        /// The first other input.
        other: PathBuf,
    },
    /// Inputs of two kinds were given together.
    #[error(
        "{} is read as {first_kind} and {} as {second_kind}: give them one after another",
        first.display(), second.display()
    )]
    DifferentKinds {
        /// First input.
        first: PathBuf,
        /// Its kind.
        first_kind: InputKind,
        /// First input of another kind.
        second: PathBuf,
        /// Its kind.
        second_kind: InputKind,
    },
    /// The kind of an input cannot be found out.
    #[error("{0}")]
    Kind(SourceError),
    /// The structures cannot be read.
    #[error(transparent)]
    Structures(#[from] BuildError),
    /// The shards cannot be read, or the batches cannot be built.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Not one entry of the input has a prediction.
    #[error(
        "no crystal could be predicted, {} {} left out{}",
        counted(*left_out, "entry"),
        agree(left_out, "was", "were"),
        see(listed.as_deref())
    )]
    NothingPredicted {
        /// Entries without a prediction.
        left_out: u64,
        /// The table that lists them, if there are any.
        listed: Option<PathBuf>,
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

impl PredictError {
    /// Wraps an error of writing with the file.
    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}

/// Where to find out more.
fn see(listed: Option<&Path>) -> String {
    listed.map_or_else(String::new, |path| format!(": see {}", path.display()))
}
