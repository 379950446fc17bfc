//! Errors of computing features.

use super::options::MAX_EDGES;
use crate::niggli::NiggliError;
use crate::number::{exact, significant};

/// An error of computing the features of a crystal.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// The structure has no sites.
    #[error("the structure has no sites")]
    NoSites,
    /// The number of sites exceeds a 32-bit index.
    #[error("the structure has {sites} sites, more than can be numbered")]
    TooManySites {
        /// Number of sites.
        sites: usize,
    },
    /// The lattice cannot be reduced.
    #[error(transparent)]
    Lattice(#[from] NiggliError),
    /// A fractional coordinate is infinite, NaN or too large to be wrapped into the unit cell.
    #[error("site {site} has the fractional coordinate {}, which cannot be taken into the cell", exact(*.value))]
    NonFiniteCoordinate {
        /// Index of the site.
        site: usize,
        /// The coordinate.
        value: f64,
    },
    /// The periodic image of a neighbour exceeds the range of 16 bits.
    #[error("a neighbour of site {site} lies {} cells away, beyond the range of an image index", exact(*.image))]
    ImageOverflow {
        /// Index of the neighbour's site.
        site: usize,
        /// The image component.
        image: f64,
    },
    /// There are too many periodic images of atoms within the search radius.
    #[error("{atoms} atoms are within reach of the cell, too many for a crystal")]
    TooManyImages {
        /// Lower bound on the number of atoms in all images.
        atoms: u64,
    },
    /// Two sites coincide.
    #[error("sites {first} and {second} coincide: they are {} Å apart", significant(*.distance))]
    CoincidentSites {
        /// Index of the first site.
        first: usize,
        /// Index of the second site.
        second: usize,
        /// Their distance in Å.
        distance: f64,
    },
    /// The shell of a site's last neighbour holds too many sites.
    #[error("site {site} has over {neighbours} neighbours in its nearest shells, no crystal has")]
    ShellTooLarge {
        /// Index of the site.
        site: usize,
        /// Number of neighbours counted.
        neighbours: usize,
    },
    /// The crystal has more than [`MAX_EDGES`] edges.
    #[error("more than {MAX_EDGES} edges, {count} were counted")]
    TooManyEdges {
        /// Number of edges counted. Counting may have stopped early.
        count: usize,
    },
}

impl FeatureError {
    /// Returns a short stable name of the kind of error in snake_case.
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
