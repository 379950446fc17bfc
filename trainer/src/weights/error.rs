//! Errors of weights files.

use std::path::PathBuf;

use schemas::count::counted;
use schemas::settings::SettingsError;

use super::tensor::ElementType;

/// An error of reading or writing a weights file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// A file system operation failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The operation: `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: std::io::Error,
    },
    /// The file is truncated.
    #[error(
        "{} is cut short: it has {} of {}",
        path.display(),
        counted(*found, "byte"),
        expectation(*expected)
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Expected number of bytes, if it can still be read.
        expected: Option<u64>,
        /// Actual number of bytes.
        found: u64,
    },
    /// The file is not in the safetensors format.
    #[error("{} is not a safetensors file: {reason}", path.display())]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// A description of the fault.
        reason: String,
    },
    /// The content has changed since it was written.
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
        /// SHA-256 of the content.
        found: String,
    },
    /// A tensor has an unsupported element type.
    #[error("{}: tensor '{tensor}' holds {element}; F16, BF16, F32 and F64 can be read", path.display())]
    ElementType {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// The element type.
        element: String,
    },
    /// Two tensors to write have the same name.
    #[error("{}: two tensors are called '{tensor}'", path.display())]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// Name of the tensors.
        tensor: String,
    },
    /// A tensor to write has a different number of values than its shape.
    #[error("{}: tensor '{tensor}' of shape {shape:?} has {}", path.display(), counted(*found, "number"))]
    Length {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// Shape of the tensor.
        shape: Vec<usize>,
        /// Number of values.
        found: usize,
    },
    /// A number to write is beyond the largest one of its element type.
    #[error("{}: tensor '{tensor}' has numbers beyond the largest one of {element}", path.display())]
    Range {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// The element type.
        element: ElementType,
    },
    /// A tensor of a file has another shape or other values than the file's purpose needs.
    #[error("tensor '{tensor}' must hold {needed}")]
    Tensor {
        /// Name of the tensor.
        tensor: String,
        /// A description of the needed content.
        needed: String,
    },
    /// The metadata lack a key.
    #[error("the weights' metadata lack '{key}'")]
    MissingMetadata {
        /// The key.
        key: String,
    },
    /// A value of the metadata is invalid.
    #[error("the weights' metadata hold {key} = {value}: {reason}")]
    Metadata {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// A description of the fault.
        reason: String,
    },
    /// The metadata describe features without the edges of the model.
    #[error(
        "the weights' metadata describe a model of edges \"{edges}\", which need {key} = {expected}, but {key} = {found}"
    )]
    Edges {
        /// Edges of the model, as `edges` of its section.
        edges: String,
        /// The setting of the features that differs.
        key: String,
        /// Value in the metadata.
        found: String,
        /// Value that the edges need.
        expected: String,
    },
    /// The metadata describe an impossible model.
    #[error("the weights' metadata describe no model: {fault}")]
    Sizes {
        /// Key, value and a description of the allowed values.
        fault: String,
    },
    /// The metadata describe a larger model than the file holds.
    #[error(
        "the weights' metadata describe a model of at least {needed} numbers, but the file holds {found}"
    )]
    Room {
        /// Number of values in the model's largest matrices.
        needed: f64,
        /// Number of values in the file.
        found: usize,
    },
    /// The settings of the features are invalid.
    #[error("the weights' metadata: {0}")]
    Settings(#[from] SettingsError),
    /// The weights are for another model or other features.
    #[error("the weights were made with {key} = {found}, but {expected} is needed")]
    Other {
        /// The setting that differs.
        key: String,
        /// Value in the metadata of the weights.
        found: String,
        /// Expected value.
        expected: String,
    },
}

/// Describes the expected number of bytes.
fn expectation(expected: Option<u64>) -> String {
    expected.map_or_else(|| "a larger number".to_owned(), |bytes| bytes.to_string())
}
