//! Rejection of crystals with two atoms too close to each other.
//!
//! A cell in nm, a special position rounded to two digits, unmarked disorder, and symmetry operations that
//! are missing or applied twice all make atoms overlap. One such crystal is enough to spoil the training of
//! a model, so a crystal is rejected if two of its sites are nearer to each other than a share of the sum of
//! their covalent radii.

use std::fmt;
use std::str::FromStr;

use crate::element::symbol;
use crate::feature::{Edges, FeatureError, FeatureOptions, Features, pairs_within};
use crate::math::determinant;
use crate::number::significant;
use crate::radius::COVALENT_RADII_ANGSTROM;
use crate::structure::Structure;

/// Distances in Å of the neighbours in one shell of ties differ by less than this: shells have some thousand
/// neighbours at most, a tie tolerance of 1e-4 Å apart.
const WIDEST_SHELL_ANGSTROM: f64 = 0.2;

/// Smallest distance allowed between two sites, as a share of the sum of their covalent radii.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContactLimit {
    share: f64,
}

/// A text that is not a share of the sum of two radii.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither 0 nor a positive number")]
pub struct ShareError;

/// Error of a crystal with a contact below the limit.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ContactError {
    /// The cell is too small for its atoms, so that some contact must be impossible.
    #[error(
        "{atoms} atoms in a cell of {} Å³, {} Å³ an atom: even at {share} of their covalent radii they fill \
         {} Å³. Is the cell in nm, or its scale missing?",
        significant(*.volume), significant(*.volume / *.atoms as f64), significant(*.filled)
    )]
    Crowded {
        /// Number of atoms.
        atoms: usize,
        /// Volume of the cell in Å³.
        volume: f64,
        /// Volume in Å³ of the atoms as spheres, whose radii are the share of the covalent ones.
        filled: f64,
        /// Share of the covalent radii.
        share: f64,
    },
    /// Two sites are nearer to each other than the limit.
    #[error(
        "{contact} are {} Å apart, less than {share} of the sum of their covalent radii ({} Å): rounded \
         special positions, unmarked disorder, missing symmetry operations or a cell in another unit",
        significant(*.distance), significant(*.limit)
    )]
    TooNear {
        /// The two sites.
        contact: Contact,
        /// Their distance in Å.
        distance: f64,
        /// Smallest distance allowed, in Å.
        limit: f64,
        /// Share of the sum of the covalent radii.
        share: f64,
    },
    /// The pairs of sites cannot be searched.
    #[error(transparent)]
    Search(#[from] FeatureError),
}

impl ContactError {
    /// Short stable name of the kind of error, in snake_case.
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::Crowded { .. } => "degenerate_lattice",
            Self::TooNear { .. } => "impossible_contact",
            Self::Search(error) => error.reason_code(),
        }
    }
}

/// Two sites, by index and atomic number. The indices are equal if a site is too near to its own image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// Indices of the sites, the smaller one first.
    pub sites: [u32; 2],
    /// Their atomic numbers.
    pub atomic_numbers: [u8; 2],
}

impl fmt::Display for Contact {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.sites;
        let [first_symbol, second_symbol] = self.atomic_numbers.map(symbol);
        if first == second {
            write!(formatter, "site {first} ({first_symbol}) and its own image")
        } else {
            write!(formatter, "sites {first} ({first_symbol}) and {second} ({second_symbol})")
        }
    }
}

/// Covalent radius of an element in Å; 0 if no element has the number.
#[inline]
fn radius(atomic_number: u8) -> f64 {
    COVALENT_RADII_ANGSTROM.get(usize::from(atomic_number)).copied().unwrap_or(0.0)
}

impl Default for ContactLimit {
    fn default() -> Self {
        Self { share: Self::DEFAULT_SHARE }
    }
}

impl ContactLimit {
    /// Default share.
    ///
    /// It lies between the shortest contacts of real crystals and those of faulty files. The smallest ratio of a
    /// distance to the sum of the covalent radii is 0.607 (Nb-Nb) in 36,002 crystals of the Materials Project
    /// (`mp36k`), 0.612 (Pu-Pu) in 106,113 (`mp_gap`), 0.493 (N-Pd, 1.04 Å) in 18,127 of JARVIS, and 0.485 (a
    /// hydrogen atom located by X-rays) in 319 of the Crystallography Open Database. Sites of unmarked disorder
    /// have ratios from 0.304 on, two hydrogen atoms 0.22 Å apart one of 0.355.
    pub const DEFAULT_SHARE: f64 = 0.4;
    /// The limit that allows every contact.
    pub const NONE: Self = Self { share: 0.0 };

    /// Checks that the cell has room for its atoms, each a sphere whose radius is the share of its covalent
    /// radius.
    ///
    /// Spheres overlap only if a contact is below the limit, so this rejects no crystal that
    /// [`ContactLimit::check`] would accept. It needs no neighbour search, which takes long in a cell given in
    /// nm: each atom has a thousand times too many neighbours there.
    ///
    /// A cell whose volume is 0 or not a number passes; the features reject it.
    ///
    /// # Errors
    /// [`ContactError::Crowded`].
    pub fn check_room(self, structure: &Structure) -> Result<(), ContactError> {
        const UNIT_SPHERE: f64 = 4.0 / 3.0 * std::f64::consts::PI;
        let Self { share } = self;
        let volume = determinant(&structure.lattice).abs();
        let cubes: f64 = structure.atomic_numbers.iter().map(|&number| radius(number).powi(3)).sum();
        let filled = UNIT_SPHERE * share.powi(3) * cubes;
        if volume > 0.0 && volume < filled {
            let atoms = structure.atomic_numbers.len();
            return Err(ContactError::Crowded { atoms, volume, filled, share });
        }
        Ok(())
    }

