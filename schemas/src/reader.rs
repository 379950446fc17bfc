//! Opening of shards. All checks are made before the first row is read.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use parquet::file::metadata::RowGroupMetaData;

use crate::error::StoreError;
use crate::guard::{GuardedBatches, guarded};
use crate::limits::MAX_COLUMNS;
use crate::pages::{PageError, batch_rows};
use crate::regular;
use crate::settings::FeatureSettings;
use crate::sites::{SITE_COLUMNS, SiteBatch};
use crate::store::{COLUMNS, FIRST_FORMAT_VERSION, FORMAT_VERSION, FORMAT_VERSION_KEY, RESTATED};
use crate::view::{CrystalBatch, type_problem};

/// Default number of rows in a batch.
pub const DEFAULT_BATCH_ROWS: usize = 256;

/// A shard whose format, settings and columns have been checked.
pub struct Shard {
    path: PathBuf,
    settings: FeatureSettings,
    /// A second handle of the file, for reading page headers.
    file: File,
    builder: ParquetRecordBatchReaderBuilder<File>,
}

impl Shard {
    /// Opens a shard. If `expected` is given, the features must have been computed with these settings.
    ///
    /// # Errors
    /// Returns a [`StoreError`] if the file is unreadable, truncated or of another format version, if its settings
    /// differ (the first one that differs is named), or if a column is missing or of another type.
    pub fn open(path: &Path, expected: Option<&FeatureSettings>) -> Result<Self, StoreError> {
        let file = regular::open(path).map_err(StoreError::io(path))?;
        let pages = file.try_clone().map_err(StoreError::io(path))?;
        let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(file))
            .map_err(|error| StoreError::Parquet { path: path.to_owned(), message: error.to_string() })?;
        let metadata: HashMap<String, String> = builder
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
        let shard = Self { path: path.to_owned(), settings, file: pages, builder };
        let columns = shard.schema().fields().len();
        if columns > MAX_COLUMNS {
            let message = format!("{columns} columns, {MAX_COLUMNS} at most");
            return Err(StoreError::Parquet { path: shard.path, message });
        }
        for column in COLUMNS {
            let problem = match shard.schema().field_with_name(column.name) {
                Err(_) if column.since > version => continue,
                Err(_) => "is missing".to_owned(),
                Ok(field) => match type_problem(field.data_type(), column) {
                    None => continue,
                    Some(problem) => problem,
                },
            };
            return Err(StoreError::Column { path: shard.path, column: column.name.to_owned(), problem });
        }
        Ok(shard)
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Settings of the features.
    pub fn settings(&self) -> &FeatureSettings {
        &self.settings
    }

    /// Schema of the shard, with its property columns.
    pub fn schema(&self) -> &SchemaRef {
        self.builder.schema()
    }

    /// Number of crystals.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.builder.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Number of row groups.
    pub fn row_groups(&self) -> usize {
        self.builder.metadata().num_row_groups()
    }

    /// Number of rows in each row group.
    pub fn row_group_rows(&self) -> Vec<u64> {
        let groups = self.builder.metadata().row_groups();
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
        let groups = self.builder.metadata().row_groups().iter().enumerate();
        groups.filter(|(_, group)| may_hold(group)).map(|(index, _)| index).collect()
    }

    /// Returns the crystals in the given rows of the shard. Rows are counted from 0 and must ascend. Pages without
    /// any of these rows are not decoded.
    ///
    /// # Errors
    /// Returns [`StoreError::Parquet`] if the reader cannot be created, if the rows do not ascend, or if a row is out
    /// of range.
    pub fn crystals_at(self, rows: &[u64]) -> Result<Crystals, StoreError> {
        let path = Arc::from(self.path.as_path());
        Ok(Crystals { path, reader: self.selected(rows, ProjectionMask::all())? })
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
        let path: Arc<Path> = Arc::from(self.path.as_path());
        let columns = SITE_COLUMNS.into_iter().chain(more.iter().copied());
        let mask = ProjectionMask::columns(self.builder.parquet_schema(), columns);
        Ok(self.selected(rows, mask)?.map(move |batch| {
            let refuse = |error: ArrowError| StoreError::Parquet {
                path: path.to_path_buf(),
                message: error.to_string(),
            };
            batch.map_err(refuse).and_then(|batch| SiteBatch::new(Arc::clone(&path), batch))
        }))
    }

