//! Scores of the cells of a comparison.

use std::collections::BTreeMap;

use super::cost::Cost;
use super::error::CompareError;
use super::job::Job;
use super::plan::{Cell, Plan};
use super::schedule::State;
use super::scores::Scores;
use crate::report::part::Part;
use crate::statistics::MeanStd;
use crate::task::Metric;

/// Scores of a cell, and the cost of its fine-tuning.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// The scores.
    pub scores: Scores,
    /// Cost; `None` if the runs left no record of it.
    pub cost: Option<Cost>,
}

/// Scores of the cells of a plan, in order; `None` if not finished.
pub type Evaluations = Vec<Option<Evaluated>>;

/// Reads the scores by which the cells are ranked, of those whose jobs are finished. `devices` are the devices of the
/// jobs by name.
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
        Ok(Some(Evaluated { scores: scores(plan, cell, plan.ranking)?, cost }))
    };
    plan.cells.iter().map(read).collect()
}

/// Reads the scores of a part of a cell.
///
/// # Errors
/// [`CompareError::Report`].
pub(super) fn scores(plan: &Plan, cell: &Cell, part: Part) -> Result<Scores, CompareError> {
    let metric = plan.measures.get(&cell.task).map(|measure| measure.metric).unwrap_or_default();
    Ok(Scores::read(&cell.scores(part), metric)?)
}

/// Scores of a comparison. Every list has an element for each cell of the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// The part that ranks the cells.
    pub ranking: Part,
    /// Scores of this part.
    pub ranked: Evaluations,
    /// Scores on the test parts of the cells that a search has chosen.
    pub tested: Vec<Option<Scores>>,
    /// Whether a search has chosen the cell among others.
    pub chosen: Vec<bool>,
}

impl Results {
    /// Returns the score of a cell, by its index, on a part.
    pub fn score(&self, cell: usize, metric: Metric, part: Part) -> Option<Score> {
        let (scores, cost) = self.scores(cell, part)?;
        let score = Score::of(scores, scores.model(metric)?, cost);
        Some(Score { seed_std: scores.seed_std(metric), ..score })
    }

    /// Returns the score of the dummy for the parts of a cell, by its index.
    pub fn dummy(&self, cell: usize, metric: Metric, part: Part) -> Option<Score> {
        let (scores, _) = self.scores(cell, part)?;
        Some(Score::of(scores, scores.dummy(metric)?, None))
    }

    /// Returns the scores of a part of a cell. Costs stand beside those by which the cells are ranked.
    fn scores(&self, cell: usize, part: Part) -> Option<(&Scores, Option<Cost>)> {
        if part == self.ranking {
            let Evaluated { scores, cost } = self.ranked.get(cell)?.as_ref()?;
            return Some((scores, *cost));
        }
        Some((self.tested.get(cell)?.as_ref()?, None))
    }
}

/// Score of a cell: a mean absolute error in the unit of the target, or a score of classes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Mean over the folds.
    pub mean: f64,
    /// Population standard deviation over the folds; `None` for a single one.
    pub std: Option<f64>,
    /// Population standard deviation of the scores of single seeds; `None` with several folds, and of a single seed.
    pub seed_std: Option<f64>,
    /// Number of folds.
    pub folds: usize,
    /// Number of seeds whose predictions were averaged.
    pub seeds: usize,
    /// Cost of the fine-tuning; `None` for a dummy and where it is not known.
    pub cost: Option<Cost>,
}

impl Score {
    /// Returns half the length of the line that shows the spread over the folds or, of a single one, over the seeds.
    pub fn deviation(&self) -> f64 {
        self.std.or(self.seed_std).unwrap_or(0.0)
    }

    fn of(scores: &Scores, MeanStd { mean, std }: MeanStd, cost: Option<Cost>) -> Self {
        Self { mean, std, seed_std: None, folds: scores.folds(), seeds: scores.seeds(), cost }
    }
}
