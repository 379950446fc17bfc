//! Epochs without a better loss, after which the schedule "plateau" lowers the rate.

use serde::{Deserialize, Serialize};

use crate::config::schedule::PlateauConfig;
use crate::exact;

/// State of the schedule "plateau", PyTorch's `ReduceLROnPlateau` with the mode `min` and a relative threshold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plateau {
    /// The lowest loss so far.
    #[serde(with = "exact::optional")]
    best: Option<f64>,
    /// Number of epochs since, or since the last reduction.
    epochs: u64,
    /// Number of reductions of the rate.
    reductions: u32,
}

impl Plateau {
    /// Whether no epoch was added.
    pub fn is_new(&self) -> bool {
        *self == Self::default()
    }

    /// Adds the loss of an epoch. NaN is no better than any loss.
    pub fn add(&mut self, loss: f64, config: &PlateauConfig) {
        let is_better = |best: f64| loss < best * (1.0 - config.threshold);
        if self.best.map_or(loss.is_finite(), is_better) {
            (self.best, self.epochs) = (Some(loss), 0);
            return;
        }
        self.epochs += 1;
        if self.epochs > config.patience {
            self.reductions += 1;
            self.epochs = 0;
        }
    }

    /// Returns the factor of the rate, at least `minimum`.
    pub fn factor(&self, config: &PlateauConfig, minimum: f64) -> f64 {
        (0..self.reductions).fold(1.0, |factor, _| (factor * config.factor).max(minimum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the factors after each of some losses.
    fn factors(losses: &[f64], config: &PlateauConfig, minimum: f64) -> Vec<f64> {
        let mut plateau = Plateau::default();
        let mut factor = |loss: &f64| {
            plateau.add(*loss, config);
            plateau.factor(config, minimum)
        };
        losses.iter().map(&mut factor).collect()
    }

    #[test]
    fn factors_follow_the_rule_of_pytorch() {
        // By hand, by the rule of ReduceLROnPlateau(optimizer, factor=0.5, patience=1, threshold=0.1, min_lr=0.2) at a
        // rate of 1.
        let config = PlateauConfig { factor: 0.5, patience: 1, threshold: 0.1 };
        let losses = [1.0, 0.95, 0.91, 0.89, 0.9, 0.8, 0.9, 0.9, f64::NAN, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7];
        let expected = [1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2];
        assert_eq!(factors(&losses, &config, 0.2), expected);
    }

    #[test]
    fn the_state_round_trips() {
        let mut plateau = Plateau::default();
        assert!(plateau.is_new());
        for loss in [0.1, 0.3, 0.2] {
            plateau.add(loss, &PlateauConfig { patience: 0, ..PlateauConfig::default() });
        }
        assert!(!plateau.is_new());
        let text = serde_json::to_string(&plateau).expect("JSON holds it");
        assert_eq!(serde_json::from_str::<Plateau>(&text).expect("it is read"), plateau, "{text}");
    }
}
