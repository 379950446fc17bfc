//! Record of a fine-tuning's folder, which makes sure that all its members agree.
//!
//! | name | content |
//! |---|---|
//! | `finetune.toml` | weights, shards, seeds, folds, split and the task |
//! | `fold-0/seed-123/` | the run of one member |

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::atomic;
use crate::config;
use crate::config::finetune::HeldOut;
use crate::config::place::Place;
use crate::error::TrainError;
use crate::task::{self, Fold, PartitionOptions, Task, fold_name};
use crate::{text_file, toml_text};

const RECORD_FILE: &str = "finetune.toml";
/// Beginning of the names of members' folders.
const SEED_PREFIX: &str = "seed-";

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
    /// Seeds. Every fold has a member for each, as far as the training has come.
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
    /// The crystals for validation in the folds of a cross-validation.
    #[serde(default, skip_serializing_if = "is_default")]
    pub held_out: HeldOut,
    /// SHA-256 of the training and validation crystals of every member and their targets, by its folder, such as
    /// `fold-0/seed-123`. Records of earlier versions have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub crystals_sha256: BTreeMap<String, String>,
    /// The task.
    #[serde(deserialize_with = "task::recorded")]
    pub task: Task,
}

/// Whether the same crystals validate in every fold, which need not be written.
fn is_default(held_out: &HeldOut) -> bool {
    *held_out == HeldOut::default()
}

impl EnsembleRecord {
    /// Returns the options of the partition for a seed. The seed also draws the share of the training crystals.
    pub fn options(&self, seed: u64) -> PartitionOptions {
        PartitionOptions {
            split_file: self.split_file.clone(),
            folds: self.folds.clone(),
            allow_partial: self.allow_partial,
            fraction: self.fraction,
            fraction_seed: seed,
            train_on_validation: self.train_on_validation,
            held_out: self.held_out,
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
        let parsed = toml::from_str(&text).and_then(|record| Ok((record, toml::from_str(&text)?)));
        let (record, table): (Self, Table) = parsed.map_err(|error| {
            let (line, column, message) = toml_text::fault(&text, &error);
            at(&path)(format!("{line}:{column}: {message}"))
        })?;
        check_settings(&text, &table, &path)?;
        match record.crystals_sha256.is_empty() {
            true => Ok(Some(Self { task: record.task.with_unknown_units(), ..record })),
            false => Ok(Some(record)),
        }
    }

    /// Whether a folder is that of a member, by its name and that of the folder around it: of one of the folds and seeds.
    /// Members of an earlier training that asked for more of them may lie beside these.
    pub fn has_member(&self, folder: &Path) -> bool {
        let is_of_fold =
            |&number: &usize| folder.parent().is_some_and(|parent| parent.ends_with(fold_name(Some(number))));
        self.seeds.iter().any(|seed| folder.ends_with(seed_folder(*seed)))
            && self.folds.as_ref().is_none_or(|folds| folds.iter().any(is_of_fold))
    }

    /// Checks that a member has the crystals that it was started with. Members of earlier versions are not checked.
    ///
    /// # Errors
    /// [`TrainError::OtherCrystals`].
    pub fn require_crystals(&self, fold: &Fold, seed: u64, folder: &Path) -> Result<(), TrainError> {
        let member = member_name(&fold.name, seed);
        match self.crystals_sha256.get(&member) {
            Some(found) if *found != fold.sha256() => {
                Err(TrainError::OtherCrystals { path: folder.join(member) })
            }
            _ => Ok(()),
        }
    }

    /// Checks that a fine-tuning continues the one of a folder.
    ///
    /// # Errors
    /// [`TrainError::OtherConfiguration`] for the first difference, [`TrainError::OtherCrystals`] for a member with other
    /// crystals. More seeds or folds are allowed.
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
            ("finetune.validation", self.held_out.word().to_owned(), asked.held_out.word().to_owned()),
        ];
        let differing = pairs.into_iter().find(|(_, found, asked)| found != asked);
        let differing = differing.map(|(key, found, asked)| (key.to_owned(), found, asked)).or_else(|| {
            let difference =
                config::differences(keys_of(&self.task), keys_of(&asked.task)).into_iter().next()?;
            Some((format!("task.{}", difference.key), difference.left, difference.right))
        });
        if let Some((key, found, asked)) = differing {
            return Err(TrainError::OtherConfiguration { path: folder.to_owned(), key, found, asked });
        }
        let is_other = |(member, found): &(&String, &String)| {
            asked.crystals_sha256.get(*member).is_some_and(|asked| asked != *found)
        };
        match self.crystals_sha256.iter().find(is_other) {
            Some((member, _)) => Err(TrainError::OtherCrystals { path: folder.join(member) }),
            None => Ok(()),
        }
    }
}

/// Returns the name of the fold in whose folder a member lies; `None` for a folder without the name of a member's.
pub fn fold_of_member(folder: &Path) -> Option<&str> {
    let name = folder.file_name()?.to_str()?;
    name.strip_prefix(SEED_PREFIX)?.parse::<u64>().ok()?;
    folder.parent()?.file_name()?.to_str()
}

/// Returns the folder of a member below that of its fine-tuning.
pub(super) fn member_name(fold: &str, seed: u64) -> String {
    format!("{fold}/{}", seed_folder(seed))
}

/// Returns the name of a member's folder.
pub(super) fn seed_folder(seed: u64) -> String {
    format!("{SEED_PREFIX}{seed}")
}

/// Returns the definition of a task as pairs of dotted key and TOML value.
fn keys_of(task: &Task) -> Vec<(String, String)> {
    let table = Table::try_from(task).expect("TOML holds every type of a task");
    config::settings(&table).into_iter().map(|(key, value)| (key, value.to_string())).collect()
}

