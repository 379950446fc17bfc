//! Errors of a run's folder and files.

use std::path::{Path, PathBuf};

use crate::weights::WeightsError;

/// An error of starting, continuing or recording a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
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
    /// The folder is not empty.
    #[error("{} is not empty", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds files with the names of a run's files that no run has written.
    #[error("{} holds files of others by the names of a run's: no run has written {}", path.display(), names(files))]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// The files.
        files: Vec<PathBuf>,
    },
    /// The folder has no run to continue.
    #[error("{} holds no run to resume", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// The folder for a new run's event files has those of another run.
    #[error("{} holds the event files of another run", path.display())]
    Events {
        /// The folder.
        path: PathBuf,
    },
    /// The best weights of the run to continue are missing.
    #[error("{} is missing, which epoch {epoch} has written", path.display())]
    BestMissing {
        /// Path of the weights.
        path: PathBuf,
        /// Epoch of the best weights, from 1.
        epoch: u64,
    },
    /// The path is a file.
    #[error("{} is a file, not a folder for a run", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// Another process is writing to the folder.
    #[error("another run is writing to {}", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A weights file or checkpoint cannot be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A checkpoint is incomplete or of another version.
    #[error("checkpoint {}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// A description of the fault.
        reason: String,
    },
    /// A record cannot be parsed.
    #[error("{}:{line}: not a record of a run: {reason}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// A description of the fault.
        reason: String,
    },
    /// The handler of Ctrl-C cannot be installed.
    #[error("cannot catch Ctrl-C: {0}")]
    Interrupt(std::io::Error),
}

/// Joins the names of files in one folder.
fn names(files: &[PathBuf]) -> String {
    let names = files.iter().filter_map(|path| path.file_name());
    names.map(|name| name.to_string_lossy()).collect::<Vec<_>>().join(", ")
}

impl RunError {
    /// Returns the error of a file system operation, for `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