    /// Returns the batches of ascending rows and of the columns in a mask.
    fn selected(self, rows: &[u64], mask: ProjectionMask) -> Result<GuardedBatches, StoreError> {
        let path = self.path.clone();
        let total = self.rows();
        let refuse = |message: String| StoreError::Parquet { path: path.clone(), message };
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
        let batch_rows = self.batch_rows(&self.row_groups_of(rows), &mask)?;
        let builder = self
            .builder
            .with_projection(mask)
            .with_row_selection(RowSelection::from(selectors))
            .with_batch_size(batch_rows);
        let reader = guarded(|| builder.build()).map_err(|error| refuse(error.to_string()))?;
        Ok(GuardedBatches::new(reader))
    }

    /// Returns all crystals in order, or those of the given row groups, without the columns of [`RESTATED`].
    ///
    /// # Errors
    /// Returns [`StoreError::Parquet`] if the reader cannot be created.
    pub fn crystals(self, row_groups: Option<Vec<usize>>) -> Result<Crystals, StoreError> {
        let path = Arc::from(self.path.as_path());
        let fields = self.schema().fields().iter().enumerate();
        let read: Vec<usize> = fields
            .filter(|(_, field)| !RESTATED.contains(&field.name().as_str()))
            .map(|(index, _)| index)
            .collect();
        let mask = ProjectionMask::roots(self.builder.parquet_schema(), read);
        let reader = self.masked(row_groups, mask)?;
        Ok(Crystals { path, reader })
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
    ) -> Result<GuardedBatches, StoreError> {
        let mut mask = ProjectionMask::all();
        if let Some(columns) = columns {
            for name in columns {
                if self.schema().field_with_name(name).is_err() {
                    let (path, problem) = (self.path, "is missing".to_owned());
                    return Err(StoreError::Column { path, column: (*name).to_owned(), problem });
                }
            }
            mask = ProjectionMask::columns(self.builder.parquet_schema(), columns.iter().copied());
        }
        self.masked(row_groups, mask)
    }

    /// Returns the batches of the columns in a mask.
    fn masked(
        self,
        row_groups: Option<Vec<usize>>,
        mask: ProjectionMask,
    ) -> Result<GuardedBatches, StoreError> {
        let row_groups = row_groups.unwrap_or_else(|| (0..self.row_groups()).collect());
        let batch_rows = self.batch_rows(&row_groups, &mask)?;
        let Self { path, builder, .. } = self;
        let builder = builder.with_projection(mask).with_row_groups(row_groups).with_batch_size(batch_rows);
        guarded(|| builder.build())
            .map(GuardedBatches::new)
            .map_err(|error| StoreError::Parquet { path, message: error.to_string() })
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

    /// Returns the number of rows of a batch with these columns. See [`batch_rows`].
    fn batch_rows(&self, row_groups: &[usize], mask: &ProjectionMask) -> Result<usize, StoreError> {
        let (metadata, groups) = (self.builder.metadata(), row_groups.iter().copied());
        batch_rows(&self.file, metadata, groups, mask, DEFAULT_BATCH_ROWS).map_err(|error| match error {
            PageError::TooMuch { column, problem } => {
                StoreError::Column { path: self.path.clone(), column, problem }
            }
            PageError::Unreadable { .. } => {
                StoreError::Parquet { path: self.path.clone(), message: error.to_string() }
            }
        })
    }
}

/// An iterator over the crystals of one shard, batch by batch.
pub struct Crystals {
    path: Arc<Path>,
    reader: GuardedBatches,
}

impl Iterator for Crystals {
    type Item = Result<CrystalBatch, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        let path = || self.path.to_path_buf();
        Some(
            batch
                .map_err(|error| StoreError::Parquet { path: path(), message: error.to_string() })
                .and_then(CrystalBatch::new)
                .map(|batch| batch.with_path(Arc::clone(&self.path)))
                .map_err(|error| match error {
                    StoreError::Column { column, problem, .. } => {
                        StoreError::Column { path: path(), column, problem }
                    }
                    other => other,
                }),
        )
    }
}

#[cfg(test)]
mod tests;
