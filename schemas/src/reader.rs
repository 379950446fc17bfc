//! Opening of shards. All checks are made before the first row is read.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use parquet::file::metadata::RowGroupMetaData;

use crate::error::StoreError;
use crate::guard::GuardedBatches;
use crate::limits::MAX_COLUMNS;
use crate::parquet_table::ParquetTable;
use crate::settings::FeatureSettings;
use crate::sites::{SITE_COLUMNS, SiteBatch};
use crate::store::{COLUMNS, FIRST_FORMAT_VERSION, FORMAT_VERSION, FORMAT_VERSION_KEY, RESTATED};
use crate::view::{CrystalBatch, type_problem};

/// Default number of rows in a batch.
pub const DEFAULT_BATCH_ROWS: usize = 256;

/// A shard whose format, settings and columns have been checked.
pub struct Shard {
    table: ParquetTable,
    settings: FeatureSettings,
}

impl Shard {
    /// Opens a shard. If `expected` is given, the features must have been computed with these settings.
    ///
    /// # Errors
    /// Returns a [`StoreError`] if the file is unreadable, truncated or of another format version, if its settings
    /// differ (the first one that differs is named), or if a column is missing or of another type.
    pub fn open(path: &Path, expected: Option<&FeatureSettings>) -> Result<Self, StoreError> {
        let table = ParquetTable::open(path)?;
        let metadata: HashMap<String, String> = table
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .into_iter()
            .flatten()
            .filter_map(|entry| Some((entry.key.clone(), entry.value.clone()?)))
            .collect();
        let version = metadata.get(FORMAT_VERSION_KEY).map_or("none", String::as_str);
        let mut readable = FIRST_FORMAT_VERSION..=FORMAT_VERSION;
        let Some(version) = readable.find(|readable| version == readable.to_string()) else {
            return Err(StoreError::FormatVersion {
                path: path.to_owned(),
                found: version.to_owned(),
                expected: FORMAT_VERSION,
            });
        };
        let with_path = |source| StoreError::Settings { path: path.to_owned(), source };
        let settings = FeatureSettings::from_metadata(&metadata).map_err(with_path)?;
        if let Some(expected) = expected {
            expected.require(&settings).map_err(with_path)?;
        }
        let columns = table.schema().fields().len();
        if columns > MAX_COLUMNS {
            let message = format!("{columns} columns, {MAX_COLUMNS} at most");
            return Err(StoreError::Parquet { path: path.to_owned(), message });
        }
        for column in COLUMNS {
            let problem = match table.schema().field_with_name(column.name) {
                Err(_) if column.since > version => continue,
                Err(_) => "is missing".to_owned(),
                Ok(field) => match type_problem(field.data_type(), column) {
                    None => continue,
                    Some(problem) => problem,
                },
            };
            return Err(StoreError::Column {
                path: path.to_owned(),
                column: column.name.to_owned(),
                problem,
            });
        }
        Ok(Self { table, settings })
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        self.table.path()
    }

    /// Settings of the features.
    pub fn settings(&self) -> &FeatureSettings {
        &self.settings
    }

    /// Schema of the shard, with its property columns.
    pub fn schema(&self) -> &SchemaRef {
        self.table.schema()
    }

    /// Number of crystals.
    pub fn rows(&self) -> u64 {
        self.table.rows()
    }

    /// Number of row groups.
    pub fn row_groups(&self) -> usize {
        self.table.metadata().num_row_groups()
    }

