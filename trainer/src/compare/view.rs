//! Content of a table or figure: measured and published numbers side by side.

use std::collections::BTreeMap;

use super::cost::Cost;
use super::error::CompareError;
use super::grid::{ALL_LABELS, FigureKind, FigureSection, Grid, MEDIAN, Published, TableSection};
use super::job::Job;
use super::plan::{Cell, Plan};
use super::schedule::State;
use crate::report::json::EvaluationRecord;

/// Name of the training median's row.
const MEDIAN_LABEL: &str = "Median of the training part";

/// Evaluation of a cell, and the cost of its fine-tuning.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// Scores of the test parts.
    pub record: EvaluationRecord,
    /// Cost; `None` if the runs left no record of it.
    pub cost: Option<Cost>,
}

/// Evaluations of the cells of a plan, in order; `None` if not finished.
pub type Evaluations = Vec<Option<Evaluated>>;

/// Reads the evaluations of the cells whose jobs are finished. `devices` are the devices of the jobs by name.
///
/// # Errors
/// [`CompareError::Report`] or [`CompareError::Cost`].
pub fn evaluations(
    plan: &Plan,
    states: &[State],
    devices: &BTreeMap<String, String>,
) -> Result<Evaluations, CompareError> {
    let read = |cell: &Cell| {
        if states.get(cell.job) != Some(&State::Finished) {
            return Ok(None);
        }
        let finetuning = plan.jobs.get(cell.job - 1).map(Job::name);
        let device = finetuning.and_then(|name| devices.get(&name)).map(String::as_str);
        let cost = Cost::read(&cell.folder, device)
            .map_err(|source| CompareError::Cost { path: cell.folder.clone(), source: Box::new(source) })?;
        Ok(Some(Evaluated { record: EvaluationRecord::read(&cell.evaluation)?, cost }))
    };
    plan.cells.iter().map(read).collect()
}

/// Mean absolute error of a cell, in the unit of the target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Mean over the folds.
    pub mean: f64,
    /// Population standard deviation over the folds; `None` for a single one.
    pub std: Option<f64>,
    /// Number of folds.
    pub folds: usize,
    /// Number of seeds whose predictions were averaged.
    pub seeds: usize,
    /// Cost of the fine-tuning; `None` for the median and where it is not known.
    pub cost: Option<Cost>,
}

/// A published number.
#[derive(Debug, Clone, PartialEq)]
pub struct Cited {
    /// Mean absolute error, in the unit of the target.
    pub mae: f64,
    /// The model.
    pub model: String,
    /// Source of the number.
    pub source: String,
}

/// Numbers of a model for a task.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// Measured score.
    pub ours: Option<Score>,
    /// Published number.
    pub published: Option<Cited>,
}

/// Kind of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// A model that was fine-tuned in this comparison.
    Ours,
    /// The predictor that always predicts the training median.
    Median,
    /// A model with published numbers only.
    Published,
}

/// A model on a share of the training crystals.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Kind of the row.
    pub kind: RowKind,
    /// Name of the model.
    pub label: String,
    /// Share of the training crystals.
    pub fraction: f64,
    /// Entries for every task.
    pub entries: Vec<Entry>,
}

/// A task and the unit of its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name of the task.
    pub task: String,
    /// Unit of the target.
    pub unit: String,
}

/// Content of a table or figure.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Name of the files.
    pub name: String,
    /// Heading.
    pub title: String,
    /// Tasks.
    pub columns: Vec<Column>,
    /// Rows: measured models by start and fraction, the median, then published models.
    pub rows: Vec<Row>,
    /// Whether the rows have several fractions.
    pub several_fractions: bool,
}

/// Selected part of a grid.
struct Selection<'a> {
    name: &'a str,
    title: &'a str,
    tasks: &'a [String],
    starts: &'a [String],
    fractions: Vec<f64>,
}

impl View {
    /// Returns the content of a table.
    pub fn of_table(section: &TableSection, grid: &Grid, plan: &Plan, evaluations: &Evaluations) -> Self {
        let selection = Selection {
            name: &section.name,
            title: &section.title,
            tasks: section.tasks.as_ref().unwrap_or(&grid.tasks),
            starts: section.starts.as_ref().unwrap_or(&grid.starts),
            fractions: section.fractions.clone().unwrap_or_else(|| grid.fractions.clone()),
        };
        selection.view(grid, plan, evaluations)
    }

    /// Returns the content of a figure.
    pub fn of_figure(section: &FigureSection, grid: &Grid, plan: &Plan, evaluations: &Evaluations) -> Self {
        let all = || match section.kind {
            FigureKind::Bars => grid.fractions.iter().copied().max_by(f64::total_cmp).into_iter().collect(),
            FigureKind::Curves => grid.fractions.clone(),
        };
        let selection = Selection {
            name: &section.name,
            title: &section.title,
            tasks: section.tasks.as_ref().unwrap_or(&grid.tasks),
            starts: section.starts.as_ref().unwrap_or(&grid.starts),
            fractions: section.fractions.clone().unwrap_or_else(all),
        };
        selection.view(grid, plan, evaluations)
    }
}

