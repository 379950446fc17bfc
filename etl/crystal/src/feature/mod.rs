//! Features of a crystal (specification, sections 2.1 to 2.4): the Niggli cell, the wrapped sites, and the nearest
//! or all neighbours of every site over all periodic images with their distances and labels.

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
    FeatureOptions, MAX_CUTOFF_ANGSTROM, MAX_EDGES, MAX_NEIGHBOURS, MINIMUM_EDGE_DISTANCE_ANGSTROM,
    Neighbours, Ties,
};

use crate::math::{IntegerMatrix3, Matrix3, Vector3};
use crate::niggli::{NiggliCell, niggli_reduce, parameters};
use crate::structure::Structure;
use neighbours::{Found, NeighbourSearch};

/// The features of a crystal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Features {
    /// Niggli-reduced lattice L in Å. The rows are the lattice vectors l1, l2, l3.
    pub lattice: Matrix3,
    /// Lengths `|l1|, |l2|, |l3|` in Å and angles `alpha = ∠(l2, l3), beta = ∠(l1, l3), gamma = ∠(l1, l2)` in degrees
    /// (specification, section 2.1, step 4).
    pub parameters: [f64; 6],
    /// Volume of the unit cell in Å³, positive.
    pub volume: f64,
    /// Change of basis T, an integer matrix with determinant +1: `lattice = T · L0`, where L0 is the given lattice.
    pub transform: IntegerMatrix3,
    /// Wrapped fractional coordinates in the Niggli cell, shape `[nsites, 3]`, in the order of the given sites.
    pub fractional: Vec<Vector3>,
    /// Edges to the neighbours kept.
    pub edges: Edges,
    /// Sites without a neighbour within the cutoff, in ascending order. They are not the target of any edge.
    pub isolated: Vec<u32>,
    /// Distance in Å below which every neighbour of a site is among its edges, shape `[nsites]`: that of the nearest
    /// neighbour that is not kept, or the radius that was searched if there is none within it. It is 0 if
    /// [`Ties::Cut`] removed neighbours that are as far as the last one kept.
    pub reach: Vec<f64>,
}

/// Computes features and reuses its buffers from crystal to crystal. Create one for each thread.
#[derive(Debug, Clone)]
pub struct Featuriser {
    options: FeatureOptions,
    search: NeighbourSearch,
    features: Features,
}

impl Featuriser {
    /// Creates a featuriser. A cutoff above [`MAX_CUTOFF_ANGSTROM`] is reduced to it, and so is a number of
    /// neighbours above [`MAX_NEIGHBOURS`].
    pub fn new(options: &FeatureOptions) -> Self {
        let options = FeatureOptions {
            // The minimum of a number and NaN is the number.
            cutoff_angstrom: options.cutoff_angstrom.min(MAX_CUTOFF_ANGSTROM),
            neighbours: match options.neighbours {
                Neighbours::Nearest(number) => Neighbours::Nearest(number.min(MAX_NEIGHBOURS)),
                Neighbours::All => Neighbours::All,
            },
            ..*options
        };
        Self { options, search: NeighbourSearch::default(), features: Features::default() }
    }

    /// Computes the features of a crystal (specification, sections 2.1 to 2.4). The result borrows the featuriser's
    /// buffers.
    ///
    /// # Errors
    /// Returns a [`FeatureError`] for an invalid lattice, invalid coordinates, coinciding sites or more edges than
    /// [`MAX_EDGES`].
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

    /// Finds and labels the edges of the sites in `features`.
    fn find_edges(&mut self) -> Result<(), FeatureError> {
        let Features { lattice, volume, fractional, edges, isolated, reach, .. } = &mut self.features;
        let found = Found { edges, isolated, reach };
        self.search.find(lattice, *volume, fractional, &self.options, found)?;
        let Features { fractional, edges, .. } = &mut self.features;
        labels::label_edges(fractional, self.options.centred_tolerance, edges);
        Ok(())
    }
}
