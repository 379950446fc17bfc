//! Which crystals of the shards take part: all, one part of a split, or a share chosen by hash.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use schemas::StoreError;
use schemas::reader::Shard;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data::error::DataError;
use crate::data::store::Sources;

/// Put before an identifier that is hashed, so that this choice is independent of any other by hash.
const HASH_SALT: &str = "mmpt-validation:";
/// Column of the identifiers.
pub(crate) const IDENTIFIER_COLUMN: &str = "material_id";

/// A part of a split column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitPart {
    /// For training.
    Train,
    /// For choosing among models.
    Val,
    /// For the final figure.
    Test,
}

impl SplitPart {
    /// The value in the column.
    pub fn as_str(self) -> &'static str {
        match self {
            SplitPart::Train => "train",
            SplitPart::Val => "val",
            SplitPart::Test => "test",
        }
    }
}

/// A choice of crystals that depends on each crystal alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Subset {
    /// Every crystal.
    #[default]
    All,
    /// Crystals that a split column assigns to a part.
    Split {
        /// Name of the column: `split` or `split_<task>`.
        column: String,
        /// The part.
        part: SplitPart,
    },
    /// Crystals left for training when a share is held out by hash of the identifier.
    HashTrain {
        /// The share held out, above 0 and below 1.
        validation_fraction: f64,
    },
    /// The share held out by hash of the identifier.
    HashValidation {
        /// The share, above 0 and below 1.
        validation_fraction: f64,
    },
    /// Crystals that are listed.
    Listed {
        /// What the list is, for messages.
        name: String,
        /// Their identifiers.
        material_ids: Arc<HashSet<String>>,
    },
}

impl fmt::Display for Subset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subset::All => f.write_str("all"),
            Subset::Split { column, part } => write!(f, "{column} = {}", part.as_str()),
            Subset::HashTrain { validation_fraction } => {
                write!(f, "all but {validation_fraction} by hash of the identifier")
            }
            Subset::HashValidation { validation_fraction } => {
                write!(f, "{validation_fraction} by hash of the identifier")
            }
            Subset::Listed { name, material_ids } => write!(f, "{name} ({})", material_ids.len()),
        }
    }
}

impl Subset {
    /// The column that decides, if any does.
    pub(crate) fn column(&self) -> Option<&str> {
        match self {
            Subset::All => None,
            Subset::Split { column, .. } => Some(column),
            Subset::HashTrain { .. } | Subset::HashValidation { .. } | Subset::Listed { .. } => {
                Some(IDENTIFIER_COLUMN)
            }
        }
    }

    /// Which rows of a batch belong, from the values of [`Subset::column`]; rows of a shard without
    /// the column do not.
    pub(crate) fn members(
        &self,
        path: &Path,
        rows: usize,
        column: Option<&ArrayRef>,
    ) -> Result<Vec<bool>, DataError> {
        let Some(name) = self.column() else { return Ok(vec![true; rows]) };
        let Some(column) = column else { return Ok(vec![false; rows]) };
        let texts = column.as_any().downcast_ref::<StringArray>().ok_or_else(|| StoreError::Column {
            path: path.to_owned(),
            column: name.to_owned(),
            problem: format!("is {} instead of text", column.data_type()),
        })?;
        Ok(texts.iter().map(|text| text.is_some_and(|text| self.has(text))).collect())
    }

    /// Whether a crystal with this value of the deciding column belongs.
    fn has(&self, text: &str) -> bool {
        match self {
            Subset::All => true,
            Subset::Split { part, .. } => text == part.as_str(),
            Subset::HashTrain { validation_fraction } => {
                hash_position(HASH_SALT, text) >= *validation_fraction
            }
            Subset::HashValidation { validation_fraction } => {
                hash_position(HASH_SALT, text) < *validation_fraction
            }
            Subset::Listed { material_ids, .. } => material_ids.contains(text),
        }
    }

