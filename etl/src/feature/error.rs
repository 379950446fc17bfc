//! Why a crystal has no features.

use schemas::limits::LimitError;

use crate::number::{exact, significant};

/// A crystal that cannot be featurised; ends as a row of the rejects table.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
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
    /// A component of a cell vector is infinite or not a number.
    #[error("cell vector {row} has the component {value}")]
    NonFiniteLattice {
        /// Which cell vector, 0..3.
        row: usize,
        /// The component.
        value: f64,
    },
    /// A fractional coordinate is infinite, not a number or too large to be taken into the cell.
    #[error("site {site} has the fractional coordinate {}, which cannot be taken into the cell", exact(*.value))]
    NonFiniteCoordinate {
        /// Index of the site.
        site: usize,
        /// The coordinate.
        value: f64,
    },
    /// The cell vectors span no volume, or one that no crystal can have.
    #[error(
        "the cell is degenerate: volume {} Å³, shortest lattice vector {} Å",
        significant(*.volume), significant(*.shortest)
    )]
    DegenerateLattice {
        /// Volume in Å³.
        volume: f64,
        /// Length of the shortest lattice vector met, in Å.
        shortest: f64,
    },
    /// The Niggli reduction did not end.
    #[error("the Niggli reduction did not converge in {steps} steps (volume {} Å³)", significant(*.volume))]
    NiggliNotConverged {
        /// Steps taken.
        steps: usize,
        /// Volume of the cell in Å³.
        volume: f64,
    },
    /// The given basis is so skewed that the change of basis has no 32-bit entries.
    #[error("the cell is too skewed: its Niggli transformation needs the entry {entry}")]
    TransformOverflow {
        /// The entry that does not fit.
        entry: i64,
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
    /// The crystal has more of something than a store may hold.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

impl FeatureError {
    /// Short stable name of the kind of error, for the rejects table.
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::NoSites => "no_sites",
            Self::TooManySites { .. } => "too_many_sites",
            Self::NonFiniteLattice { .. } => "non_finite_lattice",
            Self::NonFiniteCoordinate { .. } => "non_finite_coordinate",
            Self::DegenerateLattice { .. } => "degenerate_lattice",
            Self::NiggliNotConverged { .. } => "niggli_not_converged",
            Self::TransformOverflow { .. } => "transform_overflow",
            Self::ImageOverflow { .. } => "image_overflow",
            Self::TooManyImages { .. } => "too_many_images",
            Self::CoincidentSites { .. } => "coincident_sites",
            Self::ShellTooLarge { .. } => "shell_too_large",
            Self::Limit(LimitError::Sites { .. }) => "too_many_sites",
            Self::Limit(LimitError::Edges { .. }) => "too_many_edges",
            Self::Limit(LimitError::Pairs { .. }) => "too_many_triplets",
        }
    }
}
