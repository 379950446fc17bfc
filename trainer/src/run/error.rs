//! What can go wrong around a run.

use std::path::{Path, PathBuf};

use crate::weights::WeightsError;

/// A run that cannot be started, continued or recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The folder holds something already.
    #[error("{} is not empty", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Files have the names of a run's files, but no run has written them.
    #[error("{} holds files of others by the names of a run's: no run has written {}", path.display(), names(files))]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// The files in the way.
        files: Vec<PathBuf>,
    },
    /// There is no run to continue.
    #[error("{} holds no run to resume", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// The best weights of a run to be continued are not there.
    #[error("{} is missing, which epoch {epoch} has written", path.display())]
    BestMissing {
        /// The weights.
        path: PathBuf,
        /// Epoch, counted from 1.
        epoch: u64,
    },
    /// The path is a file.
    #[error("{} is a file, not a folder for a run", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// Another process is writing there.
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
        /// What is wrong.
        reason: String,
    },
    /// A record cannot be understood.
    #[error("{}:{line}: not a record of a run: {reason}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Ctrl-C cannot be caught.
    #[error("cannot catch Ctrl-C: {0}")]
    Interrupt(std::io::Error),
}

/// Names of files in one folder.
fn names(files: &[PathBuf]) -> String {
    let names = files.iter().filter_map(|path| path.file_name());
    names.map(|name| name.to_string_lossy()).collect::<Vec<_>>().join(", ")
}

impl RunError {
    /// The error of a file-system call, for `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
