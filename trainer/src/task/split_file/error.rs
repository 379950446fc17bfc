//! Errors of lists of identifiers.

use std::io;
use std::path::{Path, PathBuf};

/// A list that cannot be used. Every variant names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SplitFileError {
    /// The file system refused, or a member of an archive is damaged.
    #[error("cannot read the split file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: io::Error,
    },
    /// The file, or its unpacked content, is too large.
    #[error("the split file {} has more than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Maximum number of bytes.
        limit: u64,
    },
    /// The file name has an unknown ending.
    #[error("the split file {} must end in .csv, .json or .zip", path.display())]
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a zip archive, or is damaged.
    #[error("{}: not a readable zip archive: {message}", path.display())]
    Zip {
        /// The file.
        path: PathBuf,
        /// A description of the fault.
        message: String,
    },
    /// The archive holds no list, or several.
    #[error("{}: an archive of {lists} .json and .csv files instead of one", path.display())]
    Members {
        /// The file.
        path: PathBuf,
        /// Number of lists in the archive.
        lists: usize,
    },
    /// The content is not UTF-8.
    #[error("{}: {message}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// A description of the fault, with the line or the encoding.
        message: String,
    },
    /// A row of a CSV is invalid.
    #[error("{}:{line}: {message}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// A description of the fault.
        message: String,
    },
    /// The JSON is invalid or has another layout.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
        /// A description of the fault.
        message: String,
    },
    /// The list is empty.
    #[error("{}: lists no crystal", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl SplitFileError {
    /// Returns the error of a file system operation.
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}
