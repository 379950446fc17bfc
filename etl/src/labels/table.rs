//! CSVs of labels: with a header, or CGCNN's `id_prop.csv` without one.

use schemas::store::SPLIT_PREFIX;

use super::column::{Column, PartNames, SplitColumn};
use super::reader::{LabelCsv, stem};
use super::rows::{Rows, Table, TableSplit};
use super::{DEFAULT_TARGET, LabelError, folds};

/// Columns taken for identifiers, the first that there is; otherwise the first column.
const ID_COLUMNS: [&[u8]; 4] = [b"material_id", b"id", b"jid", b"mbid"];
/// A column of a split's parts is called so, or `<task>_split`, or `split_<task>`.
const SPLIT_NAME: &str = "split";
const SPLIT_ENDING: &str = "_split";
/// A column of test folds is called so.
const FOLD_NAMES: [&str; 2] = ["fold", "test_fold"];

/// What a column of a table with a header is read as.
enum Reading {
    Id,
    Values(Column),
    /// The split's task.
    Split(String, SplitColumn),
    Folds(Vec<Option<i32>>),
}

/// Reads a table whose header was read already.
pub(super) fn read_with_header(
    mut csv: LabelCsv<'_>,
    header: &[String],
    rows: &mut Rows<'_>,
    parts: &mut PartNames,
) -> Result<Table, LabelError> {
    let id = ID_COLUMNS
        .iter()
        .find_map(|name| header.iter().position(|column| column.as_bytes() == *name))
        .unwrap_or_default();
    let mut columns: Vec<Reading> = header
        .iter()
        .enumerate()
        .map(|(at, name)| match split_task(name, csv.file) {
            _ if at == id => Reading::Id,
            _ if FOLD_NAMES.contains(&name.as_str()) => Reading::Folds(Vec::new()),
            Some(task) => Reading::Split(task, SplitColumn::default()),
            None => Reading::Values(Column::new(name)),
        })
        .collect();
    while csv.row()?.is_some() {
        let line = csv.line();
        rows.push(csv.record.get(id).unwrap_or_default(), line)?;
        for (column, value) in columns.iter_mut().zip(&csv.record) {
            match column {
                Reading::Id => {}
                Reading::Values(column) => column.push(value, line),
                Reading::Folds(column) => column.push(folds::parse(value, csv.file, line)?),
                Reading::Split(_, split) => {
                    let part = String::from_utf8_lossy(value.trim_ascii());
                    split.codes.push((!part.is_empty()).then(|| parts.code(&part)));
                }
            }
        }
    }
    let mut table = Table::default();
    for column in columns {
        match column {
            Reading::Id => {}
            Reading::Values(column) => table.columns.push(column),
            Reading::Folds(_) if table.folds.is_some() => return Err(csv.layout("has two columns of folds")),
            Reading::Folds(column) => table.folds = Some(column),
            Reading::Split(task, column) => table.splits.push(TableSplit { task, column }),
        }
    }
    Ok(table)
}

/// Reads CGCNN's table: identifier, value, and possibly further values; `first` is its first row.
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
    let name = |at: usize| match (keys.get(at), at) {
        (Some(key), _) => key.clone(),
        (None, 0) => DEFAULT_TARGET.to_owned(),
        (None, _) => format!("{DEFAULT_TARGET}_{}", at + 1),
    };
    let mut columns: Vec<Column> = (0..first.len() - 1).map(|at| Column::new(&name(at))).collect();
    let line = csv.line();
    let mut fields = first.iter();
    rows.push(fields.next().map(String::as_bytes).unwrap_or_default(), line)?;
    for (column, value) in columns.iter_mut().zip(fields) {
        column.push(value.as_bytes(), line);
    }
    while csv.row()?.is_some() {
        let line = csv.line();
        rows.push(csv.record.get(0).unwrap_or_default(), line)?;
        for (column, value) in columns.iter_mut().zip(csv.record.iter().skip(1)) {
            column.push(value, line);
        }
    }
    Ok(Table { columns, all_numeric: true, ..Table::default() })
}

/// The task whose split a column is: `megnet_split` and `split_megnet` are `megnet`'s, and `split`
/// alone is that of the table's own name.
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
    fn split_columns_name_their_task() {
        let task = |column: &str| split_task(column, "a/b.tar!c/labels.csv");
        assert_eq!(task("megnet_split").as_deref(), Some("megnet"));
        assert_eq!(task("split_megnet").as_deref(), Some("megnet"));
        assert_eq!(task("split").as_deref(), Some("labels"));
        assert_eq!(task("splits"), None);
    }
}
