//! What can be wrong with a weights file.

use std::path::PathBuf;

use schemas::count::counted;
use schemas::settings::SettingsError;

/// A weights file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file ends too early.
    #[error(
        "{} is cut short: it has {} of {}",
        path.display(),
        counted(*found, "byte"),
        expectation(*expected)
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes there should be, if the file still says so.
        expected: Option<u64>,
        /// Bytes there are.
        found: u64,
    },
    /// The file is something else.
    #[error("{} is not a safetensors file: {reason}", path.display())]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The content is not the one that was written.
    #[error(
        "{} is damaged: its content has the SHA-256 {found}, its metadata name {expected} (content_sha256, to \
         be left out where weights were changed on purpose)",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// SHA-256 in the metadata.
        expected: String,
        /// SHA-256 of what is there.
        found: String,
    },
    /// A tensor holds numbers of another kind.
    #[error("{}: tensor '{tensor}' holds {element}; F16, BF16, F32 and F64 can be read", path.display())]
    ElementType {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// What it holds.
        element: String,
    },
    /// Two tensors of one name were to be written.
    #[error("{}: two tensors are called '{tensor}'", path.display())]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// The name.
        tensor: String,
    },
    /// A tensor to be written has not as many numbers as its shape has places.
    #[error("{}: tensor '{tensor}' of shape {shape:?} has {}", path.display(), counted(*found, "number"))]
    Length {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
        /// How many numbers it has.
        found: usize,
    },
    /// Metadata are missing.
    #[error("the weights' metadata lack '{key}'")]
    MissingMetadata {
        /// The key.
        key: String,
    },
    /// A value of the metadata cannot be understood.
    #[error("the weights' metadata hold {key} = {value}: {reason}")]
    Metadata {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The metadata describe a model that cannot be.
    #[error("the weights' metadata describe no model: {fault}")]
    Sizes {
        /// Key, value and what is needed.
        fault: String,
    },
    /// The metadata describe a larger model than the file holds.
    #[error(
        "the weights' metadata describe a model of at least {needed} numbers, but the file holds {found}"
    )]
    Room {
        /// Numbers in the model's largest matrices.
        needed: f64,
        /// Numbers in the file.
        found: usize,
    },
    /// The featurisation settings cannot be understood.
    #[error("the weights' metadata: {0}")]
    Settings(#[from] SettingsError),
    /// The weights belong to another model or other features.
    #[error("the weights were made with {key} = {found}, but {expected} is needed")]
    Other {
        /// The setting.
        key: String,
        /// Its value in the weights' metadata.
        found: String,
        /// Its value here.
        expected: String,
    },
}

/// The expected number of bytes in words.
fn expectation(expected: Option<u64>) -> String {
    expected.map_or_else(|| "a larger number".to_owned(), |bytes| bytes.to_string())
}
