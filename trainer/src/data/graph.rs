//! Features of a crystal that the store does not hold: displacements and distances in double precision, cosines of
//! triplets (specification, section 2.5) and centre distances (specification, section 2.6).

use crate::data::adjacency::Adjacency;
use crate::data::error::GraphError;
use crate::data::input::GraphInput;
use crate::data::labels::DIRECTIONS;

/// Largest atomic number; class 0 of the 119 is unused (specification, section 7, row 9).
pub const LARGEST_ATOMIC_NUMBER: u8 = 118;
/// Relative tolerance of the check of edge lengths against the cutoff. The writer of a store may have summed in
/// another order.
const CUTOFF_TOLERANCE: f64 = 1e-9;

/// Geometry of one crystal. The buffers are reused from crystal to crystal.
#[derive(Debug, Clone, Default)]
pub struct CrystalGraph {
    adjacency: Adjacency,
    distance: Vec<f64>,
    unit: Vec<[f64; 3]>,
    centre_distance: Vec<f64>,
}

impl CrystalGraph {
    /// Replaces the content by the geometry of a crystal. `cutoff` is the radius of its neighbour search in Å.
    ///
    /// # Errors
    /// [`GraphError`] for the first fault of the crystal.
    pub fn rebuild(&mut self, input: &GraphInput<'_>, cutoff: f64) -> Result<(), GraphError> {
        self.set(input, cutoff, true)
    }

    /// Replaces the content as [`CrystalGraph::rebuild`] does, but without reverse edges, triplets and angles.
    pub(crate) fn rebuild_without_angles(
        &mut self,
        input: &GraphInput<'_>,
        cutoff: f64,
    ) -> Result<(), GraphError> {
        self.set(input, cutoff, false)
    }

    fn set(&mut self, input: &GraphInput<'_>, cutoff: f64, angles: bool) -> Result<(), GraphError> {
        check_values(input)?;
        match angles {
            true => self.adjacency.rebuild(input)?,
            false => self.adjacency.rebuild_without_reverses(input)?,
        }
        self.set_edges(input, cutoff, angles)?;
        set_centre_distances(&mut self.centre_distance, input);
        Ok(())
    }

    /// Computes `v = (f_j + k - f_i) · L` and `d = |v|` of every edge (specification, section 2.2).
    fn set_edges(&mut self, input: &GraphInput<'_>, cutoff: f64, angles: bool) -> Result<(), GraphError> {
        self.distance.clear();
        self.unit.clear();
        for edge in 0..input.target.len() {
            let vector = edge_vector(input, edge);
            let distance = norm(vector);
            if !(distance > 0.0 && distance <= cutoff * (1.0 + CUTOFF_TOLERANCE)) {
                return Err(GraphError::Distance { edge, distance, cutoff });
            }
            self.distance.push(distance);
            if angles {
                self.unit.push(vector.map(|component| component / distance));
            }
        }
        Ok(())
    }

    /// Returns the adjacency of the edges.
    pub fn adjacency(&self) -> &Adjacency {
        &self.adjacency
    }

    /// Returns the length of every edge in Å, shape `[edges]`.
    pub fn distance(&self) -> &[f64] {
        &self.distance
    }

    /// Returns the minimum-image distance of every atom from the mean of the wrapped atoms in Å, shape `[sites]`
    /// (specification, section 2.6).
    pub fn centre_distance(&self) -> &[f64] {
        &self.centre_distance
    }

    /// Returns `cos θ` between `r_j - r_i` and `r_k - r_j` for the edges kj and ji (specification, section 2.5), in
    /// [-1, 1]; 1 for a straight path.
    #[inline]
    pub fn cosine(&self, kj: usize, ji: usize) -> f64 {
        let (u, w) = (self.unit[ji], self.unit[kj]);
        (u[0] * w[0] + u[1] * w[1] + u[2] * w[2]).clamp(-1.0, 1.0)
    }
}

