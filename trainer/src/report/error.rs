//! Errors of reports.

use std::path::{Path, PathBuf};

/// An error of writing or reading the results of an evaluation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file system operation failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The operation that failed.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: std::io::Error,
    },
    /// The file does not hold an evaluation.
    #[error("{} is not an evaluation: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: serde_json::Error,
    },
    /// A file with the name of a result was not written by an evaluation.
    #[error("{}: not written by an evaluation, and not replaced", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// There are no folds to report.
    #[error("task {task}: no fold was evaluated")]
    NoFolds {
        /// The task.
        task: String,
    },
    /// A fold has no test crystals.
    #[error("task {task}: {fold} has no test crystals")]
    EmptyFold {
        /// The task.
        task: String,
        /// Name of the fold.
        fold: String,
    },
    /// A fold occurs twice.
    #[error("task {task}: {fold} is there twice")]
    RepeatedFold {
        /// The task.
        task: String,
        /// Name of the fold.
        fold: String,
    },
    /// A number cannot be scored.
    #[error("{fold}: the {quantity} of {material_id} is {value}, from which no score can be made")]
    Number {
        /// Name of the fold.
        fold: String,
        /// The quantity: `target`, `prediction` or `deviation`, or `training median` without a crystal.
        quantity: &'static str,
        /// Identifier of the crystal.
        material_id: String,
        /// NaN, an infinity, or a magnitude beyond [`LARGEST`](super::LARGEST).
        value: f64,
    },
    /// A name does not fit the file names of the JARVIS leaderboard.
    #[error(
        "'{value}' cannot be a property of the JARVIS leaderboard: it takes letters, digits and underscores, \
         because its file names are joined with hyphens"
    )]
    JarvisName {
        /// The name.
        value: String,
    },
}

impl ReportError {
    /// Returns the error of a file system operation, with the file.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
