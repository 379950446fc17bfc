//! Mean and standard deviation of targets.

use crate::config::finetune::Standardise;

/// Lower bound of the standard deviation, in the unit of the target, so that equal targets are not divided by zero.
const LEAST_STANDARD_DEVIATION: f64 = 1e-8;

/// Mean and standard deviation by which targets are standardised, those of the training targets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standardisation {
    /// Mean.
    pub mean: f64,
    /// Standard deviation, at least 1e-8.
    pub std: f64,
}

impl Standardisation {
    /// Standardises nothing.
    pub const NONE: Self = Self { mean: 0.0, std: 1.0 };

    /// Returns the statistics of targets; [`Standardisation::NONE`] for [`Standardise::None`].
    pub fn of(targets: &[f64], method: Standardise) -> Self {
        let count = targets.len().max(1);
        let freedom = match method {
            Standardise::Population => count,
            Standardise::Sample => (count - 1).max(1),
            Standardise::None => return Self::NONE,
        };
        let mean = targets.iter().sum::<f64>() / count as f64;
        let squares: f64 = targets.iter().map(|target| (target - mean).powi(2)).sum();
        Self { mean, std: (squares / freedom as f64).sqrt().max(LEAST_STANDARD_DEVIATION) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_standardised_as_asked() {
        let of = |method| Standardisation::of(&[1.0, 2.0, 6.0], method);
        assert_eq!(of(Standardise::Population), Standardisation { mean: 3.0, std: (14.0_f64 / 3.0).sqrt() });
        assert_eq!(of(Standardise::Sample), Standardisation { mean: 3.0, std: 7.0_f64.sqrt() });
        assert_eq!(of(Standardise::None), Standardisation::NONE);
        for method in [Standardise::Population, Standardise::Sample] {
            let one = Standardisation::of(&[1.0], method);
            assert_eq!(one, Standardisation { mean: 1.0, std: LEAST_STANDARD_DEVIATION });
        }
    }
}
