//! `trainer compare`: a grid of pre-trainings and fine-tunings, with tables and figures of the results.
//!
//! * [`grid`]: the definition of a comparison, a TOML file
//! * [`plan`]: the [`job`]s of a grid, in order
//! * [`schedule`]: distribution of jobs to devices; [`process`]: jobs as child processes
//! * [`journal`]: events of all jobs; `progress`: reports of them
//! * [`view`]: the numbers of a table or figure, measured and published; [`cost`]: the cost of each
//! * [`table`] and [`cost_table`]: views as Markdown and CSV; [`figure`]: views as SVG
//!
//! The folder of a comparison:
//!
//! | name | content |
//! |---|---|
//! | `grid.toml` | the grid |
//! | `jobs.jsonl` | the events of all jobs |
//! | `pretrain/`, `cells/` | the runs, see [`plan`] |
//! | `logs/` | the output of the jobs |
//! | `tables/`, `figures/` | the results of the finished jobs |
//! | `costs/` | time and size beside the errors, for each table |
//!
//! A job is finished if the journal says so for the same arguments and files, its output exists, and all jobs before
//! it are finished. All other jobs are run, from their last checkpoint if there is one. The runs themselves refuse to
//! continue with other settings.

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
pub mod process;
mod progress;
pub mod schedule;
pub mod table;
#[cfg(test)]
mod tests;
pub mod view;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

pub use error::CompareError;

use schemas::{lock, output};

use self::grid::Grid;
use self::job::{Job, command_line};
use self::journal::{Event, Finished, Journal, Record};
use self::plan::Plan;
use self::process::Processes;
use self::progress::Progress;
use self::schedule::{Change, Runner, Slot, State};
use self::view::View;
use crate::{atomic, text_file};

const GRID_FILE: &str = "grid.toml";
const TABLES_FOLDER: &str = "tables";
const FIGURES_FOLDER: &str = "figures";
const COSTS_FOLDER: &str = "costs";

