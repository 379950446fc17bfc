//! Values of a numeric property column that are not numbers.
//!
//! The rule is the same for all sources and label tables: a column is numeric if most of its values are numbers. Any
//! other value in it is null, and a remark names it. Placeholders such as `-` or `n.d.` do not count against the
//! column. A documented property is always numeric; if most of its values are not numbers, each such value is an
//! error of its entry.

use std::fmt::Write;

use super::Sink;
use crate::reject::{Note, Origin};

/// Code of the remark about a value that counts as missing.
pub(crate) const ODD_VALUE: &str = "odd_value";
/// Largest number of characters of a value that a message quotes.
const SHOWN_CHARACTERS: usize = 60;
/// Largest number of columns that a note lists.
const LISTED_COLUMNS: usize = 20;

/// Returns the beginning of a value for a message.
pub(crate) fn shown(value: &[u8]) -> String {
    String::from_utf8_lossy(value).chars().take(SHOWN_CHARACTERS).collect()
}

/// Numbers of values of each kind in a column.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Number of values that are numbers.
    pub(crate) numbers: u64,
    /// Number of values that are neither numbers, missing nor placeholders.
    pub(crate) texts: u64,
    /// The first of these.
    pub(crate) first_text: Option<String>,
}

impl Tally {
    /// Whether the column is numeric.
    pub(crate) fn is_numeric(&self) -> bool {
        self.numbers > self.texts
    }

    /// Counts a text.
    pub(crate) fn see_text(&mut self, value: &[u8]) {
        self.texts += 1;
        self.first_text.get_or_insert_with(|| shown(value));
    }
}

/// Returns notes about columns that are not properties: one for all columns without any number, and one for each of
/// the others.
pub(crate) fn left_out_notes(file: &str, columns: &[(String, Tally)]) -> Vec<String> {
    let (some, none): (Vec<_>, Vec<_>) = columns.iter().partition(|(_, tally)| tally.numbers > 0);
    let mut notes = Vec::new();
    if !none.is_empty() {
        let names: Vec<&str> = none.iter().take(LISTED_COLUMNS).map(|(name, _)| name.as_str()).collect();
        let more = none.len() - names.len();
        let mut note = format!("{file}: left out, without numbers: {}", names.join(", "));
        if more > 0 {
            // Writing to a string cannot fail.
            let _ = write!(note, " and {more} more");
        }
        notes.push(note);
    }
    notes.extend(some.into_iter().map(|(name, tally)| {
        let Tally { numbers, texts, first_text } = tally;
        let first = first_text.as_deref().unwrap_or_default();
        format!(
            "{file}: left out, mostly without numbers: {name} ({numbers} numbers, {texts} other values, the first \
             {first:?})"
        )
    }));
    notes
}

/// Returns the message about a value that counts as missing.
pub(super) fn odd_message(key: &str, value: &[u8]) -> String {
    let text = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value);
    format!("{key} is {:?}, no number: taken as missing", shown(text.trim_ascii()))
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

    #[test]
    fn columns_left_out_are_named_with_what_they_hold() {
        let mut mixed = Tally { numbers: 2, ..Tally::default() };
        ["low", "high", "low"].iter().for_each(|text| mixed.see_text(text.as_bytes()));
        assert!(!mixed.is_numeric());
        let names = (0..25).map(|at| (format!("c{at}"), Tally::default()));
        let columns: Vec<_> = names.chain([("grade".to_owned(), mixed)]).collect();
        let notes = left_out_notes("t.csv", &columns);
        assert!(notes[0].starts_with("t.csv: left out, without numbers: c0, c1, "), "{}", notes[0]);
        assert!(notes[0].ends_with("c19 and 5 more"), "{}", notes[0]);
        assert_eq!(
            notes[1],
            "t.csv: left out, mostly without numbers: grade (2 numbers, 3 other values, the first \"low\")"
        );
        assert!(left_out_notes("t.csv", &[]).is_empty());
    }

    #[test]
    fn a_message_shows_the_value_without_its_quotes() {
        assert_eq!(odd_message("gap", b"\"n.d.\""), "gap is \"n.d.\", no number: taken as missing");
        assert!(odd_message("gap", &[b'x'; 4096]).len() < 200);
    }
}
