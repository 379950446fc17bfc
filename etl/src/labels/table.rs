//! Label tables in CSV, with a header or as CGCNN's `id_prop.csv` without one.

use schemas::store::SPLIT_PREFIX;

use super::column::{Column, TextNames};
use super::halves::{HALVES, may_be_halves};
use super::named_split::{NamedSplit, SplitOrNumbers};
use super::reader::{COMMA, LabelCsv, stem};
use super::rows::{Rows, Table};
use super::{DEFAULT_TARGET, LabelError, folds};
use crate::source::{PropertyValue, find_id_column, shown};

/// Names of identifier columns in addition to the usual ones. They identify a header of an `id_prop.csv`, which should
/// not have one, and the identifiers behind the index of a pandas table.
const ID_WORDS: [&str; 10] =
    ["name", "file", "filename", "file_name", "cif", "cif_file", "structure", "crystal", "compound", "mp_id"];
/// Names that pandas gives a column with its index, in addition to none.
const INDEX_NAMES: [&str; 2] = ["index", "level_0"];
/// Beginning of the names that pandas gives columns without one.
const UNNAMED: &str = "unnamed: ";
/// Name of a column with a split. `<task>_split` and `split_<task>` are recognised too.
const SPLIT_NAME: &str = "split";
const SPLIT_ENDING: &str = "_split";
/// Names of a column with test folds.
const FOLD_NAMES: [&str; 2] = ["fold", "test_fold"];

/// How a column of a table with a header is read.
enum Reading {
    Id,
    Values(Box<Column>),
    Split(NamedSplit),
    /// The index of a pandas table.
    Index,
    /// Folds, with the name of their column.
    Folds(String, Vec<Option<i8>>),
}

/// Reads a table after its header.
///
/// # Errors
/// Returns a [`LabelError`] if the table cannot be read, for a header that is one of rows without a header or does not
/// tell the column of identifiers, and for two columns of folds.
pub(super) fn read_with_header(
    mut csv: LabelCsv<'_>,
    header: &[String],
    rows: &mut Rows<'_>,
    parts: &mut TextNames,
) -> Result<Table, LabelError> {
    let id = id_column(&csv, header)?;
    let mut notes = Vec::new();
    let mut columns: Vec<Reading> = header
        .iter()
        .enumerate()
        .map(|(at, name)| match split_task(name, csv.file) {
            _ if at == id => Reading::Id,
            _ if at == 0 && is_unnamed(name) => {
                notes.push(format!("{}: its first column has no name and is left out", csv.file));
                Reading::Index
            }
            _ if FOLD_NAMES.contains(&name.as_str()) => Reading::Folds(name.clone(), Vec::new()),
            Some(task) if name == SPLIT_NAME => Reading::Split(NamedSplit::parts(name, task)),
            Some(task) => Reading::Split(NamedSplit::parts_or_numbers(name, task)),
            None => Reading::Values(Box::new(Column::new(name))),
        })
        .collect();
    // The first line of a table whose identifiers may be the count of its rows.
    let mut counting = header.get(id).filter(|name| id == 0 && is_index(name)).map(|_| csv.line());
    let mut has_rows = false;
    while csv.row()?.is_some() {
        let line = csv.line();
        let material_id = csv.record.get(id).unwrap_or_default();
        counting = counting.filter(|_| material_id.iter().all(u8::is_ascii_digit));
        has_rows = true;
        rows.push(material_id, line)?;
        for (column, value) in columns.iter_mut().zip(&csv.record) {
            match column {
                Reading::Id | Reading::Index => {}
                Reading::Values(column) => column.push(value, line),
                Reading::Folds(_, column) => column.push(folds::parse(value, csv.file, line)?),
                Reading::Split(split) => split.push(value, line, parts),
            }
        }
    }
    if let Some(line) = counting.filter(|_| has_rows) {
        let header = shown(header.join(",").as_bytes());
        return Err(csv.layout(&format!(
            "line {line}: the first column of {header:?} may be the index of a pandas table: name the column of \
             identifiers material_id"
        )));
    }
    let mut table = Table { notes, ..Table::default() };
    for column in columns {
        match column {
            Reading::Id | Reading::Index => {}
            Reading::Values(column) => table.columns.push(*column),
            Reading::Folds(..) if table.folds.is_some() => {
                return Err(csv.layout("has two columns of folds"));
            }
            Reading::Folds(name, column) => table.folds = Some((name, column)),
            Reading::Split(split) => match split.finish(parts) {
                SplitOrNumbers::Split(split) => table.splits.push(split),
                SplitOrNumbers::Numbers(column) => table.columns.push(*column),
            },
        }
    }
    Ok(table)
}

/// Returns the index of the column of identifiers, by the header: that of a column called `material_id`, `id` or the like;
/// behind the index of a pandas table that of the first column called `name`, `file` or the like; otherwise 0.
///
/// # Errors
/// Returns [`LabelError::Layout`] if the header holds numbers.
fn id_column(csv: &LabelCsv<'_>, header: &[String]) -> Result<usize, LabelError> {
    if let Some(at) = find_id_column(header) {
        return Ok(at);
    }
    let word = header.iter().position(|name| is_id_word(name));
    if header.first().is_some_and(|name| is_index(name)) {
        return Ok(word.unwrap_or_default());
    }
    let number = header.iter().skip(1).find(|name| is_number(name));
    match (word, number) {
        (None, Some(value)) => Err(csv.layout(&format!(
            "line {}: its first line holds numbers: is the header missing? If {:?} is the name of a column, name that \
             of the identifiers material_id",
            csv.line(),
            shown(value.as_bytes()),
        ))),
        _ => Ok(0),
    }
}

