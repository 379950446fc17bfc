//! Columns of a label table while it is read.

use std::collections::HashMap;

use schemas::property::PropertyKind;

use super::slots::Label;
use crate::source::{PropertyValue, Tally, list_of_text, shown};

/// A column whose type is known only after all rows were read.
#[derive(Debug, Default)]
pub(super) struct Column {
    /// Name of the column in the table.
    pub(super) name: String,
    /// One value per row; NaN for anything but a number.
    pub(super) numbers: Vec<f64>,
    /// Index of every row's text among those of the tally, as long as the texts may be classes. A missing value has the
    /// index `u32::NONE`.
    codes: Vec<u32>,
    /// Rows with a list of numbers, and the lists.
    lists: Vec<(usize, Vec<f64>)>,
    /// Numbers of values of each kind, and their texts.
    pub(super) tally: Tally,
    /// Words for missing values.
    words: Odd,
    /// Placeholders for missing values.
    placeholders: Odd,
    /// Booleans, lists and texts.
    others: Odd,
    /// Numbers, booleans and texts.
    no_lists: Odd,
    /// Line and value of the first boolean, list or text.
    pub(super) first_text: Option<(u64, String)>,
}

/// Values that a column may take as missing.
#[derive(Debug, Clone, Default)]
pub(super) struct Odd {
    /// Number of values.
    pub(super) count: usize,
    /// Row, line and value of the first ones.
    pub(super) first: Vec<(usize, u64, String)>,
}

/// Largest number of odd values that a note quotes.
const SHOWN_ODD_VALUES: usize = 3;

impl Odd {
    fn push(&mut self, row: usize, line: u64, value: &[u8]) {
        self.count += 1;
        if self.first.len() < SHOWN_ODD_VALUES {
            self.first.push((row, line, shown(value.trim_ascii())));
        }
    }

    /// Adds other values.
    fn and(mut self, other: &Self) -> Self {
        self.count += other.count;
        self.first.extend_from_slice(&other.first);
        self.first.sort_by_key(|(row, ..)| *row);
        self.first.truncate(SHOWN_ODD_VALUES);
        self
    }
}

impl Column {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Appends the value of the next row.
    pub(super) fn push(&mut self, raw: &[u8], line: u64) {
        let value = PropertyValue::of_text(raw);
        let row = self.numbers.len();
        match value {
            PropertyValue::Missing if raw.trim_ascii().is_empty() => {}
            PropertyValue::Missing => self.words.push(row, line, raw),
            PropertyValue::Placeholder => self.placeholders.push(row, line, raw),
            PropertyValue::Boolean(_) | PropertyValue::List | PropertyValue::Other => {
                self.others.push(row, line, raw);
                self.first_text.get_or_insert_with(|| (line, shown(raw)));
            }
            PropertyValue::Number(_) => {}
        }
        match value {
            PropertyValue::List => self.lists.extend(list_of_text(raw).map(|list| (row, list))),
            PropertyValue::Number(_) | PropertyValue::Boolean(_) | PropertyValue::Other => {
                self.no_lists.push(row, line, raw);
            }
            PropertyValue::Missing | PropertyValue::Placeholder => {}
        }
        self.numbers.push(if let PropertyValue::Number(number) = value { number } else { f64::NAN });
        let code = self.tally.see(value, raw, || Some(String::from_utf8_lossy(raw)));
        if self.tally.texts().is_open() {
            self.codes.push(code.unwrap_or(u32::NONE));
        } else {
            self.codes = Vec::new();
        }
    }

    /// Whether there is any value, or a placeholder for one.
    pub(super) fn has_values(&self) -> bool {
        self.tally.values() > 0 || self.placeholders.count > 0
    }

    /// Returns the values that a column of this kind takes as missing and that are worth a remark. A word for a missing
    /// value is one among names, because it may be a name, too.
    pub(super) fn odd(&self, kind: PropertyKind) -> Odd {
        match kind {
            PropertyKind::Number => self.placeholders.clone().and(&self.others),
            PropertyKind::Boolean => self.placeholders.clone(),
            PropertyKind::Class => self.placeholders.clone().and(&self.words),
            PropertyKind::SiteNumbers => self.placeholders.clone().and(&self.no_lists),
        }
    }

    /// Returns one value per row of a column of booleans: 1, 0, or NaN if it is missing.
    pub(super) fn booleans(&self) -> impl Iterator<Item = f64> {
        // There are fewer spellings of two words in upper and lower case than a column may have classes.
        self.texts().map(|text| match PropertyValue::of_text(text.unwrap_or_default().as_bytes()) {
            PropertyValue::Boolean(truth) => f64::from(u8::from(truth)),
            _ => f64::NAN,
        })
    }

    /// Takes the list of every row, in the order of the table; `None` where the value is missing.
    pub(super) fn take_lists(&mut self) -> impl Iterator<Item = Option<Vec<f64>>> {
        let mut lists = std::mem::take(&mut self.lists).into_iter().peekable();
        (0..self.numbers.len())
            .map(move |row| lists.next_if(|(of_row, _)| *of_row == row).map(|(_, list)| list))
    }

    /// Iterates over the class of every row, in the order of the table; `None` where the value is missing.
    pub(super) fn texts(&self) -> impl Iterator<Item = Option<&str>> {
        let names = self.tally.texts().names();
        self.codes.iter().map(|code| names.get(*code as usize).map(String::as_str))
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

/// Texts of the columns of text: names of the parts of all splits, and of all classes.
#[derive(Debug, Default)]
pub(super) struct TextNames {
    pub(super) names: Vec<String>,
    codes: HashMap<String, u32>,
}

impl TextNames {
    /// Returns the index of a text, and adds the text if it is new.
    pub(super) fn code(&mut self, name: &str) -> u32 {
        if let Some(code) = self.codes.get(name) {
            return *code;
        }
        let code = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.codes.insert(name.to_owned(), code);
        code
    }

    /// Returns a function that shows the text with an index.
    pub(super) fn shown(&self) -> impl Fn(&u32) -> String {
        |code| self.names.get(*code as usize).cloned().unwrap_or_default()
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