/// Checks the settings in the task of an earlier version, although those in the members' configurations count.
fn check_settings(text: &str, record: &Table, path: &Path) -> Result<(), TrainError> {
    const SETTINGS: &str = "task.settings";
    let settings = record.get("task").and_then(|task| task.get("settings"));
    let Some(settings) = settings else { return Ok(()) };
    let Some(settings) = settings.as_table() else {
        return Err(at(path)(format!("{SETTINGS} = {settings}: is a section, not a setting")));
    };
    let place = |key: &str| match toml_text::place_of(text, &format!("{SETTINGS}.{key}")) {
        Some((line, column)) => Place::File { path: path.to_owned(), line, column },
        None => Place::Text(path.to_owned()),
    };
    Ok(config::check_earlier(settings, place)?)
}

/// Returns the error of a file.
fn at(path: &Path) -> impl FnOnce(String) -> TrainError {
    let path = path.to_owned();
    move |reason| TrainError::EnsembleRecord { path, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Labelled;

    const RECORD: &str = r#"shards = ["store"]
seeds = [123]
allow_partial = false
fraction = 1.0

[task]
name = "gaps"
description = "Band gaps."
store = "a store"
property = "band_gap_ev"
unit = "eV"
transform = "none"
metric = "mae"
regime = "matbench"

[task.split]
rule = "column"
column = "split"

[task.settings]
"optimiser.clip_norm" = "1.0"
"#;

    fn read(text: &str) -> Result<EnsembleRecord, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join(RECORD_FILE), text).expect("writable");
        let read = EnsembleRecord::read(folder.path()).map(|record| record.expect("it is there"));
        read.map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
    }

    #[test]
    fn settings_of_earlier_versions_are_checked() {
        read(RECORD).expect("a record of an earlier version");
        for (from, to, message) in [
            ("clip_norm\" =", "clip_nrm\" =", "finetune.toml:21:1: unknown key 'optimiser.clip_nrm'"),
            ("\"1.0\"", "\"much\"", "finetune.toml:21:1: optimiser.clip_norm = much: "),
            ("\"1.0\"", "0", "finetune.toml:21:1: optimiser.clip_norm = 0: must be "),
        ] {
            let line = read(&RECORD.replace(from, to)).expect_err("a fault");
            assert!(line.starts_with(message), "{line}");
        }
        let flat = RECORD.replace("[task.settings]\n\"optimiser.clip_norm\" = \"1.0\"\n", "");
        let flat = flat.replace("[task.split]", "settings = 3\n[task.split]");
        assert!(read(&flat).expect_err("no section").contains("task.settings = 3: is a section"));
    }

    #[test]
    fn members_are_those_of_the_folds_and_seeds() {
        let mut record = read(RECORD).expect("a record");
        let has = |record: &EnsembleRecord, folder: &str| record.has_member(Path::new(folder));
        assert!(has(&record, "runs/split/seed-123") && has(&record, "runs/fold-4/seed-123"));
        assert!(!has(&record, "runs/split/seed-12") && !has(&record, "runs/split"));
        record.folds = Some(vec![0, 2]);
        assert!(has(&record, "runs/fold-2/seed-123") && !has(&record, "runs/fold-1/seed-123"));
        assert!(!has(&record, "runs/split/seed-123"));
    }

    #[test]
    fn the_folder_of_a_member_names_its_fold() {
        let fold = |folder| fold_of_member(Path::new(folder));
        assert_eq!(fold("runs/gap/fold-3/seed-7"), Some("fold-3"));
        assert_eq!(fold("split/seed-123"), Some("split"));
        for other in ["runs/fold-3/seed-x", "runs/fold-3/last", "seed-7", "seed-7/.."] {
            assert_eq!(fold(other), None, "{other}");
        }
    }

    #[test]
    fn the_key_in_which_two_tasks_differ_is_named() {
        let record = read(RECORD).expect("a record");
        record.require_same(&record, Path::new("runs")).expect("the same");
        let mut other = record.clone();
        other.task.unit = "meV".to_owned();
        let line = record.require_same(&other, Path::new("runs")).expect_err("another task").to_string();
        assert_eq!(line, "the run in runs was started with task.unit = \"eV\", not \"meV\"");
    }

    #[test]
    fn members_keep_their_crystals() {
        let crystal = |id: &str, target| Labelled { material_id: id.to_owned(), targets: vec![target] };
        let fold = |validated| Fold {
            name: "split".to_owned(),
            train: vec![crystal("b", 1.0), crystal("a", 2.0)],
            validation: vec![crystal("c", validated)],
            test: Vec::new(),
        };
        let runs = Path::new("runs");
        let mut record = read(RECORD).expect("a record");
        record.require_crystals(&fold(3.0), 7, runs).expect("an earlier version recorded none");
        record.crystals_sha256.insert("split/seed-7".to_owned(), fold(3.0).sha256());
        let mut turned = fold(3.0);
        turned.train.reverse();
        record.require_crystals(&turned, 7, runs).expect("in another order");
        record.require_crystals(&fold(4.0), 8, runs).expect("another member");
        let line = record.require_crystals(&fold(4.0), 7, runs).expect_err("another value").to_string();
        let changed = "the training or validation crystals of runs/split/seed-7, or their values, have changed since it was started";
        assert_eq!(line, changed);
        let mut other = record.clone();
        other.crystals_sha256.insert("split/seed-8".to_owned(), fold(4.0).sha256());
        record.require_same(&other, runs).expect("one more member");
        other.crystals_sha256.insert("split/seed-7".to_owned(), fold(4.0).sha256());
        assert_eq!(record.require_same(&other, runs).expect_err("others").to_string(), changed);
    }
}
