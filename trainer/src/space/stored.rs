//! Tables of embeddings that `trainer embed` wrote, as Parquet.

use std::path::Path;

use arrow::array::{Array, FixedSizeListArray, Float32Array, StringArray};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use schemas::StoreError;
use schemas::guard::GuardedBatches;
use schemas::parquet_table::ParquetTable;

use super::catalogue::Catalogue;
use super::error::SpaceError;
use crate::data::Sources;
use crate::data::fingerprint::fingerprint;
use crate::data::subset::IDENTIFIER_COLUMN;
use crate::embed::{SHARDS_SHA256, Vector, WEIGHTS_SHA256};
use crate::table::METADATA_PREFIX;

/// Rows that are read together.
const BATCH_ROWS: usize = 4096;
/// Widest vectors that are read.
const MAX_WIDTH: usize = 1 << 14;

/// A table of embeddings, checked but for its rows.
pub(super) struct StoredEmbeddings<'a> {
    path: &'a Path,
    vector: Vector,
    /// Width of the vectors.
    pub(super) width: usize,
    /// SHA-256 of the weights that made them.
    pub(super) weights_sha256: String,
    /// Fingerprint of the shards whose crystals were embedded; `None` in tables of earlier versions.
    shards_sha256: Option<String>,
    batches: GuardedBatches,
}

impl<'a> StoredEmbeddings<'a> {
    /// Opens a table.
    ///
    /// # Errors
    /// [`SpaceError::Table`] for a file that is no table of embeddings or has no such vector.
    pub(super) fn open(path: &'a Path, vector: Vector) -> Result<Self, SpaceError> {
        let broken = |problem: String| SpaceError::Table { path: path.to_owned(), problem };
        let table = ParquetTable::open(path).map_err(|error| {
            let problem = error.problem();
            broken(match error {
                StoreError::Io { .. } => problem,
                _ => format!("not a Parquet table, as trainer embed writes with that ending: {problem}"),
            })
        })?;
        let recorded = |key: &str| -> Option<String> {
            let key = format!("{METADATA_PREFIX}{key}");
            let metadata = table.metadata().file_metadata().key_value_metadata().into_iter().flatten();
            metadata.filter(|entry| entry.key == key).find_map(|entry| entry.value.clone())
        };
        let weights_sha256 = recorded(WEIGHTS_SHA256).ok_or_else(|| {
            let key = format!("{METADATA_PREFIX}{WEIGHTS_SHA256}");
            broken(format!("no table of trainer embed: its metadata have no {key}"))
        })?;
        let shards_sha256 = recorded(SHARDS_SHA256);
        let field = table.schema().field_with_name(vector.name());
        let width = match field.map(|field| field.data_type()) {
            Ok(DataType::FixedSizeList(_, width)) => usize::try_from(*width).unwrap_or(0),
            Ok(other) => return Err(broken(format!("{} is {other}, no vectors", vector.name()))),
            Err(_) => return Err(broken(format!("has no column {}", vector.name()))),
        };
        if !(1..=MAX_WIDTH).contains(&width) {
            return Err(broken(format!("vectors of {width} numbers; 1 to {MAX_WIDTH} can be read")));
        }
        let mask = ProjectionMask::columns(table.parquet_schema(), [IDENTIFIER_COLUMN, vector.name()]);
        let batches = table.batches(mask, None, BATCH_ROWS).map_err(|error| broken(error.problem()))?;
        Ok(Self { path, vector, width, weights_sha256, shards_sha256, batches })
    }

    /// Reads the vectors of all crystals into the order of a catalogue of shards, `[len, width]`.
    ///
    /// # Errors
    /// [`SpaceError::OtherShards`] unless the table has the crystals of the catalogue in the order of the shards, and if it
    /// was made of shards with other contents; [`SpaceError::Table`] for rows that cannot be read, and
    /// [`SpaceError::Data`] for shards that cannot be read.
    pub(super) fn read(self, catalogue: &Catalogue, sources: &Sources) -> Result<Vec<f32>, SpaceError> {
        let Self { path, vector, width, shards_sha256, batches, .. } = self;
        let broken = |problem: String| SpaceError::Table { path: path.to_owned(), problem };
        let mut values = vec![0.0; catalogue.len() * width];
        let mut read = 0;
        for batch in batches {
            let batch = batch.map_err(|error| broken(error.to_string()))?;
            let (identifiers, numbers) = columns(&batch, vector, width).ok_or_else(|| {
                broken(format!("a column of another type, or without values, before row {read}"))
            })?;
            for (identifier, row) in identifiers.iter().zip(numbers.values().chunks_exact(width)) {
                let place = catalogue.places.get(read).map(|&place| place as usize);
                let expected = place.map(|place| &*catalogue.material_ids[place]);
                if identifier != expected {
                    return Err(other_row(path, read, identifier, expected));
                }
                if let Some(place) = place {
                    values[place * width..(place + 1) * width].copy_from_slice(row);
                }
                read += 1;
            }
        }
        if let Some(&place) = catalogue.places.get(read) {
            return Err(other_row(path, read, None, Some(&catalogue.material_ids[place as usize])));
        }
        // After the rows, which say more about what differs.
        if let Some(found) = shards_sha256 {
            let expected = fingerprint(sources)?;
            if found != expected {
                return Err(SpaceError::OtherShards {
                    path: path.to_owned(),
                    difference: format!(
                        "the embeddings are of other shards with the same identifiers: \
                         {METADATA_PREFIX}{SHARDS_SHA256} is {found}, and {expected} of these shards"
                    ),
                });
            }
        }
        Ok(values)
    }
}

/// Returns the error for a row that is not of the crystal of the shards.
fn other_row(path: &Path, row: usize, found: Option<&str>, expected: Option<&str>) -> SpaceError {
    let (found, expected) = (found.unwrap_or("none"), expected.unwrap_or("none"));
    let difference = format!("row {} is of {found}, and the shards have {expected} there", row + 1);
    SpaceError::OtherShards { path: path.to_owned(), difference }
}

/// Returns the identifiers and the numbers of the vectors of a batch, all of them there.
fn columns(batch: &RecordBatch, vector: Vector, width: usize) -> Option<(&StringArray, &Float32Array)> {
    let identifiers = batch.column_by_name(IDENTIFIER_COLUMN)?.as_any().downcast_ref::<StringArray>()?;
    let lists = batch.column_by_name(vector.name())?.as_any().downcast_ref::<FixedSizeListArray>()?;
    let numbers = lists.values().as_any().downcast_ref::<Float32Array>()?;
    let complete = identifiers.null_count() == 0 && lists.null_count() == 0 && numbers.null_count() == 0;
    (complete && numbers.len() == width * batch.num_rows()).then_some((identifiers, numbers))
}
