//! Calibration of probabilities by one temperature (Guo et al. 2017, <https://arxiv.org/abs/1706.04599>).
//!
//! Networks are surer than they are right. The probabilities `p_c^(1/T) / Σ_c p_c^(1/T)` keep the order of classes and
//! crystals; the temperature T is the one that makes the known classes of validation crystals the most probable.

use crate::report::validated::{Validated, averaged};

/// Smallest number of validation crystals that calibrate probabilities.
const FEWEST_CRYSTALS: usize = 20;
/// Largest temperature, and the inverse of the smallest one.
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
    /// they are too few. Members with the same crystals are averaged first.
    #[must_use]
    pub fn of(members: &[Vec<Validated>]) -> Option<Self> {
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
        // The cross entropy is convex in the inverse temperature.
        let (mut low, mut high) = (1.0 / LARGEST, LARGEST);
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

/// Returns `exp(t x_c) / Σ_c exp(t x_c)`: the probabilities of classes with the logits x at an inverse temperature t.
pub(crate) fn softmax(logits: &[f64], t: f64) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let parts: Vec<f64> = logits.iter().map(|logit| (t * (logit - largest)).exp()).collect();
    let sum: f64 = parts.iter().sum();
    parts.into_iter().map(|part| part / sum).collect()
}

/// Returns the derivative of the cross entropy by the inverse temperature `t`.
fn slope(crystals: &[(usize, Vec<f64>)], t: f64) -> f64 {
    let of_crystal = |(class, logarithms): &(usize, Vec<f64>)| {
        let expected: f64 =
            softmax(logarithms, t).iter().zip(logarithms).map(|(p, logarithm)| p * logarithm).sum();
        expected - logarithms[*class]
    };
    crystals.iter().map(of_crystal).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Crystals of two classes, of which a share are of the class that is predicted with a probability.
    fn validated(right: usize, all: usize, probability: f64) -> Vec<Validated> {
        let crystal = |index: usize| Validated {
            material_id: format!("m-{index}"),
            targets: vec![Some(f64::from(u8::from(index >= right)))],
            predictions: vec![probability, 1.0 - probability],
        };
        (0..all).map(crystal).collect()
    }

    #[test]
    fn probabilities_are_those_of_the_logits_however_large() {
        assert_eq!(softmax(&[0.0, 0.0], 1.0), [0.5, 0.5]);
        let third = softmax(&[1e4, 1e4 + 2.0_f64.ln(), -1e9], 1.0);
        assert!((third[1] - 2.0 / 3.0).abs() < 1e-9 && third[2] == 0.0, "{third:?}");
        assert!(softmax(&[f64::NAN, 0.0], 1.0).iter().all(|probability| probability.is_nan()));
    }

    #[test]
    fn calibrated_confidence_is_the_share_of_right_predictions() {
        let member = validated(80, 100, 0.99);
        let temperature = Temperature::of(&[member]).expect("there are enough");
        assert!(temperature.value > 1.0 && temperature.crystals == 100, "{temperature:?}");
        let calibrated = temperature.apply(&[0.99, 0.01]);
        assert!((calibrated[0] - 0.8).abs() < 1e-9, "{calibrated:?}");
        assert_eq!(Temperature::of(&[validated(10, FEWEST_CRYSTALS - 1, 0.9)]), None);
    }

    #[test]
    fn certain_predictions_stay_finite() {
        for (right, probability) in [(50, 1.0), (50, 0.7), (0, 1.0)] {
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