    /// Number of rows in each row group.
    pub fn row_group_rows(&self) -> Vec<u64> {
        let groups = self.table.metadata().row_groups();
        groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).collect()
    }

    /// Returns the row groups that may hold a crystal, judged by the minimum and maximum identifier in their
    /// statistics. A row group without statistics may hold any crystal.
    pub fn row_groups_with(&self, material_id: &str) -> Vec<usize> {
        let identifier = material_id.as_bytes();
        let may_hold = |group: &RowGroupMetaData| {
            let column = group.columns().iter().find(|column| column.column_path().string() == "material_id");
            column.and_then(|column| column.statistics()).is_none_or(|statistics| {
                statistics.min_bytes_opt().is_none_or(|least| least <= identifier)
                    && statistics.max_bytes_opt().is_none_or(|greatest| identifier <= greatest)
            })
        };
        let groups = self.table.metadata().row_groups().iter().enumerate();
        groups.filter(|(_, group)| may_hold(group)).map(|(index, _)| index).collect()
    }

    /// Returns the crystals in the given rows of the shard. Rows are counted from 0 and must ascend. Pages without
    /// any of these rows are not decoded.
    ///
    /// # Errors
    /// Returns [`StoreError::Parquet`] if the reader cannot be created, if the rows do not ascend, or if a row is out
    /// of range.
    pub fn crystals_at(self, rows: &[u64]) -> Result<Crystals, StoreError> {
        Ok(Crystals(self.selected(rows, ProjectionMask::all())?))
    }

    /// Returns the cells and sites of the crystals in the given rows, as [`Shard::crystals_at`] does, and of the columns
    /// named in `more`, which must exist.
    ///
    /// # Errors
    /// As [`Shard::crystals_at`].
    pub fn sites_at(
        self,
        rows: &[u64],
        more: &[&str],
    ) -> Result<impl Iterator<Item = Result<SiteBatch, StoreError>>, StoreError> {
        let path: Arc<Path> = Arc::from(self.path());
        let columns = SITE_COLUMNS.into_iter().chain(more.iter().copied());
        let mask = ProjectionMask::columns(self.table.parquet_schema(), columns);
        let batches = self.selected(rows, mask)?;
        Ok(batches.map(move |batch| batch.and_then(|batch| SiteBatch::new(Arc::clone(&path), batch))))
    }

    /// Returns the batches of ascending rows and of the columns in a mask.
    fn selected(self, rows: &[u64], mask: ProjectionMask) -> Result<Batches, StoreError> {
        let total = self.rows();
        let refuse = |message: String| StoreError::Parquet { path: self.path().to_owned(), message };
        let mut selectors = Vec::with_capacity(2 * rows.len());
        let mut next = 0;
        for &row in rows {
            if row < next || row >= total {
                return Err(refuse(format!("row {row} asked for after row {next} of {total}")));
            }
            let skipped = usize::try_from(row - next).map_err(|error| refuse(error.to_string()))?;
            selectors.push(RowSelector::skip(skipped));
            selectors.push(RowSelector::select(1));
            next = row + 1;
        }
        let (path, row_groups) = (Arc::from(self.path()), self.row_groups_of(rows));
        let selection = RowSelection::from(selectors);
        Ok(Batches { path, reader: self.table.selected(mask, &row_groups, selection, DEFAULT_BATCH_ROWS)? })
    }

    /// Returns all crystals in order, or those of the given row groups, without the columns of [`RESTATED`].
    ///
    /// # Errors
    /// Returns [`StoreError::Parquet`] if the reader cannot be created.
    pub fn crystals(self, row_groups: Option<Vec<usize>>) -> Result<Crystals, StoreError> {
        let path = Arc::from(self.path());
        let fields = self.schema().fields().iter().enumerate();
        let read: Vec<usize> = fields
            .filter(|(_, field)| !RESTATED.contains(&field.name().as_str()))
            .map(|(index, _)| index)
            .collect();
        let mask = ProjectionMask::roots(self.table.parquet_schema(), read);
        Ok(Crystals(Batches { path, reader: self.table.batches(mask, row_groups, DEFAULT_BATCH_ROWS)? }))
    }

    /// Returns the record batches in order, with the named columns or with all.
    ///
    /// # Errors
    /// Returns [`StoreError::Column`] if a column does not exist, and [`StoreError::Parquet`] if the reader cannot be
    /// created.
    pub fn batches(
        self,
        row_groups: Option<Vec<usize>>,
        columns: Option<&[&str]>,
    ) -> Result<Batches, StoreError> {
        let mut mask = ProjectionMask::all();
        if let Some(columns) = columns {
            for name in columns {
                if self.schema().field_with_name(name).is_err() {
                    let (path, problem) = (self.path().to_owned(), "is missing".to_owned());
                    return Err(StoreError::Column { path, column: (*name).to_owned(), problem });
                }
            }
            mask = ProjectionMask::columns(self.table.parquet_schema(), columns.iter().copied());
        }
        let path = Arc::from(self.path());
        Ok(Batches { path, reader: self.table.batches(mask, row_groups, DEFAULT_BATCH_ROWS)? })
    }

    /// Returns the row groups that hold any of the ascending rows.
    fn row_groups_of(&self, rows: &[u64]) -> Vec<usize> {
        let mut end = 0;
        let mut rows = rows.iter().peekable();
        let mut holds = |group_rows: u64| {
            end += group_rows;
            let holds = rows.peek().is_some_and(|row| **row < end);
            while rows.next_if(|row| **row < end).is_some() {}
            holds
        };
        let groups = self.row_group_rows().into_iter().enumerate();
        groups.filter_map(|(group, rows)| holds(rows).then_some(group)).collect()
    }
}

/// An iterator over the record batches of one shard. It ends after the first error.
pub struct Batches {
    path: Arc<Path>,
    reader: GuardedBatches,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let refuse = |error: ArrowError| StoreError::Parquet {
            path: self.path.to_path_buf(),
            message: error.to_string(),
        };
        self.reader.next().map(|batch| batch.map_err(refuse))
    }
}

/// An iterator over the crystals of one shard, batch by batch.
pub struct Crystals(Batches);

impl Iterator for Crystals {
    type Item = Result<CrystalBatch, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.0.next()?;
        Some(batch.and_then(|batch| CrystalBatch::new(Arc::clone(&self.0.path), batch)))
    }
}

#[cfg(test)]
mod tests;
