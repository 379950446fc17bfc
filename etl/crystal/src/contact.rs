//! Detection of crystals with two atoms too close to each other.
//!
//! Atoms overlap if a cell is given in nm, a special position is rounded to two digits, disorder is not marked, or
//! symmetry operations are missing or applied twice. One such crystal can spoil the training of a model. A crystal is
//! therefore rejected if the distance of two sites is less than a given fraction of the sum of their covalent radii
//! ([`COVALENT_RADII_ANGSTROM`]).

use std::fmt;
use std::str::FromStr;

use crate::element::symbol;
use crate::feature::{Edges, FeatureError, FeatureOptions, Features, Neighbours, pairs_within};
use crate::math::determinant;
use crate::number::significant;
use crate::radius::COVALENT_RADII_ANGSTROM;
use crate::structure::Structure;

/// Upper bound, in Å, on the difference between distances in one shell. A shell has at most some thousand neighbours,
/// whose distances differ by at most a tie tolerance of 1e-4 Å each.
const WIDEST_SHELL_ANGSTROM: f64 = 0.2;

/// Smallest allowed distance between two sites, as a fraction of the sum of their covalent radii.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContactLimit {
    share: f64,
}

/// An error of a text that is not a valid fraction of the sum of two radii.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither 0 nor a positive number")]
pub struct ShareError;

/// An error of a crystal with a contact below the limit.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ContactError {
    /// The cell is too small for its atoms, so that some contact must be below the limit.
    #[error(
        "{atoms} atoms in a cell of {} Å³, {} Å³ an atom: even at {share} of their covalent radii they fill \
         {} Å³. Is the cell in nm, or its scale missing?",
        significant(*.volume), significant(*.volume / *.atoms as f64), significant(*.filled)
    )]
    Crowded {
        /// Number of atoms.
        atoms: usize,
        /// Volume of the unit cell in Å³.
        volume: f64,
        /// Total volume in Å³ of the atoms as spheres whose radii are the given fraction of their covalent radii.
        filled: f64,
        /// Fraction of the covalent radii.
        share: f64,
    },
    /// The distance of two sites is below the limit.
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
        /// Smallest allowed distance in Å.
        limit: f64,
        /// Fraction of the sum of the covalent radii.
        share: f64,
    },
    /// The distances of the sites cannot be searched.
    #[error(transparent)]
    Search(#[from] FeatureError),
}

impl ContactError {
    /// Returns a short stable name of the kind of error in snake_case.
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::Crowded { .. } => "degenerate_lattice",
            Self::TooNear { .. } => "impossible_contact",
            Self::Search(error) => error.reason_code(),
        }
    }
}

/// Two sites, by index and atomic number. The indices are equal if a site is too close to its own periodic image.
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

/// Returns the covalent radius of an element in Å, or 0 if there is no element with this atomic number.
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
    /// Default fraction of the sum of the covalent radii.
    ///
    /// It lies between the shortest contacts of real crystals and those of faulty files. The smallest ratio of a
    /// distance to the sum of the covalent radii is 0.607 (Nb-Nb) in 36,002 crystals of the Materials Project
    /// (`mp36k`), 0.612 (Pu-Pu) in 106,113 (`mp_gap`), 0.493 (N-Pd, 1.04 Å) in 18,127 of JARVIS, and 0.485 (a
    /// hydrogen atom located by X-rays) in 319 of the Crystallography Open Database. Sites of unmarked disorder have
    /// ratios from 0.304 upwards; two hydrogen atoms 0.22 Å apart have a ratio of 0.355.
    pub const DEFAULT_SHARE: f64 = 0.4;
    /// A limit that allows every contact.
    pub const NONE: Self = Self { share: 0.0 };

    /// Checks that the unit cell has room for its atoms, each taken as a sphere whose radius is the given fraction of
    /// its covalent radius.
    ///
    /// Spheres can overlap only if a contact is below the limit, so no crystal is rejected that
    /// [`ContactLimit::check`] would accept. No neighbour list is needed. That matters for a cell given in nm, where
    /// every atom has a thousand times too many neighbours.
    ///
    /// A cell whose volume is 0 or NaN passes this check; [`Featuriser`](crate::feature::Featuriser) rejects it.
    ///
    /// # Errors
    /// Returns [`ContactError::Crowded`] if there is no room.
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

    /// Checks the distances of all pairs of sites up to the cutoff. The error names the worst pair below the limit.
    ///
    /// For most crystals, checking the edges is enough. All pairs are searched if an atom may have a contact beyond
    /// the neighbours it keeps: if even the farthest of them is nearer than the limit for that atom and the largest
    /// atom of the crystal. That happens only with very few `neighbours` or a large fraction.
    ///
    /// # Errors
    /// Returns [`ContactError::TooNear`], or [`ContactError::Search`] if there are too many pairs to search.
    pub fn check(
        self,
        atomic_numbers: &[u8],
        features: &Features,
        options: &FeatureOptions,
    ) -> Result<(), ContactError> {
        let largest = atomic_numbers.iter().map(|&number| radius(number)).fold(0.0, f64::max);
        let widest = 2.0 * self.share * largest;
        // Most crystals have no two atoms that close, and need no look-up of radii.
        let clear = widest + WIDEST_SHELL_ANGSTROM;
        if options.neighbours != Neighbours::Nearest(0)
            && features.edges.distance.iter().all(|&distance| distance >= clear)
        {
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

    /// Checks the distances of the edges. The error names the worst one below the limit. Contacts that are not among
    /// the edges are not found.
    ///
    /// # Errors
    /// Returns [`ContactError::TooNear`] if there is a contact below the limit.
    fn check_edges(self, atomic_numbers: &[u8], edges: &Edges) -> Result<(), ContactError> {
        let radii: Vec<f64> = atomic_numbers.iter().map(|&number| radius(number)).collect();
        let radius_of = |site: u32| radii.get(site as usize).copied().unwrap_or(0.0);
        // In most crystals the edge is longer than the limit of its target and the largest atom, which saves half of
        // the look-ups.
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

    /// Whether an atom may have a contact below the limit that is not among the edges. `largest` is the largest
    /// covalent radius of the crystal in Å.
    fn may_miss_contacts(
        self,
        atomic_numbers: &[u8],
        edges: &Edges,
        options: &FeatureOptions,
        largest: f64,
    ) -> bool {
        let mut end = 0;
        let wanted = options.neighbours.wanted();
        wanted == 0
            || edges.target.chunk_by(|first, second| first == second).any(|edges_of_atom| {
                end += edges_of_atom.len();
                // An atom with fewer edges has no other neighbour within the cutoff.
                edges_of_atom.len() >= wanted && {
                    let radius = radius(number_of(atomic_numbers, edges_of_atom[0]));
                    edges.distance[end - 1] < self.share * (radius + largest) + WIDEST_SHELL_ANGSTROM
                }
            })
    }

    /// Returns the smallest allowed distance between two elements in Å.
    fn limit(self, [first, second]: [u8; 2]) -> f64 {
        self.share * (radius(first) + radius(second))
    }

    /// Returns the error of two sites at this distance in Å.
    fn too_near(self, atomic_numbers: &[u8], sites: [u32; 2], distance: f64) -> ContactError {
        let [first, second] = sites;
        let sites = [first.min(second), first.max(second)];
        let numbers = sites.map(|site| number_of(atomic_numbers, site));
        let contact = Contact { sites, atomic_numbers: numbers };
        ContactError::TooNear { contact, distance, limit: self.limit(numbers), share: self.share }
    }
}

/// Returns the atomic number of a site, or 0 if there is no such site.
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
