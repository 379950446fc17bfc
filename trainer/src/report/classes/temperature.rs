//! Calibration of probabilities by one temperature (Guo et al. 2017, <https://arxiv.org/abs/1706.04599>).
//!
//! Networks are surer than they are right. The probabilities `p_c^(1/T) / Σ_c p_c^(1/T)` keep the order of the classes, and
//! of two classes that of the crystals. The temperature T makes
//!
//! `(T + 1/T) / 2 - Σ ln p_known`, a sum over validation crystals,
//!
//! the smallest. Without the first term, which is `1 + (ln T)² / 2` near 1, crystals that are all predicted rightly would ask
//! for T = 0, and predictions at random for an infinite T; Platt (1999) bounds a sigmoid for the same reason. It counts
//! about as much as one crystal.

use crate::finetune::validated::{ValidatedPart, averaged};
use crate::statistics::softmax;

/// Smallest number of validation crystals that calibrate probabilities.
const FEWEST_CRYSTALS: usize = 20;
/// Largest temperature that is looked for, and the inverse of the smallest one.
const LARGEST: f64 = 100.0;
/// Halvings of the range of temperatures, after which it is narrower than a double tells.
const HALVINGS: usize = 100;
/// Least probability of which a logarithm is taken.
const LEAST_PROBABILITY: f64 = 1e-300;

/// A temperature of probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature {
    /// The temperature: above 1 for models that are too sure.
    pub value: f64,
    /// Number of validation crystals that it is made of.
    pub crystals: usize,
}

impl Temperature {
    /// Returns the temperature of an ensemble from the predictions of its members for their validation parts; `None` if
    /// they are too few, or if the best temperature lies beyond those that are looked for. Members of a fold with the same
    /// crystals are averaged first.
    #[must_use]
    pub fn of(members: &[ValidatedPart]) -> Option<Self> {
        let crystals: Vec<(usize, Vec<f64>)> = averaged(members)
            .into_iter()
            .filter_map(|crystal| {
                let class = crystal.targets.first().copied().flatten()? as usize;
                (class < crystal.predictions.len()).then(|| (class, logarithms(&crystal.predictions)))
            })
            .collect();
        if crystals.len() < FEWEST_CRYSTALS {
            return None;
        }
        // The cross entropy and the penalty are convex in the inverse temperature: there is one minimum.
        let (mut low, mut high) = (1.0 / LARGEST, LARGEST);
        let lies_between = slope(&crystals, low) < 0.0 && slope(&crystals, high) > 0.0;
        if !lies_between {
            return None;
        }
        for _ in 0..HALVINGS {
            let middle = (low * high).sqrt();
            if slope(&crystals, middle) > 0.0 { high = middle } else { low = middle }
        }
        Some(Self { value: 1.0 / (low * high).sqrt(), crystals: crystals.len() })
    }

    /// Returns the calibrated probabilities, which sum up to 1.
    #[must_use]
    pub fn apply(&self, probabilities: &[f64]) -> Vec<f64> {
        softmax(&logarithms(probabilities), 1.0 / self.value)
    }
}

fn logarithms(probabilities: &[f64]) -> Vec<f64> {
    probabilities.iter().map(|probability| probability.max(LEAST_PROBABILITY).ln()).collect()
}