/// The arguments of [`compare`](fn@compare).
#[derive(Debug, Clone)]
pub struct Request {
    /// File of the grid.
    pub grid: PathBuf,
    /// Folder of the comparison.
    pub folder: PathBuf,
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
    /// Tables and figures that were written.
    pub files: Vec<PathBuf>,
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
/// [`CompareError`] for a grid that cannot be used.
pub fn planned(request: &Request) -> Result<Vec<Planned>, CompareError> {
    let prepared = Prepared::new(request)?;
    let records = journal::read(&request.folder.join(journal::FILE))?;
    let finished = prepared.finished(&journal::finished(&records));
    let jobs = prepared.plan.jobs.iter().zip(finished);
    Ok(jobs
        .map(|(job, finished)| Planned { name: job.name(), command: command_line(&job.arguments), finished })
        .collect())
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

/// A valid grid with its plan.
struct Prepared {
    grid: Grid,
    plan: Plan,
    /// Fingerprints of the plan's jobs.
    fingerprints: Vec<String>,
}

impl Prepared {
    fn new(request: &Request) -> Result<Self, CompareError> {
        let grid = Grid::load(&request.grid)?;
        let plan = Plan::new(&grid, &request.grid, &request.folder)?;
        let fingerprint = |job: &Job| {
            job.fingerprint().map_err(|source| CompareError::Input {
                path: request.grid.clone(),
                job: job.name(),
                source: Box::new(source),
            })
        };
        let fingerprints = plan.jobs.iter().map(fingerprint).collect::<Result<_, _>>()?;
        Ok(Self { grid, plan, fingerprints })
    }

    /// Returns whether each job is finished.
    fn finished(&self, known: &Finished) -> Vec<bool> {
        let mut finished: Vec<bool> = Vec::with_capacity(self.plan.jobs.len());
        for (job, fingerprint) in self.plan.jobs.iter().zip(&self.fingerprints) {
            let recorded = known.get(&job.name()) == Some(fingerprint) && job.output.exists();
            let before = job.after.iter().all(|&earlier| finished.get(earlier) == Some(&true));
            finished.push(recorded && before);
        }
        finished
    }

    /// Runs the remaining jobs and writes the results.
    fn run<R: Runner>(
        &self,
        request: &Request,
        runner: &mut R,
        stop: &dyn Fn() -> bool,
    ) -> Result<Summary, CompareError> {
        let folder = &request.folder;
        copy(&request.grid, &folder.join(GRID_FILE))?;
        let (mut journal, records) = Journal::open(&folder.join(journal::FILE))?;
        let finished = self.finished(&journal::finished(&records));
        let jobs = &self.plan.jobs;
        let mut progress = Progress::new(jobs, &finished, &records, request.slots.len(), request.quiet);
        let mut changed = |change: Change<'_>| {
            progress.change(&change);
            match self.event(&change)? {
                Some(event) => journal.append(&Record { job: change.job.name(), event }),
                None => Ok(()),
            }
        };
        let states = schedule::run(jobs, &finished, &request.slots, runner, stop, &mut changed)?;
        drop(progress);
        let files = self.write(folder, &states)?;
        let names = jobs.iter().map(Job::name);
        Ok(Summary { jobs: names.zip(states).collect(), files })
    }

    /// Returns the event of a state change for the journal.
    fn event(&self, change: &Change<'_>) -> Result<Option<Event>, CompareError> {
        Ok(match change.state {
            State::Waiting => None,
            State::Running => change.slot.map(|slot| Event::Started {
                device: slot.device.to_string(),
                arguments: change.job.arguments.clone(),
            }),
            State::Finished => self.fingerprints.get(change.index).map(|fingerprint| Event::Finished {
                fingerprint: fingerprint.clone(),
                seconds: change.took.as_secs_f64(),
            }),
            State::Interrupted => Some(Event::Interrupted),
            State::Failed(reason) => Some(Event::Failed { reason: reason.clone() }),
            State::Skipped(earlier) => Some(Event::Skipped {
                after: self.plan.jobs.get(*earlier).map(Job::name).unwrap_or_default(),
            }),
        })
    }

    /// Writes tables and figures.
    fn write(&self, folder: &Path, states: &[State]) -> Result<Vec<PathBuf>, CompareError> {
        let records = journal::read(&folder.join(journal::FILE))?;
        let evaluations = view::evaluations(&self.plan, states, &cost::devices(&records))?;
        let mut files = Vec::new();
        for section in &self.grid.table {
            let view = View::of_table(section, &self.grid, &self.plan, &evaluations);
            let path = folder.join(TABLES_FOLDER).join(&view.name);
            files.push(put(&path, "md", &table::markdown(&view))?);
            files.push(put(&path, "csv", &table::csv(&view))?);
            let path = folder.join(COSTS_FOLDER).join(&view.name);
            if let (Some(markdown), Some(csv)) = (cost_table::markdown(&view), cost_table::csv(&view)) {
                files.push(put(&path, "md", &markdown)?);
                files.push(put(&path, "csv", &csv)?);
            }
        }
        for section in &self.grid.figure {
            let view = View::of_figure(section, &self.grid, &self.plan, &evaluations);
            let path = folder.join(FIGURES_FOLDER).join(&view.name);
            files.push(put(&path, "svg", &figure::svg(&view, section.kind))?);
            files.push(put(&path, "csv", &table::csv(&view))?);
        }
        Ok(files)
    }
}

/// Writes a result. The name may have dots in it.
fn put(path: &Path, ending: &str, text: &str) -> Result<PathBuf, CompareError> {
    if let Some(folder) = path.parent() {
        create(folder)?;
    }
    let path = PathBuf::from(format!("{}.{ending}", job::text(path)));
    atomic::write(&path, |out| out.write_all(text.as_bytes())).map_err(CompareError::io("write", &path))?;
    Ok(path)
}

fn copy(from: &Path, to: &Path) -> Result<(), CompareError> {
    let text = std::fs::read(from).map_err(CompareError::io("read", from))?;
    atomic::write(to, |out| out.write_all(&text)).map_err(CompareError::io("write", to))
}

fn create(folder: &Path) -> Result<(), CompareError> {
    std::fs::create_dir_all(folder).map_err(CompareError::io("create", folder))
}

/// Locks the folder for this comparison.
fn lock_folder(folder: &Path) -> Result<File, CompareError> {
    let held = lock::take(folder).map_err(CompareError::io("lock", folder))?;
    held.ok_or_else(|| CompareError::Locked { path: folder.to_owned() })
}
