//! Columns of label tables that have the name of a split, and the parts or numbers they hold.

use super::column::{Column, SplitColumn, TextNames};
use super::rows::TableSplit;
use crate::source::{PropertyValue, is_missing};

/// A column with the name of a split, while it is read.
///
/// Physics has splittings, too: numbers in a column `exchange_split`, not all of which are whole, are those of a
/// property. Whole numbers are names of parts, as folds are.
#[derive(Debug)]
pub(super) struct NamedSplit {
    name: String,
    task: String,
    /// The part of every row, by its index in `numbers` as long as there are any, and among all parts from then on.
    split: SplitColumn,
    /// The column as one of numbers, as long as no value is anything else.
    numbers: Option<Box<Numbers>>,
}

/// A column of numbers that may be names of parts.
#[derive(Debug)]
struct Numbers {
    column: Column,
    /// The values as they are written.
    texts: TextNames,
    /// Whether a number is not whole.
    has_fraction: bool,
}

/// What a column with the name of a split holds.
#[derive(Debug)]
pub(super) enum SplitOrNumbers {
    /// Parts.
    Split(TableSplit),
    /// Numbers of a property.
    Numbers(Box<Column>),
}

impl NamedSplit {
    /// Creates a column called `name` of parts, whatever its values.
    pub(super) fn parts(name: &str, task: String) -> Self {
        Self { name: name.to_owned(), task, split: SplitColumn::default(), numbers: None }
    }

    /// Creates a column that is a property called `name` if its values are numbers that are not all whole.
    pub(super) fn parts_or_numbers(name: &str, task: String) -> Self {
        let numbers = Numbers { column: Column::new(name), texts: TextNames::default(), has_fraction: false };
        Self { numbers: Some(Box::new(numbers)), ..Self::parts(name, task) }
    }

    /// Appends the value of the next row. `parts` are the names of all parts.
    pub(super) fn push(&mut self, raw: &[u8], line: u64, parts: &mut TextNames) {
        let value = PropertyValue::of_text(raw);
        if matches!(value, PropertyValue::Boolean(_) | PropertyValue::List | PropertyValue::Other) {
            self.take_for_parts(parts);
        }
        let texts = match &mut self.numbers {
            None => parts,
            Some(numbers) => {
                numbers.column.push(raw, line);
                numbers.has_fraction |=
                    matches!(value, PropertyValue::Number(number) if number.fract() != 0.0);
                &mut numbers.texts
            }
        };
        let part = String::from_utf8_lossy(raw.trim_ascii());
        self.split.codes.push((!is_missing(raw)).then(|| texts.code(&part)));
    }

    /// Takes the values so far for names of parts.
    fn take_for_parts(&mut self, parts: &mut TextNames) {
        let Some(numbers) = self.numbers.take() else { return };
        let codes: Vec<u32> = numbers.texts.names.iter().map(|name| parts.code(name)).collect();
        for code in &mut self.split.codes {
            *code = code.and_then(|code| codes.get(code as usize).copied());
        }
    }

    /// Returns the parts or the numbers, when all rows have been read.
    pub(super) fn finish(mut self, parts: &mut TextNames) -> SplitOrNumbers {
        match self.numbers.take() {
            Some(numbers) if numbers.has_fraction => SplitOrNumbers::Numbers(Box::new(numbers.column)),
            numbers => {
                self.numbers = numbers;
                self.take_for_parts(parts);
                SplitOrNumbers::Split(TableSplit { name: self.name, task: self.task, column: self.split })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> (SplitOrNumbers, TextNames) {
        let mut parts = TextNames::default();
        parts.code("train");
        let mut column = NamedSplit::parts_or_numbers("exchange_split", "exchange".to_owned());
        for (line, value) in (2..).zip(values) {
            column.push(value.as_bytes(), line, &mut parts);
        }
        (column.finish(&mut parts), parts)
    }

    #[test]
    fn numbers_that_are_not_all_whole_are_no_parts() {
        let (SplitOrNumbers::Numbers(column), parts) = read(&["0.12", "", "-", "2"]) else {
            panic!("parts of a split")
        };
        assert_eq!(column.name, "exchange_split");
        assert_eq!((column.numbers[0], column.numbers[3]), (0.12, 2.0));
        assert!(column.numbers[1].is_nan() && column.numbers[2].is_nan());
        assert_eq!(parts.names, ["train"], "no text is kept");
    }

    #[test]
    fn whole_numbers_and_texts_are_parts() {
        for values in [["1", "01", "1.0", "-", ""], ["0.5", "1", "", "test", "train"], ["", "na", "", "", ""]]
        {
            let (SplitOrNumbers::Split(TableSplit { name, task, column }), parts) = read(&values) else {
                panic!("numbers of a property")
            };
            let found = column.codes.iter().map(|code| code.map(|code| parts.names[code as usize].as_str()));
            let expected =
                values.iter().map(|value| Some(*value).filter(|value| !["", "na"].contains(value)));
            assert_eq!((&*name, &*task), ("exchange_split", "exchange"));
            assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }
}