/// Returns the displacement `v = (f_j + k - f_i) · L` of an edge in Å (specification, section 2.2). The indices of
/// the edge must be valid. The length of v is the edge's length.
#[inline]
pub(crate) fn edge_vector(input: &GraphInput<'_>, edge: usize) -> [f64; 3] {
    let position = |site: u32, axis: usize| input.fractional_positions[3 * site as usize + axis];
    let (source, target) = (input.source[edge], input.target[edge]);
    let fractional: [f64; 3] = std::array::from_fn(|axis| {
        position(source, axis) - position(target, axis) + f64::from(input.image[axis][edge])
    });
    cartesian(fractional, &input.lattice_vectors)
}

/// Refuses values that no crystal has.
fn check_values(input: &GraphInput<'_>) -> Result<(), GraphError> {
    let sites = input.atomic_numbers.len();
    if input.fractional_positions.len() != 3 * sites {
        let found = input.fractional_positions.len();
        return Err(GraphError::Length { list: "fractional_site_positions", found, expected: 3 * sites });
    }
    let wrong = |value: &u8| !(1..=LARGEST_ATOMIC_NUMBER).contains(value);
    if let Some(site) = input.atomic_numbers.iter().position(wrong) {
        return Err(GraphError::AtomicNumber { site, value: input.atomic_numbers[site] });
    }
    if let Some(index) = input.fractional_positions.iter().position(|value| !value.is_finite()) {
        return Err(GraphError::NotFinite { quantity: "a coordinate", item: format!("site {}", index / 3) });
    }
    let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
    if !finite(input.lattice_vectors.as_flattened()) || !finite(&input.lattice_parameters) {
        return Err(GraphError::NotFinite { quantity: "a component", item: "the lattice".to_owned() });
    }
    if let Some(edge) = input.direction.iter().position(|value| usize::from(*value) >= DIRECTIONS) {
        return Err(GraphError::Direction { edge, value: input.direction[edge] });
    }
    Ok(())
}

/// Computes `dcenter_i = min over k ∈ {-1,0,1}³ of |(δ + k) · L|`, where `δ = f_i - mean f` is rounded to the nearest
/// cell (specification, section 2.6). The fractional coordinates of the mean position are the mean of the fractional
/// coordinates.
fn set_centre_distances(distances: &mut Vec<f64>, input: &GraphInput<'_>) {
    distances.clear();
    let sites = input.atomic_numbers.len() as f64;
    let mut mean = [0.0; 3];
    for position in input.fractional_positions.chunks_exact(3) {
        for axis in 0..3 {
            mean[axis] += position[axis] / sites;
        }
    }
    let lattice = &input.lattice_vectors;
    for position in input.fractional_positions.chunks_exact(3) {
        let nearest: [f64; 3] = std::array::from_fn(|axis| {
            let offset = position[axis] - mean[axis];
            offset - offset.round_ties_even()
        });
        let from_home = cartesian(nearest, lattice);
        let mut least = f64::INFINITY;
        for image in 0..DIRECTIONS {
            let cell = [image / 9, image / 3 % 3, image % 3].map(|step| step as f64 - 1.0);
            let shift = cartesian(cell, lattice);
            let vector: [f64; 3] = std::array::from_fn(|axis| from_home[axis] + shift[axis]);
            least = least.min(squared_norm(vector));
        }
        distances.push(least.sqrt());
    }
}

/// Returns `f · L` for the rows of `L`.
#[inline]
fn cartesian(fractional: [f64; 3], lattice: &[[f64; 3]; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| {
        fractional[0] * lattice[0][axis] + fractional[1] * lattice[1][axis] + fractional[2] * lattice[2][axis]
    })
}

#[inline]
fn squared_norm(vector: [f64; 3]) -> f64 {
    vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2]
}

#[inline]
fn norm(vector: [f64; 3]) -> f64 {
    squared_norm(vector).sqrt()
}

#[cfg(test)]
mod tests;
