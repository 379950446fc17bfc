//! A comparison from its grid to its tables and figures.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::batch::Batch;
use super::choice::{self, Choice};
use super::error::CompareError;
use super::grid::{Candidate, Grid};
use super::job::{self, Job, JobKind, command_line};
use super::journal::{self, Journal, Record};
use super::plan::Plan;
use super::planner::plan;
use super::progress::Progress;
use super::results::{Results, evaluations, scores};
use super::schedule::{self, Change, Runner, State};
use super::view::View;
use super::{Chosen, Planned, Request, Summary, cost, cost_table, figure, table};
use crate::atomic;
use crate::report::part::Part;

/// Name of the copy of the grid in the folder of a comparison.
pub(super) const GRID_FILE: &str = "grid.toml";
const TABLES_FOLDER: &str = "tables";
const FIGURES_FOLDER: &str = "figures";
const COSTS_FOLDER: &str = "costs";
/// Folders and endings of the results of a table and of a figure.
const OF_TABLE: [(&str, &str); 4] =
    [(TABLES_FOLDER, "md"), (TABLES_FOLDER, "csv"), (COSTS_FOLDER, "md"), (COSTS_FOLDER, "csv")];
const OF_FIGURE: [(&str, &str); 2] = [(FIGURES_FOLDER, "svg"), (FIGURES_FOLDER, "csv")];
/// Stands in a preview for the command of a test whose settings are not chosen yet.
pub(super) const BEST_SETTINGS: &str = "the settings with the best score on the validation parts";

/// A valid grid with its plan.
pub(super) struct Prepared {
    pub(super) grid: Grid,
    pub(super) plan: Plan,
    /// The jobs of the plan.
    batch: Batch,
}

impl Prepared {
    pub(super) fn new(request: &Request) -> Result<Self, CompareError> {
        let grid = Grid::load(&request.grid)?;
        let plan = plan(&grid, &request.grid, &request.folder, request.ranking)?;
        let batch = Batch::new(plan.jobs.clone(), &request.grid)?;
        Ok(Self { grid, plan, batch })
    }

    /// Whether what the validation parts choose is tested.
    fn tests_chosen(&self) -> bool {
        self.grid.searching().is_some()
    }

    /// Returns the jobs, followed by the tests of a search whose settings are not chosen yet.
    pub(super) fn planned(&self, request: &Request) -> Result<Vec<Planned>, CompareError> {
        let records = journal::read(&request.folder.join(journal::FILE))?;
        let known = journal::finished(&records);
        let mut states = self.batch.states(&known);
        let mut jobs = self.batch.jobs.clone();
        let mut undecided = Vec::new();
        if self.tests_chosen() {
            let choices = self.choices(&states, &records)?;
            let tests = self.with_tests(request, &choices)?;
            states = tests.states(&known);
            jobs = tests.jobs;
            undecided = choices.into_iter().filter(|choice| choice.chosen.is_none()).collect();
        }
        let planned = jobs.iter().zip(&states).map(|(job, state)| Planned {
            name: job.name(),
            command: command_line(&job.arguments),
            finished: *state == State::Finished,
        });
        let tests = undecided.into_iter().map(|choice| {
            let only = choice.cells.first().filter(|_| choice.cells.len() == 1);
            let only = only.and_then(|&cell| self.plan.test_of(self.plan.cells.get(cell)?));
            let command = only.map_or_else(|| BEST_SETTINGS.to_owned(), |job| command_line(&job.arguments));
            Planned { name: format!("{} {}", JobKind::Evaluate, choice.group), command, finished: false }
        });
        Ok(planned.chain(tests).collect())
    }

    /// Runs the remaining jobs and writes the results. The tests of a search follow when its choices are made.
    pub(super) fn run<R: Runner>(
        &self,
        request: &Request,
        runner: &mut R,
        stop: &dyn Fn() -> bool,
    ) -> Result<Summary, CompareError> {
        let folder = &request.folder;
        self.remove_dropped(folder)?;
        copy(&request.grid, &folder.join(GRID_FILE))?;
        let (mut journal, records) = Journal::open(&folder.join(journal::FILE))?;
        let known = journal::finished(&records);
        let batch = self.batch.anew(&known);
        let mut states =
            run_batch(&batch, batch.states(&known), request, runner, stop, (&mut journal, &records))?;
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
    pub(super) fn results(
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

    /// Removes the results of tables and figures that the folder's earlier grid has and this one lacks.
    fn remove_dropped(&self, folder: &Path) -> Result<(), CompareError> {
        // Of a grid that cannot be read, such as another version's, the results are not known.
        let Ok(earlier) = Grid::load(&folder.join(GRID_FILE)) else { return Ok(()) };
        let kept = results_of(&self.grid, folder);
        let mut dropped = results_of(&earlier, folder).into_iter().filter(|path| !kept.contains(path));
        dropped.try_for_each(|path| remove(&path))
    }

    /// Writes tables and figures. Costs that are no longer known are removed.
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
            } else {
                remove(&result(&path, "md"))?;
                remove(&result(&path, "csv"))?;
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

/// Returns the paths of all results of a grid, which need not be there.
fn results_of(grid: &Grid, folder: &Path) -> Vec<PathBuf> {
    let path = |(kind, ending): &(&str, &str), name: &str| result(&folder.join(kind).join(name), ending);
    let mut paths = Vec::new();
    for section in &grid.table {
        paths.extend(OF_TABLE.iter().map(|of| path(of, &section.name)));
    }
    for section in &grid.figure {
        paths.extend(OF_FIGURE.iter().map(|of| path(of, &section.name)));
    }
    paths
}

/// Returns the path of a result. The name may have dots in it.
fn result(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}.{ending}", job::text(path)))
}

/// Removes a result, if it is there.
fn remove(path: &Path) -> Result<(), CompareError> {
    atomic::remove_if_there(path).map_err(CompareError::io("remove", path))
}

/// Writes a result.
fn put(path: &Path, ending: &str, text: &str) -> Result<PathBuf, CompareError> {
    if let Some(folder) = path.parent() {
        create(folder)?;
    }
    let path = result(path, ending);
    atomic::write(&path, |out| out.write_all(text.as_bytes())).map_err(CompareError::io("write", &path))?;
    Ok(path)
}

fn copy(from: &Path, to: &Path) -> Result<(), CompareError> {
    let text = std::fs::read(from).map_err(CompareError::io("read", from))?;
    atomic::write(to, |out| out.write_all(&text)).map_err(CompareError::io("write", to))
}

/// Creates a folder.
pub(super) fn create(folder: &Path) -> Result<(), CompareError> {
    std::fs::create_dir_all(folder).map_err(CompareError::io("create", folder))
}
