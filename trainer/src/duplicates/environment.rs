//! What surrounds the atoms of a crystal, as distances that depend on no choice of cell, origin or order.

use crystal::feature::{
    FeatureError, FeatureOptions, Featuriser, MAX_CUTOFF_ANGSTROM, MAX_EDGES, MAX_NEIGHBOURS, Neighbours,
};
use crystal::structure::Structure;

/// Neighbours of an atom by which crystals are told apart at first. A hundred reach beyond the sixth shell of a close
/// packing, which tells stacking sequences of eight layers and fewer apart.
pub const NEAR: usize = 100;
/// Neighbours of an atom that decide where the near ones agree: long sequences of layers differ beyond them.
pub const FAR: usize = 1000;
const _: () = assert!(FAR <= MAX_NEIGHBOURS);
/// Relative difference up to which two sites have the same surroundings, as sites that symmetry relates have.
const SAME_SITE: f32 = 1e-5;

/// The distinct sites of a crystal with their surroundings.
#[derive(Debug, Clone, PartialEq)]
pub struct Environments {
    /// Number of sites in the cell.
    pub(super) sites: usize,
    /// The distinct ones.
    pub(super) distinct: Box<[Site]>,
}

/// Sites with the same surroundings.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Site {
    /// Atomic number.
    pub(super) element: u8,
    /// Number of such sites in the cell.
    pub(super) count: u32,
    /// Distance in Å up to which all neighbours are known.
    pub(super) horizon: f32,
    /// Atomic number and distance in Å of the neighbours, sorted by both.
    pub(super) neighbours: Box<[(u8, f32)]>,
}

/// Computes surroundings, and reuses its buffers from crystal to crystal.
pub struct Surveyor {
    featuriser: Featuriser,
    neighbours: usize,
}

impl Surveyor {
    /// Creates a surveyor of so many nearest neighbours of every atom and those as far as the last, at most 1,024 and within
    /// 100 Å.
    pub fn new(neighbours: usize) -> Self {
        let options = FeatureOptions {
            neighbours: Neighbours::Nearest(neighbours),
            cutoff_angstrom: MAX_CUTOFF_ANGSTROM,
            ..FeatureOptions::default()
        };
        Self { featuriser: Featuriser::new(&options), neighbours }
    }

    /// Creates a surveyor of the thousand nearest neighbours, or of as many as a crystal of so many sites may have.
    pub fn far(sites: usize) -> Self {
        // Half of the edges are left for those as far as the last.
        Self::new((MAX_EDGES / 2 / sites.max(1)).clamp(NEAR, FAR))
    }

    /// Returns the surroundings of the atoms of a crystal.
    ///
    /// # Errors
    /// [`FeatureError`] for a crystal whose neighbours cannot be found, such as one of ten thousand sites, which has more of
    /// them than a crystal may have.
    pub fn survey(&mut self, structure: &Structure) -> Result<Environments, FeatureError> {
        let edges = &self.featuriser.featurise(structure)?.edges;
        let mut distinct: Vec<Site> = Vec::new();
        let mut edge = 0;
        for (index, &element) in structure.atomic_numbers.iter().enumerate() {
            let begin = edge;
            while edges.target.get(edge).is_some_and(|&target| target as usize == index) {
                edge += 1;
            }
            let sources =
                edges.source[begin..edge].iter().map(|&source| structure.atomic_numbers[source as usize]);
            let distances = edges.distance[begin..edge].iter().map(|&distance| distance as f32);
            let mut neighbours: Box<[(u8, f32)]> = sources.zip(distances).collect();
            neighbours.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            let horizon = match neighbours.len() {
                complete if complete >= self.neighbours => {
                    neighbours.iter().map(|neighbour| neighbour.1).fold(0.0, f32::max)
                }
                _ => MAX_CUTOFF_ANGSTROM as f32,
            };
            let site = Site { element, count: 1, horizon, neighbours };
            match distinct.iter_mut().find(|other| other.is_same(&site)) {
                Some(other) => other.count += 1,
                None => distinct.push(site),
            }
        }
        Ok(Environments { sites: structure.atomic_numbers.len(), distinct: distinct.into() })
    }
}

impl Environments {
    /// Number of bytes of the neighbours.
    pub(super) fn bytes(&self) -> usize {
        self.distinct.iter().map(|site| size_of_val(&*site.neighbours)).sum()
    }
}

impl Site {
    /// Whether a site of the same crystal has the same surroundings but for rounding.
    fn is_same(&self, other: &Self) -> bool {
        let same = |(a, b): (&(u8, f32), &(u8, f32))| a.0 == b.0 && (a.1 - b.1).abs() <= SAME_SITE * a.1;
        self.element == other.element
            && self.neighbours.len() == other.neighbours.len()
            && self.neighbours.iter().zip(&other.neighbours).all(same)
    }

    /// Whether a site of another crystal has the same surroundings: to neighbours of each element, in order of their
    /// distance, the distances differ by no more than `tolerance` of themselves. A neighbour that one of the two lists
    /// lacks must lie beyond what the other crystal's list reaches.
    pub(super) fn agrees(&self, other: &Self, tolerance: f32) -> bool {
        if self.element != other.element {
            return false;
        }
        let (mut ours, mut theirs) = (&*self.neighbours, &*other.neighbours);
        while let Some(element) = ours.iter().chain(theirs).map(|neighbour| neighbour.0).min() {
            let (mine, rest) = ours.split_at(ours.partition_point(|neighbour| neighbour.0 <= element));
            ours = rest;
            let (yours, rest) = theirs.split_at(theirs.partition_point(|neighbour| neighbour.0 <= element));
            theirs = rest;
            let close = |(a, b): (&(u8, f32), &(u8, f32))| (a.1 - b.1).abs() <= tolerance * a.1.max(b.1);
            let shared = mine.len().min(yours.len());
            let beyond = |left: &[(u8, f32)], horizon: f32| {
                left.first().is_none_or(|nearest| nearest.1 >= horizon * (1.0 - tolerance))
            };
            // The nearest of what is left decides, since the lists ascend.
            let complete = beyond(&mine[shared..], other.horizon) && beyond(&yours[shared..], self.horizon);
            if !complete || !mine.iter().zip(yours).all(close) {
                return false;
            }
        }
        true
    }
}
