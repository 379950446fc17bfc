//! What can go wrong when models are compared.

use std::path::{Path, PathBuf};

use schemas::output::OutputIsInput;

use crate::config::ConfigError;
use crate::error::TrainError;
use crate::report::ReportError;
use crate::task::TaskError;

/// A comparison that cannot be begun, gone on with or written down.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
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
    /// The grid is no TOML, lacks a key or has one that there is not.
    #[error("{}:{line}:{column}: not a valid grid: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Column in characters, counted from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A value of the grid cannot be used.
    #[error("{}: {key} = '{value}': must be {needed}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The dotted key.
        key: String,
        /// The value.
        value: String,
        /// What it would have to be.
        needed: String,
    },
    /// A section of the grid gives settings that cannot be used.
    #[error("{}: [{section}]: {source}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// The section.
        section: String,
        /// What is wrong with them.
        source: Box<ConfigError>,
    },
    /// A section of the grid names a task that cannot be used.
    #[error("{}: [{section}]: {source}", path.display())]
    Task {
        /// The file.
        path: PathBuf,
        /// The section.
        section: String,
        /// What is wrong with it.
        source: Box<TaskError>,
    },
    /// A file that the grid names cannot be read.
    #[error("{}: {job}: {source}", path.display())]
    Input {
        /// The file of the grid.
        path: PathBuf,
        /// The job that needs it.
        job: String,
        /// What is wrong.
        source: Box<TrainError>,
    },
    /// The folder is that of shards, or lies in it.
    #[error(transparent)]
    OutputIsInput(#[from] OutputIsInput),
    /// The folder has a grid that no comparison has put there.
    #[error("{}: not of a comparison, as there is no {journal} beside it", path.display())]
    Foreign {
        /// The grid.
        path: PathBuf,
        /// Name of the file that would tell of a comparison.
        journal: &'static str,
    },
    /// Another process works in the folder.
    #[error(
        "another comparison, or a job that a killed one has left behind, is at work in {}",
        path.display()
    )]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A line of the journal cannot be understood.
    #[error("{}:{line}: not a record of a job: {reason}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// An evaluation cannot be read.
    #[error(transparent)]
    Report(#[from] ReportError),
}

impl CompareError {
    /// The error of a file-system call, for `map_err`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
