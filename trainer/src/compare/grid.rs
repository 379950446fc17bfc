//! The grid of a comparison: a TOML file with the pre-trainings, fine-tunings, tables and figures.
//!
//! ```toml
//! tasks = ["matbench_jdft2d"]       # what is predicted: sections [task.*]
//! starts = ["fresh", "mmpt"]        # what fine-tuning begins with: sections [start.*]
//! fractions = [0.1, 1.0]            # shares of the training crystals; [1.0] unless given
//! seeds = [123]                     # averaged before they are scored; [123] unless given
//!
//! [settings]                        # of every fine-tuning, over its recipe's
//! run.epochs = 60
//!
//! [task.matbench_jdft2d]            # a built-in task, or any name with `file`
//! shards = ["data/matbench"]
//! # stores = { r5 = ["data/matbench-r5"] }: shards with other edges, for the models that need them
//! # fraction = 0.1                  # share of its training crystals of which `fractions` are shares; 1.0 unless given
//! # file = "task.toml", folds = [0, 1], split = "lists.csv", allow_partial = true, [task.*.settings]
//!
//! [pretrain.mmpt]                   # one run of `trainer pretrain`
//! shards = ["data/mp36k"]
//! # config = "configs/mmpt-cl.toml", [pretrain.*.settings]
//!
//! [start.fresh]                     # neither `pretrain` nor `weights`: fresh weights
//! label = "without pre-training"    # its name in tables and figures
//!
//! [start.mmpt]
//! pretrain = "mmpt"                 # or weights = "mmpt.safetensors"
//! # label, config, [start.*.settings]: as above, for the fine-tuning
//!
//! [start.mmpt.search]               # settings to search: every combination of the values is fine-tuned
//! optimiser.learning_rate = [1e-4, 3e-4, 1e-3]
//! finetune.head_width = { from = 32, to = 128, scale = "log", values = 3 }  # 32, 64, 128; "linear" unless given
//! # random = 8                      # so many draws instead, by the first of the seeds; ranges need no `values` then
//!
//! [[published]]                     # numbers of others, shown beside ours and never mixed with them
//! model = "MMPT"
//! source = "arXiv 2306.05344"
//! start = "mmpt"                    # whose row it stands in (or "median"); a row of its own without
//! # fraction = 0.5                  # share of all training crystals, whatever the task's; 1.0 unless given
//! mae = { matbench_jdft2d = 38.21 } # in the unit of the task's target
//! # score = { is_metal = 0.952 }    # of a task of classes, in its metric
//!
//! [[table]]                         # tables/mae.md and .csv
//! name = "mae"
//! title = "MAE on the test parts"
//! # tasks, starts, fractions: a selection, in this order; everything unless given
//!
//! [[figure]]                        # figures/labels.svg and .csv
//! name = "labels"
//! title = "MAE over the share of the labels"
//! kind = "curves"                   # over the fractions; or "bars", of one fraction
//! ```
//!
//! Paths are relative to the folder in which the program runs.
//!
//! A search ranks its candidates by the validation parts. For each task, start and share, the best one alone is tested.

mod check;
mod fault;
mod search;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Table;

pub use self::search::Candidate;

use self::fault::Fault;
use self::search::Search;
use super::error::CompareError;
use super::share::WHOLE;
use crate::config::place::Place;
use crate::config::{self, DEFAULT_SEED};
use crate::data::Extraction;
use crate::{text_file, toml_text};

/// Name of the training median in published numbers.
pub const MEDIAN: &str = "median";

/// Definition of a comparison.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Names of the tasks, in the order of the columns.
    pub tasks: Vec<String>,
    /// Names of the starts, in the order of the rows.
    pub starts: Vec<String>,
    /// Shares of the training crystals, above 0 and at most 1.
    #[serde(default = "all_labels")]
    pub fractions: Vec<f64>,
    /// Seeds of every fine-tuning.
    #[serde(default = "default_seeds")]
    pub seeds: Vec<u64>,
    /// Settings of every fine-tuning.
    #[serde(default)]
    pub settings: Table,
    /// Sections of the tasks.
    pub task: BTreeMap<String, TaskSection>,
    /// Sections of the pre-trainings.
    #[serde(default)]
    pub pretrain: BTreeMap<String, PretrainSection>,
    /// Sections of the starts.
    pub start: BTreeMap<String, StartSection>,
    /// Published numbers.
    #[serde(default)]
    pub published: Vec<Published>,
    /// Tables to write.
    #[serde(default)]
    pub table: Vec<TableSection>,
    /// Figures to draw.
    #[serde(default)]
    pub figure: Vec<FigureSection>,
    /// Candidates of the starts that search settings.
    #[serde(skip)]
    candidates: BTreeMap<String, Vec<Candidate>>,
    /// The text, for the lines of faults.
    #[serde(skip)]
    text: String,
}

