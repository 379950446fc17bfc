//! Values of a numeric property column that are not numbers.
//!
//! The rule is the same for all sources and label tables: a column is numeric if most of its values are numbers. Any
//! other value in it is null, and a remark names it. Placeholders such as `-` or `n.d.` do not count against the
//! column. A column of booleans alone is one of truth values, and one of few texts one of classes, unless the texts are
//! numbers that are not written plainly. A column is one of numbers of the sites if most of its values are lists of
//! numbers, by the same rule. A documented property is always numeric; if most of its values are not numbers, each such
//! value is an error of its entry.

use std::borrow::Cow;
use std::fmt::Write;

use super::Sink;
use super::classes::{ClassScan, NoClasses};
use super::number_like::looks_like_number;
use super::property_value::PropertyValue;
use super::quote::shown;
use crate::reject::{Note, Origin};

/// Code of the remark about a value that counts as missing.
pub(crate) const ODD_VALUE: &str = "odd_value";
/// Largest number of columns that a note lists.
const LISTED_COLUMNS: usize = 20;

/// Numbers of values of each kind in a column.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Number of values that are numbers.
    pub(crate) numbers: u64,
    /// Number of values that are `true` or `false`.
    booleans: u64,
    /// Number of values that are lists of numbers.
    lists: u64,
    /// Number of values that are neither numbers, booleans, lists, missing nor placeholders.
    texts: u64,
    /// Number of texts that look like numbers, as long as all of them do.
    odd_numbers: u64,
    /// The first boolean or text.
    first_text: Option<String>,
    /// The texts of all these values.
    classes: ClassScan,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content<'a> {
    /// Mostly numbers.
    Numbers,
    /// Booleans alone.
    Booleans,
    /// Texts that are classes, with their names.
    Classes(&'a [String]),
    /// Mostly lists of numbers.
    SiteNumbers,
    /// Anything else, with the reason why it is no column of classes.
    Other(NoClasses),
    /// No values.
    Nothing,
}

impl Tally {
    /// Counts a value. `raw` is the value as written, and `text` returns its text, or `None` for a list or an object.
    /// Returns the index of the text as long as the texts may be classes.
    pub(crate) fn see<'t>(
        &mut self,
        value: PropertyValue,
        raw: &[u8],
        text: impl FnOnce() -> Option<Cow<'t, str>>,
    ) -> Option<u32> {
        match value {
            PropertyValue::Missing | PropertyValue::Placeholder => return None,
            PropertyValue::Number(_) => self.numbers += 1,
            PropertyValue::Boolean(_) => self.booleans += 1,
            PropertyValue::List => self.lists += 1,
            PropertyValue::Other => self.texts += 1,
        }
        if !matches!(value, PropertyValue::Number(_)) {
            self.first_text.get_or_insert_with(|| shown(raw));
        }
        let may_be_odd = value == PropertyValue::Other && self.odd_numbers + 1 == self.texts;
        if !self.classes.is_open() && !may_be_odd {
            return None;
        }
        let text = text();
        self.odd_numbers += u64::from(may_be_odd && text.as_deref().is_some_and(looks_like_number));
        if !self.classes.is_open() {
            return None;
        }
        match text {
            Some(text) if value != PropertyValue::List => self.classes.see(text.trim()),
            _ => {
                self.classes.see_other();
                None
            }
        }
    }

    /// Returns what the values are.
    pub(crate) fn content(&self) -> Content<'_> {
        match (self.numbers, self.booleans, self.texts + self.lists) {
            (0, 0, 0) => Content::Nothing,
            _ if 2 * self.lists > self.values() => Content::SiteNumbers,
            (numbers, booleans, texts) if numbers > booleans + texts => Content::Numbers,
            (0, _, 0) => Content::Booleans,
            // Booleans among numbers are neither numbers nor names.
            (_, _, 0) => Content::Other(NoClasses::Mixed),
            _ if self.has_odd_numbers() => Content::Other(NoClasses::OddNumbers),
            _ => self.classes.classes().map_or_else(Content::Other, Content::Classes),
        }
    }

    /// Whether some values are numbers that are not written plainly, and all others numbers.
    pub(crate) fn has_odd_numbers(&self) -> bool {
        self.odd_numbers > 0 && self.odd_numbers + self.numbers == self.values()
    }

    /// Returns the texts of the values, by their indices.
    pub(crate) fn texts(&self) -> &ClassScan {
        &self.classes
    }

    /// Returns the number of values of all kinds.
    pub(crate) fn values(&self) -> u64 {
        self.numbers + self.booleans + self.lists + self.texts
    }
}

