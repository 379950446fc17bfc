//! Content of a table or figure: measured and published numbers side by side.

use std::collections::BTreeMap;

use super::grid::{Candidate, FigureKind, FigureSection, Grid, MEDIAN, Published, TableSection};
use super::plan::{Cell, Plan};
use super::results::{Results, Score};
use super::share::{self, WHOLE, percent};
use crate::report::part::Part;
use crate::task::Metric;
use crate::unit;

/// Names of the rows of the training median and of the commonest class.
const MEDIAN_LABEL: &str = "Median of the training part";
const COMMONEST_LABEL: &str = "Commonest training class";
/// Relative difference of means over the same crystals in another order.
const ROUNDING: f64 = 1e-9;

/// A published number.
#[derive(Debug, Clone, PartialEq)]
pub struct Cited {
    /// Mean absolute error in the unit of the target, or score of classes.
    pub score: f64,
    /// The model.
    pub model: String,
    /// Source of the number.
    pub source: String,
}

/// Numbers of a model for a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// Measured score.
    pub ours: Option<Score>,
    /// Published number.
    pub published: Option<Cited>,
    /// Whether a search has chosen these settings for the task.
    pub is_chosen: bool,
}

/// Kind of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// A model that was fine-tuned in this comparison.
    Ours,
    /// The predictor that always predicts the training median.
    Median,
    /// The predictor that always predicts the commonest class of the training part.
    Commonest,
    /// A model with published numbers only.
    Published,
}

impl RowKind {
    /// Whether it is a predictor that has learned nothing but a constant.
    pub fn is_dummy(self) -> bool {
        matches!(self, Self::Median | Self::Commonest)
    }
}

/// A model on a share of the training crystals.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Kind of the row.
    pub kind: RowKind,
    /// Name of the model.
    pub label: String,
    /// Share of the training crystals; where a column has a share of them, a share of these.
    pub fraction: f64,
    /// Entries for every column.
    pub entries: Vec<Entry>,
}

/// A task and the part of its crystals that is scored.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Name of the task.
    pub task: String,
    /// Share of the task's training crystals of which the rows' fractions are shares.
    pub fraction: f64,
    /// Unit of the target.
    pub unit: String,
    /// Metric of the scores.
    pub metric: Metric,
    /// The scored part.
    pub part: Part,
}

impl Column {
    /// Returns the share of all training crystals in a row with this share.
    pub fn share(&self, fraction: f64) -> f64 {
        share::of(fraction, self.fraction)
    }

    /// Returns what stands in brackets behind the name of the task: the unit of an error, or the metric of classes.
    /// Errors without a unit have nothing there.
    pub fn brackets(&self) -> String {
        match self.metric.is_of_classes() {
            true => format!(" [{}]", self.metric.title()),
            false => unit::shown(" [", &self.unit, "]"),
        }
    }
}

