//! Scores of predicted classes. They are those of scikit-learn's functions of the same names.

use std::collections::BTreeMap;

use super::ClassOutcome;
use crate::statistics::mean;

/// Least probability of the logarithm, so that a confident mistake costs a finite amount.
const LEAST_PROBABILITY: f64 = 1e-15;
/// Number of bins of equal width for the error of calibration.
pub(super) const BINS: usize = 10;

/// Names of the scores, in the order of reports.
pub const ROC_AUC: &str = "roc_auc";
/// Mean share of the crystals of a class that are found.
pub const BALANCED_ACCURACY: &str = "balanced_accuracy";
/// Harmonic mean of the shares of found crystals and of true findings.
pub const F1: &str = "f1";
/// Share of the crystals whose class is predicted.
pub const ACCURACY: &str = "accuracy";
/// Mean of the negative logarithm of the probability of the true class, in nats.
pub const LOG_LOSS: &str = "log_loss";
/// Mean squared distance of probabilities from 1 for the true class and 0 for the others.
pub const BRIER: &str = "brier";
/// Mean distance of confidence from accuracy, over bins of confidence.
pub const CALIBRATION_ERROR: &str = "calibration_error";

/// Returns the scores of test crystals by name, as far as they are defined.
///
/// * `roc_auc`: of two classes, the probability that a crystal of the second has a larger probability of it than one of the
///   first, ties counting half; of more, the mean over the classes of each against the others. Undefined without two
///   classes among the crystals.
/// * `balanced_accuracy`: the mean over the classes that occur of the share of their crystals that are found.
/// * `f1`: of two classes that of the second, `2 TP / (2 TP + FP + FN)`; of more, the mean over those that occur or are
///   predicted.
/// * `accuracy`; `log_loss` in nats; `brier`: `mean Σ_c (p_c − y_c)²`.
/// * `calibration_error`: `Σ_b n_b / n |accuracy_b − confidence_b|` over ten bins of the largest probability.
#[must_use]
pub fn scores(outcomes: &[&ClassOutcome], classes: usize) -> BTreeMap<String, f64> {
    let confusion = confusion(outcomes, classes);
    let known = |class: usize| confusion[class].iter().sum::<usize>();
    let predicted = |class: usize| confusion.iter().map(|row| row[class]).sum::<usize>();
    let f1 = |class: usize| {
        let sum = known(class) + predicted(class);
        if sum == 0 { 0.0 } else { 2.0 * confusion[class][class] as f64 / sum as f64 }
    };
    let f1 = match classes {
        2 => f1(1),
        _ => mean((0..classes).filter(|&class| known(class) + predicted(class) > 0).map(f1)),
    };
    let hits = outcomes.iter().map(|outcome| f64::from(u8::from(outcome.is_right())));
    let losses = outcomes.iter().map(|outcome| -outcome.of_target().max(LEAST_PROBABILITY).ln());
    let distance = |outcome: &&ClassOutcome| {
        let probabilities = outcome.probabilities.iter().enumerate();
        let is_target = |class: usize| f64::from(u8::from(class == outcome.target));
        probabilities.map(|(class, probability)| (probability - is_target(class)).powi(2)).sum::<f64>()
    };
    let scores = [
        (ROC_AUC, roc_auc(outcomes, classes).unwrap_or(f64::NAN)),
        (BALANCED_ACCURACY, balanced_accuracy(outcomes, classes).unwrap_or(f64::NAN)),
        (F1, f1),
        (ACCURACY, mean(hits)),
        (LOG_LOSS, mean(losses)),
        (BRIER, mean(outcomes.iter().map(distance))),
        (CALIBRATION_ERROR, calibration_error(outcomes)),
    ];
    let defined = scores.into_iter().filter(|(_, score)| score.is_finite());
    defined.map(|(name, score)| (name.to_owned(), score)).collect()
}

/// Returns the scores of a predictor that is sure of the same class for every crystal.
#[must_use]
pub fn scores_of_constant(
    outcomes: &[&ClassOutcome],
    classes: usize,
    constant: usize,
) -> BTreeMap<String, f64> {
    let sure = |outcome: &&ClassOutcome| ClassOutcome {
        probabilities: (0..classes).map(|class| f64::from(u8::from(class == constant))).collect(),
        ..(*outcome).clone()
    };
    let sure: Vec<ClassOutcome> = outcomes.iter().map(sure).collect();
    scores(&sure.iter().collect::<Vec<_>>(), classes)
}

/// Returns the numbers of crystals by known class (rows) and predicted class (columns).
#[must_use]
pub fn confusion(outcomes: &[&ClassOutcome], classes: usize) -> Vec<Vec<usize>> {
    let mut counts = vec![vec![0; classes]; classes];
    for outcome in outcomes {
        if let Some(count) = counts.get_mut(outcome.target).and_then(|row| row.get_mut(outcome.predicted())) {
            *count += 1;
        }
    }
    counts
}

