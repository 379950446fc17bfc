//! Selection of the crystals that take part: all, a part of a split, or a share chosen by hash.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::record_batch::RecordBatch;
use schemas::StoreError;
use schemas::hash::leading_bits;
use schemas::reader::Shard;
use schemas::view::CrystalBatch;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data::error::DataError;
use crate::data::store::Sources;

/// Prefix of the hashed identifiers, which makes this choice independent of other choices by hash.
const HASH_SALT: &str = "mmpt-validation:";
/// Name of the identifiers' column.
pub(crate) const IDENTIFIER_COLUMN: &str = "material_id";

/// A part of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitPart {
    /// Training.
    Train,
    /// Validation, to choose among models.
    Val,
    /// Test, for the final result.
    Test,
}

impl SplitPart {
    /// All parts.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// Returns the part that split columns call `train`, `val` or `test`, or `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.as_str() == text)
    }

    /// Returns the value in the split column.
    pub fn as_str(self) -> &'static str {
        match self {
            SplitPart::Train => "train",
            SplitPart::Val => "val",
            SplitPart::Test => "test",
        }
    }
}

/// A subset of the crystals. Whether a crystal belongs depends on that crystal alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Subset {
    /// Every crystal.
    #[default]
    All,
    /// The crystals that a split column assigns to a part.
    Split {
        /// Name of the column: `split` or `split_<task>`.
        column: String,
        /// The part.
        part: SplitPart,
    },
    /// The training crystals if a share is held out by hash of the identifier.
    HashTrain {
        /// The held-out share, above 0 and below 1.
        validation_fraction: f64,
    },
    /// The share that is held out by hash of the identifier.
    HashValidation {
        /// The held-out share, above 0 and below 1.
        validation_fraction: f64,
    },
    /// The crystals of a list.
    Listed {
        /// Description of the list for messages.
        name: String,
        /// Identifiers of the crystals.
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
    /// Returns the column that decides, if there is one.
    pub(crate) fn column(&self) -> Option<&str> {
        match self {
            Subset::All => None,
            Subset::Split { column, .. } => Some(column),
            Subset::HashTrain { .. } | Subset::HashValidation { .. } | Subset::Listed { .. } => {
                Some(IDENTIFIER_COLUMN)
            }
        }
    }

    /// Returns whether each row of a batch belongs, from the values of [`Subset::column`]. Rows of a shard without
    /// the column do not belong.
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

/// Returns the position of an identifier in [0, 1): the first 53 bits of the SHA-256 of salt and identifier.
pub(crate) fn hash_position(salt: &str, material_id: &str) -> f64 {
    let digest = Sha256::new().chain_update(salt).chain_update(material_id).finalize();
    // 53 bits fit a double exactly, so that the result stays below 1.
    (leading_bits(&digest) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A row group with crystals of a subset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowGroup {
    /// Index of the shard in [`Sources::shards`].
    pub shard: usize,
    /// Index of the row group in the shard.
    pub group: usize,
    /// Number of crystals that belong to the subset.
    pub crystals: u64,
}

/// A subset of the shards' crystals, with the number of crystals in each row group.
#[derive(Debug, Clone)]
pub struct Selection {
    sources: Arc<Sources>,
    subset: Subset,
    row_groups: Vec<RowGroup>,
}

impl Selection {
    /// Counts the crystals of a subset. Only the deciding column is read.
    ///
    /// # Errors
    /// [`DataError`] if the subset names a column that the shards lack or has an invalid share, if a shard cannot be
    /// read, or if no crystal belongs.
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

    /// Returns the shards.
    pub fn sources(&self) -> &Arc<Sources> {
        &self.sources
    }

    /// Returns the subset.
    pub fn subset(&self) -> &Subset {
        &self.subset
    }

    /// Returns the row groups with crystals of the subset, in the order of the shards.
    pub fn row_groups(&self) -> &[RowGroup] {
        &self.row_groups
    }

    /// Returns the number of crystals in the subset.
    pub fn crystals(&self) -> u64 {
        self.row_groups.iter().map(|group| group.crystals).sum()
    }

    /// Returns the path of the shard of a row group.
    pub(crate) fn path(&self, row_group: &RowGroup) -> &Path {
        &self.sources.shards()[row_group.shard].path
    }

    /// Returns the batches of a row group with the named columns, and whether each of their rows belongs to the subset.
    ///
    /// # Errors
    /// [`DataError`] if the shard cannot be read or lacks a column.
    pub(crate) fn batches(
        &self,
        row_group: &RowGroup,
        columns: &[&str],
    ) -> Result<impl Iterator<Item = Result<(RecordBatch, Vec<bool>), DataError>>, DataError> {
        let path = self.path(row_group);
        let deciding = self.subset.column();
        let names: Vec<&str> = columns.iter().copied().chain(deciding).collect();
        let batches = self.open(row_group)?.batches(Some(vec![row_group.group]), Some(&names))?;
        Ok(batches.map(move |batch| {
            let batch = batch?;
            let deciding = deciding.and_then(|name| batch.column_by_name(name));
            let members = self.subset.members(path, batch.num_rows(), deciding)?;
            Ok((batch, members))
        }))
    }

    /// Returns the crystals of a row group in batches, and whether each of them belongs to the subset.
    ///
    /// # Errors
    /// [`DataError`] if the shard cannot be read.
    pub(crate) fn crystal_batches(
        &self,
        row_group: &RowGroup,
    ) -> Result<impl Iterator<Item = Result<(CrystalBatch, Vec<bool>), DataError>>, DataError> {
        let path = self.path(row_group);
        let batches = self.open(row_group)?.crystals(Some(vec![row_group.group]))?;
        Ok(batches.map(move |batch| {
            let batch = batch?;
            let deciding = self.subset.column().and_then(|name| batch.column(name));
            let members = self.subset.members(path, batch.len(), deciding)?;
            Ok((batch, members))
        }))
    }

    /// Opens the shard of a row group. Checks its settings again, since the file may have been replaced.
    fn open(&self, row_group: &RowGroup) -> Result<Shard, DataError> {
        Ok(Shard::open(self.path(row_group), Some(self.sources.settings()))?)
    }
}

/// Returns the number of crystals of one row group that belong to the subset.
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
        let batch = batch?;
        let members = subset.members(&source.path, batch.num_rows(), batch.column_by_name(column))?;
        crystals += members.into_iter().filter(|member| *member).count() as u64;
    }
    Ok(crystals)
}

#[cfg(test)]
mod tests;