/// Content of a table or figure.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Name of the files.
    pub name: String,
    /// Heading.
    pub title: String,
    /// Tasks. Those of a search have two columns, of the validation parts and of the test parts.
    pub columns: Vec<Column>,
    /// Rows: measured models by start, searched settings and fraction, the dummies, then published models.
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
    pub fn of_table(section: &TableSection, grid: &Grid, plan: &Plan, results: &Results) -> Self {
        let selection = Selection {
            name: &section.name,
            title: &section.title,
            tasks: section.tasks.as_ref().unwrap_or(&grid.tasks),
            starts: section.starts.as_ref().unwrap_or(&grid.starts),
            fractions: section.fractions.clone().unwrap_or_else(|| grid.fractions.clone()),
        };
        selection.view(grid, plan, results)
    }

    /// Returns the content of a figure.
    pub fn of_figure(section: &FigureSection, grid: &Grid, plan: &Plan, results: &Results) -> Self {
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
        selection.view(grid, plan, results)
    }

    /// Returns the name of a column's task, with the share of its labels unless that is all: `gap, 10 % of the labels`, or
    /// `gap, of 10 % of the labels` where every row has a share of these.
    pub fn task_name(&self, column: &Column) -> String {
        let Column { task, fraction, .. } = column;
        if *fraction == WHOLE {
            return task.clone();
        }
        if self.several_fractions {
            return format!("{task}, of {} of the labels", percent(*fraction));
        }
        let of_all_rows = self.rows.first().map_or(WHOLE, |row| row.fraction);
        format!("{task}, {} of the labels", percent(column.share(of_all_rows)))
    }

    /// Whether all columns are mean absolute errors on test parts.
    pub fn is_of_test_errors(&self) -> bool {
        self.columns.iter().all(|column| column.part == Part::Test && !column.metric.is_of_classes())
    }

    /// Returns the part that ranks the rows.
    pub fn ranking(&self) -> Part {
        let is_ranked_by = |part| self.columns.iter().any(|column| column.part == part);
        if is_ranked_by(Part::Validation) { Part::Validation } else { Part::Test }
    }

    /// Whether the rows are ranked by validation parts and the chosen ones tested.
    pub fn is_search(&self) -> bool {
        self.ranking() == Part::Validation && self.columns.iter().any(|column| column.part == Part::Test)
    }
}

impl Selection<'_> {
    fn view(&self, grid: &Grid, plan: &Plan, results: &Results) -> View {
        let columns = self.columns(grid, plan);
        let cells: BTreeMap<_, usize> =
            plan.cells.iter().enumerate().map(|(index, cell)| (Key::of(cell), index)).collect();
        let mut rows = Vec::new();
        for start in self.starts {
            let candidates = grid.candidates(start);
            let unsearched = candidates.is_empty().then_some(None);
            for candidate in unsearched.into_iter().chain(candidates.iter().map(Some)) {
                for &fraction in &self.fractions {
                    let entry = |column: &Column| {
                        let cell = cells.get(&Key::new(&column.task, start, candidate, fraction)).copied();
                        let published = cited(grid, column, Some(start), fraction);
                        Entry {
                            ours: cell.and_then(|cell| results.score(cell, column.metric, column.part)),
                            published: published.filter(|_| candidate.is_none()),
                            is_chosen: cell.is_some_and(|cell| results.chosen.get(cell) == Some(&true)),
                        }
                    };
                    let entries = columns.iter().map(entry).collect();
                    let label = match candidate {
                        None => grid.label(start).to_owned(),
                        Some(candidate) => format!("{}, {}", grid.label(start), candidate.label()),
                    };
                    rows.push(Row { kind: RowKind::Ours, label, fraction, entries });
                }
            }
        }
        rows.extend(self.dummy(RowKind::Median, grid, plan, results, &columns));
        rows.extend(self.dummy(RowKind::Commonest, grid, plan, results, &columns));
        // Of several rows with searched settings, none is that of a published number.
        let has_row =
            |start: &str| self.starts.iter().any(|shown| shown == start) && grid.candidates(start).is_empty();
        let placed = |entry: &Published| {
            let start = entry.start.as_deref();
            start.is_some_and(|start| start == MEDIAN || has_row(start))
        };
        for published in grid.published.iter().filter(|entry| !placed(entry)) {
            // The same share of all crystals is another share of those of another task.
            for &fraction in &self.fractions {
                let entry = |column: &Column| Entry {
                    published: cite(published, column, fraction),
                    ..Entry::default()
                };
                let entries: Vec<Entry> = columns.iter().map(entry).collect();
                if entries.iter().any(|entry| entry.published.is_some()) {
                    let (kind, label) = (RowKind::Published, published.model.clone());
                    rows.push(Row { kind, label, fraction, entries });
                }
            }
        }
        View {
            name: self.name.to_owned(),
            title: self.title.to_owned(),
            columns,
            rows,
            several_fractions: self.fractions.len() > 1,
        }
    }

    /// Returns the columns of the tasks.
    fn columns(&self, grid: &Grid, plan: &Plan) -> Vec<Column> {
        let mut parts = vec![plan.ranking];
        parts.extend(grid.searching().map(|_| Part::Test));
        let of_task = |task: &String| {
            let measure = plan.measures.get(task);
            let column = Column {
                task: task.clone(),
                fraction: grid.task.get(task).map_or(WHOLE, |section| section.fraction),
                unit: measure.map(|measure| measure.unit.clone()).unwrap_or_default(),
                metric: measure.map(|measure| measure.metric).unwrap_or_default(),
                part: plan.ranking,
            };
            parts.iter().map(move |&part| Column { part, ..column.clone() }).collect::<Vec<_>>()
        };
        self.tasks.iter().flat_map(of_task).collect()
    }

    /// Returns the row of a dummy, for the largest share shown. A task whose starts have other parts has no number there.
    fn dummy(
        &self,
        kind: RowKind,
        grid: &Grid,
        plan: &Plan,
        results: &Results,
        columns: &[Column],
    ) -> Option<Row> {
        let fraction = self.fractions.iter().copied().max_by(f64::total_cmp)?;
        let entry = |column: &Column| {
            if column.metric.is_of_classes() != (kind == RowKind::Commonest) {
                return Entry::default();
            }
            let is_of_task = |cell: &Cell| {
                cell.task == column.task && cell.fraction == fraction && self.starts.contains(&cell.start)
            };
            let cells = plan.cells.iter().enumerate().filter(|(_, cell)| is_of_task(cell));
            let mut scores = cells.filter_map(|(index, _)| results.dummy(index, column.metric, column.part));
            // It depends on the task's parts alone, which settings such as finetune.validation change: without the same parts
            // for every start there is no such number for all.
            let first = scores.next();
            Entry {
                ours: first.filter(|first| scores.all(|score| is_same(first.mean, score.mean))),
                published: cited(grid, column, Some(MEDIAN), fraction),
                is_chosen: false,
            }
        };
        let entries: Vec<Entry> = columns.iter().map(entry).collect();
        let label = if kind == RowKind::Commonest { COMMONEST_LABEL } else { MEDIAN_LABEL };
        let known = entries.iter().any(|entry| *entry != Entry::default());
        known.then(|| Row { kind, label: label.to_owned(), fraction, entries })
    }
}

