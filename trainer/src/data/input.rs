//! Input of a crystal's graph.

use schemas::view::CrystalView;

use crate::data::labels::PeriodicLabels;

/// A crystal with its edges, borrowed from a row of a store or from other data.
#[derive(Debug, Clone, Copy)]
pub struct GraphInput<'a> {
    /// Identifier for error messages and the batch.
    pub material_id: &'a str,
    /// Lattice vectors l1, l2, l3 as rows, in Å.
    pub lattice_vectors: [[f64; 3]; 3],
    /// Lattice parameters a, b, c in Å and alpha, beta, gamma in degrees.
    pub lattice_parameters: [f64; 6],
    /// Atomic numbers, shape `[sites]`.
    pub atomic_numbers: &'a [u8],
    /// Wrapped fractional coordinates, shape `[sites, 3]` in row-major order.
    pub fractional_positions: &'a [f64],
    /// Index of the neighbour site j of every edge, shape `[edges]`.
    pub source: &'a [u32],
    /// Index of the centre site i of every edge, ascending, shape `[edges]`.
    pub target: &'a [u32],
    /// Cell image of the neighbour along l1, l2, l3, shape `[edges]` each.
    pub image: [&'a [i16]; 3],
    /// Direction label of every edge, 0..=26, shape `[edges]`;
    /// [`HOME_DIRECTION`](crate::data::labels::HOME_DIRECTION) is the same cell.
    pub direction: &'a [u8],
}

impl<'a> GraphInput<'a> {
    /// Borrows a row of a store with the given kind of labels.
    pub fn from_view(view: &CrystalView<'a>, labels: PeriodicLabels) -> Self {
        let edges = &view.edges;
        Self {
            material_id: view.material_id,
            lattice_vectors: view.lattice_vectors,
            lattice_parameters: view.parameters,
            atomic_numbers: view.atomic_numbers,
            fractional_positions: view.fractional_site_positions,
            source: edges.source,
            target: edges.target,
            image: edges.image,
            direction: match labels {
                PeriodicLabels::Centred => edges.direction_centred,
                PeriodicLabels::Cell => edges.direction,
            },
        }
    }
}

/// Borrows a row of a store with the default labels.
impl<'a> From<&CrystalView<'a>> for GraphInput<'a> {
    fn from(view: &CrystalView<'a>) -> Self {
        Self::from_view(view, PeriodicLabels::default())
    }
}
