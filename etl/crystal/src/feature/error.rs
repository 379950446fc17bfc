//! Why a crystal has no features.

use super::options::MAX_EDGES;
use crate::niggli::NiggliError;
use crate::number::{exact, significant};

/// A crystal that has no features.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// The structure holds no site at all.
    #[error("the structure has no sites")]
    NoSites,
    /// More sites than a 32-bit index can name.
    #[error("the structure has {sites} sites, more than can be numbered")]
    TooManySites {
        /// Number of sites.
        sites: usize,
    },
    /// The lattice has no Niggli cell.
    #[error(transparent)]
    Lattice(#[from] NiggliError),
    /// A fractional coordinate is infinite, not a number or too large to be taken into the cell.
    #[error("site {site} has the fractional coordinate {}, which cannot be taken into the cell", exact(*.value))]
    NonFiniteCoordinate {
        /// Index of the site.
        site: usize,
        /// The coordinate.
        value: f64,
    },
    /// A neighbour lies more cells away than a 16-bit image index can count.
    #[error("a neighbour of site {site} lies {} cells away, beyond the range of an image index", exact(*.image))]
    ImageOverflow {
        /// Index of the neighbour's site.
        site: usize,
        /// Number of cells along one axis.
        image: f64,
    },
    /// The sites are so many and so close that their images within reach cannot be listed.
    #[error("{atoms} atoms are within reach of the cell, too many for a crystal")]
    TooManyImages {
        /// Number of image atoms, at least.
        atoms: u64,
    },
    /// Two sites are in one place.
    #[error("sites {first} and {second} coincide: they are {} Å apart", significant(*.distance))]
    CoincidentSites {
        /// Index of one site.
        first: usize,
        /// Index of the other.
        second: usize,
        /// Their distance in Å.
        distance: f64,
    },
    /// So many sites are at much the same distance that a shell of them has no end.
    #[error("site {site} has over {neighbours} neighbours in its nearest shells, no crystal has")]
    ShellTooLarge {
        /// Index of the site.
        site: usize,
        /// Neighbours counted.
        neighbours: usize,
    },
    /// The crystal has more than [`MAX_EDGES`] edges.
    #[error("more than {MAX_EDGES} edges, {count} were counted")]
    TooManyEdges {
        /// How many were counted, which may not be all.
        count: usize,
    },
}

impl FeatureError {
    /// Short stable name of the kind of error, in snake_case.
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::NoSites => "no_sites",
            Self::TooManySites { .. } => "too_many_sites",
            Self::Lattice(error) => error.reason_code(),
            Self::NonFiniteCoordinate { .. } => "non_finite_coordinate",
            Self::ImageOverflow { .. } => "image_overflow",
            Self::TooManyImages { .. } => "too_many_images",
            Self::CoincidentSites { .. } => "coincident_sites",
            Self::ShellTooLarge { .. } => "shell_too_large",
            Self::TooManyEdges { .. } => "too_many_edges",
        }
    }
}