/// Returns notes about columns that are not properties: one for all columns without any number, and one for each of
/// the others.
pub(crate) fn left_out_notes(file: &str, columns: &[(String, Tally)]) -> Vec<String> {
    let (some, none): (Vec<_>, Vec<_>) = columns.iter().partition(|(_, tally)| tally.numbers > 0);
    let mut notes = Vec::new();
    if !none.is_empty() {
        let named = |(name, tally): &&(String, Tally)| match tally.content() {
            Content::Other(reason) => format!("{name} ({reason})"),
            _ => name.clone(),
        };
        let names: Vec<String> = none.iter().take(LISTED_COLUMNS).map(named).collect();
        let more = none.len() - names.len();
        let mut note = format!("{file}: left out, without numbers: {}", names.join(", "));
        if more > 0 {
            // Writing to a string cannot fail.
            let _ = write!(note, " and {more} more");
        }
        notes.push(note);
    }
    notes.extend(some.into_iter().map(|(name, tally)| {
        let Tally { numbers, first_text, .. } = tally;
        let others = tally.values() - numbers;
        let first = first_text.as_deref().unwrap_or_default();
        format!(
            "{file}: left out, mostly without numbers: {name} ({numbers} numbers, {others} other values, the first \
             {first:?})"
        )
    }));
    notes
}

/// Passes on the remarks about the values of a record, before its crystal.
pub(super) fn note_odd_values<T: Into<String>>(
    messages: impl IntoIterator<Item = T>,
    material_id: &str,
    origin: &Origin,
    sink: &mut dyn Sink,
) {
    for message in messages {
        let id = Some(material_id.to_owned());
        sink.note(Note::new(id, origin.clone(), ODD_VALUE, message.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(texts: &[&str]) -> Tally {
        let mut tally = Tally::default();
        for text in texts {
            tally.see(PropertyValue::of_text(text.as_bytes()), text.as_bytes(), || Some((*text).into()));
        }
        tally
    }

    #[test]
    fn content_is_told_by_most_values() {
        assert_eq!(tally(&["", "na", "-"]).content(), Content::Nothing);
        assert_eq!(tally(&["1", "2", "x", "-"]).content(), Content::Numbers);
        assert_eq!(tally(&["1", "2", "true"]).content(), Content::Numbers);
        assert_eq!(tally(&["true", "False", "", "na", "?"]).content(), Content::Booleans);
        assert_eq!(tally(&["true", "1"]).content(), Content::Other(NoClasses::Mixed));
        let names = ["x", "1"].map(str::to_owned);
        assert_eq!(tally(&["x", "1", " x", "1 "]).content(), Content::Classes(&names));
        let rare = NoClasses::Rare { texts: 2, values: 3 };
        assert_eq!(tally(&["x", "y", "x"]).content(), Content::Other(rare));
        for text in ["10%", "1.5(2)", "0,5", "inf"] {
            let odd = NoClasses::OddNumbers;
            assert_eq!(tally(&[text, text, "1", "1"]).content(), Content::Other(odd), "{text}");
            let names = [text, "x"].map(str::to_owned);
            assert_eq!(tally(&[text, text, "x", "x"]).content(), Content::Classes(&names), "{text}");
        }
        assert_eq!(tally(&["[1, 2]", "[3]", "x", ""]).content(), Content::SiteNumbers);
        assert_eq!(tally(&["[1, 2]", "x"]).content(), Content::Other(NoClasses::NoText));
        assert_eq!(tally(&["1", "2", "[3]"]).content(), Content::Numbers);
    }

    #[test]
    fn columns_left_out_are_named_with_what_they_hold() {
        let mixed = tally(&["1", "2", "low", "high", "true"]);
        let names = (0..25).map(|at| (format!("c{at}"), Tally::default()));
        let columns: Vec<_> = names.chain([("grade".to_owned(), mixed)]).collect();
        let notes = left_out_notes("t.csv", &columns);
        assert!(notes[0].starts_with("t.csv: left out, without numbers: c0, c1, "), "{}", notes[0]);
        assert!(notes[0].ends_with("c19 and 5 more"), "{}", notes[0]);
        assert_eq!(
            notes[1],
            "t.csv: left out, mostly without numbers: grade (2 numbers, 3 other values, the first \"low\")"
        );
        let texts = [("note".to_owned(), tally(&["x", "y"]))];
        let expected = "t.csv: left out, without numbers: note (2 different texts in 2 values)";
        assert_eq!(left_out_notes("t.csv", &texts), [expected]);
        assert!(left_out_notes("t.csv", &[]).is_empty());
    }
}
