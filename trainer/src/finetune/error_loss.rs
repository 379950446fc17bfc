//! Losses of single errors of numbers: absolute, squared, Huber's, and that of a quantile.

use burn::prelude::*;

use crate::config::FinetuneConfig;
use crate::config::finetune::Loss;
use crate::run::step::{HUBER, MSE};
use crate::statistics::{self, Scores, median};

/// The loss of an error, with its parameter.
#[derive(Debug, Clone, Copy)]
pub(super) enum ErrorLoss {
    L1,
    Mse,
    Huber { delta: f64 },
    Pinball { quantile: f64 },
}

impl ErrorLoss {
    pub(super) fn of(config: &FinetuneConfig) -> Self {
        match config.loss {
            Loss::L1 => Self::L1,
            Loss::Mse => Self::Mse,
            Loss::Huber => Self::Huber { delta: config.huber_delta },
            Loss::Quantile => Self::Pinball { quantile: config.quantile },
        }
    }

    /// Returns the loss of errors that is reported and selects weights: absolute errors, or the pinball loss.
    pub(super) fn reported(self, errors: Tensor<2>) -> Tensor<2> {
        match self {
            Self::L1 | Self::Mse | Self::Huber { .. } => errors.abs(),
            Self::Pinball { quantile } => errors.clone().abs() * 0.5 + errors * (0.5 - quantile),
        }
    }

    /// Returns the trained loss of errors and its name, where it is another one.
    pub(super) fn trained(self, errors: Tensor<2>) -> Option<(&'static str, Tensor<2>)> {
        match self {
            Self::L1 | Self::Pinball { .. } => None,
            Self::Mse => Some((MSE, errors.powi_scalar(2))),
            Self::Huber { delta } => {
                // With c = min(|e|, δ) it is c (|e| − c/2) on both sides of δ.
                let absolute = errors.abs();
                let bounded = absolute.clone().clamp_max(delta);
                Some((HUBER, bounded.clone() * (absolute - bounded * 0.5)))
            }
        }
    }

    /// Returns the reported loss of the best constant for some numbers; `None` without numbers.
    pub(super) fn of_best_constant(self, numbers: &[f64]) -> Option<f64> {
        match self {
            Self::L1 | Self::Mse | Self::Huber { .. } => {
                Some(Scores::of_constant(numbers.iter().copied(), median(numbers)?)?.mae)
            }
            Self::Pinball { quantile } => {
                let constant = statistics::quantile(numbers, quantile)?;
                let loss = |number: &f64| match constant - number {
                    over if over > 0.0 => (1.0 - quantile) * over,
                    under => -quantile * under,
                };
                Some(numbers.iter().map(loss).sum::<f64>() / numbers.len() as f64)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_constant_has_a_lower_loss_than_the_best_one() {
        let train: Vec<f64> = [4.0, -1.0, 2.5, 8.0, 2.0, 3.0, 7.5].to_vec();
        for (loss, quantile) in
            [(Loss::L1, 0.5), (Loss::Quantile, 0.5), (Loss::Quantile, 0.1), (Loss::Quantile, 0.8)]
        {
            let config = FinetuneConfig { loss, quantile, ..FinetuneConfig::default() };
            let loss = ErrorLoss::of(&config);
            let best = loss.of_best_constant(&train).expect("there are numbers");
            let of = |constant: f64| {
                let errors: Vec<f64> = train.iter().map(|number| constant - number).collect();
                let errors = Tensor::<1>::from_floats(errors.as_slice(), &Device::flex()).reshape([7, 1]);
                loss.reported(errors).mean().into_scalar::<f64>()
            };
            let least = (-20..=180).map(|tenths| of(f64::from(tenths) / 20.0)).fold(f64::INFINITY, f64::min);
            assert!((best - least).abs() < 1e-6, "{best} instead of {least}");
        }
        assert_eq!(ErrorLoss::Pinball { quantile: 0.5 }.of_best_constant(&[]), None);
    }
}