/// Returns the mean share of the crystals of a class that are found, over the classes that occur; `None` without crystals.
pub(super) fn balanced_accuracy(outcomes: &[&ClassOutcome], classes: usize) -> Option<f64> {
    let confusion = confusion(outcomes, classes);
    let rows = confusion.iter().enumerate().map(|(class, row)| (row[class], row.iter().sum::<usize>()));
    let recalls = rows.filter(|(_, known)| *known > 0).map(|(found, known)| found as f64 / known as f64);
    Some(mean(recalls)).filter(|score| score.is_finite())
}

/// Returns the area under the receiver operating characteristic: of two classes that of the second, of more the mean over
/// those that occur; `None` without two classes among the crystals.
pub(super) fn roc_auc(outcomes: &[&ClassOutcome], classes: usize) -> Option<f64> {
    let ranked = if classes == 2 { 1..2 } else { 0..classes };
    Some(mean(ranked.filter_map(|class| area(outcomes, class)))).filter(|score| score.is_finite())
}

/// Returns the area under the receiver operating characteristic of a class against the others, by the ranks of its
/// probabilities; `None` if all crystals or none are of the class.
fn area(outcomes: &[&ClassOutcome], class: usize) -> Option<f64> {
    let curve = roc_curve(outcomes, class)?;
    let steps =
        curve.windows(2).map(|points| (points[1].0 - points[0].0) * (points[1].1 + points[0].1) / 2.0);
    Some(steps.sum())
}

/// Returns the receiver operating characteristic of a class against the others, from (0, 0) to (1, 1): for every probability
/// as a threshold, the shares of others and of crystals of the class at or above it. `None` if all crystals or none are of
/// the class.
///
/// Of equal probabilities that is the larger which leaves less to the other classes: near 1 a double does not tell
/// probabilities apart, while those of the other classes differ still.
pub(super) fn roc_curve(outcomes: &[&ClassOutcome], class: usize) -> Option<Vec<(f64, f64)>> {
    let probability = |outcome: &ClassOutcome| outcome.probabilities.get(class).copied().unwrap_or_default();
    let left = |outcome: &ClassOutcome| {
        let others = outcome.probabilities.iter().enumerate().filter(|(index, _)| *index != class);
        others.map(|(_, probability)| *probability).sum::<f64>()
    };
    let rank = |outcome: &&ClassOutcome| ((probability(outcome), left(outcome)), outcome.target == class);
    let mut ranked: Vec<((f64, f64), bool)> = outcomes.iter().map(rank).collect();
    ranked.sort_by(|((a, left_of_a), _), ((b, left_of_b), _)| {
        b.total_cmp(a).then_with(|| left_of_a.total_cmp(left_of_b))
    });
    let positives = ranked.iter().filter(|(_, is_class)| *is_class).count();
    let negatives = ranked.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let (mut found, mut wrong) = (0_usize, 0_usize);
    let mut curve = vec![(0.0, 0.0)];
    for (index, (threshold, is_class)) in ranked.iter().enumerate() {
        found += usize::from(*is_class);
        wrong += usize::from(!*is_class);
        // Crystals of the same probability are on the same side of every threshold.
        if ranked.get(index + 1).is_none_or(|(next, _)| next != threshold) {
            curve.push((wrong as f64 / negatives as f64, found as f64 / positives as f64));
        }
    }
    Some(curve)
}

/// Crystals whose largest probability is in the same bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ConfidenceBin {
    /// Number of crystals.
    pub(super) count: usize,
    /// Mean of the largest probability.
    pub(super) confidence: f64,
    /// Share of the crystals whose class is predicted.
    pub(super) accuracy: f64,
}

/// Returns the bins of confidence that hold crystals, in ascending order.
pub(super) fn confidence_bins(outcomes: &[&ClassOutcome]) -> Vec<ConfidenceBin> {
    let mut bins: BTreeMap<usize, Vec<&ClassOutcome>> = BTreeMap::new();
    for outcome in outcomes {
        let bin = (outcome.confidence() * BINS as f64) as usize;
        bins.entry(bin.min(BINS - 1)).or_default().push(outcome);
    }
    let bin = |outcomes: Vec<&ClassOutcome>| ConfidenceBin {
        count: outcomes.len(),
        confidence: mean(outcomes.iter().map(|outcome| outcome.confidence())),
        accuracy: mean(outcomes.iter().map(|outcome| f64::from(u8::from(outcome.is_right())))),
    };
    bins.into_values().map(bin).collect()
}

