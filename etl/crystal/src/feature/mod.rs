//! Features of one crystal (specification, sections 2.1 to 2.4): Niggli cell, wrapped sites, the nearest
//! neighbours of every atom in all periodic images, their distances and labels. All in double precision.

mod edges;
mod error;
mod labels;
mod neighbours;
mod options;
#[cfg(test)]
mod tests;
mod wrap;

pub use edges::Edges;
pub use error::FeatureError;
pub use labels::HOME_DIRECTION;
pub(crate) use neighbours::pairs_within;
pub use options::{
    FeatureOptions, MAX_CUTOFF_ANGSTROM, MAX_EDGES, MAX_NEIGHBOURS, MINIMUM_EDGE_DISTANCE_ANGSTROM, Ties,
};

use crate::math::{IntegerMatrix3, Matrix3, Vector3};
use crate::niggli::{NiggliCell, niggli_reduce, parameters};
use crate::structure::Structure;
use neighbours::NeighbourSearch;

/// Features of one crystal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Features {
    /// Niggli cell, rows l1, l2, l3 in Å.
    pub lattice: Matrix3,
    /// `|l1|, |l2|, |l3|` in Å and `alpha = ∠(l2, l3), beta = ∠(l1, l3), gamma = ∠(l1, l2)` in
    /// degrees (specification, section 2.1, step 4).
    pub parameters: [f64; 6],
    /// Volume of the cell in Å³, positive.
    pub volume: f64,
    /// `lattice = transform · given lattice`, determinant +1.
    pub transform: IntegerMatrix3,
    /// Wrapped fractional coordinates in the Niggli cell, shape `[nsites, 3]`, in the order of the
    /// given sites.
    pub fractional: Vec<Vector3>,
    /// Edges to the nearest neighbours.
    pub edges: Edges,
    /// Sites without a neighbour within the cutoff, ascending. No edge has them as its target.
    pub isolated: Vec<u32>,
}

/// Computes features, reusing its buffers from crystal to crystal; one for each thread.
#[derive(Debug, Clone)]
pub struct Featuriser {
    options: FeatureOptions,
    search: NeighbourSearch,
    features: Features,
}

impl Featuriser {
    /// A featuriser for the given options. A cutoff above [`MAX_CUTOFF_ANGSTROM`] counts as that, and more
    /// neighbours than [`MAX_NEIGHBOURS`] likewise.
    pub fn new(options: &FeatureOptions) -> Self {
        let options = FeatureOptions {
            // A number is the least of itself and one that is none.
            cutoff_angstrom: options.cutoff_angstrom.min(MAX_CUTOFF_ANGSTROM),
            neighbours: options.neighbours.min(MAX_NEIGHBOURS),
            ..*options
        };
        Self { options, search: NeighbourSearch::default(), features: Features::default() }
    }

    /// Features of one crystal (specification, sections 2.1 to 2.4); the result borrows the featuriser's buffers.
    ///
    /// # Errors
    /// Every [`FeatureError`]: an impossible lattice, impossible coordinates, coinciding sites or more edges
    /// than [`MAX_EDGES`].
    pub fn featurise(&mut self, structure: &Structure) -> Result<&Features, FeatureError> {
        let sites = structure.fractional.len();
        if sites == 0 {
            return Err(FeatureError::NoSites);
        }
        if u32::try_from(sites).is_err() {
            return Err(FeatureError::TooManySites { sites });
        }
        let NiggliCell { lattice, transform, volume } =
            niggli_reduce(&structure.lattice, self.options.niggli_epsilon)?;
        let features = &mut self.features;
        features.lattice = lattice;
        features.parameters = parameters(&lattice);
        features.volume = volume;
        features.transform = transform;
        let tolerance = self.options.wrap_tolerance;
        wrap::wrap_sites(&structure.fractional, &transform, tolerance, &mut features.fractional)?;
        self.find_edges()?;
        Ok(&self.features)
    }

    /// Edges and labels of the cell and sites in `features`.
    fn find_edges(&mut self) -> Result<(), FeatureError> {
        let Features { lattice, volume, fractional, edges, isolated, .. } = &mut self.features;
        self.search.find(lattice, *volume, fractional, &self.options, edges, isolated)?;
        labels::label_edges(fractional, self.options.centred_tolerance, edges);
        Ok(())
    }
}
