//! The nearest neighbours of every site over all periodic images (specification, sections 2.2 and 2.3).
//!
//! Only the shells up to that of the last neighbour kept are needed, and in most crystals they end far below the
//! cutoff. The search therefore starts with a radius estimated from the density. Sites whose shells are not complete
//! within it are searched again with a larger radius, up to the cutoff. The result is the same as that of a single
//! search within the cutoff. Where all neighbours are kept, the first radius is the cutoff.

mod candidates;
mod columns;
mod grid;
mod images;
mod layers;
mod selection;
mod space;

use crate::feature::{Edges, FeatureError, FeatureOptions, Features, MAX_EDGES, Neighbours};
use crate::math::{Matrix3, Vector3};
use crate::niggli::plane_spacings;
use candidates::Candidates;
use images::ImageAtoms;
use selection::{Outcome, Selection};

/// Added to the cutoff, in Å, so that a distance equal to the cutoff is included despite rounding.
const CUTOFF_ROUNDING: f64 = 1e-9;

/// Number of atoms that the first sphere should contain, relative to the neighbours wanted. With fewer, more sites
/// must be searched again; with more, each search takes longer. Measured on crystals of 1 to 20 sites. The fingerprint of a
/// crystal needs at least 1.43, so that the first sphere contains its neighbourhoods.
const FIRST_SPHERE_OCCUPATION: f64 = 1.6;

/// Ratio of the radii of successive spheres.
const RADIUS_GROWTH: f64 = 1.4;

/// Buffers of the neighbour search.
#[derive(Debug, Clone, Default)]
pub(crate) struct NeighbourSearch {
    /// Atoms within spheres of growing radius. Those of the present crystal come first.
    levels: Vec<ImageAtoms>,
    selection: Selection,
}

/// The parts of [`Features`] that a search for neighbours replaces.
pub(crate) struct Found<'a> {
    /// The edges, all of whose columns are filled except the labels.
    pub(crate) edges: &'a mut Edges,
    /// The sites that have no edge.
    pub(crate) isolated: &'a mut Vec<u32>,
    /// Distance in Å below which all neighbours of a site are among its edges, shape `[nsites]` ([`Features::reach`]).
    pub(crate) reach: &'a mut Vec<f64>,
}

impl NeighbourSearch {
    /// Finds the edges of a crystal, and puts them into `found`.
    ///
    /// `lattice` has rows l1, l2, l3 in Å and the volume `volume` in Å³. `fractional` holds the wrapped coordinates
    /// of the sites, shape `[nsites, 3]`.
    ///
    /// # Errors
    /// Returns [`FeatureError::CoincidentSites`], [`FeatureError::ShellTooLarge`], [`FeatureError::TooManyEdges`],
    /// [`FeatureError::ImageOverflow`] or [`FeatureError::TooManyImages`].
    pub(crate) fn find(
        &mut self,
        lattice: &Matrix3,
        volume: f64,
        fractional: &[Vector3],
        options: &FeatureOptions,
        found: Found<'_>,
    ) -> Result<(), FeatureError> {
        let Found { edges, isolated, reach } = found;
        edges.clear();
        isolated.clear();
        reach.clear();
        let cutoff = options.cutoff_angstrom + CUTOFF_ROUNDING;
        let spacings = plane_spacings(lattice, volume);
        let first_radius = first_radius(volume, fractional.len(), options);
        let mut built = 0;
        for (target, centre) in fractional.iter().enumerate() {
            let mut level = 0;
            loop {
                if level == built {
                    let radius = if level == 0 { first_radius } else { self.radius_after(level - 1) };
                    if self.levels.len() == level {
                        self.levels.push(ImageAtoms::default());
                    }
                    self.levels[level].build(lattice, &spacings, fractional, radius.min(cutoff))?;
                    built += 1;
                }
                let images = &self.levels[level];
                let is_last = images.radius() >= cutoff;
                match self.selection.nearest(images, target, centre, is_last, options)? {
                    Outcome::Complete => break,
                    Outcome::TooSmall => level += 1,
                }
            }
            if self.selection.is_empty() {
                isolated.push(target as u32);
            }
            reach.push(self.selection.reach());
            self.selection.append_edges(&self.levels[level], target, edges);
            if edges.len() > MAX_EDGES {
                return Err(FeatureError::TooManyEdges { count: edges.len() });
            }
        }
        Ok(())
    }

    /// Returns the radius in Å of the sphere to try after that of a level was too small.
    fn radius_after(&self, level: usize) -> f64 {
        RADIUS_GROWTH * self.levels[level].radius()
    }
}

/// Calls `found` with the target, the source and the distance in Å of every two sites at most `radius` Å apart,
/// including periodic images. The number of neighbours is not limited. Every pair is reported from both of its sites.
///
/// # Errors
/// Returns [`FeatureError::ImageOverflow`] or [`FeatureError::TooManyImages`].
pub(crate) fn pairs_within(
    features: &Features,
    radius: f64,
    mut found: impl FnMut(u32, u32, f64),
) -> Result<(), FeatureError> {
    let Features { lattice, volume, fractional, .. } = features;
    let mut images = ImageAtoms::default();
    images.build(lattice, &plane_spacings(lattice, *volume), fractional, radius)?;
    let mut candidates = Candidates::default();
    for (target, centre) in fractional.iter().enumerate() {
        images.within_radius(target, centre, &mut candidates);
        // The nearest candidate is the site itself.
        for (atom, distance) in candidates.ascending().skip(1) {
            found(target as u32, images.label(atom).site, distance);
        }
    }
    Ok(())
}

/// Returns the radius in Å of a sphere that contains, at the crystal's mean density, a multiple of the number of
/// neighbours wanted. Where all are wanted, it is larger than any cutoff.
fn first_radius(volume: f64, sites: usize, options: &FeatureOptions) -> f64 {
    let number = match options.neighbours {
        Neighbours::Nearest(number) => number.max(1) as f64,
        Neighbours::All => return f64::INFINITY,
    };
    let wanted = FIRST_SPHERE_OCCUPATION * number;
    (wanted * volume / (sites as f64 * 4.0 / 3.0 * std::f64::consts::PI)).cbrt()
}