/// Whether two errors or scores of a dummy are those of the same crystals, in whatever order.
fn is_same(left: f64, right: f64) -> bool {
    (left - right).abs() <= ROUNDING * left.abs().max(right.abs())
}

/// Task, start, name of the searched settings, and bits of the share of a cell.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a>(&'a str, &'a str, String, u64);

impl<'a> Key<'a> {
    fn new(task: &'a str, start: &'a str, candidate: Option<&Candidate>, fraction: f64) -> Self {
        Self(task, start, candidate.map(Candidate::name).unwrap_or_default(), fraction.to_bits())
    }

    fn of(cell: &'a Cell) -> Self {
        Self::new(&cell.task, &cell.start, cell.candidate.as_ref(), cell.fraction)
    }
}

/// Returns the published number for a start in a row with this share.
fn cited(grid: &Grid, column: &Column, start: Option<&str>, fraction: f64) -> Option<Cited> {
    let of_start = |entry: &&Published| entry.start.as_deref() == start;
    grid.published.iter().filter(of_start).find_map(|entry| cite(entry, column, fraction))
}

/// Returns the number of an entry for a column in a row with this share. Published numbers are those of test parts, and
/// their shares are shares of all training crystals.
fn cite(entry: &Published, column: &Column, fraction: f64) -> Option<Cited> {
    let has_place = column.part == Part::Test && share::same(entry.fraction, column.share(fraction));
    let score = entry.number(&column.task).filter(|_| has_place)?;
    Some(Cited { score, model: entry.model.clone(), source: entry.source.clone() })
}
