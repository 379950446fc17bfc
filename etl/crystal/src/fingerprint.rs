//! Numbers of a crystal that depend on no choice of cell, orientation, origin or order of the sites, rounded so that equal
//! crystals of different files have the same ones (specification, section 2.8).
//!
//! They are means over the sites of contractions of moments of the neighbourhood, the moment tensors of Shapeev
//! (<https://doi.org/10.1137/15M1054183>). Weights fall smoothly to zero where the neighbourhood ends. Noise therefore
//! moves no number by a jump, and changes a rounded one only where it lies at an edge.

use crate::composition::Composition;
use crate::feature::{FeatureError, FeatureOptions, Features, Featuriser};
use crate::math::{Vector3, row_times};
use crate::structure::Structure;

/// Number of invariants. They are numbers without a unit.
pub const INVARIANTS: usize = 5;
/// Widths of the bins to which the invariants are rounded, in their order. Wider bins forgive more noise and tell fewer
/// crystals apart. With these, measured on cells of the Materials Project (specification, section 2.8), one crystal in 700
/// gets another hash when its sites move by 1e-5 Å, and one in 200 pairs of different crystals with the same formula has
/// the same hash. Other widths would define another hash, which must have another name.
const WIDTHS: [f64; INVARIANTS] = [0.005, 0.01, 0.01, 0.02, 0.02];
/// Rank of the neighbour at which a neighbourhood ends: the default options keep the 12 nearest and tell the distance of
/// the next ([`Features::reach`]).
const LAST_NEIGHBOUR: usize = 13;
/// Largest radius of a neighbourhood, in units of `(V/N)^(1/3)` for a cell of N sites with the volume V. The search for 12
/// neighbours begins with a radius of 1.66 units, so that it finds all neighbours within this one.
const LARGEST_RADIUS: f64 = 1.6;
/// Largest radius of a neighbourhood in Å. It is the default cutoff, beyond which no neighbour is known.
const LARGEST_RADIUS_ANGSTROM: f64 = 8.0;
/// Fractional part of the golden ratio. Its multiples modulo 1 spread evenly, however many there are, so that the factors of
/// any number of elements differ clearly.
const GOLDEN: f64 = 0.618_033_988_749_894_8;

/// Computes the invariants of crystals and reuses its buffers. Create one for each thread.
#[derive(Debug, Clone)]
pub struct Fingerprinter {
    /// Whether the given features have the edges of the default options.
    has_edges: bool,
    /// Finds the edges of the default options where the given features have others.
    featuriser: Featuriser,
    neighbourhoods: Neighbourhoods,
}

impl Fingerprinter {
    /// Creates a fingerprinter for features that were computed with these options. Unless they are the default ones, or differ
    /// in nothing but a larger cutoff, the neighbours of every crystal are searched once more.
    pub fn new(options: &FeatureOptions) -> Self {
        let default = FeatureOptions::default();
        let comparable = FeatureOptions { cutoff_angstrom: default.cutoff_angstrom, ..*options };
        Self {
            has_edges: comparable == default && options.cutoff_angstrom >= default.cutoff_angstrom,
            featuriser: Featuriser::new(&default),
            neighbourhoods: Neighbourhoods::default(),
        }
    }

    /// Returns the invariants of a crystal, each as the number of its bin: the multiple of its width that is nearest.
    /// `atomic_numbers` has the shape `[nsites]`, in the order of the sites of `features`.
    ///
    /// # Errors
    /// Returns a [`FeatureError`] if the features were computed with other options and the neighbours by the default ones
    /// cannot be found.
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
        let Self { has_edges, featuriser, neighbourhoods } = self;
        if *has_edges {
            return Ok(neighbourhoods.invariants(atomic_numbers, features));
        }
        let features = featuriser.featurise(&Structure {
            lattice: features.lattice,
            fractional: features.fractional.clone(),
            atomic_numbers: atomic_numbers.to_vec(),
        })?;
        Ok(neighbourhoods.invariants(atomic_numbers, features))
    }
}

/// Number of components of the moment of rank 3.
const COMPONENTS: usize = 10;

/// Moment of rank 3 of a neighbourhood. Components that occur several times in the tensor are multiplied by the root of
/// their number, so that the contraction of two tensors is the product of their components.
type Moment = [f64; COMPONENTS];

/// The neighbourhoods of the sites of a crystal.
#[derive(Debug, Clone, Default)]
struct Neighbourhoods {
    composition: Composition,
    /// Factor of every site by its element.
    charges: Vec<f64>,
    /// Cartesian coordinates of the sites in Å.
    positions: Vec<Vector3>,
    /// Index behind the last edge of every site, which are sorted by their targets.
    ends: Vec<usize>,
    /// Weight of every edge.
    weights: Vec<f64>,
    moments: Vec<Moment>,
    /// Distances of the neighbours of a site in Å.
    distances: Vec<f64>,
}

