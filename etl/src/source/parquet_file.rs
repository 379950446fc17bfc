//! Opening of Parquet tables.

use std::path::Path;

use parquet::arrow::ProjectionMask;
use parquet::basic::Compression;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use schemas::StoreError;
use schemas::guard::GuardedBatches;
use schemas::parquet_table::ParquetTable;

use super::SourceError;
use super::properties::MAX_TABLE_COLUMNS;

/// First bytes of a Parquet file.
pub(crate) const MAGIC: &[u8; 4] = b"PAR1";

/// Returns the error of a table that is damaged or encoded in an unsupported way.
pub(super) fn fault(file: &str, error: impl std::fmt::Display) -> SourceError {
    /// Kinds of the readers' errors, which stand before the message.
    const KINDS: [&str; 6] =
        ["Parquet argument error: ", "Parquet error: ", "External: ", "Arrow: ", "EOF: ", "NYI: "];
    let text = error.to_string();
    let mut message = text.as_str();
    while let Some(rest) = KINDS.iter().find_map(|kind| message.strip_prefix(kind)) {
        message = rest;
    }
    SourceError::layout(file, format!("not a readable Parquet table: {message}"))
}

/// Opens a table before its first row.
///
/// # Errors
/// Returns a [`SourceError`] if it cannot be read or has too many columns.
pub(super) fn open_table(path: &Path) -> Result<ParquetTable, SourceError> {
    let shown = path.to_string_lossy();
    let table = ParquetTable::open(path).map_err(|error| match error {
        StoreError::Io { source, .. } => SourceError::open(path, source),
        other => fault(&shown, other.problem()),
    })?;
    let columns = table.schema().fields().len();
    if columns > MAX_TABLE_COLUMNS {
        return Err(SourceError::layout(&shown, format!("{columns} columns, {MAX_TABLE_COLUMNS} at most")));
    }
    Ok(table)
}

/// Opens the batches of some columns. Their number of rows is limited by memory, whatever the table repeats.
///
/// # Errors
/// Returns a [`SourceError`] if the table cannot be read or its pages are too large.
pub(super) fn open_batches(
    path: &Path,
    columns: Vec<usize>,
    most_rows: usize,
) -> Result<GuardedBatches, SourceError> {
    let table = open_table(path)?;
    let mask = ProjectionMask::roots(table.parquet_schema(), columns);
    table.batches(mask, None, most_rows).map_err(|error| fault(&path.to_string_lossy(), error.problem()))
}

/// Checks that the columns are compressed in a supported way.
///
/// # Errors
/// Returns [`SourceError::Layout`] if one is not.
pub(super) fn check_compression(path: &Path, metadata: &ParquetMetaData) -> Result<(), SourceError> {
    for column in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let name = match column.compression() {
            Compression::BROTLI(_) => "brotli",
            Compression::LZ4 | Compression::LZ4_RAW => "LZ4",
            Compression::LZO => "LZO",
            _ => continue,
        };
        let message = format!(
            "column {} is packed by {name}, which is not read here; write the table with zstd, snappy or gzip",
            column.column_path()
        );
        return Err(SourceError::layout(&path.to_string_lossy(), message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn a_sparse_table_is_not_opened() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.parquet");
        let file = File::create(&path).expect("a file");
        file.set_len(1 << 40).expect("a file system with sparse files");
        let error = open_table(&path).map(|_| ()).expect_err("a sparse file").to_string();
        assert!(error.contains(": a sparse file of "), "{error}");
    }
}
