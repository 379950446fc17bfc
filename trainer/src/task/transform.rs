//! Transforms between the stored property and the target of the model.

use serde::{Deserialize, Serialize};

/// Transform of a property to the target. All increase, so that they keep the order of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transform {
    /// The property itself. `standard` is the same: every target is standardised for training, if
    /// `finetune.standardise` does not say otherwise.
    #[default]
    #[serde(alias = "standard")]
    None,
    /// The decadic logarithm, which is undefined for values at or below zero.
    Log10,
    /// The natural logarithm of 1 + value, which is undefined for values at or below -1.
    Log1p,
    /// The square root, which is undefined for values below zero.
    Sqrt,
}

impl Transform {
    /// Returns the target of a value in the unit of the property; `None` if it is undefined or not finite.
    pub fn apply(self, value: f64) -> Option<f64> {
        let target = match self {
            Transform::None => value,
            Transform::Log10 if value > 0.0 => value.log10(),
            Transform::Log1p if value > -1.0 => value.ln_1p(),
            Transform::Sqrt if value >= 0.0 => value.sqrt(),
            Transform::Log10 | Transform::Log1p | Transform::Sqrt => return None,
        };
        target.is_finite().then_some(target)
    }

    /// Returns the value in the unit of the property for a target. A negative target of a square root is that of the
    /// least value, 0.
    pub fn invert(self, target: f64) -> f64 {
        match self {
            Transform::None => target,
            Transform::Log10 => 10_f64.powf(target),
            Transform::Log1p => target.exp_m1(),
            Transform::Sqrt => target.max(0.0).powi(2),
        }
    }

    /// Returns the unit of the property for a unit of the target, as [`Transform::unit`] makes it.
    pub fn unit_of_property(self, unit: &str) -> String {
        if self == Transform::None {
            return unit.to_owned();
        }
        let Some(rest) = unit.strip_prefix(self.name()) else { return unit.to_owned() };
        let inner = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let inner = if rest.is_empty() { Some("") } else { inner };
        inner.unwrap_or(unit).to_owned()
    }

    /// Returns the word of the transform in the file of a task.
    pub fn name(self) -> &'static str {
        match self {
            Transform::None => "none",
            Transform::Log10 => "log10",
            Transform::Log1p => "log1p",
            Transform::Sqrt => "sqrt",
        }
    }

    /// Returns the unit of the target for a unit of the property. Of an unknown one, which is empty, it is the name alone.
    pub fn unit(self, unit: &str) -> String {
        match self {
            Transform::None => unit.to_owned(),
            transform if unit.is_empty() => transform.name().to_owned(),
            transform => format!("{}({unit})", transform.name()),
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
            for transform in [Transform::None, Transform::Log1p, Transform::Sqrt] {
                assert_eq!(transform.apply(value), None, "{value}");
            }
        }
        assert_eq!((Transform::Log1p.apply(0.0), Transform::Log1p.apply(-1.0)), (Some(0.0), None));
        assert_eq!((Transform::Sqrt.apply(9.0), Transform::Sqrt.apply(-1e-300)), (Some(3.0), None));
        assert_eq!(Transform::Sqrt.invert(-0.1), 0.0);
    }

    #[test]
    fn the_unit_names_the_logarithm() {
        assert_eq!(Transform::Log10.unit("GPa"), "log10(GPa)");
        assert_eq!(Transform::None.unit("eV"), "eV");
        assert_eq!(
            (Transform::Log10.unit(""), Transform::None.unit("")),
            ("log10".to_owned(), String::new())
        );
        for transform in [Transform::None, Transform::Log10, Transform::Log1p, Transform::Sqrt] {
            for unit in ["g/(cm³)", ""] {
                assert_eq!(transform.unit_of_property(&transform.unit(unit)), unit);
            }
        }
        assert_eq!(Transform::Log10.unit_of_property("log10()"), "", "of weights of an earlier version");
    }

    proptest! {
        #[test]
        fn inverting_gives_the_value_back(exponent in -12.0_f64..12.0, mantissa in 1.0_f64..10.0) {
            let value = mantissa * 10_f64.powf(exponent);
            let target = Transform::Log10.apply(value).expect("it is above zero");
            prop_assert!((Transform::Log10.invert(target) / value - 1.0).abs() < 1e-12);
            for transform in [Transform::Log1p, Transform::Sqrt] {
                let target = transform.apply(value).expect("it is above zero");
                prop_assert!((transform.invert(target) / value - 1.0).abs() < 1e-12, "{transform:?}");
            }
            prop_assert_eq!(Transform::None.apply(value).map(|target| Transform::None.invert(target)), Some(value));
        }
    }
}