    fn check(&self, sources: &Sources) -> Result<(), DataError> {
        match self {
            Subset::All | Subset::Listed { .. } => Ok(()),
            Subset::Split { column, .. } => sources.require_split(column),
            Subset::HashTrain { validation_fraction } | Subset::HashValidation { validation_fraction } => {
                if *validation_fraction > 0.0 && *validation_fraction < 1.0 {
                    return Ok(());
                }
                Err(DataError::Setting {
                    setting: "validation_fraction",
                    value: validation_fraction.to_string(),
                    expected: "above 0 and below 1",
                })
            }
        }
    }
}

/// Where an identifier falls in [0, 1): the first 53 bits of its SHA-256 after a salt.
pub(crate) fn hash_position(salt: &str, material_id: &str) -> f64 {
    let digest = Sha256::new().chain_update(salt).chain_update(material_id).finalize();
    let leading = digest.iter().take(8).fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
    // 53 bits fit a double exactly, so that the result stays below 1.
    (leading >> 11) as f64 / (1_u64 << 53) as f64
}

/// A row group that holds crystals of a subset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowGroup {
    /// Index of the shard in [`Sources::shards`].
    pub shard: usize,
    /// Index of the row group in the shard.
    pub group: usize,
    /// Number of its crystals that belong to the subset.
    pub crystals: u64,
}

/// A subset of the shards' crystals, counted.
#[derive(Debug, Clone)]
pub struct Selection {
    sources: Arc<Sources>,
    subset: Subset,
    row_groups: Vec<RowGroup>,
}

impl Selection {
    /// Counts the crystals of a subset; only the column that decides is read.
    ///
    /// # Errors
    /// [`DataError`] if the subset names no column of the shards or has an impossible share, if a
    /// shard cannot be read, or if no crystal belongs.
    pub fn new(sources: &Arc<Sources>, subset: Subset) -> Result<Self, DataError> {
        subset.check(sources)?;
        let mut row_groups = Vec::new();
        for (index, shard) in sources.shards().iter().enumerate() {
            for (group, &rows) in shard.row_group_rows.iter().enumerate() {
                let crystals = match subset.column() {
                    None => rows,
                    Some(column) => count(sources, &subset, column, index, group)?,
                };
                if crystals > 0 {
                    row_groups.push(RowGroup { shard: index, group, crystals });
                }
            }
        }
        if row_groups.is_empty() {
            return Err(DataError::EmptySubset { subset: subset.to_string(), crystals: sources.rows() });
        }
        Ok(Self { sources: Arc::clone(sources), subset, row_groups })
    }

    /// The shards.
    pub fn sources(&self) -> &Arc<Sources> {
        &self.sources
    }

    /// The choice.
    pub fn subset(&self) -> &Subset {
        &self.subset
    }

    /// The row groups that hold crystals of the subset, in order of shards.
    pub fn row_groups(&self) -> &[RowGroup] {
        &self.row_groups
    }

    /// Number of crystals in the subset.
    pub fn crystals(&self) -> u64 {
        self.row_groups.iter().map(|group| group.crystals).sum()
    }

    /// Opens the shard of a row group, checking its settings again: it may have been replaced.
    pub(crate) fn open(&self, row_group: &RowGroup) -> Result<Shard, DataError> {
        let path = &self.sources.shards()[row_group.shard].path;
        Ok(Shard::open(path, Some(self.sources.settings()))?)
    }
}

/// Number of crystals of one row group that belong to the subset.
fn count(
    sources: &Sources,
    subset: &Subset,
    column: &str,
    shard: usize,
    group: usize,
) -> Result<u64, DataError> {
    let source = &sources.shards()[shard];
    if source.schema.field_with_name(column).is_err() {
        return Ok(0);
    }
    let shard = Shard::open(&source.path, Some(sources.settings()))?;
    let mut crystals = 0;
    for batch in shard.batches(Some(vec![group]), Some(&[column]))? {
        let batch = batch
            .map_err(|error| StoreError::Parquet { path: source.path.clone(), message: error.to_string() })?;
        let members = subset.members(&source.path, batch.num_rows(), batch.column_by_name(column))?;
        crystals += members.into_iter().filter(|member| *member).count() as u64;
    }
    Ok(crystals)
}

#[cfg(test)]
mod tests;
