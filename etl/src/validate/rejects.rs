//! Verification of the rejects table against the manifest.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::Schema;
use parquet::arrow::ProjectionMask;
use schemas::parquet_table::ParquetTable;
use schemas::store::reject_schema;

use super::Validation;
use crate::reject::FILTERED;

/// Number of rows decoded at a time.
const BATCH_ROWS: usize = 1024;

/// Formats the name and type of every column.
fn columns(schema: &Schema) -> String {
    let columns = schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type()));
    columns.collect::<Vec<_>>().join(", ")
}

/// Reads the columns of a rejects table and its number of rows for each reason.
fn read(path: &Path) -> Result<(String, BTreeMap<String, u64>), String> {
    let table = ParquetTable::open(path).map_err(|error| error.problem())?;
    let found = columns(table.schema());
    let mask = ProjectionMask::columns(table.parquet_schema(), ["reason"]);
    let batches = table.batches(mask, None, BATCH_ROWS).map_err(|error| error.problem())?;
    let mut reasons = BTreeMap::new();
    for batch in batches {
        let batch = batch.map_err(|error| error.to_string())?;
        let texts = batch.column_by_name("reason").and_then(|column| column.as_string_opt::<i32>());
        for reason in texts.into_iter().flatten() {
            *reasons.entry(reason.unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    Ok((found, reasons))
}

impl Validation<'_> {
    /// Checks the file, the columns and the reasons of the rejects table.
    pub(super) fn check_rejects(&mut self) {
        let manifest = self.manifest;
        let entry = &manifest.rejects;
        let path = self.paths.rejects();
        if !self.check_bytes(&path, entry) {
            return;
        }
        let (found, mut reasons) = match read(&path) {
            Ok(read) => read,
            Err(error) => return self.file_problem(&entry.file, "rejects", "a readable Parquet file", error),
        };
        let expected = columns(&reject_schema());
        if found != expected {
            return self.file_problem(&entry.file, "schema", expected, found);
        }
        let rows = reasons.values().sum();
        self.report.rejects = rows;
        if rows != entry.rows {
            self.file_problem(&entry.file, "rows", entry.rows, rows);
        }
        let filtered = reasons.remove(FILTERED).unwrap_or(0);
        if filtered != manifest.counts.filtered {
            self.file_problem(&entry.file, FILTERED, manifest.counts.filtered, filtered);
        }
        let mut expected = manifest.counts.rejected_by_reason.clone();
        expected.retain(|_, count| *count > 0);
        for reason in expected.keys().chain(reasons.keys()).collect::<std::collections::BTreeSet<_>>() {
            let count = |counts: &BTreeMap<String, u64>| counts.get(reason).copied().unwrap_or(0);
            if count(&expected) != count(&reasons) {
                self.file_problem(&entry.file, reason, count(&expected), count(&reasons));
            }
        }
    }
}