/// Returns the derivative by the inverse temperature `t` of the cross entropy with the penalty `(t + 1/t) / 2`.
fn slope(crystals: &[(usize, Vec<f64>)], t: f64) -> f64 {
    let of_crystal = |(class, logarithms): &(usize, Vec<f64>)| {
        let expected: f64 =
            softmax(logarithms, t).iter().zip(logarithms).map(|(p, logarithm)| p * logarithm).sum();
        expected - logarithms[*class]
    };
    let penalty = (1.0 - 1.0 / (t * t)) / 2.0;
    penalty + crystals.iter().map(of_crystal).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::finetune::validated::Validated;

    /// Crystals of two classes, of which a share are of the class that is predicted with a probability.
    fn validated(right: usize, all: usize, probability: f64) -> ValidatedPart {
        let crystal = |index: usize| Validated {
            material_id: format!("m-{index}"),
            targets: vec![Some(f64::from(u8::from(index >= right)))],
            predictions: vec![probability, 1.0 - probability],
        };
        ValidatedPart { fold: "split".to_owned(), crystals: (0..all).map(crystal).collect() }
    }

    #[test]
    fn probabilities_are_those_of_the_logits_however_large() {
        assert_eq!(softmax(&[0.0, 0.0], 1.0), [0.5, 0.5]);
        let third = softmax(&[1e4, 1e4 + 2.0_f64.ln(), -1e9], 1.0);
        assert!((third[1] - 2.0 / 3.0).abs() < 1e-9 && third[2] == 0.0, "{third:?}");
        assert!(softmax(&[f64::NAN, 0.0], 1.0).iter().all(|probability| probability.is_nan()));
    }

    #[test]
    fn calibrated_confidence_is_nearly_the_share_of_right_predictions() {
        // Without a penalty exactly 0.8, at the ratio of the logits.
        let free = (0.99_f64 / 0.01).ln() / (0.8_f64 / 0.2).ln();
        for (copies, tolerance) in [(1, 0.05), (10, 0.006), (100, 0.0006)] {
            let temperature =
                Temperature::of(&[validated(80 * copies, 100 * copies, 0.99)]).expect("there are enough");
            assert_eq!(temperature.crystals, 100 * copies);
            assert!((temperature.value / free - 1.0).abs() < tolerance, "{temperature:?} instead of {free}");
            let calibrated = temperature.apply(&[0.99, 0.01]);
            assert!((calibrated[0] - 0.8).abs() < tolerance, "{calibrated:?}");
        }
        assert_eq!(Temperature::of(&[validated(10, FEWEST_CRYSTALS - 1, 0.9)]), None);
    }

    #[test]
    fn few_crystals_that_are_all_right_make_no_certainty() {
        for (all, probability) in [(20, 0.95), (40, 0.95), (20, 0.8), (40, 0.8)] {
            let temperature = Temperature::of(&[validated(all, all, probability)]).expect("enough");
            assert!(0.27 < temperature.value && temperature.value < 1.0, "{probability}: {temperature:?}");
        }
        let certain = Temperature::of(&[validated(40, 40, 1.0)]).expect("enough");
        assert!((certain.value - 1.0).abs() < 1e-9, "{certain:?}: there is nothing to learn");
    }

    #[test]
    fn crystals_predicted_at_random_have_a_moderate_temperature() {
        let random = Temperature::of(&[validated(20, 40, 0.99)]).expect("enough");
        assert!(2.0 < random.value && random.value < 20.0, "{random:?}");
        let calibrated = random.apply(&[0.99, 0.01]);
        assert!((0.5..0.7).contains(&calibrated[0]), "{calibrated:?}");
        let undecided = Temperature::of(&[validated(20, 40, 0.5)]).expect("enough");
        assert!((undecided.value - 1.0).abs() < 1e-9, "{undecided:?}: any temperature is as good");
    }

    #[test]
    fn a_temperature_beyond_the_limits_is_none() {
        assert_eq!(Temperature::of(&[validated(0, 50, 1.0)]), None, "always wrong, and certain of it");
        assert_eq!(Temperature::of(&[validated(10_000, 10_000, 0.501)]), None, "always right, and undecided");
    }

    #[test]
    fn certain_predictions_stay_finite() {
        for (right, probability) in [(50, 1.0), (50, 0.7), (49, 1.0)] {
            let temperature = Temperature::of(&[validated(right, 50, probability)]).expect("enough");
            let calibrated = temperature.apply(&[probability, 1.0 - probability]);
            assert!(calibrated.iter().all(|p| p.is_finite()), "{temperature:?} {calibrated:?}");
            assert!((calibrated.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    proptest! {
        #[test]
        fn the_order_of_probabilities_is_kept(
            probabilities in proptest::collection::vec(0.001..1.0_f64, 2..6),
            value in 0.05..20.0_f64,
        ) {
            let sum: f64 = probabilities.iter().sum();
            let probabilities: Vec<f64> = probabilities.iter().map(|p| p / sum).collect();
            let calibrated = Temperature { value, crystals: 20 }.apply(&probabilities);
            for (a, x) in probabilities.iter().zip(&calibrated) {
                for (b, y) in probabilities.iter().zip(&calibrated) {
                    prop_assert!(a < b || x >= y);
                }
            }
            let same = Temperature { value: 1.0, crystals: 20 }.apply(&probabilities);
            prop_assert!(same.iter().zip(&probabilities).all(|(a, b)| (a - b).abs() < 1e-12));
        }
    }
}
