//! Errors of searches and maps in the space of embeddings.

use std::path::{Path, PathBuf};

use etl::pipeline::BuildError;
use schemas::StoreError;
use schemas::output::OutputIsInput;

use crate::data::DataError;
use crate::error::TrainError;
use crate::predict::PredictError;
use crate::table::UnknownEnding;

/// An error that ends a search or a map. It names the file, crystal or setting at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// Weights, shards or the device cannot be used.
    #[error(transparent)]
    Train(Box<TrainError>),
    /// The shards cannot be read, or the batches cannot be built.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Structures cannot be read.
    #[error(transparent)]
    Structures(Box<BuildError>),
    /// The kind of structures is not known.
    #[error(transparent)]
    Kind(Box<PredictError>),
    /// Neither weights nor a table of embeddings were given.
    #[error("no embeddings: name weights to compute them, or a table of them")]
    NoEmbeddings,
    /// Structures need the weights.
    #[error(
        "{query} is no crystal of the shards, and a structure is embedded by weights, which are not given"
    )]
    NoWeights {
        /// The query as given.
        query: String,
    },
    /// The encoder has no vector of this kind.
    #[error("{}: the encoder has no {vector}, since it embeds atoms alone", path.display())]
    NoVector {
        /// The weights file.
        path: PathBuf,
        /// Column of the vector.
        vector: &'static str,
    },
    /// A table of embeddings cannot be read, or is none.
    #[error("{}: {problem}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A table of embeddings is of other weights.
    #[error(
        "{}: the embeddings are not of {}: their weights have the SHA-256 {found}, these {expected}",
        path.display(), weights.display()
    )]
    OtherWeights {
        /// The table.
        path: PathBuf,
        /// The weights file.
        weights: PathBuf,
        /// SHA-256 in the table.
        found: String,
        /// SHA-256 of the weights file.
        expected: String,
    },
    /// A table of embeddings is of other shards.
    #[error("{}: {difference}", path.display())]
    OtherShards {
        /// The table.
        path: PathBuf,
        /// What differs: the crystal of a row, or the contents of the shards.
        difference: String,
    },
    /// An embedding is no finite number.
    #[error("{material_id}: {vector}[{column}] is {value}: nothing is near it")]
    NotFinite {
        /// Identifier of the crystal.
        material_id: String,
        /// Column of the vector.
        vector: &'static str,
        /// Index in the vector.
        column: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// A query is neither a crystal nor a file.
    #[error("{query} is neither a crystal of the shards nor a file")]
    UnknownQuery {
        /// The query as given.
        query: String,
    },
    /// A structure was rejected.
    #[error("{path}: {reason}: {message}")]
    Rejected {
        /// The file; `archive!member` for a member of an archive.
        path: String,
        /// Code of the reason.
        reason: &'static str,
        /// What is wrong, with line and value.
        message: String,
    },
    /// A file of queries has no structures.
    #[error("{}: no structure in it", path.display())]
    NoStructures {
        /// The file.
        path: PathBuf,
    },
    /// A setting is out of range.
    #[error("{setting} = {value} must be {expected}")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// The value.
        value: f64,
        /// The allowed values.
        expected: &'static str,
    },
    /// The file to replace is no map.
    #[error("{}: no map, and not replaced", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file name of a table has an unknown ending.
    #[error(transparent)]
    Format(#[from] UnknownEnding),
    /// The output already exists.
    #[error("{} already exists", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The output is also an input.
    #[error(transparent)]
    OutputIsInput(#[from] OutputIsInput),
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: std::io::Error,
    },
}

impl From<TrainError> for SpaceError {
    fn from(error: TrainError) -> Self {
        Self::Train(Box::new(error))
    }
}

impl From<PredictError> for SpaceError {
    fn from(error: PredictError) -> Self {
        Self::Kind(Box::new(error))
    }
}

impl From<BuildError> for SpaceError {
    fn from(error: BuildError) -> Self {
        Self::Structures(Box::new(error))
    }
}

impl From<StoreError> for SpaceError {
    fn from(error: StoreError) -> Self {
        Self::Data(error.into())
    }
}

impl SpaceError {
    /// Adds the file to an error of writing.
    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}
