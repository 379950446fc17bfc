//! Errors of comparisons.

use std::path::{Path, PathBuf};

use schemas::output::OutputIsInput;

use crate::config::ConfigError;
use crate::config::place::Place;
use crate::error::TrainError;
use crate::report::ReportError;
use crate::task::TaskError;

/// An error that ends a comparison.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
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
    /// The grid is not valid TOML, lacks a key or has an unknown one.
    #[error("{}:{line}:{column}: not a valid grid: {message}", path.display())]
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
    /// A value of the grid is invalid.
    #[error("{place}: {key} = '{value}': must be {needed}")]
    Value {
        /// Place of the key in the file.
        place: Place,
        /// The dotted key.
        key: String,
        /// The value.
        value: String,
        /// A description of the allowed values.
        needed: String,
    },
    /// A section of the grid has invalid settings.
    #[error("{}", of_settings(path, section, source))]
    Settings {
        /// File of the grid.
        path: PathBuf,
        /// Name of the section.
        section: String,
        /// The underlying error.
        source: Box<ConfigError>,
    },
    /// A section of the grid names an invalid task.
    #[error("{}: [{section}]: {source}", path.display())]
    Task {
        /// File of the grid.
        path: PathBuf,
        /// Name of the section.
        section: String,
        /// The underlying error.
        source: Box<TaskError>,
    },
    /// A task has several properties, or numbers of the sites.
    #[error(
        "{}: [{section}]: the task '{task}' has several properties or a number of every site; comparisons are of one property \
         of a crystal",
        path.display()
    )]
    NotOneProperty {
        /// File of the grid.
        path: PathBuf,
        /// Name of the section.
        section: String,
        /// Name of the task.
        task: String,
    },
    /// The validation crystals, which are to rank a start, are trained on.
    #[error(
        "{}: [{section}]: the validation crystals are trained on, too, and cannot rank: settings with \
         finetune.train_on_validation = false leave them out",
        path.display()
    )]
    TrainedOnValidation {
        /// File of the grid.
        path: PathBuf,
        /// Name of the section.
        section: String,
    },
    /// The candidates of a search are to be ranked by the test parts.
    #[error("{place}: a search is ranked by the validation parts: the test parts test what it has chosen")]
    SearchOnTest {
        /// Place of the search.
        place: Place,
    },
    /// A file that the grid names cannot be read.
    #[error("{}: {job}: {source}", path.display())]
    Input {
        /// File of the grid.
        path: PathBuf,
        /// Name of the job that needs the file.
        job: String,
        /// The underlying error.
        source: Box<TrainError>,
    },
    /// The folder is one of the shards' folders, or inside one.
    #[error(transparent)]
    OutputIsInput(#[from] OutputIsInput),
    /// The folder has a grid that does not belong to a comparison.
    #[error("{}: not of a comparison, as there is no {journal} beside it", path.display())]
    Foreign {
        /// Path of the grid.
        path: PathBuf,
        /// Name of the journal, which is missing.
        journal: &'static str,
    },
    /// Another process is working in the folder.
    #[error(
        "another comparison, or a job that a killed one has left behind, is at work in {}",
        path.display()
    )]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A line of the journal cannot be parsed.
    #[error("{}:{line}: not a record of a job: {reason}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// A description of the fault.
        reason: String,
    },
    /// The cost of a fine-tuning cannot be read.
    #[error("{}: {source}", path.display())]
    Cost {
        /// Folder of the fine-tuning.
        path: PathBuf,
        /// The underlying error.
        source: Box<TrainError>,
    },
    /// An evaluation cannot be read.
    #[error(transparent)]
    Report(#[from] ReportError),
}

/// Returns the message about settings. A line of the grid needs no section.
fn of_settings(path: &Path, section: &str, source: &ConfigError) -> String {
    match source.place() {
        Some(Place::File { path: file, .. }) if file == path => source.to_string(),
        _ => format!("{}: [{section}]: {source}", path.display()),
    }
}

impl CompareError {
    /// Returns the error of a file system operation, for `map_err`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