    /// Checks the distances of all pairs of sites up to the cutoff, and names the worst one below the limit.
    ///
    /// The edges are enough for most crystals. All pairs are searched if an atom may have a contact beyond the
    /// neighbours it keeps, because even the farthest of them is nearer than the limit of that atom and the
    /// largest one of the crystal. That takes very few `neighbours` or a large share.
    ///
    /// # Errors
    /// [`ContactError::TooNear`], and [`ContactError::Search`] if there are too many pairs to search.
    pub fn check(
        self,
        atomic_numbers: &[u8],
        features: &Features,
        options: &FeatureOptions,
    ) -> Result<(), ContactError> {
        let largest = atomic_numbers.iter().map(|&number| radius(number)).fold(0.0, f64::max);
        let widest = 2.0 * self.share * largest;
        // Most crystals have no two atoms so near each other, and need no look at single elements.
        let clear = widest + WIDEST_SHELL_ANGSTROM;
        if options.neighbours > 0 && features.edges.distance.iter().all(|&distance| distance >= clear) {
            return Ok(());
        }
        self.check_edges(atomic_numbers, &features.edges)?;
        let reach = widest.min(options.cutoff_angstrom);
        if reach <= 0.0 || !self.may_miss_contacts(atomic_numbers, &features.edges, options, largest) {
            return Ok(());
        }
        let mut worst: Option<(f64, ContactError)> = None;
        pairs_within(features, reach, |target, source, distance| {
            let numbers = [source, target].map(|site| number_of(atomic_numbers, site));
            let limit = self.limit(numbers);
            if distance < limit && worst.as_ref().is_none_or(|(least, _)| distance / limit < *least) {
                worst = Some((distance / limit, self.too_near(atomic_numbers, [source, target], distance)));
            }
        })?;
        worst.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Checks the distances of the edges, and names the worst one below the limit. Contacts that are no edges
    /// are not seen.
    ///
    /// # Errors
    /// [`ContactError::TooNear`].
    pub fn check_edges(self, atomic_numbers: &[u8], edges: &Edges) -> Result<(), ContactError> {
        let radii: Vec<f64> = atomic_numbers.iter().map(|&number| radius(number)).collect();
        let radius_of = |site: u32| radii.get(site as usize).copied().unwrap_or(0.0);
        // Most crystals are far from the limit of a site and the largest atom: half of the look-ups.
        let largest = radii.iter().copied().fold(0.0, f64::max);
        let mut nearest = edges.target.iter().zip(&edges.distance);
        if nearest.all(|(&target, &distance)| distance >= self.share * (radius_of(target) + largest)) {
            return Ok(());
        }
        let limit =
            |edge: usize| self.share * (radius_of(edges.source[edge]) + radius_of(edges.target[edge]));
        let ratio = |&edge: &usize| edges.distance[edge] / limit(edge);
        let below = (0..edges.len()).filter(|&edge| edges.distance[edge] < limit(edge));
        let Some(worst) = below.min_by(|first, second| ratio(first).total_cmp(&ratio(second))) else {
            return Ok(());
        };
        let sites = [edges.source[worst], edges.target[worst]];
        Err(self.too_near(atomic_numbers, sites, edges.distance[worst]))
    }

    /// Returns whether an atom may have a contact below the limit that is not one of the edges. `largest` is the
    /// largest covalent radius in Å.
    fn may_miss_contacts(
        self,
        atomic_numbers: &[u8],
        edges: &Edges,
        options: &FeatureOptions,
        largest: f64,
    ) -> bool {
        let mut end = 0;
        options.neighbours == 0
            || edges.target.chunk_by(|first, second| first == second).any(|edges_of_atom| {
                end += edges_of_atom.len();
                // An atom with fewer edges has no other neighbour within the cutoff.
                edges_of_atom.len() >= options.neighbours && {
                    let radius = radius(number_of(atomic_numbers, edges_of_atom[0]));
                    edges.distance[end - 1] < self.share * (radius + largest) + WIDEST_SHELL_ANGSTROM
                }
            })
    }

    /// Smallest distance in Å allowed between two elements.
    fn limit(self, [first, second]: [u8; 2]) -> f64 {
        self.share * (radius(first) + radius(second))
    }

    /// The error of two sites that are this distance in Å apart.
    fn too_near(self, atomic_numbers: &[u8], sites: [u32; 2], distance: f64) -> ContactError {
        let [first, second] = sites;
        let sites = [first.min(second), first.max(second)];
        let numbers = sites.map(|site| number_of(atomic_numbers, site));
        let contact = Contact { sites, atomic_numbers: numbers };
        ContactError::TooNear { contact, distance, limit: self.limit(numbers), share: self.share }
    }
}

/// Atomic number of a site; 0 if there is no such site.
fn number_of(atomic_numbers: &[u8], site: u32) -> u8 {
    atomic_numbers.get(site as usize).copied().unwrap_or_default()
}

impl fmt::Display for ContactLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.share.fmt(formatter)
    }
}

impl FromStr for ContactLimit {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let share: f64 = text.parse().map_err(|_| ShareError)?;
        if share >= 0.0 && share.is_finite() { Ok(Self { share }) } else { Err(ShareError) }
    }
}

#[cfg(test)]
mod tests;
