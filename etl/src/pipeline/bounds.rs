//! Limits for single crystals.

use crystal::contact::ContactLimit;

use super::error::BuildError;

/// Default largest number of sites of a crystal. The features of such a crystal take about 4 MB.
pub const DEFAULT_MAX_SITES: usize = 10_000;

/// Limits for a crystal that are checked before or right after computing its features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Largest number of sites.
    pub max_sites: usize,
    /// Smallest allowed distance of two sites, as a share of the sum of their covalent radii.
    pub min_contact: ContactLimit,
    /// Whether a crystal is rejected if an atom has no neighbour within the cutoff.
    pub reject_isolated: bool,
    /// Smallest volume of the unit cell in Å³.
    pub min_volume: f64,
    /// Smallest distance between two atoms, in Å.
    pub min_distance: f64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            max_sites: DEFAULT_MAX_SITES,
            min_contact: ContactLimit::default(),
            reject_isolated: false,
            min_volume: 0.0,
            min_distance: 0.0,
        }
    }
}

impl Bounds {
    /// Checks the numbers.
    ///
    /// # Errors
    /// Returns [`BuildError::Option`] unless at least one site is allowed, and the smallest volume and distance are finite and
    /// not negative.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        let refuse = |option, value: String, problem: &str| {
            Err(BuildError::Option { option, value, problem: problem.to_owned() })
        };
        if self.max_sites == 0 {
            return refuse("max_sites", "0".to_owned(), "must be at least 1");
        }
        for (option, least) in [("min_volume", self.min_volume), ("min_distance", self.min_distance)] {
            if !(least >= 0.0 && least.is_finite()) {
                return refuse(option, least.to_string(), "must be 0 or a positive number");
            }
        }
        Ok(())
    }

    /// Returns all limits as options of the manifest.
    pub(crate) fn options(&self) -> [(String, String); 5] {
        [
            ("max_sites", self.max_sites.to_string()),
            ("min_contact", self.min_contact.to_string()),
            ("reject_isolated", self.reject_isolated.to_string()),
            ("min_volume", self.min_volume.to_string()),
            ("min_distance", self.min_distance.to_string()),
        ]
        .map(|(option, value)| (option.to_owned(), value))
    }
}
