//! Columns of label tables while they are read.

use std::collections::HashMap;

use crate::source::{PropertyValue, Tally, shown};

/// A column whose kind is known when all of it was seen.
#[derive(Debug, Default)]
pub(super) struct Column {
    /// Its name in the table.
    pub(super) name: String,
    /// One value a row, NaN where there is none.
    pub(super) numbers: Vec<f64>,
    /// What the values are.
    pub(super) tally: Tally,
    /// Values that are neither numbers nor words for a missing one: how many, and the first of them.
    pub(super) odd: Odd,
    /// Line and value of the first text.
    pub(super) first_text: Option<(u64, String)>,
}

/// Values that count as missing.
#[derive(Debug, Default)]
pub(super) struct Odd {
    /// How many.
    pub(super) count: usize,
    /// Row, line and value of the first of them.
    pub(super) first: Vec<(usize, u64, String)>,
}

/// Odd values that a note shows.
const SHOWN_ODD_VALUES: usize = 3;

impl Column {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Takes the value of the next row.
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

/// A column of names of a split's parts, as positions in a list of all such names.
#[derive(Debug, Default)]
pub(super) struct SplitColumn {
    /// One code a row, `None` where the row has no part.
    pub(super) codes: Vec<Option<u32>>,
}

/// The usual parts, in the order in which one goes before another.
const KNOWN_PARTS: [&str; 3] = ["train", "val", "test"];

/// Names of the parts of all splits.
#[derive(Debug, Default)]
pub(super) struct PartNames {
    pub(super) names: Vec<String>,
    codes: HashMap<String, u32>,
}

impl PartNames {
    /// Code of a part.
    pub(super) fn code(&mut self, name: &str) -> u32 {
        if let Some(code) = self.codes.get(name) {
            return *code;
        }
        let code = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.codes.insert(name.to_owned(), code);
        code
    }

    /// Place of a part among train, val and test; `None` for any other.
    pub(super) fn rank(&self, code: Option<u32>) -> Option<usize> {
        let name = self.names.get(code? as usize)?;
        KNOWN_PARTS.iter().position(|known| known == name)
    }

    /// Whether these are two different ones of train, val and test.
    pub(super) fn are_distinct_known(&self, code: Option<u32>, other: u32) -> bool {
        code != Some(other) && self.rank(code).is_some() && self.rank(Some(other)).is_some()
    }
}
