//! Errors of processing a stream.

use std::io;

use arrow::error::ArrowError;
use schemas::count::counted;

use crate::pipeline::BuildError;
use crate::source::SourceError;

/// An error of the stream as a whole. Errors of single entries become rejects instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The input is not an Arrow IPC stream, or is damaged.
    #[error("the input is no readable Arrow IPC stream, after {}: {source}", counted(*rows, "row"))]
    Input {
        /// Number of rows read before.
        rows: u64,
        /// The error of the reader.
        source: ArrowError,
    },
    /// The input ends without the end mark of a stream, because its writer was interrupted.
    #[error(
        "the input ends after {} without the mark at the end of an Arrow IPC stream",
        counted(*rows, "row")
    )]
    CutOff {
        /// Number of rows read before.
        rows: u64,
    },
    /// A column is missing or of an unsupported type.
    #[error("column '{column}' of the input {problem}")]
    Column {
        /// Name of the column.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The output cannot be written.
    #[error("cannot write the output stream: {0}")]
    Output(ArrowError),
    /// Two columns of the input would be the same column of the store.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The rows cannot be computed or written.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl WorkerError {
    /// Creates the error of an output that cannot be flushed.
    pub(super) fn flush(error: io::Error) -> Self {
        Self::Output(ArrowError::from(error))
    }
}
