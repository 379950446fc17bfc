//! A crystal as owned data, independent of its row group.

use std::path::Path;
use std::sync::Arc;

use schemas::view::{CrystalBatch, CrystalView};

use crate::data::error::DataError;
use crate::data::input::GraphInput;
use crate::data::labels::PeriodicLabels;

/// A compact copy of a row of a store: 15 bytes per edge, 25 per site.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCrystal {
    material_id: Box<str>,
    lattice_vectors: [[f64; 3]; 3],
    lattice_parameters: [f64; 6],
    atomic_numbers: Box<[u8]>,
    fractional_positions: Box<[f64]>,
    source: Box<[u32]>,
    target: Box<[u32]>,
    image: [Box<[i16]>; 3],
    direction: Box<[u8]>,
    properties: Box<[f64]>,
    /// The shard of the row, if it is of one.
    shard: Option<Arc<Path>>,
}

impl StoredCrystal {
    /// Copies a row with the given kind of labels. `properties` are the values of the requested property columns.
    pub fn copy(view: &CrystalView<'_>, labels: PeriodicLabels, properties: Vec<f64>) -> Self {
        let input = GraphInput::from_view(view, labels);
        Self {
            material_id: input.material_id.into(),
            lattice_vectors: input.lattice_vectors,
            lattice_parameters: input.lattice_parameters,
            atomic_numbers: input.atomic_numbers.into(),
            fractional_positions: input.fractional_positions.into(),
            source: input.source.into(),
            target: input.target.into(),
            image: input.image.map(Into::into),
            direction: input.direction.into(),
            properties: properties.into(),
            shard: None,
        }
    }

    /// Copies the rows of featurised blocks, without properties and with the default labels, on which neither
    /// predictions nor embeddings depend.
    ///
    /// # Errors
    /// [`DataError`] for a row that cannot be read.
    pub fn of_blocks(blocks: &[CrystalBatch]) -> Result<Vec<Self>, DataError> {
        let mut crystals = Vec::with_capacity(blocks.iter().map(CrystalBatch::len).sum());
        for block in blocks {
            for row in 0..block.len() {
                crystals.push(Self::copy(&block.row(row)?, PeriodicLabels::default(), Vec::new()));
            }
        }
        Ok(crystals)
    }

    /// Returns the crystal with the path of its shard, for errors.
    pub fn of_shard(self, shard: &Arc<Path>) -> Self {
        Self { shard: Some(Arc::clone(shard)), ..self }
    }

    /// Adds the shard of the crystal to an error about it.
    pub(crate) fn locate(&self, error: DataError) -> DataError {
        match &self.shard {
            Some(shard) => error.of_shard(shard),
            None => error,
        }
    }

    /// Returns the crystal as the input of a batch.
    pub fn input(&self) -> GraphInput<'_> {
        GraphInput {
            material_id: &self.material_id,
            lattice_vectors: self.lattice_vectors,
            lattice_parameters: self.lattice_parameters,
            atomic_numbers: &self.atomic_numbers,
            fractional_positions: &self.fractional_positions,
            source: &self.source,
            target: &self.target,
            image: [&self.image[0], &self.image[1], &self.image[2]],
            direction: &self.direction,
        }
    }

    /// Returns the values of the requested property columns, NaN if missing.
    pub fn properties(&self) -> &[f64] {
        &self.properties
    }
}
