//! Numbers of a crystal that depend on no choice of cell, orientation, origin or order of the sites, rounded so that equal
//! crystals of different files have the same ones (specification, section 2.7).
//!
//! They are means over the sites of contractions of moments of the neighbourhood, the moment tensors of Shapeev
//! (<https://doi.org/10.1137/15M1054183>). Weights fall smoothly to zero at a radius that itself changes continuously with
//! the positions. Noise therefore moves no number by a jump, and changes a rounded one only where it lies at an edge.

use crate::composition::Composition;
use crate::feature::{FeatureError, FeatureOptions, Features, Featuriser};
use crate::math::{Vector3, row_times};
use crate::structure::Structure;

/// Number of rounded invariants.
pub const INVARIANTS: usize = 8;
/// Rank of the neighbour at whose distance a neighbourhood ends: the first one that the default settings need not keep.
const LAST_NEIGHBOUR: usize = 13;
/// Largest radius of a neighbourhood, relative to the edge of the cube that an atom has for itself. Below it the search of
/// neighbours knows all of them.
const LARGEST_RADIUS: f64 = 1.6;
/// Largest radius of a neighbourhood in Å, the default cutoff.
const LARGEST_RADIUS_ANGSTROM: f64 = 8.0;
/// Fraction of the golden ratio, whose multiples modulo 1 keep apart.
const GOLDEN: f64 = 0.618_033_988_749_894_8;
/// Width of a bin of each invariant, in their order.
const WIDTHS: [f64; INVARIANTS] = [0.02, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05];

/// Components of the moments of a site: one of rank 0, three of rank 1, six of rank 2 and ten of rank 3.
const MOMENTS: usize = 20;

/// Moments of the neighbourhood of a site. Components that occur several times in a tensor are multiplied by the root of
/// their number, so that the contraction of two tensors is the product of their slices.
type Moments = [f64; MOMENTS];

/// Computes the rounded invariants of crystals and reuses its buffers. Create one for each thread.
#[derive(Debug, Clone)]
pub struct Fingerprinter {
    /// Finds neighbours where the edges at hand do not suffice.
    featuriser: Featuriser,
    neighbourhoods: Neighbourhoods,
}

impl Default for Fingerprinter {
    fn default() -> Self {
        let featuriser = Featuriser::new(&FeatureOptions::default());
        Self { featuriser, neighbourhoods: Neighbourhoods::default() }
    }
}

impl Fingerprinter {
    /// Returns the rounded invariants of a crystal of which features are known, by any options.
    ///
    /// # Errors
    /// Returns a [`FeatureError`] if its edges do not suffice and its neighbours cannot be found by the default options.
    pub fn invariants(
        &mut self,
        atomic_numbers: &[u8],
        features: &Features,
    ) -> Result<[i64; INVARIANTS], FeatureError> {
        let exact = self.exact_invariants(atomic_numbers, features)?;
        Ok(std::array::from_fn(|at| (exact[at] / WIDTHS[at]).round() as i64))
    }

    /// Returns the invariants before rounding.
    fn exact_invariants(
        &mut self,
        atomic_numbers: &[u8],
        features: &Features,
    ) -> Result<[f64; INVARIANTS], FeatureError> {
        let Self { featuriser, neighbourhoods } = self;
        neighbourhoods.charge(atomic_numbers);
        if neighbourhoods.measure(features) {
            return Ok(neighbourhoods.contract(features));
        }
        let features = featuriser.featurise(&Structure {
            lattice: features.lattice,
            fractional: features.fractional.clone(),
            atomic_numbers: atomic_numbers.to_vec(),
        })?;
        neighbourhoods.measure(features);
        Ok(neighbourhoods.contract(features))
    }
}

/// The neighbourhoods of the sites of a crystal.
#[derive(Debug, Clone, Default)]
struct Neighbourhoods {
    composition: Composition,
    /// Factor of every site by its element.
    charges: Vec<f64>,
    /// Cartesian coordinates of the sites in Å.
    positions: Vec<Vector3>,
    /// Radii of the neighbourhoods in Å.
    radii: Vec<f64>,
    moments: Vec<Moments>,
    /// Weight of every edge times the factor of its source.
    weights: Vec<f64>,
    scratch: Vec<f64>,
}

impl Neighbourhoods {
    /// Assigns every site the factor of its element, which depends on its place in the alphabetical order alone.
    fn charge(&mut self, atomic_numbers: &[u8]) {
        self.composition.count(atomic_numbers);
        let composition = &self.composition;
        let mut last = (0, 0.0);
        self.charges.clear();
        self.charges.extend(atomic_numbers.iter().map(|&z| {
            if z != last.0 {
                let place = composition.place(z).unwrap_or_default() as f64;
                last = (z, 1.0 + (place * GOLDEN).fract());
            }
            last.1
        }));
    }

    /// Finds the radius of every neighbourhood. Returns whether the edges hold all neighbours within.
    fn measure(&mut self, features: &Features) -> bool {
        let Features { volume, fractional, edges, reach, .. } = features;
        let cube = (volume / fractional.len() as f64).cbrt();
        let largest = (LARGEST_RADIUS * cube).min(LARGEST_RADIUS_ANGSTROM);
        self.radii.clear();
        let mut edge = 0;
        for (site, &reach) in reach.iter().enumerate() {
            let begin = edge;
            while edges.target.get(edge).is_some_and(|&target| target as usize == site) {
                edge += 1;
            }
            let known = edges.distance.get(begin..edge).unwrap_or_default();
            let radius = match self.ranked(known) {
                Some(distance) => distance.min(largest),
                // The nearest neighbour that is not kept is the one of this rank.
                None if known.len() + 1 == LAST_NEIGHBOUR => reach.min(largest),
                None => largest,
            };
            if radius > reach {
                return false;
            }
            self.radii.push(radius);
        }
        true
    }

