//! `trainer compare`: a grid of pre-trainings and fine-tunings, with tables and figures of the results.
//!
//! * [`grid`]: the definition of a comparison, a TOML file
//! * `comparison`: all of this in order
//! * [`mod@plan`]: the [`job`]s of a grid, in order, which `planner` makes; `batch`: jobs and the journal
//! * [`schedule`]: distribution of jobs to devices; [`process`]: jobs as child processes
//! * [`journal`]: events of all jobs; `progress`: reports of them
//! * [`scores`] and [`results`]: scores of the cells; [`choice`]: searched settings with the best ones
//! * [`view`]: the numbers of a table or figure, measured and published; [`cost`]: the cost of each; `share`: shares of
//!   the training crystals
//! * [`table`] and [`cost_table`]: views as Markdown and CSV; [`figure`]: views as SVG
//!
//! The folder of a comparison:
//!
//! | name | content |
//! |---|---|
//! | `grid.toml` | the grid |
//! | `jobs.jsonl` | the events of all jobs |
//! | `pretrain/`, `cells/` | the runs, see [`mod@plan`] |
//! | `logs/` | the output of the jobs |
//! | `tables/`, `figures/` | the results of the finished jobs |
//! | `costs/` | time and size beside the errors, for each table |
//!
//! Tables, figures and costs are those of the grid and of what is finished: what an earlier grid of the folder had besides is
//! removed.
//!
//! A job is finished if the journal says so for the same arguments and files, its output exists, and all jobs before
//! it are finished. All other jobs are run, from their last checkpoint if there is one. A job begins anew if its shards have
//! changed, if it is to have fewer epochs than before, or if its pre-trained weights are others now. The runs themselves refuse
//! to continue with other settings.
//!
//! Cells are ranked by the test parts, or by the validation parts: then nothing is tested. A search, in which starts are
//! tried with several settings, is always ranked by the validation parts. When all its cells are scored, the best one of
//! each task, start and share is tested, and no other one; the journal shows it.

mod batch;
pub mod choice;
mod comparison;
pub mod cost;
pub mod cost_table;
mod error;
#[cfg(test)]
mod example;
pub mod figure;
pub mod grid;
pub mod job;
pub mod journal;
pub mod plan;
mod planner;
pub mod process;
mod progress;
pub mod results;
pub mod schedule;
pub mod scores;
mod share;
pub mod table;
#[cfg(test)]
mod tests;
pub mod view;

use std::fs::File;
use std::path::{Path, PathBuf};

pub use error::CompareError;

use schemas::{lock, output};

use self::comparison::{GRID_FILE, Prepared, create};
use self::process::Processes;
use self::schedule::{Slot, State};
use crate::report::part::Part;
use crate::text_file;

/// The arguments of [`compare`](fn@compare).
#[derive(Debug, Clone)]
pub struct Request {
    /// File of the grid.
    pub grid: PathBuf,
    /// Folder of the comparison.
    pub folder: PathBuf,
    /// The part that ranks the cells; unless given the test part, and of a search the validation part.
    pub ranking: Option<Part>,
    /// Devices of the jobs.
    pub slots: Vec<Slot>,
    /// Whether to suppress progress reports.
    pub quiet: bool,
}

/// The result of [`compare`](fn@compare).
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Name and state of the jobs in order.
    pub jobs: Vec<(String, State)>,
    /// What a search has chosen, by task, start and share.
    pub chosen: Vec<Chosen>,
    /// Tables and figures that were written.
    pub files: Vec<PathBuf>,
}

/// What a search has chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Task, start and share.
    pub group: String,
    /// The settings; `None` before all are scored.
    pub settings: Option<String>,
}

/// A job of a comparison that is not run, for a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Name of the job.
    pub name: String,
    /// Command that would be run.
    pub command: String,
    /// Whether the job is finished.
    pub finished: bool,
}

/// Returns the jobs of a comparison. Nothing is written.
///
/// # Errors
/// [`CompareError`] for a grid that cannot be used, and scores of a search that cannot be read.
pub fn planned(request: &Request) -> Result<Vec<Planned>, CompareError> {
    Prepared::new(request)?.planned(request)
}

/// Runs the remaining jobs of a comparison as child processes of `program`, and writes tables and figures of the
/// finished ones, also if `stop` ends the comparison early.
///
/// # Errors
/// [`CompareError`] for a grid that cannot be used, a folder in which another comparison is running, and files that
/// cannot be read or written. A failed job is not an error; see [`Summary::jobs`].
pub fn compare(
    request: &Request,
    program: PathBuf,
    stop: &dyn Fn() -> bool,
) -> Result<Summary, CompareError> {
    let prepared = Prepared::new(request)?;
    let tasks = prepared.grid.task.values();
    let tasks = tasks.flat_map(|section| std::iter::once(&section.shards).chain(section.stores.values()));
    let shards = tasks.chain(prepared.grid.pretrain.values().map(|section| &section.shards));
    output::require_apart(&request.folder, shards.flatten())?;
    require_own(&request.grid, &request.folder)?;
    create(&request.folder)?;
    let lock = lock_folder(&request.folder)?;
    prepared.run(request, &mut Processes::new(program, lock), stop)
}

/// Checks that a grid in the folder is that of this comparison or of an earlier one.
fn require_own(grid: &Path, folder: &Path) -> Result<(), CompareError> {
    let there = folder.join(GRID_FILE);
    if !there.exists() || folder.join(journal::FILE).exists() {
        return Ok(());
    }
    // What cannot be read as a text is no grid.
    let same = text_file::read(&there).and_then(|text| Ok(text == text_file::read(grid)?));
    match same.unwrap_or(false) {
        true => Ok(()),
        false => Err(CompareError::Foreign { path: there, journal: journal::FILE }),
    }
}

/// Locks the folder for this comparison.
fn lock_folder(folder: &Path) -> Result<File, CompareError> {
    let held = lock::take(folder).map_err(CompareError::io("lock", folder))?;
    held.ok_or_else(|| CompareError::Locked { path: folder.to_owned() })
}
