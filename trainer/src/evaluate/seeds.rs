//! Spread of the scores of single seeds, whose predictions are averaged otherwise.

use std::collections::BTreeMap;

use super::tested::{TestedCrystal, TestedFold};
use crate::report::classes::ClassOutcome;
use crate::report::classes::scores::scores;
use crate::report::classes::temperature::Temperature;
use crate::statistics::{MeanStd, Scores};
use crate::task::Metric;

/// Returns the population standard deviation over the seeds of a fold of the mean absolute error under the name of the
/// metric; nothing for a single seed. The error is that of a target, by its index, or of the numbers of all sites without
/// one.
pub(super) fn of_numbers(fold: &TestedFold, target: Option<usize>) -> BTreeMap<String, f64> {
    let pairs = |crystal: &TestedCrystal, seed: usize| -> Vec<(f64, f64)> {
        let predictions = crystal.predictions.get(seed).into_iter().flatten().copied();
        let pairs = crystal.targets.iter().copied().zip(predictions).enumerate();
        let chosen = pairs.filter(|(index, _)| target.is_none_or(|target| target == *index));
        chosen.map(|(_, pair)| pair).filter(|(known, _)| !known.is_nan()).collect()
    };
    spread(fold.seeds.len(), |seed| {
        let pairs: Vec<(f64, f64)> = fold.crystals.iter().flat_map(|crystal| pairs(crystal, seed)).collect();
        let error = Scores::of(&pairs).map(|scores| scores.mae);
        error.map(|error| (Metric::Mae.name().to_owned(), error)).into_iter().collect()
    })
}

/// Returns the population standard deviations over the seeds of a fold of the scores of classes; nothing for a single seed.
/// The probabilities are calibrated by `temperature`, as their means are.
pub(super) fn of_classes(
    fold: &TestedFold,
    classes: usize,
    temperature: Option<Temperature>,
) -> BTreeMap<String, f64> {
    let outcome = |crystal: &TestedCrystal, seed: usize| {
        let probabilities = crystal.predictions.get(seed).cloned().unwrap_or_default();
        ClassOutcome {
            material_id: String::new(),
            formula: String::new(),
            target: crystal.class(),
            probabilities: match temperature {
                Some(temperature) => temperature.apply(&probabilities),
                None => probabilities,
            },
            deviation: None,
            domain_distance: None,
            has_unseen_element: false,
        }
    };
    let is_known = |outcome: &ClassOutcome| outcome.target < classes;
    spread(fold.seeds.len(), |seed| {
        let outcomes = fold.crystals.iter().map(|crystal| outcome(crystal, seed)).filter(is_known);
        let outcomes: Vec<ClassOutcome> = outcomes.collect();
        scores(&outcomes.iter().collect::<Vec<_>>(), classes)
    })
}

/// Returns the population standard deviations of the scores that all seeds have.
fn spread(seeds: usize, of_seed: impl Fn(usize) -> BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    if seeds < 2 {
        return BTreeMap::new();
    }
    let scores: Vec<BTreeMap<String, f64>> = (0..seeds).map(of_seed).collect();
    let names = scores.first().into_iter().flat_map(BTreeMap::keys);
    let deviation = |name: &String| {
        let of_seeds: Option<Vec<f64>> = scores.iter().map(|scores| scores.get(name).copied()).collect();
        Some((name.clone(), MeanStd::of(&of_seeds?)?.std?))
    };
    names.filter_map(deviation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fold that was trained with `seeds` seeds. Each test crystal is a target and the outputs of every seed, `[S][K]`.
    fn fold(seeds: usize, crystals: &[(f64, Vec<Vec<f64>>)]) -> TestedFold {
        let crystal = |(target, predictions): &(f64, Vec<Vec<f64>>)| TestedCrystal {
            material_id: String::new(),
            formula: String::new(),
            atomic_numbers: Vec::new(),
            targets: vec![*target],
            predictions: predictions.clone(),
            distances: Vec::new(),
            unseen: std::collections::BTreeSet::new(),
        };
        TestedFold {
            name: "split".to_owned(),
            seeds: (0..seeds as u64).collect(),
            train: Vec::new(),
            trained: Vec::new(),
            validation: Vec::new(),
            crystals: crystals.iter().map(crystal).collect(),
        }
    }

    #[test]
    fn seeds_are_scored_one_by_one() {
        // Mean absolute errors 0.5 and 1.5.
        let two = [(1.0, vec![vec![1.5], vec![2.5]]), (3.0, vec![vec![2.5], vec![1.5]])];
        assert_eq!(of_numbers(&fold(2, &two), Some(0)), BTreeMap::from([("mae".to_owned(), 0.5)]));
        assert_eq!(of_numbers(&fold(1, &two), Some(0)), BTreeMap::new());
        let absent = [(f64::NAN, vec![vec![1.5], vec![2.5]])];
        assert_eq!(of_numbers(&fold(2, &absent), Some(0)), BTreeMap::new());
        // Sites: errors 0.5 and 1 of the first seed, 1.5 and 0 of the second.
        let mut sites = fold(2, &[(1.0, vec![vec![1.5, 4.0], vec![2.5, 3.0]])]);
        sites.crystals[0].targets.push(3.0);
        assert_eq!(of_numbers(&sites, None), BTreeMap::from([("mae".to_owned(), 0.0)]));
        // The first seed is right about both crystals, the second about one.
        let classes = [
            (0.0, vec![vec![0.75, 0.25], vec![0.75, 0.25]]),
            (1.0, vec![vec![0.25, 0.75], vec![0.875, 0.125]]),
        ];
        let spread = of_classes(&fold(2, &classes), 2, None);
        assert_eq!((spread["accuracy"], spread["roc_auc"]), (0.25, 0.5));
        let calibrated = of_classes(&fold(2, &classes), 2, Some(Temperature { value: 2.0, crystals: 20 }));
        assert_eq!((calibrated["accuracy"], calibrated["roc_auc"]), (0.25, 0.5));
        assert!(calibrated["log_loss"] < spread["log_loss"], "{calibrated:?}");
    }
}
