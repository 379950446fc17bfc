//! What can be wrong with a list of identifiers.

use std::io;
use std::path::{Path, PathBuf};

/// A list that cannot be used; every variant names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SplitFileError {
    /// The operating system refused, or an archive's member is damaged.
    #[error("cannot read the split file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file, or what it unpacks to, is larger than any list.
    #[error("the split file {} has more than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Most bytes that are read.
        limit: u64,
    },
    /// A name with another ending.
    #[error("the split file {} must end in .csv, .json or .zip", path.display())]
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// The file is no zip archive, or a damaged one.
    #[error("{}: not a readable zip archive: {message}", path.display())]
    Zip {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// An archive of no list, or of several.
    #[error("{}: an archive of {lists} .json and .csv files instead of one", path.display())]
    Members {
        /// The file.
        path: PathBuf,
        /// Number of lists in it.
        lists: usize,
    },
    /// The content is not UTF-8.
    #[error("{}: not a text in UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// A row of a CSV cannot be used.
    #[error("{}:{line}: {message}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// The JSON is none, or has another layout.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// No crystal is listed.
    #[error("{}: lists no crystal", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl SplitFileError {
    /// An error of the operating system.
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}
