//! Errors of an export.

use std::io;
use std::path::{Path, PathBuf};

use schemas::StoreError;
use schemas::output::OutputIsInput;

use super::format::ExportFormat;
use crate::filter::FilterError;
use crate::inspect::InspectError;

/// An error of an export. Nothing is written then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A filter is wrong.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The store has no crystal with an identifier.
    #[error(transparent)]
    NotFound(#[from] InspectError),
    /// No crystal is chosen.
    #[error("{}: {}", store.display(), if *filtered { "no crystal passes the filter" } else { "has no crystals" })]
    NoCrystals {
        /// The store's folder.
        store: PathBuf,
        /// Whether a filter was given.
        filtered: bool,
    },
    /// The output lies in the store.
    #[error(transparent)]
    Output(#[from] OutputIsInput),
    /// There is a file or folder with the name of the output.
    #[error("{}: is there already, and not replaced", path.display())]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// The identifier of a crystal is too long for a file's name.
    #[error("crystal '{material_id}': {bytes} bytes as a file's name, {limit} at most")]
    Name {
        /// The identifier.
        material_id: String,
        /// Length of the file's name.
        bytes: usize,
        /// Largest length.
        limit: usize,
    },
    /// A property has a name that the format uses for something else.
    #[error("column '{column}' has a name with another meaning in {format}")]
    Column {
        /// The column.
        column: String,
        /// The format.
        format: ExportFormat,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The export was cancelled.
    #[error("{}: interrupted, nothing is written", path.display())]
    Cancelled {
        /// The output.
        path: PathBuf,
    },
}

impl ExportError {
    /// Wraps an I/O error of writing with its path.
    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}
