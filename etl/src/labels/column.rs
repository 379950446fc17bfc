//! Columns of a label table while it is read.

use std::collections::HashMap;

use crate::source::{PropertyValue, Tally, shown};

/// A column whose type is known only after all rows were read.
#[derive(Debug, Default)]
pub(super) struct Column {
    /// Name of the column in the table.
    pub(super) name: String,
    /// One value per row; NaN if it is missing.
    pub(super) numbers: Vec<f64>,
    /// Numbers of values of each kind.
    pub(super) tally: Tally,
    /// Values that are neither numbers nor words for a missing value.
    pub(super) odd: Odd,
    /// Line and value of the first text.
    pub(super) first_text: Option<(u64, String)>,
}

/// Values that count as missing.
#[derive(Debug, Default)]
pub(super) struct Odd {
    /// Number of values.
    pub(super) count: usize,
    /// Row, line and value of the first ones.
    pub(super) first: Vec<(usize, u64, String)>,
}

/// Largest number of odd values that a note quotes.
const SHOWN_ODD_VALUES: usize = 3;

impl Column {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Appends the value of the next row.
    pub(super) fn push(&mut self, value: &[u8], line: u64) {
        let number = match PropertyValue::of_text(value) {
            PropertyValue::Number(number) => {
                self.tally.numbers += 1;
                number
            }
            PropertyValue::Missing => f64::NAN,
            PropertyValue::Placeholder => {
                self.note(value, line);
                f64::NAN
            }
            PropertyValue::Other => {
                self.tally.see_text(value);
                self.note(value, line);
                if self.first_text.is_none() {
                    self.first_text = Some((line, shown(value)));
                }
                f64::NAN
            }
        };
        self.numbers.push(number);
    }

    fn note(&mut self, value: &[u8], line: u64) {
        self.odd.count += 1;
        if self.odd.first.len() < SHOWN_ODD_VALUES {
            self.odd.first.push((self.numbers.len(), line, shown(value)));
        }
    }
}

/// A column of a split, as indices into the list of all names of parts.
#[derive(Debug, Default)]
pub(super) struct SplitColumn {
    /// One index per row; `None` if the crystal is in no part.
    pub(super) codes: Vec<Option<u32>>,
}

/// The usual parts. If a crystal is in several, the last one in this list applies.
const KNOWN_PARTS: [&str; 3] = ["train", "val", "test"];

/// Names of the parts of all splits.
#[derive(Debug, Default)]
pub(super) struct PartNames {
    pub(super) names: Vec<String>,
    codes: HashMap<String, u32>,
}

impl PartNames {
    /// Returns the index of a part, and adds the part if it is new.
    pub(super) fn code(&mut self, name: &str) -> u32 {
        if let Some(code) = self.codes.get(name) {
            return *code;
        }
        let code = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.codes.insert(name.to_owned(), code);
        code
    }

    /// Returns the position of a part in train, val, test, or `None` for any other part.
    pub(super) fn rank(&self, code: Option<u32>) -> Option<usize> {
        let name = self.names.get(code? as usize)?;
        KNOWN_PARTS.iter().position(|known| known == name)
    }

    /// Whether these are two different parts among train, val and test.
    pub(super) fn are_distinct_known(&self, code: Option<u32>, other: u32) -> bool {
        code != Some(other) && self.rank(code).is_some() && self.rank(Some(other)).is_some()
    }
}
