//! The edges of a store: which neighbours of an atom the extraction keeps.

use std::fmt;
use std::str::FromStr;

use schemas::settings::{FeatureSettings, Neighbours, SettingsError};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Radius of the search for nearest neighbours in Å.
const NEAREST_CUTOFF: f64 = 8.0;

/// Which neighbours of an atom a store holds as edges. Texts write `knn12` for the 12 nearest within 8 Å, and `r5` for
/// all within 5 Å. Whether neighbours as far as the twelfth are kept, too, is a setting of its own (`ties`; specification,
/// section 2.2), which weights remember with all others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Extraction {
    /// This many nearest neighbours within 8 Å.
    Nearest(u32),
    /// All neighbours within this radius in Å.
    Within(f64),
}

/// A text that is no extraction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be \"knn\" and a number of neighbours, such as \"knn12\", or \"r\" and a radius in Å, such as \"r5\""
)]
pub struct NotAnExtraction;

impl Extraction {
    /// Returns the radius of the search in Å.
    pub fn cutoff_angstrom(self) -> f64 {
        match self {
            Self::Nearest(_) => NEAREST_CUTOFF,
            Self::Within(radius) => radius,
        }
    }

    /// Checks that a store has these edges.
    ///
    /// # Errors
    /// [`SettingsError::Mismatch`] for a store with others.
    pub fn require(self, found: &FeatureSettings) -> Result<(), SettingsError> {
        let neighbours = match self {
            Self::Nearest(count) => Neighbours::Nearest(count as usize),
            Self::Within(_) => Neighbours::All,
        };
        let cutoff_angstrom = self.cutoff_angstrom();
        FeatureSettings { neighbours, cutoff_angstrom, ..found.clone() }.require(found)
    }
}

impl fmt::Display for Extraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nearest(count) => write!(f, "knn{count}"),
            Self::Within(radius) => write!(f, "r{radius}"),
        }
    }
}

impl FromStr for Extraction {
    type Err = NotAnExtraction;

    fn from_str(text: &str) -> Result<Self, NotAnExtraction> {
        let nearest =
            text.strip_prefix("knn").and_then(|count| count.parse().ok()).filter(|&count| count > 0);
        let within = || text.strip_prefix('r').and_then(|radius| radius.parse::<f64>().ok());
        let valid = |radius: &f64| radius.is_finite() && *radius > 0.0;
        nearest.map(Self::Nearest).or_else(|| within().filter(valid).map(Self::Within)).ok_or(NotAnExtraction)
    }
}

impl Serialize for Extraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Extraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use schemas::settings::Ties;

    use super::*;

    #[test]
    fn extractions_are_read_as_they_are_written() {
        let extractions = [
            ("knn12", Extraction::Nearest(12)),
            ("knn32", Extraction::Nearest(32)),
            ("r5", Extraction::Within(5.0)),
            ("r4.5", Extraction::Within(4.5)),
        ];
        for (text, extraction) in extractions {
            assert_eq!(text.parse(), Ok(extraction));
            assert_eq!(extraction.to_string(), text);
        }
        for text in ["", "knn", "knn0", "knn-1", "knn1.5", "r", "r0", "r-5", "rinf", "rnan", "12"] {
            assert_eq!(text.parse::<Extraction>(), Err(NotAnExtraction), "{text}");
        }
        let store = FeatureSettings::default();
        assert!(Extraction::Nearest(12).require(&store).is_ok());
        let cut = FeatureSettings { ties: Ties::Cut, ..store.clone() };
        assert!(Extraction::Nearest(12).require(&cut).is_ok(), "the rule for ties is the store's");
        for other in [Extraction::Nearest(32), Extraction::Within(8.0), Extraction::Within(5.0)] {
            assert!(matches!(other.require(&store), Err(SettingsError::Mismatch { .. })), "{other}");
        }
        assert_eq!(Extraction::Nearest(32).cutoff_angstrom(), 8.0);
        assert_eq!(Extraction::Within(4.5).cutoff_angstrom(), 4.5);
    }
}
