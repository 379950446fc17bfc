//! What the crystals of a map are coloured by: numbers by a scale, or texts by classes.

use super::classes::Classes;
use super::scale::{COLOURS, Scale};
use crate::report::number::Format;
use crate::space::catalogue::Value;
use crate::unit;

/// Style classes of the colours of the scale.
pub(super) const SCALE_STYLES: [&str; COLOURS] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];

/// Values of a property, and their colours.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Colouring {
    /// Numbers.
    Numbers {
        /// The number of every crystal, `[len]`; `None` without a finite one.
        values: Vec<Option<f64>>,
        /// Their scale; `None` without numbers.
        scale: Option<Scale>,
    },
    /// Texts.
    Texts(Classes),
}

impl Colouring {
    /// Returns the colouring by the values of a column. With a text among them, all of them are texts.
    pub(super) fn of(values: &[Option<Value>]) -> Self {
        if values.iter().flatten().any(|value| matches!(value, Value::Text(_))) {
            let texts = values.iter().map(|value| value.as_ref().map(Value::to_string));
            return Self::Texts(Classes::of(texts.collect()));
        }
        let number = |value: &Option<Value>| match value {
            Some(Value::Number(number)) if number.is_finite() => Some(*number),
            _ => None,
        };
        let values: Vec<Option<f64>> = values.iter().map(number).collect();
        let scale = Scale::of(&values.iter().flatten().copied().collect::<Vec<_>>());
        Self::Numbers { values, scale }
    }

    /// Returns the number of crystals with a value.
    pub(super) fn coloured(&self) -> usize {
        match self {
            Self::Numbers { values, .. } => values.iter().flatten().count(),
            Self::Texts(classes) => classes.texts.iter().flatten().count(),
        }
    }

    /// Returns the number of crystals without a value.
    pub(super) fn without(&self) -> usize {
        match self {
            Self::Numbers { values, .. } => values.len() - values.iter().flatten().count(),
            Self::Texts(classes) => classes.texts.len() - classes.texts.iter().flatten().count(),
        }
    }

    /// Returns the style class of a crystal; `None` without a value.
    pub(super) fn style(&self, row: usize) -> Option<&'static str> {
        match self {
            Self::Numbers { values, scale } => {
                let value = values.get(row).copied().flatten()?;
                SCALE_STYLES.get(scale.as_ref()?.colour(value)).copied()
            }
            Self::Texts(classes) => classes.style(row),
        }
    }

    /// Returns the value of a crystal for people, with its unit; `None` without a value.
    pub(super) fn shown(&self, row: usize, unit: &str) -> Option<String> {
        match self {
            Self::Numbers { values, scale } => {
                let value = values.get(row).copied().flatten()?;
                let size = scale.as_ref().map_or(1.0, |scale| scale.low.abs().max(scale.high.abs()));
                Some(Format::of(size).write(value) + &unit::shown(" ", unit, ""))
            }
            Self::Texts(classes) => classes.texts.get(row).cloned().flatten(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_scale_and_texts_classes() {
        let number = |value| Some(Value::Number(value));
        let text = |value: &str| Some(Value::Text(value.into()));
        let numbers = Colouring::of(&[number(0.0), None, number(f64::NAN), number(2.0)]);
        assert_eq!((numbers.coloured(), numbers.without()), (2, 2));
        assert_eq!([0, 1, 2, 3].map(|row| numbers.style(row)), [Some("c0"), None, None, Some("c8")]);
        assert_eq!(numbers.shown(3, "eV").as_deref(), Some("2.000 eV"));
        let texts = Colouring::of(&[text("oxide"), None, number(2.5), text("oxide")]);
        assert_eq!((texts.coloured(), texts.without()), (3, 1));
        assert_eq!([0, 1, 2, 3].map(|row| texts.style(row)), [Some("k0"), None, Some("k1"), Some("k0")]);
        assert_eq!(texts.shown(2, "1").as_deref(), Some("2.5"));
        let nothing = Colouring::of(&[None, None]);
        assert_eq!((nothing.coloured(), nothing.style(0), nothing.shown(0, "1")), (0, None, None));
    }
}