    /// Returns the distance of the last neighbour of a neighbourhood among distances that are nearly in order, or `None` if
    /// there are fewer.
    fn ranked(&mut self, distances: &[f64]) -> Option<f64> {
        let (before, rest) = distances.split_at_checked(LAST_NEIGHBOUR - 1)?;
        let (&last, behind) = rest.split_first()?;
        if before.iter().all(|distance| *distance <= last) && behind.iter().all(|distance| *distance >= last) {
            return Some(last);
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(distances);
        let (_, ranked, _) = self.scratch.select_nth_unstable_by(LAST_NEIGHBOUR - 1, f64::total_cmp);
        Some(*ranked)
    }

    /// Sums the moments of the sites and contracts them.
    fn contract(&mut self, features: &Features) -> [f64; INVARIANTS] {
        let Features { lattice, volume, fractional, edges, .. } = features;
        self.positions.clear();
        self.positions.extend(fractional.iter().map(|site| row_times(site, lattice)));
        self.moments.clear();
        self.moments.resize(fractional.len(), [0.0; MOMENTS]);
        self.weights.clear();
        let [k1, k2, k3] = &edges.image;
        let images = k1.iter().zip(k2).zip(k3).map(|((k1, k2), k3)| [k1, k2, k3].map(|k| f64::from(*k)));
        let ends = edges.source.iter().zip(&edges.target);
        for (((&source, &target), image), &distance) in ends.zip(images).zip(&edges.distance) {
            let (source, target) = (source as usize, target as usize);
            let share = distance / self.radii[target];
            let smooth = (1.0 - share * share).max(0.0);
            let weight = smooth * smooth * self.charges[source];
            self.weights.push(weight);
            if weight > 0.0 {
                let shift = row_times(&image, lattice);
                let (from, to) = (&self.positions[target], &self.positions[source]);
                let direction: Vector3 =
                    std::array::from_fn(|axis| (to[axis] + shift[axis] - from[axis]) / distance);
                add_moments(&mut self.moments[target], weight, &direction);
            }
        }
        let mut sums = [0.0; INVARIANTS - 1];
        for (moments, charge) in self.moments.iter_mut().zip(&self.charges) {
            make_traceless(moments);
            let [scalar, vector, matrix, cubic] = ranks(moments).map(|rank| product(rank, rank));
            sums[0] += charge * scalar.sqrt();
            sums[1] += charge * vector.sqrt();
            sums[2] += charge * matrix.sqrt();
            sums[3] += charge * cubic.sqrt();
        }
        for ((&source, &target), weight) in edges.source.iter().zip(&edges.target).zip(&self.weights) {
            if *weight > 0.0 {
                let (near, far) = (&self.moments[target as usize], &self.moments[source as usize]);
                let ([scalar, _, matrix, cubic], [other_scalar, _, other_matrix, other_cubic]) =
                    (ranks(near), ranks(far));
                sums[4] += weight * product(scalar, other_scalar);
                sums[5] += weight * product(matrix, other_matrix);
                sums[6] += weight * product(cubic, other_cubic);
            }
        }
        let sites = fractional.len() as f64;
        let mut invariants = [(volume / sites).ln() / 3.0; INVARIANTS];
        for (invariant, sum) in invariants[1..].iter_mut().zip(sums) {
            *invariant = sum / sites;
        }
        invariants
    }
}

/// Adds the powers of a direction.
#[inline]
fn add_moments(moments: &mut Moments, weight: f64, &[x, y, z]: &Vector3) {
    const ROOT_2: f64 = std::f64::consts::SQRT_2;
    const ROOT_3: f64 = 1.732_050_807_568_877_2;
    const ROOT_6: f64 = 2.449_489_742_783_178;
    let (xx, yy, zz, xy, xz, yz) = (x * x, y * y, z * z, x * y, x * z, y * z);
    #[rustfmt::skip]
    let terms: Moments = [
        1.0,
        x, y, z,
        xx, yy, zz, ROOT_2 * xy, ROOT_2 * xz, ROOT_2 * yz,
        xx * x, yy * y, zz * z, ROOT_3 * (xx * y), ROOT_3 * (xx * z), ROOT_3 * (yy * x), ROOT_3 * (yy * z), ROOT_3 * (zz * x),
        ROOT_3 * (zz * y), ROOT_6 * (xy * z),
    ];
    for (moment, term) in moments.iter_mut().zip(terms) {
        *moment += weight * term;
    }
}

/// Subtracts from the moment of rank 2 its trace, which is that of rank 0.
fn make_traceless(moments: &mut Moments) {
    let third = moments[0] / 3.0;
    for moment in &mut moments[4..7] {
        *moment -= third;
    }
}

/// Returns the moments of each rank.
#[inline]
fn ranks(moments: &Moments) -> [&[f64]; 4] {
    [&moments[..1], &moments[1..4], &moments[4..10], &moments[10..]]
}

/// Returns the contraction of two tensors.
#[inline]
fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests;
