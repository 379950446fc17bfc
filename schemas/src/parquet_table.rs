//! Opening of Parquet tables of any content, and reading of their rows in bounded memory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::SchemaDescriptor;

use crate::error::StoreError;
use crate::guard::{GuardedBatches, guarded};
use crate::pages::{PageError, batch_rows};
use crate::regular;

/// A Parquet table whose footer was read. A damaged file is an error, and never a panic of the decoder.
pub struct ParquetTable {
    path: PathBuf,
    /// A second handle of the file, for reading page headers.
    pages: File,
    builder: ParquetRecordBatchReaderBuilder<File>,
}

impl ParquetTable {
    /// Opens a table and reads its footer.
    ///
    /// # Errors
    /// Returns [`StoreError::Io`] as [`regular::open`] does, and [`StoreError::Parquet`] for a file that is truncated,
    /// damaged or of another format.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = regular::open(path).map_err(StoreError::io(path))?;
        let pages = file.try_clone().map_err(StoreError::io(path))?;
        let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(file))
            .map_err(|error| StoreError::Parquet { path: path.to_owned(), message: error.to_string() })?;
        Ok(Self { path: path.to_owned(), pages, builder })
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Schema of the rows.
    pub fn schema(&self) -> &SchemaRef {
        self.builder.schema()
    }

    /// Schema of the columns in Parquet, from which a [`ProjectionMask`] is made.
    pub fn parquet_schema(&self) -> &SchemaDescriptor {
        self.builder.parquet_schema()
    }

    /// The footer.
    pub fn metadata(&self) -> &Arc<ParquetMetaData> {
        self.builder.metadata()
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Returns the batches of the columns in a mask, in order: those of the given row groups, or of all. A batch has
    /// `most_rows` rows at most, and fewer if their values are many or large, see [`batch_rows`].
    ///
    /// # Errors
    /// Returns [`StoreError::Column`] for a column that is too large for memory, and [`StoreError::Parquet`] if the
    /// reader cannot be created.
    pub fn batches(
        self,
        mask: ProjectionMask,
        row_groups: Option<Vec<usize>>,
        most_rows: usize,
    ) -> Result<GuardedBatches, StoreError> {
        let row_groups = row_groups.unwrap_or_else(|| (0..self.metadata().num_row_groups()).collect());
        let batch_rows = self.batch_rows(&row_groups, &mask, most_rows)?;
        let Self { path, builder, .. } = self;
        build(path, builder.with_projection(mask).with_row_groups(row_groups).with_batch_size(batch_rows))
    }

    /// Returns the batches of a selection of rows, of which `row_groups` are those that hold any.
    ///
    /// # Errors
    /// As [`ParquetTable::batches`].
    pub(crate) fn selected(
        self,
        mask: ProjectionMask,
        row_groups: &[usize],
        rows: RowSelection,
        most_rows: usize,
    ) -> Result<GuardedBatches, StoreError> {
        let batch_rows = self.batch_rows(row_groups, &mask, most_rows)?;
        let Self { path, builder, .. } = self;
        build(path, builder.with_projection(mask).with_row_selection(rows).with_batch_size(batch_rows))
    }

    /// Returns the number of rows of a batch with these columns. See [`batch_rows`].
    fn batch_rows(
        &self,
        row_groups: &[usize],
        mask: &ProjectionMask,
        most_rows: usize,
    ) -> Result<usize, StoreError> {
        let (metadata, groups) = (self.builder.metadata(), row_groups.iter().copied());
        batch_rows(&self.pages, metadata, groups, mask, most_rows).map_err(|error| match error {
            PageError::TooMuch { column, problem } => {
                StoreError::Column { path: self.path.clone(), column, problem }
            }
            PageError::Unreadable { .. } => {
                StoreError::Parquet { path: self.path.clone(), message: error.to_string() }
            }
        })
    }
}

/// Creates the reader of the file at `path`.
fn build(
    path: PathBuf,
    builder: ParquetRecordBatchReaderBuilder<File>,
) -> Result<GuardedBatches, StoreError> {
    guarded(|| builder.build())
        .map(GuardedBatches::new)
        .map_err(|error| StoreError::Parquet { path, message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_shard::{self, row};

    #[test]
    fn rows_come_in_batches_of_limited_size_and_from_the_groups_asked_for() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.parquet");
        let rows: Vec<_> = (0..5).map(|_| row("one")).collect();
        test_shard::write(&path, &test_shard::batch(test_shard::columns(&rows)), test_shard::metadata(), 3);
        let sizes = |groups, most_rows| -> Vec<usize> {
            let table = ParquetTable::open(&path).expect("a table");
            assert_eq!((table.rows(), table.path()), (5, path.as_path()));
            let mask = ProjectionMask::columns(table.parquet_schema(), ["material_id"]);
            let batches = table.batches(mask, groups, most_rows).expect("a reader");
            batches.map(|batch| batch.expect("a batch").num_rows()).collect()
        };
        assert_eq!(sizes(None, 4), [4, 1]);
        assert_eq!(sizes(Some(vec![1]), 4), [2]);
        assert!(sizes(Some(vec![]), 4).is_empty());
    }

    #[test]
    fn a_damaged_table_is_an_error_with_its_path() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.parquet");
        std::fs::write(&path, "PAR1 and no more").expect("a small file");
        let error = ParquetTable::open(&path).map(|_| ()).expect_err("no footer");
        assert!(matches!(error, StoreError::Parquet { .. }), "{error}");
        assert!(error.to_string().contains("a.parquet: not a readable Parquet file: "), "{error}");
        assert!(!error.problem().contains("a.parquet"), "{}", error.problem());
        let error = ParquetTable::open(&folder.path().join("b")).map(|_| ()).expect_err("no file");
        assert!(matches!(error, StoreError::Io { .. }), "{error}");
    }
}
