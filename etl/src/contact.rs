//! Contacts that no crystal has.
//!
//! A cell in nm, a special position rounded to two digits, disorder that is not marked as such, symmetry
//! operations that are missing or applied twice: all of them put atoms into each other. One such crystal
//! is enough to spoil the training of a model, so whatever lies nearer than a share of the sum of two
//! covalent radii is rejected.

use std::fmt;
use std::str::FromStr;

use crate::element::symbol;
use crate::feature::Edges;
use crate::math::determinant;
use crate::number::significant;
use crate::radius::COVALENT_RADII_ANGSTROM;
use crate::structure::Structure;

/// Least distance of two sites, relative to the sum of their covalent radii.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContactLimit {
    share: f64,
}

/// A share of the sum of two radii that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither 0 nor a positive number")]
pub struct ShareError;

/// A crystal with a contact below the limit; ends as a row of the rejects table.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
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
        /// Volume in Å³ of spheres with the share of the atoms' covalent radii.
        filled: f64,
        /// The share.
        share: f64,
    },
    /// Two sites are nearer than any two atoms.
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
        /// The least distance they may have, in Å.
        limit: f64,
        /// The share.
        share: f64,
    },
}

impl ContactError {
    /// Short stable name of the kind of error, for the rejects table.
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::Crowded { .. } => "degenerate_lattice",
            Self::TooNear { .. } => "impossible_contact",
        }
    }
}

/// Two sites by index and atomic number; one site and its own image have equal indices.
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

/// Covalent radius of an element in Å, 0 for a number that none has.
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
    /// The share unless asked for otherwise.
    ///
    /// Measured as the least ratio of each crystal: 0.607 (Nb-Nb) in 36,002 cells of the Materials Project,
    /// 0.612 (Pu-Pu) in 106,113, 0.493 (N-Pd 1.04 Å) in 18,127 of JARVIS, 0.485 (an H atom from X-rays) in 319
    /// of the Crystallography Open Database; below that, there, the sites of unmarked disorder from 0.304 on.
    /// Two hydrogen atoms 0.22 Å apart have 0.355.
    pub const DEFAULT_SHARE: f64 = 0.4;
    /// Any contact is possible.
    pub const NONE: Self = Self { share: 0.0 };

    /// Refuses a cell with less volume than its atoms fill as spheres of the share of their radii. Where
    /// all contacts keep the limit these spheres do not overlap, so that nothing is refused here which
    /// [`ContactLimit::check_edges`] would not refuse; but no neighbour needs to be found for it, of which
    /// a cell in nm has a thousand times too many.
    ///
    /// A volume of 0 or none at all is a fault of the cell, not of its contacts.
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

    /// Refuses a crystal with an edge below the limit, and names its worst one.
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
        let (source, target) = (edges.source[worst], edges.target[worst]);
        let sites = [source.min(target), source.max(target)];
        let number = |site: u32| atomic_numbers.get(site as usize).copied().unwrap_or_default();
        let contact = Contact { sites, atomic_numbers: sites.map(number) };
        let (distance, limit) = (edges.distance[worst], limit(worst));
        Err(ContactError::TooNear { contact, distance, limit, share: self.share })
    }
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