/// Section of a task.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSection {
    /// Shards, folders of shards or patterns.
    pub shards: Vec<String>,
    /// Shards with other edges by [`Extraction`], such as `r5` or `knn32`, for the models that need them.
    #[serde(default)]
    pub stores: BTreeMap<String, Vec<String>>,
    /// File of the task; `None` for the built-in task of the section's name.
    pub file: Option<PathBuf>,
    /// Share of the task's training crystals of which [`Grid::fractions`] are shares, above 0 and at most 1.
    #[serde(default = "whole")]
    pub fraction: f64,
    /// Indices of the folds; `None` for all.
    pub folds: Option<Vec<usize>>,
    /// Published list with the parts of the crystals.
    pub split: Option<PathBuf>,
    /// Whether to accept fewer crystals than the definition of the task has.
    #[serde(default)]
    pub allow_partial: bool,
    /// Settings of the task's fine-tunings.
    #[serde(default)]
    pub settings: Table,
}

impl TaskSection {
    /// Returns the shards for a model that needs these edges, or any if `None`.
    pub fn shards_of(&self, edges: Option<Extraction>) -> &[String] {
        edges.and_then(|edges| self.stores.get(&edges.to_string())).unwrap_or(&self.shards)
    }
}

/// Section of a pre-training.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PretrainSection {
    /// Shards, folders of shards or patterns.
    pub shards: Vec<String>,
    /// Configuration file.
    pub config: Option<PathBuf>,
    /// Settings that override the file.
    #[serde(default)]
    pub settings: Table,
}

/// Section of a start: the weights that fine-tuning begins with. They are fresh if neither a pre-training nor a file
/// is named.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartSection {
    /// Name in tables and figures; that of the section if `None`.
    pub label: Option<String>,
    /// Name of the pre-training whose best weights are used.
    pub pretrain: Option<String>,
    /// Path of a weights file, or the name of weights of the catalogue.
    pub weights: Option<PathBuf>,
    /// Configuration file of the fine-tunings.
    pub config: Option<PathBuf>,
    /// Settings that override the file.
    #[serde(default)]
    pub settings: Table,
    /// Lists and ranges of settings to search.
    pub search: Option<Table>,
}

/// Numbers that others have published.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Name of the model.
    pub model: String,
    /// Source of the numbers.
    pub source: String,
    /// The start in whose row the numbers are shown, or [`MEDIAN`]; a row of their own if `None`.
    pub start: Option<String>,
    /// Share of all training crystals, whatever the [`TaskSection::fraction`].
    #[serde(default = "whole")]
    pub fraction: f64,
    /// Mean absolute errors by task, in the unit of the task's target.
    #[serde(default)]
    pub mae: BTreeMap<String, f64>,
    /// Scores of tasks of classes, in the metric of the task.
    #[serde(default)]
    pub score: BTreeMap<String, f64>,
}

impl Published {
    /// Returns the number for a task, an error or a score of classes.
    pub fn number(&self, task: &str) -> Option<f64> {
        self.mae.get(task).or_else(|| self.score.get(task)).copied()
    }

    /// Returns the tasks with a number.
    fn tasks(&self) -> impl Iterator<Item = &str> {
        self.mae.keys().chain(self.score.keys()).map(String::as_str)
    }
}

/// Section of a table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSection {
    /// Name of the files.
    pub name: String,
    /// Heading.
    pub title: String,
    /// Tasks shown.
    pub tasks: Option<Vec<String>>,
    /// Starts shown.
    pub starts: Option<Vec<String>>,
    /// Shares of the training crystals shown.
    pub fractions: Option<Vec<f64>>,
}

