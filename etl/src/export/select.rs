//! Which crystals of a store are exported, and which labels they have.
//!
//! Identifiers, filters and labels are read first and the structures of the chosen crystals afterwards, so that
//! nothing is begun that cannot be finished. A chosen crystal takes 8 bytes.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use schemas::manifest::{Manifest, ShardEntry};
use schemas::reader::Shard;

use super::ExportError;
use super::label::{label_columns, value};
use crate::filter::Filter;
use crate::inspect::not_found;

/// Column of the identifiers.
const MATERIAL_ID: &str = "material_id";

/// The crystals to export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Those that pass every filter; all of them without any.
    Filters(Vec<String>),
    /// Those with these identifiers.
    Identifiers(Vec<String>),
}

/// The chosen crystals of a store.
#[derive(Debug)]
pub(super) struct Selection {
    /// Shards with any of the crystals, and their rows, in ascending order.
    pub(super) shards: Vec<(ShardEntry, Vec<u64>)>,
    /// The label columns in which any of the crystals has a value.
    pub(super) labels: Vec<String>,
}

impl Selection {
    /// Chooses crystals. `check` is called before each shard, and ends the search by its error.
    ///
    /// # Errors
    /// Returns an [`ExportError`] if the store cannot be read, if a filter is wrong, if an identifier is missing, or
    /// if nothing is chosen.
    pub(super) fn new(
        store: &Path,
        manifest: &Manifest,
        choice: &Choice,
        check: &dyn Fn() -> Result<(), ExportError>,
    ) -> Result<Self, ExportError> {
        let mut search = Search::new(choice);
        let mut shards = Vec::new();
        // Of single crystals only the shards that hold them are verified, or all where one is missing.
        let by_filter = matches!(choice, Choice::Filters(_));
        for entry in &manifest.shards {
            check()?;
            if by_filter {
                entry.verify(store)?;
            }
            let rows = search.shard(Shard::open(&store.join(&entry.file), Some(&manifest.settings))?)?;
            if rows.is_empty() {
                continue;
            }
            if !by_filter {
                entry.verify(store)?;
            }
            shards.push((entry.clone(), rows));
        }
        // The first in the order in which they were given.
        if let Choice::Identifiers(identifiers) = choice
            && let Some(missing) = identifiers.iter().find(|id| search.wanted.contains(id.as_str()))
        {
            return Err(not_found(store, manifest, missing)?.into());
        }
        if shards.is_empty() {
            let filtered = !matches!(choice, Choice::Filters(filters) if filters.is_empty());
            return Err(ExportError::NoCrystals { store: store.to_owned(), filtered });
        }
        let labels = search.labels.into_iter().filter(|(_, has_values)| *has_values);
        Ok(Self { shards, labels: labels.map(|(name, _)| name).collect() })
    }
}

/// A search through one shard after another.
struct Search<'a> {
    choice: &'a Choice,
    /// Identifiers that were not found yet.
    wanted: HashSet<&'a str>,
    /// The label columns, and whether a chosen crystal has a value there.
    labels: Vec<(String, bool)>,
}

impl<'a> Search<'a> {
    fn new(choice: &'a Choice) -> Self {
        let wanted = match choice {
            Choice::Identifiers(identifiers) => identifiers.iter().map(String::as_str).collect(),
            Choice::Filters(_) => HashSet::new(),
        };
        Self { choice, wanted, labels: Vec::new() }
    }

    /// Returns the rows of the chosen crystals in a shard.
    fn shard(&mut self, shard: Shard) -> Result<Vec<u64>, ExportError> {
        let schema = Arc::clone(shard.schema());
        if self.labels.is_empty() {
            self.labels = label_columns(&schema).into_iter().map(|name| (name, false)).collect();
        }
        let filters = match self.choice {
            Choice::Filters(filters) => {
                filters.iter().map(|filter| Filter::new(filter, &schema)).collect::<Result<Vec<_>, _>>()?
            }
            Choice::Identifiers(_) if self.wanted.iter().all(|id| shard.row_groups_with(id).is_empty()) => {
                return Ok(Vec::new());
            }
            Choice::Identifiers(_) => Vec::new(),
        };
        let mut columns: BTreeSet<&str> = self.labels.iter().map(|(name, _)| name.as_str()).collect();
        columns.insert(MATERIAL_ID);
        columns.extend(filters.iter().flat_map(Filter::columns));
        let columns: Vec<&str> = columns.into_iter().collect();
        let (mut rows, mut start) = (Vec::new(), 0);
        for batch in shard.batches(None, Some(&columns))? {
            let batch = batch?;
            let chosen = self.chosen(&batch, &filters);
            for (name, has_values) in &mut self.labels {
                if let Some(column) = batch.column_by_name(name) {
                    *has_values = *has_values || chosen.iter().any(|row| value(column, *row).is_some());
                }
            }
            rows.extend(chosen.iter().map(|row| start + *row as u64));
            start += batch.num_rows() as u64;
        }
        Ok(rows)
    }

    /// Returns the indices of the chosen rows of a batch, counted from 0, in ascending order.
    fn chosen(&mut self, batch: &RecordBatch, filters: &[Filter]) -> Vec<usize> {
        let rows = 0..batch.num_rows();
        match self.choice {
            Choice::Identifiers(_) => {
                let ids = batch.column_by_name(MATERIAL_ID).and_then(|ids| ids.as_string_opt::<i32>());
                rows.filter(|row| ids.is_some_and(|ids| self.wanted.remove(ids.value(*row)))).collect()
            }
            Choice::Filters(_) => {
                let passing: Vec<Vec<bool>> = filters.iter().map(|filter| filter.matches(batch)).collect();
                let passes = |row: &usize| passing.iter().all(|rows| rows.get(*row) == Some(&true));
                rows.filter(passes).collect()
            }
        }
    }
}
