//! One crystal kept for a while: its own copy of what a batch needs, and nothing of its row group.

use schemas::view::CrystalView;

use crate::data::input::GraphInput;
use crate::data::labels::PeriodicLabels;

/// A compact copy of a store's row: 15 bytes an edge, 25 a site.
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
}

impl StoredCrystal {
    /// Copies a row with the chosen labels and the values of the requested property columns.
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
        }
    }

    /// The crystal as a batch takes it.
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

    /// Values of the requested property columns; NaN where there is none.
    pub fn properties(&self) -> &[f64] {
        &self.properties
    }
}
