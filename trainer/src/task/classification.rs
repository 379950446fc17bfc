//! Classes of a property, for tasks that predict a class instead of a number.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use schemas::count::counted;
use serde::{Deserialize, Serialize};

use super::TaskError;
use super::crystals::{Value, for_each_value};
use super::fault::Fault;
use crate::data::Sources;

/// Largest number of classes. A column with more different values is one of names or of measured numbers.
pub const MAX_CLASSES: usize = 100;
/// Largest whole number that a double tells from its neighbours, 2⁵³.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// The classes of a property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    /// Names of the classes in the order of the model's outputs. They are the texts of the column, or its numbers in
    /// their shortest form, unless [`Classification::above`] divides them.
    pub classes: Vec<String>,
    /// The value that divides a column of numbers into two classes: at most this value, and above it. In the unit of the
    /// column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
}

impl Classification {
    /// Returns the two classes of numbers at most and above a value, in the unit of the column.
    pub fn above(value: f64) -> Self {
        Self { classes: vec![format!("at most {value}"), format!("above {value}")], above: Some(value) }
    }

    /// Returns the classes of a column: its different texts in alphabetical order, or its different whole numbers in
    /// ascending order.
    ///
    /// # Errors
    /// [`TaskError::NoClasses`] for a number that is not whole, and for less than two or more than [`MAX_CLASSES`]
    /// classes; [`TaskError::Data`] if a shard cannot be read.
    pub(super) fn of_column(sources: &Sources, column: &str) -> Result<Self, TaskError> {
        let (mut numbers, mut texts) = (BTreeSet::new(), BTreeSet::new());
        let mut broken = None;
        for_each_value(sources, column, |value| {
            match value {
                Value::Number(number) if number.fract() == 0.0 && number.abs() <= LARGEST_WHOLE => {
                    numbers.insert(number as i64);
                }
                Value::Number(number) => broken = Some(number),
                Value::Text(text) => {
                    texts.insert(text.to_owned());
                }
            }
            // Enough is known to refuse the column.
            match broken.is_some() || texts.len() > MAX_CLASSES || numbers.len() > MAX_CLASSES {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        let refuse = |problem| Err(TaskError::NoClasses { property: column.to_owned(), problem });
        if let Some(number) = broken {
            return refuse(format!("{number} is no whole number"));
        }
        let classes: Vec<String> = numbers.iter().map(i64::to_string).chain(texts).collect();
        match classes.len() {
            2..=MAX_CLASSES => Ok(Self { classes, above: None }),
            count if count > MAX_CLASSES => {
                refuse(format!("it has more than {MAX_CLASSES} different values"))
            }
            count => refuse(format!("it has {}", counted(count, "value"))),
        }
    }

    /// Returns the index of the class of a value; `None` for a value that is of none.
    pub(super) fn index(&self, value: Value<'_>) -> Option<usize> {
        match (value, self.above) {
            (Value::Number(number), Some(above)) => (!number.is_nan()).then_some(usize::from(number > above)),
            (Value::Text(_), Some(_)) => None,
            (value, None) => {
                let name = value.text();
                self.classes.iter().position(|class| *class == name)
            }
        }
    }

    /// Returns the first value out of range.
    pub(super) fn fault(&self) -> Option<Fault> {
        let of_classes = |needed: String| {
            Some(Fault::new("classification.classes", format!("{:?}", self.classes), needed))
        };
        let different: BTreeSet<&String> = self.classes.iter().collect();
        if different.len() < self.classes.len() || !(2..=MAX_CLASSES).contains(&self.classes.len()) {
            return of_classes(format!("2 to {MAX_CLASSES} different names"));
        }
        let above = self.above?;
        if !above.is_finite() {
            return Some(Fault::new("classification.above", above.to_string(), "a finite number"));
        }
        match self.classes.len() {
            2 => None,
            _ => of_classes("two names, of the class at most and above classification.above".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::data::test_store::{GAP, chain, write_store};

    #[test]
    fn values_have_the_class_of_their_name_or_side() {
        let named = Classification { classes: ["0", "2", "metal"].map(str::to_owned).into(), above: None };
        assert_eq!(named.index(Value::Number(2.0)), Some(1));
        assert_eq!(named.index(Value::Number(-0.0)), Some(0));
        assert_eq!(named.index(Value::Text("metal")), Some(2));
        for other in [Value::Number(1.0), Value::Number(f64::NAN), Value::Text("Metal")] {
            assert_eq!(named.index(other), None);
        }
        let gap = Classification::above(0.5);
        assert_eq!(gap.classes, ["at most 0.5", "above 0.5"]);
        let of = [0.5, 0.6, f64::NAN, -1.0].map(|number| gap.index(Value::Number(number)));
        assert_eq!(of, [Some(0), Some(1), None, Some(0)]);
        assert_eq!(gap.index(Value::Text("above 0.5")), None);
    }

    #[test]
    fn classes_that_cannot_be_told_apart_are_refused() {
        let of = |classes: &[&str], above| {
            let classes = classes.iter().map(|&class| class.to_owned()).collect();
            Classification { classes, above }.fault().map(|fault| fault.key)
        };
        assert_eq!(of(&["a", "b", "c"], None), None);
        assert_eq!(of(&["a", "b"], Some(0.0)), None);
        for (classes, above) in [(&["a", "a"][..], None), (&["a"], None), (&["a", "b", "c"], Some(0.0))] {
            assert_eq!(of(classes, above), Some("classification.classes"));
        }
        assert_eq!(of(&["a", "b"], Some(f64::NAN)), Some("classification.above"));
    }

    #[test]
    fn a_column_is_refused_by_its_first_fault() {
        let refused = |gaps: &[f64]| {
            let folder = TempDir::new().expect("a temporary folder");
            let rows = gaps.iter().enumerate();
            let rows: Vec<_> = rows
                .map(|(index, gap)| {
                    let mut row = chain(&format!("m{index}"), 1);
                    row.gap = Some(*gap);
                    row
                })
                .collect();
            write_store(folder.path(), "test", &rows, 3, 2);
            let store = folder.path().display().to_string();
            let sources = Sources::resolve(&[store], None).expect("a readable store");
            let found = Classification::of_column(&sources, GAP);
            found.map(|found| found.classes).map_err(|error| error.to_string())
        };
        let problem = |text: &str| Err(format!("the column {GAP} does not consist of classes: {text}"));
        assert_eq!(refused(&[1.0, 0.5, 2.0, 0.25, 3.0]), problem("0.5 is no whole number"));
        let mut many: Vec<f64> = (0..=MAX_CLASSES).map(|number| number as f64).collect();
        many.push(0.5);
        // The number behind those that are enough is not read.
        assert_eq!(refused(&many), problem("it has more than 100 different values"));
        assert_eq!(refused(&[1.0, 0.0, 1.0]), Ok(vec!["0".to_owned(), "1".to_owned()]));
    }
}