impl Neighbourhoods {
    /// Returns the invariants of a crystal with the edges of the default options.
    fn invariants(&mut self, atomic_numbers: &[u8], features: &Features) -> [f64; INVARIANTS] {
        let Features { lattice, volume, fractional, edges, reach, .. } = features;
        self.charge(atomic_numbers);
        self.positions.clear();
        self.positions.extend(fractional.iter().map(|site| row_times(site, lattice)));
        self.weights.clear();
        self.moments.clear();
        let cube = (volume / fractional.len() as f64).cbrt();
        let largest = (LARGEST_RADIUS * cube).min(LARGEST_RADIUS_ANGSTROM);
        let (mut scalars, mut norms) = (0.0, 0.0);
        self.ends.clear();
        let mut begin = 0;
        for (site, &reached) in reach.iter().enumerate() {
            let rest = &edges.target[begin..];
            let range = begin..begin + rest.iter().take_while(|&&target| target as usize == site).count();
            begin = range.end;
            self.ends.push(range.end);
            let charge = self.charges[site];
            let distances = &edges.distance[range.clone()];
            let radius = self.ranked(distances).unwrap_or(reached).min(largest);
            let falloff = (radius * radius).recip();
            let from = self.positions[site];
            let (mut scalar, mut moment) = (0.0, [0.0; COMPONENTS]);
            for edge in range {
                let source = edges.source[edge] as usize;
                let distance = edges.distance[edge];
                let smooth = (1.0 - distance * distance * falloff).max(0.0);
                let weight = smooth * smooth * self.charges[source];
                self.weights.push(weight);
                scalar += weight;
                let shift = row_times(&edges.image.each_ref().map(|column| f64::from(column[edge])), lattice);
                let to = self.positions[source];
                let vector = std::array::from_fn(|axis| to[axis] + shift[axis] - from[axis]);
                add_cubes(&mut moment, weight / (distance * distance * distance), &vector);
            }
            scalars += charge * scalar;
            norms += charge * product(&moment, &moment).sqrt();
            self.moments.push(moment);
        }
        let (mut links, mut squares) = (0.0, 0.0);
        let mut begin = 0;
        for ((&end, near), charge) in self.ends.iter().zip(&self.moments).zip(&self.charges) {
            let mut around = [0.0; COMPONENTS];
            for (weight, &source) in self.weights[begin..end].iter().zip(&edges.source[begin..end]) {
                for (sum, component) in around.iter_mut().zip(&self.moments[source as usize]) {
                    *sum += weight * component;
                }
            }
            begin = end;
            let link = product(near, &around);
            links += link;
            squares += charge * link * link;
        }
        let mean = |sum: f64| sum / fractional.len() as f64;
        [cube.ln(), mean(scalars), mean(norms), mean(links), mean(squares).sqrt()]
    }

    /// Returns the distance of the last neighbour of a neighbourhood among distances that are nearly in order, or `None` if
    /// there are fewer.
    fn ranked(&mut self, distances: &[f64]) -> Option<f64> {
        let (before, rest) = distances.split_at_checked(LAST_NEIGHBOUR - 1)?;
        let (&last, behind) = rest.split_first()?;
        if before.iter().all(|distance| *distance <= last) && behind.iter().all(|distance| *distance >= last)
        {
            return Some(last);
        }
        self.distances.clear();
        self.distances.extend_from_slice(distances);
        let (_, ranked, _) = self.distances.select_nth_unstable_by(LAST_NEIGHBOUR - 1, f64::total_cmp);
        Some(*ranked)
    }

    /// Assigns every site the factor of its element, which depends on the place in the alphabetical order alone.
    fn charge(&mut self, atomic_numbers: &[u8]) {
        self.composition.count(atomic_numbers);
        let composition = &self.composition;
        let mut last = (0, 0.0);
        self.charges.clear();
        self.charges.extend(atomic_numbers.iter().map(|&z| {
            // Sites of an element mostly follow each other.
            if z != last.0 {
                let place = composition.place(z).unwrap_or_default() as f64;
                last = (z, 1.0 + (place * GOLDEN).fract());
            }
            last.1
        }));
    }
}

/// Adds the third power of a vector, with a weight.
#[inline]
fn add_cubes(moment: &mut Moment, weight: f64, &[x, y, z]: &Vector3) {
    const ROOT_3: f64 = 1.732_050_807_568_877_2;
    const ROOT_6: f64 = 2.449_489_742_783_178;
    let (xx, yy, zz) = (weight * x * x, weight * y * y, weight * z * z);
    let (xx3, yy3, zz3) = (ROOT_3 * xx, ROOT_3 * yy, ROOT_3 * zz);
    #[rustfmt::skip]
    let cubes: Moment = [
        xx * x, yy * y, zz * z,
        xx3 * y, xx3 * z, yy3 * x, yy3 * z, zz3 * x, zz3 * y,
        ROOT_6 * weight * x * y * z,
    ];
    for (sum, cube) in moment.iter_mut().zip(cubes) {
        *sum += cube;
    }
}

/// Returns the contraction of two moments.
#[inline]
fn product(a: &Moment, b: &Moment) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests;