/// Section of a figure.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureSection {
    /// Name of the files.
    pub name: String,
    /// Heading.
    pub title: String,
    /// Kind of the figure.
    pub kind: FigureKind,
    /// Tasks shown, with a panel each.
    pub tasks: Option<Vec<String>>,
    /// Starts shown.
    pub starts: Option<Vec<String>>,
    /// Shares of the training crystals shown. Bars show one, by default the largest.
    pub fractions: Option<Vec<f64>>,
}

/// Kind of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FigureKind {
    /// A bar for every start.
    Bars,
    /// A curve for every start over the share of the training crystals.
    Curves,
}

impl Grid {
    /// Reads a grid. Errors name `path`.
    ///
    /// # Errors
    /// [`CompareError::Io`], [`CompareError::Syntax`] with line and column, or [`CompareError::Value`] for the first
    /// invalid value.
    pub fn load(path: &Path) -> Result<Self, CompareError> {
        let text = text_file::read(path).map_err(CompareError::io("read", path))?;
        Self::parse(&text, path)
    }

    /// Parses a grid.
    fn parse(text: &str, path: &Path) -> Result<Self, CompareError> {
        let mut grid: Self = toml::from_str(text).map_err(|error| {
            let (line, column, message) = toml_text::fault(text, &error);
            CompareError::Syntax { path: path.to_owned(), line, column, message }
        })?;
        text.clone_into(&mut grid.text);
        let fault = check::fault(&grid);
        match fault.map_or_else(|| grid.expand(), Err) {
            Ok(()) => Ok(grid),
            Err(Fault { key, value, needed }) => Err(grid.refusal(path, key, value, needed)),
        }
    }

    /// Expands the searches.
    fn expand(&mut self) -> Result<(), Fault> {
        let seed = self.seeds.first().copied().unwrap_or(DEFAULT_SEED);
        for (name, section) in &self.start {
            let Some(table) = &section.search else { continue };
            let key = |key: &str| match key {
                "" => format!("start.{name}.search"),
                key => format!("start.{name}.search.{key}"),
            };
            let search = Search::parse(table).map_err(|fault| Fault { key: key(&fault.key), ..fault })?;
            let own = config::settings(&section.settings);
            if let Some((twice, value)) = own.iter().find(|(own, _)| search.keys().any(|key| key == own)) {
                let needed = format!("left out of start.{name}.search or of start.{name}.settings");
                return Err(Fault::new(key(twice), value, needed));
            }
            let candidates =
                search.candidates(seed).map_err(|fault| Fault { key: key(&fault.key), ..fault })?;
            self.candidates.insert(name.clone(), candidates);
        }
        Ok(())
    }

    /// Returns the error for the value of a key.
    pub(super) fn refusal(&self, path: &Path, key: String, value: String, needed: String) -> CompareError {
        let place = self.place_of(&key, path).unwrap_or(Place::Text(path.to_owned()));
        CompareError::Value { place, key, value, needed }
    }

    /// Returns the place of a dotted key in the grid's file, if it is there.
    pub(super) fn place_of(&self, key: &str, path: &Path) -> Option<Place> {
        let (line, column) = toml_text::place_of(&self.text, key)?;
        Some(Place::File { path: path.to_owned(), line, column })
    }

    /// Returns the candidates of a start; none if it searches no settings.
    pub fn candidates(&self, start: &str) -> &[Candidate] {
        self.candidates.get(start).map_or(&[], Vec::as_slice)
    }

    /// Returns the first start that searches settings.
    pub fn searching(&self) -> Option<&str> {
        self.starts.iter().map(String::as_str).find(|start| !self.candidates(start).is_empty())
    }

    /// Returns the name of a start in tables and figures.
    pub fn label<'a>(&'a self, start: &'a str) -> &'a str {
        self.start.get(start).and_then(|section| section.label.as_deref()).unwrap_or(start)
    }
}

/// Returns settings as `key=value`. `run.epochs = 3` and `"run.epochs" = 3` are the same.
pub fn assignments(settings: &Table) -> Vec<String> {
    config::settings(settings).into_iter().map(|(key, value)| format!("{key}={value}")).collect()
}

fn all_labels() -> Vec<f64> {
    vec![WHOLE]
}

fn whole() -> f64 {
    WHOLE
}

fn default_seeds() -> Vec<u64> {
    vec![DEFAULT_SEED]
}
