//! Errors of the catalogue of weights.

use std::path::PathBuf;

use etl::fetch::FetchError;

use crate::config::similar::suggest;

/// An error of finding weights by their name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The name is not in the catalogue.
    #[error("the catalogue has no weights '{name}'{}", suggest(nearest.as_deref()))]
    Unknown {
        /// The name given.
        name: String,
        /// The most similar name, if there is one.
        nearest: Option<String>,
    },
    /// The name is neither in the catalogue nor that of a file or folder.
    #[error(
        "there is no file or folder '{name}', and the catalogue has no weights of this name{}",
        suggest(nearest.as_deref())
    )]
    Nothing {
        /// The name given.
        name: String,
        /// The most similar name of the catalogue, if there is one.
        nearest: Option<String>,
    },
    /// The file of an entry cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: std::io::Error,
    },
    /// The file of an entry has a name that cannot be that of weights.
    #[error("{}: '{name}' is no name of weights: at most 64 letters, digits, '-' and '_'", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// Its name without the ending.
        name: String,
    },
    /// The file of an entry is not valid TOML, lacks a key or has an unknown one.
    #[error("{}:{line}:{column}: not a valid entry of weights: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Column in characters, counted from 1.
        column: usize,
        /// A description of the fault.
        message: String,
    },
    /// A value of an entry is invalid or missing.
    #[error("{}:{line}: {key}: must be {needed}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1; the first if the key is missing.
        line: usize,
        /// The key.
        key: &'static str,
        /// A description of the allowed values.
        needed: &'static str,
    },
    /// No folder for copies is known.
    #[error("no folder to keep weights in: neither {} names one", variables.join(" nor "))]
    NoCache {
        /// Variables of the environment that were looked at.
        variables: Vec<&'static str>,
    },
    /// Something else lies where a copy belongs.
    #[error("{}: {what} is in the way, and is not replaced", path.display())]
    InTheWay {
        /// Path of the copy.
        path: PathBuf,
        /// What lies there.
        what: &'static str,
    },
    /// A file system operation failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The operation that failed.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The underlying error.
        source: std::io::Error,
    },
    /// The file cannot be fetched.
    #[error("weights {name}: {source}")]
    Fetch {
        /// Name of the weights.
        name: String,
        /// The underlying error.
        source: FetchError,
    },
}

impl CatalogueError {
    /// Returns a closure for `map_err` on file operations.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
