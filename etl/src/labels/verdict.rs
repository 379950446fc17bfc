//! What becomes of a column of a label table.

use schemas::property::{PropertyKind, by_column};

use super::column::Column;
use super::names::Names;
use super::{LabelError, TableRows};
use crate::source::{Content, NoClasses, documented};

/// Qualifier of the properties' keys.
pub(super) const QUALIFIER: &str = "labels";

/// Returns the kind of the property that a column holds. Returns `None` if the column is left out. Remarks about its
/// values are added to `notes`. Text is an error in a documented property, if all columns are numeric, and where all of
/// it is numbers with commas.
pub(super) fn judge(
    table: &TableRows,
    column: &Column,
    all_numeric: bool,
    names: &Names,
    notes: &mut Vec<String>,
) -> Result<Option<PropertyKind>, LabelError> {
    let is_documented = documented(QUALIFIER, &column.name).is_some() || by_column(&column.name).is_some();
    let is_numeric = all_numeric || is_documented;
    let (file, name) = (&table.file, &column.name);
    let kind = match (column.tally.content(), &column.first_text) {
        (Content::Numbers, _) => PropertyKind::Number,
        (Content::Booleans, _) if !is_documented => PropertyKind::Boolean,
        (Content::SiteNumbers, _) if !is_documented => PropertyKind::SiteNumbers,
        (Content::Nothing, _) if is_numeric => PropertyKind::Number,
        (Content::Nothing, _) => {
            notes.push(format!("{file}: column {name:?} is empty and is left out"));
            return Ok(None);
        }
        (_, Some((line, value))) if is_numeric || column.has_numbers_with_commas() => {
            return Err(LabelError::Value {
                file: file.clone(),
                line: *line,
                column: name.clone(),
                value: value.clone(),
            });
        }
        (Content::Classes(_), _) => PropertyKind::Class,
        (Content::Other(reason), _) => {
            notes.push(format!("{file}: column {name:?} holds text and is left out: {reason}"));
            if reason == NoClasses::One {
                note_odd(table, column, PropertyKind::Class, names, notes);
            }
            return Ok(None);
        }
        (Content::Booleans | Content::SiteNumbers, _) => return Ok(None),
    };
    note_odd(table, column, kind, names, notes);
    if let Some((first, second)) = column.tally.texts().alike().filter(|_| kind == PropertyKind::Class) {
        notes.push(format!(
            "{file}: column {name:?}: {first:?} and {second:?} differ in upper and lower case alone; they are two \
             classes"
        ));
    }
    Ok(Some(kind))
}

/// Adds a note about the values of a column that count as missing.
fn note_odd(table: &TableRows, column: &Column, kind: PropertyKind, names: &Names, notes: &mut Vec<String>) {
    let odd = column.odd(kind);
    if odd.count == 0 {
        return;
    }
    let shown = odd.first.iter().map(|(row, line, value)| {
        let id = table.numbers.get(*row).map(|number| names.name(*number)).unwrap_or_default();
        format!("{value:?} of {id} in line {line}")
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    let what = match kind {
        PropertyKind::Number => "numbers",
        PropertyKind::Boolean => "booleans",
        PropertyKind::Class => "classes",
        PropertyKind::SiteNumbers => "lists of numbers",
    };
    let (file, name, count) = (&table.file, &column.name, odd.count);
    let more = if count > odd.first.len() { ", ..." } else { "" };
    notes.push(format!("{file}: column {name:?}: {count} taken as missing, no {what}: {shown}{more}"));
}
