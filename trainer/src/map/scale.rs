//! Scale of colours for the values of a property.

use crate::statistics::quantile;

/// Number of colours: classes `c0` to `c8`.
pub(super) const COLOURS: usize = 9;
/// Share of the values beyond each end of the scale, so that a few far values do not leave one colour to all others.
const BEYOND: f64 = 0.01;

/// A range of values, divided evenly into colours. Values beyond an end get its colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// Value at the lower end.
    pub(super) low: f64,
    /// Value at the upper end; not below the lower one.
    pub(super) high: f64,
}

impl Scale {
    /// Returns the scale from the first to the 99th percentile of the values; `None` without values.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        Some(Self { low: quantile(values, BEYOND)?, high: quantile(values, 1.0 - BEYOND)? })
    }

    /// Returns the colour of a value.
    pub(super) fn colour(self, value: f64) -> usize {
        let share = (value - self.low) / (self.high - self.low);
        // Equal ends have no share, and the first colour.
        if share.is_nan() { 0 } else { ((share * COLOURS as f64).max(0.0) as usize).min(COLOURS - 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_far_values_leave_the_colours_to_the_rest() {
        let mut values: Vec<f64> = (0..1000).map(f64::from).collect();
        values[999] = 1e30;
        let scale = Scale::of(&values).expect("values");
        assert_eq!((scale.low, scale.high), (9.0, 989.0));
        assert_eq!([0.0, 9.0, 499.0, 989.0, 1e30].map(|value| scale.colour(value)), [0, 0, 4, 8, 8]);
        let one = Scale::of(&[2.0, 2.0]).expect("values");
        assert_eq!([1.0, 2.0, 3.0].map(|value| one.colour(value)), [0, 0, 8]);
        assert_eq!(Scale::of(&[]), None);
    }
}
