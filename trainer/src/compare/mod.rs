//! `trainer compare`: a grid of pre-trainings and fine-tunings, with tables and figures of the results.
//!
//! * [`grid`]: the definition of a comparison, a TOML file
//! * [`mod@plan`]: the [`job`]s of a grid, in order, which `planner` makes with their `arguments`; `batch`: jobs and the
//!   journal
//! * [`schedule`]: distribution of jobs to devices; [`process`]: jobs as child processes
//! * [`journal`]: events of all jobs; `progress`: reports of them
//! * [`scores`] and [`results`]: scores of the cells; [`choice`]: searched settings with the best ones
//! * [`view`]: the numbers of a table or figure, measured and published; [`cost`]: the cost of each
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
//! A job is finished if the journal says so for the same arguments and files, its output exists, and all jobs before
//! it are finished. All other jobs are run, from their last checkpoint if there is one. The runs themselves refuse to
//! continue with other settings.
//!
//! Cells are ranked by the test parts, or by the validation parts: then nothing is tested. A search, in which starts are
//! tried with several settings, is always ranked by the validation parts. When all its cells are scored, the best one of
//! each task, start and share is tested, and no other one; the journal shows it.

mod arguments;
mod batch;
pub mod choice;
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
pub mod table;
#[cfg(test)]
mod tests;
pub mod view;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

pub use error::CompareError;

use schemas::{lock, output};

use self::batch::Batch;
use self::choice::Choice;
use self::grid::{Candidate, Grid};
use self::job::{Job, JobKind, command_line};
use self::journal::{Journal, Record};
use self::plan::Plan;
use self::planner::plan;
use self::process::Processes;
use self::progress::Progress;
use self::results::{Results, evaluations, scores};
use self::schedule::{Change, Runner, Slot, State};
use self::view::View;
use crate::report::part::Part;
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
    let prepared = Prepared::new(request)?;
    let records = journal::read(&request.folder.join(journal::FILE))?;
    let known = journal::finished(&records);
    let mut states = prepared.batch.states(&known);
    let mut jobs = prepared.batch.jobs.clone();
    let mut undecided = Vec::new();
    if prepared.tests_chosen() {
        let choices = prepared.choices(&states, &records)?;
        let tests = prepared.with_tests(request, &choices)?;
        states = tests.states(&known);
        jobs = tests.jobs;
        undecided = choices.into_iter().filter(|choice| choice.chosen.is_none()).collect();
    }
    let planned = jobs.iter().zip(&states).map(|(job, state)| Planned {
        name: job.name(),
        command: command_line(&job.arguments),
        finished: *state == State::Finished,
    });
    let tests = undecided.into_iter().map(|choice| Planned {
        name: format!("{} {}", JobKind::Evaluate, choice.group),
        command: "the settings with the best score on the validation parts".to_owned(),
        finished: false,
    });
    Ok(planned.chain(tests).collect())
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
    /// The jobs of the plan.
    batch: Batch,
}

impl Prepared {
    fn new(request: &Request) -> Result<Self, CompareError> {
        let grid = Grid::load(&request.grid)?;
        let plan = plan(&grid, &request.grid, &request.folder, request.ranking)?;
        let batch = Batch::new(plan.jobs.clone(), &request.grid)?;
        Ok(Self { grid, plan, batch })
    }

    /// Whether what the validation parts choose is tested.
    fn tests_chosen(&self) -> bool {
        self.grid.searching().is_some()
    }