/// Whether a column has none but a name that pandas gives it.
fn is_unnamed(name: &str) -> bool {
    name.is_empty() || name.to_ascii_lowercase().starts_with(UNNAMED)
}

/// Whether a first column of this name may be the index of a pandas table: 0, 1, 2 and so on.
fn is_index(name: &str) -> bool {
    is_unnamed(name) || INDEX_NAMES.iter().any(|index| name.eq_ignore_ascii_case(index))
}

/// Whether a field of a header is a number.
fn is_number(name: &str) -> bool {
    matches!(PropertyValue::of_text(name.as_bytes()), PropertyValue::Number(_))
}

/// Returns a name in the spelling of [`ID_WORDS`].
fn plain_word(name: &str) -> String {
    name.trim_start_matches('#').trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

/// Whether a column has one of [`ID_WORDS`] for its name.
fn is_id_word(name: &str) -> bool {
    ID_WORDS.contains(&plain_word(name).as_str())
}

/// Reads a table of CGCNN: identifier, value, and possibly further values. `first` is its first row.
///
/// # Errors
/// Returns a [`LabelError`] if the table cannot be read, and for columns without names that may be the halves of
/// numbers with decimal commas.
pub(super) fn read_id_prop(
    mut csv: LabelCsv<'_>,
    first: &[String],
    keys: &[String],
    rows: &mut Rows<'_>,
) -> Result<Table, LabelError> {
    if first.len() < 2 {
        return Err(csv.layout("has no values beside the identifiers"));
    }
    if keys.len() > first.len() - 1 {
        return Err(csv.layout("has fewer columns than keys are given for them"));
    }
    let is_header = is_header(first);
    let name = |at: usize| match (keys.get(at), at) {
        (Some(key), _) => key.clone(),
        (None, at) if is_header => first.get(at + 1).cloned().unwrap_or_default(),
        (None, 0) => DEFAULT_TARGET.to_owned(),
        (None, _) => format!("{DEFAULT_TARGET}_{}", at + 1),
    };
    let mut columns: Vec<Column> = (0..first.len() - 1).map(|at| Column::new(&name(at))).collect();
    let first_line = csv.line();
    let mut are_halves = csv.separator == COMMA
        && !is_header
        && keys.len() < columns.len()
        && columns.len().is_multiple_of(HALVES)
        && may_be_halves(first.iter().skip(1).map(String::as_bytes));
    let mut notes = Vec::new();
    if is_header {
        notes.push(format!("{}: its first line is taken for a header: {}", csv.file, first.join(", ")));
    } else {
        let mut fields = first.iter();
        rows.push(fields.next().map(String::as_bytes).unwrap_or_default(), first_line)?;
        for (column, value) in columns.iter_mut().zip(fields) {
            column.push(value.as_bytes(), first_line);
        }
    }
    while csv.row()?.is_some() {
        let line = csv.line();
        rows.push(csv.record.get(0).unwrap_or_default(), line)?;
        are_halves = are_halves && may_be_halves(csv.record.iter().skip(1));
        for (column, value) in columns.iter_mut().zip(csv.record.iter().skip(1)) {
            column.push(value, line);
        }
    }
    if let (true, [_, whole, part, ..]) = (are_halves, first) {
        let value = shown(format!("{whole},{part}").as_bytes());
        return Err(csv.layout(&format!(
            "line {first_line}: {value:?} may be one number with a decimal comma or two whole numbers: write decimals \
             with a point; separate whole numbers by tabs or semicolons, or give each of their columns a name"
        )));
    }
    Ok(Table { columns, all_numeric: true, notes, ..Table::default() })
}

/// Whether the first line of an `id_prop.csv` is a header: a usual name of an identifier column, followed by text
/// only.
fn is_header(first: &[String]) -> bool {
    let Some((id, values)) = first.split_first() else { return false };
    let is_text = |value: &String| PropertyValue::of_text(value.as_bytes()) == PropertyValue::Other;
    let is_id = is_id_word(id) || find_id_column(&[plain_word(id)]).is_some();
    is_id && values.iter().all(is_text)
}

/// Returns the task of a split's column: `megnet` for `megnet_split` and `split_megnet`, and the name of the table
/// for `split`. Returns `None` for other columns.
fn split_task(column: &str, file: &str) -> Option<String> {
    if column == SPLIT_NAME {
        return Some(stem(file).to_owned());
    }
    column.strip_prefix(SPLIT_PREFIX).or_else(|| column.strip_suffix(SPLIT_ENDING)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_starts_with_a_name_of_identifiers() {
        for (first, expected) in [
            (&["id", "formation_energy"][..], true),
            (&["# Material ID", "Eg (eV)", "note"], true),
            (&["filename", "target"], true),
            (&["id", "0.5"], false),
            (&["id", ""], false),
            (&["mp-1", "wide"], false),
        ] {
            let first: Vec<String> = first.iter().map(|&field| field.to_owned()).collect();
            assert_eq!(is_header(&first), expected, "{first:?}");
        }
    }

    #[test]
    fn pandas_names_its_index() {
        for (name, expected) in [
            ("", true),
            ("Unnamed: 0", true),
            ("Unnamed: 0.1", true),
            ("index", true),
            ("level_0", true),
            ("name", false),
            ("refractive index", false),
        ] {
            assert_eq!(is_index(name), expected, "{name:?}");
        }
    }

    #[test]
    fn split_columns_name_their_task() {
        let task = |column: &str| split_task(column, "a/b.tar!c/labels.csv");
        assert_eq!(task("megnet_split").as_deref(), Some("megnet"));
        assert_eq!(task("split_megnet").as_deref(), Some("megnet"));
        assert_eq!(task("split").as_deref(), Some("labels"));
        assert_eq!(task("splits"), None);
    }
}
