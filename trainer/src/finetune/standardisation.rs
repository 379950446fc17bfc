//! Mean and standard deviation of targets.

use crate::config::finetune::Standardise;

/// Lower bound of the standard deviation as a share of the largest magnitude, far above the rounding of doubles: equal targets
/// are not divided by zero, and targets of any unit are learnt.
const LEAST_RELATIVE_DEVIATION: f64 = 1e-14;
/// Standard deviation of targets that are all zero.
const DEVIATION_OF_ZEROS: f64 = 1e-8;

/// Mean and standard deviation by which targets are standardised, those of the training targets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standardisation {
    /// Mean.
    pub mean: f64,
    /// Standard deviation, above zero.
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
        let largest = targets.iter().fold(0.0_f64, |largest, target| largest.max(target.abs()));
        let least = if largest > 0.0 { largest * LEAST_RELATIVE_DEVIATION } else { DEVIATION_OF_ZEROS };
        Self { mean, std: (squares / freedom as f64).sqrt().max(least) }
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
            for (equal, std) in [(2.0, 2.0 * LEAST_RELATIVE_DEVIATION), (0.0, DEVIATION_OF_ZEROS)] {
                assert_eq!(Standardisation::of(&[equal; 3], method), Standardisation { mean: equal, std });
            }
        }
    }

    #[test]
    fn targets_of_any_unit_are_standardised() {
        let of = |unit: f64| {
            Standardisation::of(&[1.0, 2.0, 6.0].map(|value| value * unit), Standardise::Population)
        };
        for unit in [1e-100, 1e-12, 1e12, 1e100] {
            assert!((of(unit).std / unit / of(1.0).std - 1.0).abs() < 1e-12, "{unit}");
        }
        assert!(!Standardisation::of(&[1e200, -1e200], Standardise::Population).std.is_finite());
        // Far from zero, too.
        let far = Standardisation::of(&[1e9 - 1e-3, 1e9 + 1e-3], Standardise::Population);
        assert!((far.std / 1e-3 - 1.0).abs() < 1e-3, "{far:?}");
    }
}
