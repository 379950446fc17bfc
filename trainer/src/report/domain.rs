//! Errors by the distance of crystals from the training crystals.

use super::Evaluation;
use super::statistics::mean;

/// Number of groups of the same size.
const GROUPS: usize = 5;

/// Error over test crystals that lie as far from the training crystals, in the unit of the target.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DomainError {
    /// Smallest and largest domain distance; `None` for the crystals with unseen elements, wherever they lie.
    pub(super) distances: Option<(f64, f64)>,
    /// Number of test crystals.
    pub(super) count: usize,
    /// Mean absolute error.
    pub(super) mae: f64,
}

/// Returns the errors of five groups of the same size in the order of the distance, and of the crystals with elements that no
/// training crystal holds; nothing if a crystal has no distance.
pub(super) fn by_distance(evaluation: &Evaluation) -> Vec<DomainError> {
    let crystals =
        evaluation.outcomes().map(|outcome| Some((outcome.domain_distance?, outcome.error().abs())));
    let Some(mut crystals) = crystals.collect::<Option<Vec<(f64, f64)>>>() else { return Vec::new() };
    crystals.sort_by(|(left, a), (right, b)| left.total_cmp(right).then(a.total_cmp(b)));
    let size = crystals.len().div_ceil(GROUPS).max(1);
    let group = |crystals: &[(f64, f64)]| DomainError {
        distances: crystals.first().zip(crystals.last()).map(|(first, last)| (first.0, last.0)),
        count: crystals.len(),
        mae: mean(crystals.iter().map(|(_, error)| *error)),
    };
    let unseen = evaluation.outcomes().filter(|outcome| outcome.has_unseen_element);
    let unseen: Vec<f64> = unseen.map(|outcome| outcome.error().abs()).collect();
    let mut groups: Vec<DomainError> = crystals.chunks(size).map(group).collect();
    if !unseen.is_empty() {
        groups.push(DomainError { distances: None, count: unseen.len(), mae: mean(unseen) });
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{evaluation, outcome};

    #[test]
    fn groups_of_the_same_size_have_their_errors() {
        let mut outcomes: Vec<_> =
            (0..10).map(|index| outcome("m", 0.0, f64::from(index / 2), &[])).collect();
        for (index, outcome) in outcomes.iter_mut().enumerate() {
            outcome.domain_distance = Some(1.0 + index as f64);
            outcome.has_unseen_element = index == 9;
        }
        let mut evaluation = evaluation(outcomes);
        let groups = by_distance(&evaluation);
        assert_eq!(groups.iter().map(|group| group.mae).collect::<Vec<_>>(), [0.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
        assert_eq!((groups[1].distances, groups[1].count), (Some((3.0, 4.0)), 2));
        assert_eq!((groups[5].distances, groups[5].count), (None, 1));
        evaluation.folds[0].outcomes[3].domain_distance = None;
        assert!(by_distance(&evaluation).is_empty());
    }
}