impl Selection<'_> {
    fn view(&self, grid: &Grid, plan: &Plan, evaluations: &Evaluations) -> View {
        let by_cell: BTreeMap<_, _> = plan
            .cells
            .iter()
            .zip(evaluations)
            .filter_map(|(cell, evaluation)| {
                let key = (cell.task.as_str(), cell.start.as_str(), cell.fraction.to_bits());
                Some((key, evaluation.as_ref()?))
            })
            .collect();
        let measured =
            |task: &str, start: &str, fraction: f64| by_cell.get(&(task, start, fraction.to_bits())).copied();
        let mut rows = Vec::new();
        for start in self.starts {
            for &fraction in &self.fractions {
                let entry = |task: &String| Entry {
                    ours: measured(task, start, fraction).map(model_score),
                    published: cited(grid, task, Some(start), fraction),
                };
                let entries = self.tasks.iter().map(entry).collect();
                rows.push(Row {
                    kind: RowKind::Ours,
                    label: grid.label(start).to_owned(),
                    fraction,
                    entries,
                });
            }
        }
        rows.extend(self.median(grid, &measured));
        let placed = |entry: &Published| {
            let start = entry.start.as_deref();
            start.is_some_and(|start| start == MEDIAN || self.starts.iter().any(|shown| shown == start))
        };
        for published in grid.published.iter().filter(|entry| self.fractions.contains(&entry.fraction)) {
            let entry = |task: &String| Entry { ours: None, published: cite(published, task) };
            let entries: Vec<Entry> = self.tasks.iter().map(entry).collect();
            if !placed(published) && entries.iter().any(|entry| entry.published.is_some()) {
                let (kind, label) = (RowKind::Published, published.model.clone());
                rows.push(Row { kind, label, fraction: published.fraction, entries });
            }
        }
        View {
            name: self.name.to_owned(),
            title: self.title.to_owned(),
            columns: self.tasks.iter().map(|task| column(task, plan)).collect(),
            rows,
            several_fractions: self.fractions.len() > 1,
        }
    }

    /// Returns the row of the training median, for the largest share shown.
    fn median<'a>(
        &self,
        grid: &Grid,
        measured: &impl Fn(&str, &str, f64) -> Option<&'a Evaluated>,
    ) -> Option<Row> {
        let fraction = self.fractions.iter().copied().max_by(f64::total_cmp)?;
        let entry = |task: &String| Entry {
            // The same for every start: it depends on the task's parts alone.
            ours: self.starts.iter().find_map(|start| measured(task, start, fraction)).map(median_score),
            published: cited(grid, task, Some(MEDIAN), fraction),
        };
        let entries: Vec<Entry> = self.tasks.iter().map(entry).collect();
        let known = entries.iter().any(|entry| *entry != Entry::default());
        known.then(|| Row { kind: RowKind::Median, label: MEDIAN_LABEL.to_owned(), fraction, entries })
    }
}

fn column(task: &str, plan: &Plan) -> Column {
    let unit = plan.units.get(task).cloned().unwrap_or_default();
    Column { task: task.to_owned(), unit }
}

/// Returns the published number for a start.
fn cited(grid: &Grid, task: &str, start: Option<&str>, fraction: f64) -> Option<Cited> {
    let of_start = |entry: &&Published| entry.start.as_deref() == start && entry.fraction == fraction;
    grid.published.iter().filter(of_start).find_map(|entry| cite(entry, task))
}

fn cite(entry: &Published, task: &str) -> Option<Cited> {
    let mae = *entry.mae.get(task)?;
    Some(Cited { mae, model: entry.model.clone(), source: entry.source.clone() })
}

fn model_score(Evaluated { record, cost }: &Evaluated) -> Score {
    let (folds, seeds) = (record.folds.len(), record.seeds.len());
    Score { mean: record.mean.mae, std: record.std.mae, folds, seeds, cost: *cost }
}

fn median_score(Evaluated { record, .. }: &Evaluated) -> Score {
    let (folds, seeds) = (record.folds.len(), record.seeds.len());
    Score { mean: record.mean.dummy_mae, std: record.std.dummy_mae, folds, seeds, cost: None }
}

/// Formats a share as a percentage: `25 %`.
pub(super) fn percent(fraction: f64) -> String {
    // Eight digits: 0.07 times 100 is not quite 7.
    let percent = format!("{:.8}", fraction / ALL_LABELS * 100.0);
    format!("{} %", percent.trim_end_matches('0').trim_end_matches('.'))
}
