//! The nearest neighbours of every atom over all periodic images (specification, sections 2.2 and 2.3).
//!
//! Only the shells up to the one of the last neighbour kept are wanted, and they end long before
//! the cutoff in most crystals. So the search starts with a radius that the density suggests, and
//! an atom whose shells are not complete within it is tried again with the next larger one; the
//! last is the cutoff. The result is the same as that of a search within the cutoff.

mod candidates;
mod columns;
mod grid;
mod images;
mod layers;
mod selection;
mod space;

use crate::feature::{Edges, FeatureError, FeatureOptions, Features, MAX_EDGES};
use crate::math::{Matrix3, Vector3};
use crate::niggli::plane_spacings;
use candidates::Candidates;
use images::ImageAtoms;
use selection::{Outcome, Selection};

/// Added to the cutoff, in Å, so that a distance equal to it counts however it was rounded.
const CUTOFF_ROUNDING: f64 = 1e-9;

/// Atoms that a first sphere should hold, relative to the neighbours wanted: fewer make more
/// spheres too small, more cost time in each. Measured on crystals of 1 to 20 sites.
const FIRST_SPHERE_OCCUPATION: f64 = 1.6;

/// Each larger sphere has this times the radius of the one before.
const RADIUS_GROWTH: f64 = 1.4;

/// Buffers of the neighbour search.
#[derive(Debug, Clone, Default)]
pub(crate) struct NeighbourSearch {
    /// Image atoms for spheres of growing radius; those built for the present crystal first.
    levels: Vec<ImageAtoms>,
    selection: Selection,
}

impl NeighbourSearch {
    /// Finds the edges of a crystal. Fills all columns of `edges` but the labels, and `isolated` with
    /// the sites that have no edge.
    ///
    /// `lattice` has rows in Å and encloses `volume` in Å³, `fractional` are the sites, shape
    /// `[nsites, 3]`.
    ///
    /// # Errors
    /// [`FeatureError::CoincidentSites`], [`FeatureError::ShellTooLarge`], [`FeatureError::TooManyEdges`],
    /// [`FeatureError::ImageOverflow`] and [`FeatureError::TooManyImages`].
    pub(crate) fn find(
        &mut self,
        lattice: &Matrix3,
        volume: f64,
        fractional: &[Vector3],
        options: &FeatureOptions,
        edges: &mut Edges,
        isolated: &mut Vec<u32>,
    ) -> Result<(), FeatureError> {
        edges.clear();
        isolated.clear();
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
            self.selection.append_edges(&self.levels[level], target, edges);
            if edges.len() > MAX_EDGES {
                return Err(FeatureError::TooManyEdges { count: edges.len() });
            }
        }
        Ok(())
    }

    /// Radius of the sphere to try when that of a level was too small, in Å.
    fn radius_after(&self, level: usize) -> f64 {
        RADIUS_GROWTH * self.levels[level].radius()
    }
}

/// Calls `found` with target, source and distance in Å of every two sites at most `radius` Å apart, periodic
/// images included, however many neighbours the edges keep. A pair is found from both of its sites.
///
/// # Errors
/// [`FeatureError::ImageOverflow`] and [`FeatureError::TooManyImages`].
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

/// Radius of a sphere that holds, at the crystal's mean density, a given multiple of the
/// neighbours wanted.
fn first_radius(volume: f64, sites: usize, options: &FeatureOptions) -> f64 {
    let wanted = FIRST_SPHERE_OCCUPATION * options.neighbours.max(1) as f64;
    (wanted * volume / (sites as f64 * 4.0 / 3.0 * std::f64::consts::PI)).cbrt()
}
