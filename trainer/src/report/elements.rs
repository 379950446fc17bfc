//! Errors by the elements of the crystals.

use std::collections::{BTreeMap, BTreeSet};

use super::Evaluation;
use crate::statistics::mean;

/// Minimum number of crystals of a highlighted element. Elements with fewer are listed only.
const FEWEST_CRYSTALS: usize = 10;
/// Number of highlighted elements.
const HIGHLIGHTED: usize = 5;

/// Error over the test crystals that contain an element, in the unit of the target.
#[derive(Debug, Clone, PartialEq)]
pub struct ElementError {
    /// Symbol of the element.
    pub symbol: String,
    /// Number of test crystals that contain the element.
    pub count: usize,
    /// Mean absolute error.
    pub mae: f64,
    /// Mean of prediction - target: positive if the model overestimates.
    pub bias: f64,
    /// Whether this is one of the five largest mean absolute errors among the elements with at least ten crystals,
    /// and above that of all crystals.
    pub worst: bool,
}

/// Returns the errors by element over the test crystals of all folds, ordered by frequency and then by symbol. A
/// crystal counts for each of its elements.
#[must_use]
pub fn by_element(evaluation: &Evaluation) -> Vec<ElementError> {
    let mut errors: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for outcome in evaluation.outcomes() {
        let elements: BTreeSet<&str> = outcome.elements.iter().map(String::as_str).collect();
        for element in elements {
            errors.entry(element).or_default().push(outcome.error());
        }
    }
    let overall = mean(evaluation.outcomes().map(|outcome| outcome.error().abs()));
    let mut table: Vec<ElementError> = errors
        .into_iter()
        .map(|(symbol, errors)| ElementError {
            symbol: symbol.to_owned(),
            count: errors.len(),
            mae: mean(errors.iter().map(|error| error.abs())),
            bias: mean(errors),
            worst: false,
        })
        .collect();
    let eligible = |element: &ElementError| element.count >= FEWEST_CRYSTALS && element.mae > overall;
    table.sort_by(|left, right| right.mae.total_cmp(&left.mae).then_with(|| left.symbol.cmp(&right.symbol)));
    table
        .iter_mut()
        .filter(|element| eligible(element))
        .take(HIGHLIGHTED)
        .for_each(|element| element.worst = true);
    table.sort_by(|left, right| right.count.cmp(&left.count).then_with(|| left.symbol.cmp(&right.symbol)));
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{evaluation, outcome};

    #[test]
    fn a_crystal_counts_once_for_each_of_its_elements() {
        let evaluation = evaluation(vec![
            outcome("a", 1.0, 2.0, &["O", "Ti", "O"]),
            outcome("b", 1.0, 0.5, &["O", "Si"]),
            outcome("c", 5.0, 5.0, &["Si"]),
        ]);
        let table = by_element(&evaluation);
        let row = |symbol: &str| table.iter().find(|row| row.symbol == symbol).expect("it is listed");
        assert_eq!(table.iter().map(|row| row.symbol.as_str()).collect::<Vec<_>>(), ["O", "Si", "Ti"]);
        assert_eq!((row("O").count, row("O").mae, row("O").bias), (2, 0.75, 0.25));
        assert_eq!((row("Si").count, row("Si").mae, row("Si").bias), (2, 0.25, -0.25));
        assert!(table.iter().all(|row| !row.worst), "too few crystals to highlight any");
    }

    #[test]
    fn the_worst_of_the_common_elements_are_highlighted() {
        let mut outcomes = vec![outcome("rare", 0.0, 100.0, &["Xe"])];
        let symbols = ["H", "Li", "Be", "B", "C", "N", "O", "F"];
        for (error, symbol) in symbols.iter().enumerate() {
            let crystals =
                (0..12).map(|number| outcome(&format!("{symbol}{number}"), 0.0, error as f64, &[symbol]));
            outcomes.extend(crystals);
        }
        let table = by_element(&evaluation(outcomes));
        let worst: Vec<_> = table.iter().filter(|row| row.worst).map(|row| row.symbol.as_str()).collect();
        // The mean error is 4.5, of the one rare crystal too.
        assert_eq!(worst, ["F", "N", "O"]);
    }
}