fn calibration_error(outcomes: &[&ClassOutcome]) -> f64 {
    let distance = |bin: ConfidenceBin| bin.count as f64 * (bin.accuracy - bin.confidence).abs();
    confidence_bins(outcomes).into_iter().map(distance).sum::<f64>() / outcomes.len() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::classes::example::outcome;
    use crate::report::classes::temperature::Temperature;
    use crate::statistics::softmax;

    fn of(outcomes: &[ClassOutcome], classes: usize) -> BTreeMap<String, f64> {
        scores(&outcomes.iter().collect::<Vec<_>>(), classes)
    }

    fn close(found: &BTreeMap<String, f64>, name: &str, expected: f64) {
        let found = found[name];
        assert!((found - expected).abs() < 1e-12, "{name} is {found} instead of {expected}");
    }

    /// Numbers of scikit-learn 1.7 for the same lists.
    #[test]
    fn two_classes_score_as_in_scikit_learn() {
        let crystals = [(0, 0.1), (0, 0.4), (1, 0.35), (1, 0.8), (1, 0.4), (0, 0.6)];
        let outcomes = crystals.map(|(target, p)| outcome("m", target, &[1.0 - p, p]));
        let found = of(&outcomes, 2);
        close(&found, ROC_AUC, 5.5 / 9.0);
        close(&found, ACCURACY, 0.5);
        close(&found, BALANCED_ACCURACY, 0.5);
        close(&found, F1, 0.4);
        let losses = [0.9, 0.6, 0.35, 0.8, 0.4, 0.4_f64].map(|p| -p.ln());
        close(&found, LOG_LOSS, losses.iter().sum::<f64>() / 6.0);
        // Twice the Brier score of the second class.
        close(&found, BRIER, 2.0 * (0.01 + 0.16 + 0.4225 + 0.04 + 0.36 + 0.36) / 6.0);
    }

    #[test]
    fn several_classes_are_averaged_over_those_that_occur() {
        let outcomes = [
            outcome("a", 0, &[0.8, 0.1, 0.1, 0.0]),
            outcome("b", 0, &[0.3, 0.6, 0.1, 0.0]),
            outcome("c", 1, &[0.2, 0.7, 0.1, 0.0]),
            outcome("d", 2, &[0.1, 0.2, 0.7, 0.0]),
        ];
        let found = of(&outcomes, 4);
        close(&found, BALANCED_ACCURACY, (0.5 + 1.0 + 1.0) / 3.0);
        close(&found, F1, (2.0 / 3.0 + 2.0 / 3.0 + 1.0) / 3.0);
        close(&found, ROC_AUC, 1.0);
        let matrix = confusion(&outcomes.iter().collect::<Vec<_>>(), 4);
        assert_eq!(matrix, [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]);
    }

    #[test]
    fn certain_crystals_are_still_in_order() {
        let sharp = Temperature { value: 0.3, crystals: 20 };
        let certain =
            |target: usize, logit: f64| outcome("m", target, &sharp.apply(&softmax(&[0.0, logit], 1.0)));
        let outcomes = [certain(0, 20.0), certain(1, 25.0), certain(1, 30.0), certain(0, -30.0)];
        assert!(outcomes[..3].iter().all(|outcome| outcome.probabilities[1] == 1.0), "doubles end here");
        close(&of(&outcomes, 2), ROC_AUC, 1.0);
        let outcomes = [certain(0, 30.0), certain(1, 25.0), certain(1, 30.0), certain(0, -30.0)];
        close(&of(&outcomes, 2), ROC_AUC, 2.5 / 4.0);
    }

    #[test]
    fn a_single_class_has_no_characteristic() {
        let found = of(&[outcome("a", 1, &[0.5, 0.5]), outcome("b", 1, &[0.1, 0.9])], 2);
        assert!(!found.contains_key(ROC_AUC));
        close(&found, ACCURACY, 0.5);
        close(&found, CALIBRATION_ERROR, (0.5 + 0.1) / 2.0);
    }

    proptest! {
        #[test]
        fn the_area_is_the_share_of_pairs_in_order(
            crystals in proptest::collection::vec((0_usize..2, 0_u8..10), 2..40),
        ) {
            let outcomes: Vec<ClassOutcome> = crystals
                .iter()
                .map(|&(target, p)| outcome("m", target, &[1.0 - f64::from(p) / 10.0, f64::from(p) / 10.0]))
                .collect();
            let (mut pairs, mut ordered) = (0.0, 0.0);
            for (_, high) in crystals.iter().filter(|(target, _)| *target == 1) {
                for (_, low) in crystals.iter().filter(|(target, _)| *target == 0) {
                    pairs += 1.0;
                    ordered += match high.cmp(low) {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    };
                }
            }
            let found = of(&outcomes, 2).get(ROC_AUC).copied();
            prop_assert_eq!(found.is_some(), pairs > 0.0);
            prop_assert!(found.is_none_or(|area| (area - ordered / pairs).abs() < 1e-12));
        }
    }
}
