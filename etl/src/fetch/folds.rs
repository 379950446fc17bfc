//! Conversion of the published official folds of MatBench into the `folds.csv` that `etl build matbench` joins.
//!
//! The published JSON is `{"metadata": ..., "splits": {task: {"fold_0": {"train": [mbid, ...], "test": [mbid, ...]},
//! ...}}}`. Each entry is in the test part of exactly one fold, so the folds are determined by one number per entry.
//! The columns of the table are `task,mbid,test_fold`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use schemas::bounded;
use schemas::output::folder_of;
use serde::Deserialize;

use super::FetchError;
use super::verify::TEMPORARY_BEGINNING;
use crate::atomic::{publish, temporary_in};

/// Name of the table, which is stored beside the published file.
pub(super) const FOLDS_NAME: &str = "folds.csv";

/// The published file. The training identifiers, four fifths of it, are skipped without parsing.
#[derive(Deserialize)]
struct Validation {
    splits: BTreeMap<String, BTreeMap<String, Fold>>,
}

#[derive(Deserialize)]
struct Fold {
    test: Vec<String>,
}

/// First line of the table.
const HEADER: &str = "task,mbid,test_fold\n";

/// Whether a file is a table of folds, judged by its name and first line.
pub(super) fn is_table(path: &Path) -> bool {
    path.file_name() == Some(FOLDS_NAME.as_ref())
        && bounded::begins_with(path, HEADER.as_bytes()).unwrap_or(false)
}

/// Writes the table, sorted by task, fold and identifier as published. Returns its number of rows.
///
/// # Errors
/// Returns [`FetchError::BadFolds`] if the published file has another layout, or [`FetchError::Io`].
pub(super) fn write_table(published: &Path, table: &Path) -> Result<u64, FetchError> {
    let bad = |reason: String| FetchError::BadFolds { path: published.to_owned(), reason };
    let file = File::open(published).map_err(FetchError::io("open", published))?;
    let validation: Validation =
        serde_json::from_reader(BufReader::new(file)).map_err(|error| bad(error.to_string()))?;
    let folder = folder_of(table);
    let mut temporary =
        temporary_in(folder, TEMPORARY_BEGINNING).map_err(FetchError::io("create a file in", folder))?;
    let mut rows = 0;
    let mut out = BufWriter::new(temporary.as_file_mut());
    let mut write =
        |line: std::fmt::Arguments<'_>| out.write_fmt(line).map_err(FetchError::io("write", table));
    write(format_args!("{HEADER}"))?;
    for (task, folds) in &validation.splits {
        for (name, fold) in folds {
            let number: u8 = name
                .strip_prefix("fold_")
                .and_then(|digits| digits.parse().ok())
                .ok_or_else(|| bad(format!("{task}: {name:?} is no fold")))?;
            for id in &fold.test {
                let plain = |text: &str| {
                    // A leading hyphen would start a formula in a spreadsheet.
                    !text.starts_with('-')
                        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
                };
                if !plain(id) || !plain(task) {
                    return Err(bad(format!("{task}: {id:?} is no MatBench id")));
                }
                write(format_args!("{task},{id},{number}\n"))?;
                rows += 1;
            }
        }
    }
    out.flush().map_err(FetchError::io("write", table))?;
    drop(out);
    let (file, temporary) = temporary.into_parts();
    publish(&file, temporary, table).map_err(FetchError::io("write", table))?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    fn table_of(json: &str) -> Result<String, FetchError> {
        let folder = tempfile::tempdir().unwrap();
        let (published, table) = (folder.path().join("v.json"), folder.path().join(FOLDS_NAME));
        fs::write(&published, json).unwrap();
        write_table(&published, &table)?;
        Ok(fs::read_to_string(table).unwrap())
    }

    #[test]
    fn test_parts_become_rows() {
        let table = table_of(
            r#"{"metadata": {"n_splits": 2}, "splits": {"matbench_jdft2d": {
                "fold_1": {"train": ["mb-jdft2d-002"], "test": ["mb-jdft2d-001"]},
                "fold_0": {"test": ["mb-jdft2d-002"], "train": ["mb-jdft2d-001"]}}}}"#,
        );
        let expected =
            "task,mbid,test_fold\nmatbench_jdft2d,mb-jdft2d-002,0\nmatbench_jdft2d,mb-jdft2d-001,1\n";
        assert_eq!(table.unwrap(), expected);
    }

    #[test]
    fn another_layout_is_refused_with_its_place() {
        for (json, place) in [
            (r#"{"splits": {"t": {"fold_x": {"test": []}}}}"#, "fold_x"),
            (r#"{"splits": {"t": {"fold_0": {"test": ["a,b"]}}}}"#, "a,b"),
            (r#"{"splits": {"t": {"fold_0": {"test": ["-2+3"]}}}}"#, "-2+3"),
            (r#"{"splits": {"t": {"fold_0": {"train": []}}}}"#, "missing field `test`"),
            (r#"{"splits": "#, "line 1"),
        ] {
            let message = table_of(json).unwrap_err().to_string();
            assert!(message.contains(place), "{message}");
        }
    }
}
