//! Decides which kind of property a label column is, or that it is left out.

use schemas::property::{PropertyKind, by_column};

use super::column::Column;
use super::names::Names;
use super::{LabelError, TableRows};
use crate::source::{Content, NoClasses, PropertyValue, documented};

/// Names of the months as spreadsheets abbreviate them.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Qualifier of the properties' keys.
pub(super) const QUALIFIER: &str = "labels";

/// Returns the kind of the property that a column holds. Returns `None` if the column is left out. Remarks about its
/// values are added to `notes`. Text is an error in a documented property, if all columns are numeric, and where all of
/// it is numbers that are not written plainly, as with a comma or a unit.
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
        (_, Some((line, value))) if is_numeric || column.tally.has_odd_numbers() => {
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
    if kind == PropertyKind::Class {
        note_doubtful(table, column, notes);
    }
    if let Some((first, second)) = column.tally.texts().alike().filter(|_| kind == PropertyKind::Class) {
        notes.push(format!(
            "{file}: column {name:?}: {first:?} and {second:?} differ in upper and lower case alone; they are two \
             classes"
        ));
    }
    Ok(Some(kind))
}

/// Adds notes about names of classes that may be meant as numbers: decimals, and dates, for which spreadsheets take
/// texts such as `2-1`.
fn note_doubtful(table: &TableRows, column: &Column, notes: &mut Vec<String>) {
    let (file, name, classes) = (&table.file, &column.name, column.tally.texts().names());
    let is_decimal = |text: &&String| {
        text.contains('.') && matches!(PropertyValue::of_text(text.as_bytes()), PropertyValue::Number(_))
    };
    if let Some(decimal) = classes.iter().find(is_decimal) {
        notes.push(format!(
            "{file}: column {name:?} holds classes, in which the number {decimal:?} is a name"
        ));
    }
    if let Some(date) = classes.iter().find(|text| is_date(text)) {
        notes.push(format!(
            "{file}: column {name:?} holds classes, in which {date:?} may be a text that a spreadsheet took for a date"
        ));
    }
}

/// Whether a text is a day or year and the name of a month, as spreadsheets write dates: `2-Jan`, `Jan-02`, `2. Jan`.
fn is_date(text: &str) -> bool {
    let words: Vec<&str> = text.split(['-', '.', ' ', '/']).filter(|word| !word.is_empty()).collect();
    let is_month = |word: &&str| MONTHS.iter().any(|month| word.eq_ignore_ascii_case(month));
    let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    let months = words.iter().filter(|word| is_month(word)).count();
    months == 1
        && (2..=3).contains(&words.len())
        && words.iter().all(|word| is_month(word) || is_number(word))
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
