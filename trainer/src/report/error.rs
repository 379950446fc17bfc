//! What can go wrong when results are reported.

use std::path::{Path, PathBuf};

/// Results that cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file does not hold an evaluation.
    #[error("{} is not an evaluation: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A file that no evaluation has written has the name of a result.
    #[error("{}: not written by an evaluation, and not replaced", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// There is nothing to report.
    #[error("task {task}: no fold was evaluated")]
    NoFolds {
        /// The task.
        task: String,
    },
    /// A fold without test crystals.
    #[error("task {task}: {fold} has no test crystals")]
    EmptyFold {
        /// The task.
        task: String,
        /// The fold.
        fold: String,
    },
    /// The same fold twice.
    #[error("task {task}: {fold} is there twice")]
    RepeatedFold {
        /// The task.
        task: String,
        /// The fold.
        fold: String,
    },
    /// A number that no score can be made of.
    #[error("{fold}: the {quantity} of {material_id} is {value}, from which no score can be made")]
    Number {
        /// The fold.
        fold: String,
        /// `target`, `prediction` or `deviation`; `training median` where there is no crystal.
        quantity: &'static str,
        /// The crystal.
        material_id: String,
        /// NaN, an infinity, or beyond [`LARGEST`](super::LARGEST).
        value: f64,
    },
    /// A name that the JARVIS leaderboard cannot take apart again.
    #[error(
        "'{value}' cannot be a {part} of the JARVIS leaderboard: it takes letters, digits and underscores, \
         because its file names are joined with hyphens"
    )]
    JarvisName {
        /// `property` or `data set`.
        part: &'static str,
        /// The name.
        value: String,
    },
}

impl ReportError {
    /// Turns an error of the file system into one that names the file.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
