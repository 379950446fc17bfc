//! Properties, splits and folds of the crystals in the shards. No features are read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use arrow::array::{Array, Float64Array, Int8Array, StringArray};
use arrow::record_batch::RecordBatch;
use schemas::StoreError;
use schemas::hash::hex;
use schemas::reader::Shard;
use sha2::{Digest, Sha256};

use super::TaskError;
use crate::data::Sources;
use crate::data::store::ShardSource;
use crate::data::subset::{IDENTIFIER_COLUMN, SplitPart};

/// Name of the column of the official folds.
const FOLD_COLUMN: &str = "fold";

/// A crystal of the shards.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Crystal {
    /// Identifier.
    pub(super) material_id: String,
    /// Value of the property, in the unit of the column.
    pub(super) value: Option<f64>,
    /// Part in the split column, if one was read.
    pub(super) part: Option<SplitPart>,
    /// Fold that tests the crystal.
    pub(super) fold: Option<usize>,
}

/// All crystals in the order of the shards, without duplicates.
#[derive(Debug)]
pub(super) struct Crystals {
    /// The crystals.
    pub(super) list: Vec<Crystal>,
    /// Index in the list by identifier.
    index: HashMap<String, usize>,
}

impl Crystals {
    /// Reads the property and, if a split column decides, that column. The crystals of a shard without a column have
    /// no value of it.
    ///
    /// # Errors
    /// [`TaskError::Data`] if a shard cannot be read or a column has another type,
    /// [`TaskError::Duplicate`] for an identifier that occurs twice.
    pub(super) fn read(
        sources: &Sources,
        property: &str,
        split_column: Option<&str>,
    ) -> Result<Self, TaskError> {
        let mut crystals = Self { list: Vec::new(), index: HashMap::new() };
        let mut shard_ends = Vec::with_capacity(sources.shards().len());
        for source in sources.shards() {
            let mut names = vec![IDENTIFIER_COLUMN, FOLD_COLUMN];
            let optional = [Some(property), split_column];
            let there = |name: &&str| source.schema.field_with_name(name).is_ok();
            names.extend(optional.into_iter().flatten().filter(there));
            let shard = Shard::open(&source.path, Some(sources.settings()))?;
            for batch in shard.batches(None, Some(&names))? {
                let batch = batch.map_err(|error| StoreError::Parquet {
                    path: source.path.clone(),
                    message: error.to_string(),
                })?;
                for crystal in rows(&batch, &source.path, property, split_column)? {
                    let position = crystals.list.len();
                    if let Some(earlier) = crystals.index.insert(crystal.material_id.clone(), position) {
                        return Err(TaskError::Duplicate {
                            material_id: crystal.material_id,
                            first: shard_of(sources.shards(), &shard_ends, earlier, &source.path),
                            second: source.path.clone(),
                        });
                    }
                    crystals.list.push(crystal);
                }
            }
            shard_ends.push(crystals.list.len());
        }
        Ok(crystals)
    }

    /// Returns the SHA-256 of the identifiers and values of all crystals with a value, whatever their order.
    pub(super) fn labels_sha256(&self) -> String {
        let valued =
            self.list.iter().filter_map(|crystal| Some((crystal.material_id.as_str(), crystal.value?)));
        let mut valued: Vec<_> = valued.collect();
        valued.sort_by_key(|(material_id, _)| *material_id);
        let mut hash = Sha256::new();
        for (material_id, value) in valued {
            hash.update((material_id.len() as u64).to_le_bytes());
            hash.update(material_id);
            hash.update(value.to_le_bytes());
        }
        hex(&hash.finalize())
    }

    /// Returns the index of a crystal in the list.
    pub(super) fn position(&self, material_id: &str) -> Option<usize> {
        self.index.get(material_id).copied()
    }
}

/// Returns the shard of a crystal. `current` is the shard that is being read.
fn shard_of(shards: &[ShardSource], ends: &[usize], position: usize, current: &Path) -> PathBuf {
    let shard = ends.iter().position(|&end| position < end).and_then(|index| shards.get(index));
    shard.map_or_else(|| current.to_owned(), |shard| shard.path.clone())
}

/// Returns the crystals of a batch of columns.
fn rows(
    batch: &RecordBatch,
    path: &Path,
    property: &str,
    split_column: Option<&str>,
) -> Result<Vec<Crystal>, StoreError> {
    let identifiers = typed::<StringArray>(batch, path, IDENTIFIER_COLUMN, "text")?;
    let values = typed::<Float64Array>(batch, path, property, "Float64")?;
    let folds = typed::<Int8Array>(batch, path, FOLD_COLUMN, "Int8")?;
    let parts = match split_column {
        Some(column) => typed::<StringArray>(batch, path, column, "text")?,
        None => None,
    };
    let identifiers = identifiers.into_iter().flat_map(StringArray::iter).enumerate();
    identifiers
        .map(|(row, identifier)| {
            let material_id = identifier.ok_or_else(|| StoreError::Column {
                path: path.to_owned(),
                column: IDENTIFIER_COLUMN.to_owned(),
                problem: "has no value in a row".to_owned(),
            })?;
            let part = parts.filter(|column| column.is_valid(row)).map(|column| column.value(row));
            let fold = folds.filter(|column| column.is_valid(row)).map(|column| column.value(row));
            Ok(Crystal {
                material_id: material_id.to_owned(),
                value: values.filter(|column| column.is_valid(row)).map(|column| column.value(row)),
                part: part.and_then(part_of),
                fold: fold.and_then(|fold| usize::try_from(fold).ok()),
            })
        })
        .collect()
}

/// Returns the part that a value of a split column names.
fn part_of(text: &str) -> Option<SplitPart> {
    [SplitPart::Train, SplitPart::Val, SplitPart::Test].into_iter().find(|part| part.as_str() == text)
}

/// Returns a column as an array of its type; `None` if the batch lacks it.
fn typed<'a, A: Array + 'static>(
    batch: &'a RecordBatch,
    path: &Path,
    name: &str,
    expected: &str,
) -> Result<Option<&'a A>, StoreError> {
    let Some(column) = batch.column_by_name(name) else { return Ok(None) };
    let array = column.as_any().downcast_ref::<A>().ok_or_else(|| StoreError::Column {
        path: path.to_owned(),
        column: name.to_owned(),
        problem: format!("is {} instead of {expected}", column.data_type()),
    })?;
    Ok(Some(array))
}
