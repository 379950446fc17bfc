//! Why a stream cannot be read on.

use std::io;

use arrow::error::ArrowError;
use schemas::count::counted;

use crate::pipeline::BuildError;
use crate::source::SourceError;

/// A stream as a whole that is at fault; bad entries become rejects instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The input is no Arrow IPC stream, or damaged.
    #[error("the input is no readable Arrow IPC stream, after {}: {source}", counted(*rows, "row"))]
    Input {
        /// Rows that were read before.
        rows: u64,
        /// What the reader said.
        source: ArrowError,
    },
    /// The input ends without the mark at the end of a stream: whoever wrote it was cut off.
    #[error(
        "the input ends after {} without the mark at the end of an Arrow IPC stream",
        counted(*rows, "row")
    )]
    CutOff {
        /// Rows that were read before.
        rows: u64,
    },
    /// A column is missing or of a type that cannot be read.
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
    /// Two columns of the input would be one of the store.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The rows cannot be made or written.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl WorkerError {
    /// An output that cannot be flushed.
    pub(super) fn flush(error: io::Error) -> Self {
        Self::Output(ArrowError::from(error))
    }
}