    /// Runs the remaining jobs and writes the results. The tests of a search follow when its choices are made.
    fn run<R: Runner>(
        &self,
        request: &Request,
        runner: &mut R,
        stop: &dyn Fn() -> bool,
    ) -> Result<Summary, CompareError> {
        let folder = &request.folder;
        copy(&request.grid, &folder.join(GRID_FILE))?;
        let (mut journal, records) = Journal::open(&folder.join(journal::FILE))?;
        let known = journal::finished(&records);
        let mut states = run_batch(
            &self.batch,
            self.batch.states(&known),
            request,
            runner,
            stop,
            (&mut journal, &records),
        )?;
        let mut records = journal::read(&folder.join(journal::FILE))?;
        let mut choices = Vec::new();
        let mut names: Vec<String> = self.batch.jobs.iter().map(Job::name).collect();
        if self.tests_chosen() {
            choices = self.choices(&states, &records)?;
            let tests = self.with_tests(request, &choices)?;
            let of_tests = tests.states(&journal::finished(&records)).into_iter().skip(states.len());
            states.extend(of_tests);
            states = run_batch(&tests, states, request, runner, stop, (&mut journal, &records))?;
            names = tests.jobs.iter().map(Job::name).collect();
            records = journal::read(&folder.join(journal::FILE))?;
        }
        let results = self.results(&states, &records, &choices)?;
        let files = self.write(folder, &results)?;
        let chosen = choices.iter().filter(|choice| choice.cells.len() > 1).map(|choice| Chosen {
            group: choice.group.clone(),
            settings: choice
                .chosen
                .and_then(|cell| self.plan.cells.get(cell)?.candidate.as_ref())
                .map(Candidate::label),
        });
        Ok(Summary { jobs: names.into_iter().zip(states).collect(), chosen: chosen.collect(), files })
    }

    /// Returns the choices of a search by the finished scores of the validation parts.
    fn choices(&self, states: &[State], records: &[Record]) -> Result<Vec<Choice>, CompareError> {
        let ranked = evaluations(&self.plan, states, &cost::devices(records))?;
        Ok(choice::choices(&self.plan, states, &ranked))
    }

    /// Returns the jobs of the plan, followed by the tests of the chosen cells.
    fn with_tests(&self, request: &Request, choices: &[Choice]) -> Result<Batch, CompareError> {
        let chosen = choices.iter().filter_map(|choice| self.plan.cells.get(choice.chosen?));
        let tests = chosen.filter_map(|cell| self.plan.test_of(cell));
        Batch::new(self.plan.jobs.iter().cloned().chain(tests).collect(), &request.grid)
    }

    /// Reads the scores of all finished jobs. The tests of the choices follow the jobs of the plan.
    fn results(
        &self,
        states: &[State],
        records: &[Record],
        choices: &[Choice],
    ) -> Result<Results, CompareError> {
        let cells = &self.plan.cells;
        let mut results = Results {
            ranking: self.plan.ranking,
            ranked: evaluations(&self.plan, states, &cost::devices(records))?,
            tested: vec![None; cells.len()],
            chosen: vec![false; cells.len()],
        };
        let mut tests = states.iter().skip(self.plan.jobs.len());
        for choice in choices {
            let Some((index, cell)) = choice.chosen.and_then(|index| Some((index, cells.get(index)?))) else {
                continue;
            };
            results.chosen[index] = choice.cells.len() > 1;
            if tests.next() == Some(&State::Finished) {
                results.tested[index] = Some(scores(&self.plan, cell, Part::Test)?);
            }
        }
        Ok(results)
    }

    /// Writes tables and figures.
    fn write(&self, folder: &Path, results: &Results) -> Result<Vec<PathBuf>, CompareError> {
        let mut files = Vec::new();
        for section in &self.grid.table {
            let view = View::of_table(section, &self.grid, &self.plan, results);
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
            let view = View::of_figure(section, &self.grid, &self.plan, results);
            let path = folder.join(FIGURES_FOLDER).join(&view.name);
            files.push(put(&path, "svg", &figure::svg(&view, section.kind))?);
            files.push(put(&path, "csv", &table::csv(&view))?);
        }
        Ok(files)
    }
}

/// Runs the waiting jobs of a batch, and records every change in the journal, whose records so far are given.
fn run_batch<R: Runner>(
    batch: &Batch,
    states: Vec<State>,
    request: &Request,
    runner: &mut R,
    stop: &dyn Fn() -> bool,
    (journal, records): (&mut Journal, &[Record]),
) -> Result<Vec<State>, CompareError> {
    let mut progress = Progress::new(&batch.jobs, &states, records, request.slots.len(), request.quiet);
    let mut changed = |change: Change<'_>| {
        progress.change(&change);
        match batch.event(&change) {
            Some(event) => journal.append(&Record { job: change.job.name(), event }),
            None => Ok(()),
        }
    };
    schedule::run(&batch.jobs, states, &request.slots, runner, stop, &mut changed)
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
