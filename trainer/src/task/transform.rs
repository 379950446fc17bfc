//! Transforms between the stored property and the target of the model.

use serde::{Deserialize, Serialize};

/// Transform of a property to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transform {
    /// The property itself.
    #[default]
    None,
    /// The decadic logarithm, which is undefined for values at or below zero.
    Log10,
}

impl Transform {
    /// Returns the target of a value in the unit of the property; `None` if it is undefined or not finite.
    pub fn apply(self, value: f64) -> Option<f64> {
        let target = match self {
            Transform::None => value,
            Transform::Log10 if value > 0.0 => value.log10(),
            Transform::Log10 => return None,
        };
        target.is_finite().then_some(target)
    }

    /// Returns the value in the unit of the property for a target.
    pub fn invert(self, target: f64) -> f64 {
        match self {
            Transform::None => target,
            Transform::Log10 => 10_f64.powf(target),
        }
    }

    /// Returns the unit of the target for a unit of the property.
    pub fn unit(self, unit: &str) -> String {
        match self {
            Transform::None => unit.to_owned(),
            Transform::Log10 => format!("log10({unit})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_numbers_with_a_target_get_one() {
        assert_eq!(Transform::Log10.apply(100.0), Some(2.0));
        assert_eq!(Transform::None.apply(-3.5), Some(-3.5));
        for value in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Transform::Log10.apply(value), None, "{value}");
        }
        for value in [f64::NAN, f64::INFINITY] {
            assert_eq!(Transform::None.apply(value), None, "{value}");
        }
    }

    #[test]
    fn the_unit_names_the_logarithm() {
        assert_eq!(Transform::Log10.unit("GPa"), "log10(GPa)");
        assert_eq!(Transform::None.unit("eV"), "eV");
    }

    proptest! {
        #[test]
        fn inverting_gives_the_value_back(exponent in -12.0_f64..12.0, mantissa in 1.0_f64..10.0) {
            let value = mantissa * 10_f64.powf(exponent);
            let target = Transform::Log10.apply(value).expect("it is above zero");
            prop_assert!((Transform::Log10.invert(target) / value - 1.0).abs() < 1e-12);
            prop_assert_eq!(Transform::None.apply(value).map(|target| Transform::None.invert(target)), Some(value));
        }
    }
}
