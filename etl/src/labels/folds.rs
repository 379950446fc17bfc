//! The official folds of MatBench: a CSV with the columns `task`, `mbid`, `test_fold`.

use super::LabelError;
use super::reader::LabelCsv;
use super::rows::{Rows, Table};
use crate::source::{is_missing, shown};

/// Header of the table.
pub(super) const HEADER: [&str; 3] = ["task", "mbid", "test_fold"];
/// Largest index of a fold.
const MAX_FOLD: i8 = 99;

/// Parses the index of a fold. Returns `None` if the value is missing.
pub(super) fn parse(value: &[u8], file: &str, line: u64) -> Result<Option<i8>, LabelError> {
    if is_missing(value) {
        return Ok(None);
    }
    let number = std::str::from_utf8(value).ok().and_then(|fold| fold.trim().parse().ok());
    match number.filter(|number| (0..=MAX_FOLD).contains(number)) {
        Some(number) => Ok(Some(number)),
        None => Err(LabelError::Fold { file: file.to_owned(), line, value: shown(value) }),
    }
}

/// Reads the folds of the given tasks, or of all tasks if none is given. Rows of other tasks are not stored.
pub(super) fn read(
    mut csv: LabelCsv<'_>,
    tasks: &[String],
    rows: &mut Rows<'_>,
) -> Result<Table, LabelError> {
    let mut folds = Vec::new();
    let mut met = vec![false; tasks.len()];
    while let Some(record) = csv.row()? {
        let fields = (record.get(0), record.get(1), record.get(2));
        let (Some(task), Some(mbid), Some(fold)) = fields else { continue };
        let wanted = tasks.iter().position(|wanted| wanted.as_bytes() == task);
        if wanted.is_none() && !tasks.is_empty() {
            continue;
        }
        if let Some(met) = wanted.and_then(|at| met.get_mut(at)) {
            *met = true;
        }
        let (mbid, fold) = (mbid.to_vec(), fold.to_vec());
        let line = csv.line();
        rows.push(&mbid, line)?;
        folds.push(parse(&fold, csv.file, line)?);
    }
    let absent = tasks.iter().zip(met).filter(|(_, met)| !met);
    let notes = absent.map(|(task, _)| format!("{}: no folds of {task}", csv.file)).collect();
    let folds = Some((HEADER[2].to_owned(), folds));
    Ok(Table { folds, notes, ..Table::default() })
}
