//! Record of a fine-tuning's folder, which makes sure that all its members agree.
//!
//! | name | content |
//! |---|---|
//! | `finetune.toml` | weights, shards, seeds, folds, split and the task |
//! | `fold-0/seed-123/` | the run of one member |

use std::io::Write;
use std::path::{Path, PathBuf};

use schemas::hash::file_sha256;
use serde::{Deserialize, Serialize};

use crate::atomic;
use crate::error::TrainError;
use crate::task::{self, PartitionOptions, Task};
use crate::{text_file, toml_text};

const RECORD_FILE: &str = "finetune.toml";

/// Everything but the configuration that the members share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnsembleRecord {
    /// Weights file; `None` for fresh weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// SHA-256 of the weights file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights_sha256: Option<String>,
    /// Shards, folders of shards or patterns, as given.
    pub shards: Vec<String>,
    /// Seeds. Every fold has a member for each.
    pub seeds: Vec<u64>,
    /// Indices of the folds; `None` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<Vec<usize>>,
    /// Published list of identifiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_file: Option<PathBuf>,
    /// Whether to accept fewer crystals than the definition of the task has.
    pub allow_partial: bool,
    /// Share of the training crystals.
    pub fraction: f64,
    /// Whether the validation crystals are trained on, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub train_on_validation: bool,
    /// The task.
    #[serde(deserialize_with = "task::recorded")]
    pub task: Task,
}

impl EnsembleRecord {
    /// Returns the SHA-256 of a weights file.
    ///
    /// # Errors
    /// [`TrainError::EnsembleRecord`] if it cannot be read.
    pub fn hash_weights(path: &Path) -> Result<String, TrainError> {
        match file_sha256(path) {
            Ok((sha256, _)) => Ok(sha256),
            Err(error) => Err(at(path)(error.to_string())),
        }
    }

    /// Returns the options of the partition for a seed. The seed also draws the share of the training crystals.
    pub fn options(&self, seed: u64) -> PartitionOptions {
        PartitionOptions {
            split_file: self.split_file.clone(),
            folds: self.folds.clone(),
            allow_partial: self.allow_partial,
            fraction: self.fraction,
            fraction_seed: seed,
            train_on_validation: self.train_on_validation,
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`TrainError::Write`].
    pub fn write(&self, folder: &Path) -> Result<(), TrainError> {
        let path = folder.join(RECORD_FILE);
        let text = toml::to_string(self).expect("TOML holds every type here, and counts are small");
        atomic::write(&path, |out| out.write_all(text.as_bytes()))
            .map_err(|source| TrainError::Write { path, source })
    }

    /// Reads the file; `None` if the folder is not that of a fine-tuning.
    ///
    /// # Errors
    /// [`TrainError::EnsembleRecord`].
    pub fn read(folder: &Path) -> Result<Option<Self>, TrainError> {
        let path = folder.join(RECORD_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = text_file::read(&path).map_err(|error| at(&path)(error.to_string()))?;
        toml::from_str(&text).map(Some).map_err(|error| {
            let (line, column, message) = toml_text::fault(&text, &error);
            at(&path)(format!("{line}:{column}: {message}"))
        })
    }

    /// Checks that a fine-tuning continues the one of a folder.
    ///
    /// # Errors
    /// [`TrainError::OtherConfiguration`] for the first difference. More seeds or folds are allowed.
    pub fn require_same(&self, asked: &Self, folder: &Path) -> Result<(), TrainError> {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let pairs = [
            ("weights (SHA-256)", shown(&self.weights_sha256), shown(&asked.weights_sha256)),
            ("data.shards", format!("{:?}", self.shards), format!("{:?}", asked.shards)),
            ("split", format!("{:?}", self.split_file), format!("{:?}", asked.split_file)),
            ("allow_partial", self.allow_partial.to_string(), asked.allow_partial.to_string()),
            ("finetune.fraction", self.fraction.to_string(), asked.fraction.to_string()),
            (
                "finetune.train_on_validation",
                self.train_on_validation.to_string(),
                asked.train_on_validation.to_string(),
            ),
            ("task", one_line(&self.task), one_line(&asked.task)),
        ];
        match pairs.into_iter().find(|(_, found, asked)| found != asked) {
            None => Ok(()),
            Some((key, found, asked)) => {
                let path = folder.to_owned();
                Err(TrainError::OtherConfiguration { path, key: key.to_owned(), found, asked })
            }
        }
    }
}

/// Returns the definition of a task on one line.
fn one_line(task: &Task) -> String {
    task.to_toml().lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Returns the error of a file.
fn at(path: &Path) -> impl FnOnce(String) -> TrainError {
    let path = path.to_owned();
    move |reason| TrainError::EnsembleRecord { path, reason }
}
