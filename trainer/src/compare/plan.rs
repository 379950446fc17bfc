//! The jobs of a grid and their folders.
//!
//! | folder | content |
//! |---|---|
//! | `pretrain/NAME` | a run of `trainer pretrain` |
//! | `cells/TASK/START/SHARE` | a fine-tuning, with its scores in `evaluation` |
//! | `cells/TASK/START/SETTINGS/SHARE` | the same where the start searches settings |
//! | `logs/...` | the output of the jobs |
//!
//! SHARE is that of all training crystals: the grid's of the task's. Another one is another cell.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::grid::Candidate;
use super::job::{Job, JobKind, text, words};
use crate::evaluate::default_out;
use crate::report::json;
use crate::report::part::Part;
use crate::task::Metric;

/// A cell of the grid: a fine-tuning with its scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Name of the task.
    pub task: String,
    /// Name of the start.
    pub start: String,
    /// Searched settings, if the start has some.
    pub candidate: Option<Candidate>,
    /// The grid's share, of those crystals of which the task has a share.
    pub fraction: f64,
    /// Share of all training crystals.
    pub share: f64,
    /// Folder of the fine-tuning.
    pub folder: PathBuf,
    /// Index of the job that writes the scores by which the cell is ranked. The job before it is the fine-tuning.
    pub job: usize,
}

impl Cell {
    /// Returns the file with the scores of a part.
    pub fn scores(&self, part: Part) -> PathBuf {
        default_out(&self.folder).join(json::file(part))
    }

    /// Whether two cells differ in searched settings alone.
    pub fn is_rival(&self, other: &Self) -> bool {
        (&self.task, &self.start, self.fraction.to_bits())
            == (&other.task, &other.start, other.fraction.to_bits())
    }

    /// Returns the name of the cell and its rivals together.
    pub fn group(&self) -> String {
        format!("{}/{}/{}", self.task, self.start, self.share)
    }
}

/// Metric and unit of a task's scores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Metric of the task.
    pub metric: Metric,
    /// Unit of the target; of classes that of a pure number.
    pub unit: String,
}

/// The jobs of a comparison, in the order in which they begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Jobs. Each follows those that it needs.
    pub jobs: Vec<Job>,
    /// Cells, ordered by task, start, searched settings and fraction.
    pub cells: Vec<Cell>,
    /// Part of every fold that ranks the cells.
    pub ranking: Part,
    /// What is measured, by task.
    pub measures: BTreeMap<String, Measure>,
}

impl Plan {
    /// Returns the job that tests a cell after it was ranked by another part.
    pub fn test_of(&self, cell: &Cell) -> Option<Job> {
        let finetuning = self.jobs.get(cell.job.checked_sub(1)?)?;
        Some(scoring(Part::Test, finetuning, cell.job))
    }
}

/// Returns the job that scores a part of a fine-tuning after the job `after`.
pub(super) fn scoring(part: Part, finetuning: &Job, after: usize) -> Job {
    let (kind, option) = match part {
        Part::Test => (JobKind::Evaluate, &[][..]),
        Part::Validation => (JobKind::Validate, &["--on", "validation"][..]),
    };
    let Job { subject, folder, log, .. } = finetuning.clone();
    let arguments = words(&["evaluate"]).into_iter().chain([text(&folder)]).chain(words(option));
    Job {
        kind,
        subject,
        arguments: arguments.collect(),
        inputs: Vec::new(),
        shards: Vec::new(),
        output: default_out(&folder).join(json::file(part)),
        folder,
        log,
        after: vec![after],
        epochs: None,
        seeds: Vec::new(),
        folds: None,
        pretrained: None,
        anew: false,
    }
}
