//! Settings of a TOML file, with their lines and columns.

use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::error::ConfigError;
use super::place::Place;
use super::table::{successor, unknown};
use crate::toml_text::{self, line_and_column};

/// A setting of a file.
pub(super) struct Entry {
    /// Dotted key.
    pub(super) key: String,
    /// Value.
    pub(super) value: Value,
    /// The value as written in the file.
    pub(super) text: String,
    /// Place of the key.
    pub(super) place: Place,
}

/// Names that a file may use for its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Current names only.
    Current,
    /// Current names and those of earlier versions, which are translated.
    Earlier,
}

/// Returns the settings of a text in the order of their sections. `known` holds all keys.
///
/// # Errors
/// [`ConfigError::Syntax`] or [`ConfigError::UnknownKey`].
pub(super) fn entries(
    text: &str,
    path: &Path,
    known: &Table,
    names: Names,
) -> Result<Vec<Entry>, ConfigError> {
    let syntax = |error: toml::de::Error| {
        let (line, column, message) = toml_text::fault(text, &error);
        ConfigError::Syntax { place: Place::File { path: path.to_owned(), line, column }, message }
    };
    let spanned = DeTable::parse(text).map_err(syntax)?;
    let values = toml::from_str::<Table>(text).map_err(syntax)?;
    let mut walk = Walk { text, path, known, names, entries: Vec::new() };
    walk.section(spanned.get_ref(), &values, known, "")?;
    Ok(walk.entries)
}

/// State of a walk through the text.
struct Walk<'a> {
    text: &'a str,
    path: &'a Path,
    known: &'a Table,
    names: Names,
    entries: Vec<Entry>,
}

impl Walk<'_> {
    /// Appends the settings of a section, which is given with positions and as plain values.
    fn section(
        &mut self,
        spanned: &DeTable<'_>,
        values: &Table,
        known: &Table,
        prefix: &str,
    ) -> Result<(), ConfigError> {
        for (name, value) in spanned {
            let key = format!("{prefix}{}", name.get_ref());
            let place = place(self.text, self.path, name.span().start);
            let name: &str = name.get_ref();
            let found = match (known.get(name), self.names) {
                (None, Names::Earlier) => successor(self.known, &key),
                (found, _) => found.map(|expected| (key.clone(), expected)),
            };
            let (Some((key, expected)), Some(plain)) = (found, values.get(name)) else {
                let is_section = matches!(value.get_ref(), DeValue::Table(_));
                return Err(unknown(self.known, &key, is_section, place));
            };
            match (value.get_ref(), plain, expected) {
                (DeValue::Table(inner), Value::Table(plain), Value::Table(expected)) => {
                    self.section(inner, plain, expected, &format!("{key}."))?;
                }
                _ => {
                    let text = self.written(value.span());
                    self.entries.push(Entry { key, value: plain.clone(), text, place });
                }
            }
        }
        Ok(())
    }

    /// Returns a part of the text as one line.
    fn written(&self, span: Range<usize>) -> String {
        let text = self.text.get(span).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Returns the line and column of a byte of the text.
fn place(text: &str, path: &Path, offset: usize) -> Place {
    let (line, column) = line_and_column(text, offset);
    Place::File { path: path.to_owned(), line, column }
}
