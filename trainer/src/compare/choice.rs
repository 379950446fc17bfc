//! Choice of searched settings: of each task, start and share the candidate with the best score on the validation parts.

use std::path::{Path, PathBuf};

use super::plan::{Cell, Plan};
use super::results::Evaluations;
use super::schedule::State;
use crate::run::folder::has_diverged;

/// Cells that differ in searched settings alone, with the one that is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Name of the cells together: task, start and share.
    pub group: String,
    /// Indices of the cells.
    pub cells: Vec<usize>,
    /// Index of the chosen cell; `None` before all are scored, or if no training has ended in a model.
    pub chosen: Option<usize>,
}

/// Returns the choice of every task, start and share, in the order of the plan. `ranked` are the scores of the cells on the
/// validation parts. Of equal scores the first one is chosen.
///
/// Nothing is chosen before every cell is scored, so that no other one is chosen later. Settings with which the training
/// has diverged take no part. A cell without others needs no score in the metric of its task, which parts of a single class
/// may lack.
pub fn choices(plan: &Plan, states: &[State], ranked: &Evaluations) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    for (index, cell) in plan.cells.iter().enumerate() {
        let is_rival = |choice: &&mut Choice| {
            choice
                .cells
                .first()
                .and_then(|&first| plan.cells.get(first))
                .is_some_and(|first| first.is_rival(cell))
        };
        match choices.iter_mut().find(is_rival) {
            Some(choice) => choice.cells.push(index),
            None => choices.push(Choice { group: cell.group(), cells: vec![index], chosen: None }),
        }
    }
    for choice in &mut choices {
        choice.chosen = best(plan, states, ranked, &choice.cells);
    }
    choices
}

/// Returns the cell with the best score; `None` if one has neither a score nor diverged, or if there is none.
fn best(plan: &Plan, states: &[State], ranked: &Evaluations, cells: &[usize]) -> Option<usize> {
    if let [only] = cells {
        return ranked.get(*only)?.as_ref().map(|_| *only);
    }
    let metric = plan.measures.get(&plan.cells.get(*cells.first()?)?.task)?.metric;
    let mut scored = Vec::with_capacity(cells.len());
    for &index in cells {
        let score = ranked.get(index).and_then(Option::as_ref).and_then(|cell| cell.scores.model(metric));
        match score {
            Some(score) => scored.push((index, score.mean)),
            None if diverged(plan.cells.get(index)?, states) => {}
            None => return None,
        }
    }
    scored.into_iter().min_by(|left, right| metric.compare(left.1, right.1)).map(|(index, _)| index)
}

/// Whether the training of a cell has failed because a loss was not finite.
fn diverged(cell: &Cell, states: &[State]) -> bool {
    let finetuning = cell.job.checked_sub(1).and_then(|job| states.get(job));
    let mut members = entries(&cell.folder).into_iter().flat_map(|fold| entries(&fold));
    matches!(finetuning, Some(State::Failed(_))) && members.any(|member| has_diverged(&member))
}

/// Returns the entries of a folder; none if it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
