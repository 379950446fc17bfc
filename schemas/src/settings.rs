//! Settings that the features of a store are computed with.
//!
//! They are stored in the key-value metadata of every shard and in the manifest. A reader that requires other
//! settings refuses the store and names the first setting that differs.

mod neighbours;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use neighbours::{Neighbours, NeighboursError};

/// Largest length of an edge (specification, section 2.2), in Å.
pub const DEFAULT_CUTOFF_ANGSTROM: f64 = 8.0;
/// Largest allowed cutoff, in Å. It is ten times the usual cutoff of interatomic potentials.
pub const MAX_CUTOFF_ANGSTROM: f64 = 100.0;
/// Largest allowed number of nearest neighbours for each centre atom.
pub const MAX_NEIGHBOURS: usize = 1024;
/// Number of nearest neighbours kept for each centre atom (specification, section 2.3).
pub const DEFAULT_NEIGHBOURS: usize = 12;
/// Largest gap between successive distances within one shell of neighbours (specification, section 2.3), in Å.
pub const DEFAULT_TIE_TOLERANCE_ANGSTROM: f64 = 1e-4;
/// Fractional coordinates of at least 1 minus this tolerance are wrapped to just below zero (specification, section
/// 2.1).
pub const DEFAULT_WRAP_TOLERANCE: f64 = 1e-6;
/// Tolerance of the Niggli reduction relative to `V^(2/3)` (specification, section 2.1). The product is in Å².
pub const DEFAULT_NIGGLI_EPSILON: f64 = 1e-5;
/// A centred label is 0 along an axis if the absolute fractional displacement is at most 1/2 plus this tolerance
/// (specification, section 2.4).
pub const DEFAULT_CENTRED_TOLERANCE: f64 = 1e-4;

/// Rule for neighbours that tie with the last one kept (specification, section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ties {
    /// Keep the whole shell of the last neighbour. The result does not depend on the choice of unit cell.
    #[default]
    Shell,
    /// Keep exactly the number of [`FeatureSettings::neighbours`], the first in the canonical order.
    Cut,
}

impl fmt::Display for Ties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ties::Shell => "shell",
            Ties::Cut => "cut",
        })
    }
}

impl FromStr for Ties {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "shell" => Ok(Ties::Shell),
            "cut" => Ok(Ties::Cut),
            other => Err(format!("'{other}' is neither 'shell' nor 'cut'")),
        }
    }
}

/// All settings that the features depend on (specification, section 2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSettings {
    /// Cutoff radius of the neighbour list, in Å.
    pub cutoff_angstrom: f64,
    /// Neighbours kept for each centre atom.
    pub neighbours: Neighbours,
    /// Rule for neighbours that tie with the last one kept. [`Ties::Shell`] where all are kept.
    pub ties: Ties,
    /// Largest gap between successive distances within one shell, in Å.
    pub tie_tolerance_angstrom: f64,
    /// Tolerance for wrapping fractional coordinates into the unit cell.
    pub wrap_tolerance: f64,
    /// Tolerance of the Niggli reduction relative to `V^(2/3)`.
    pub niggli_epsilon: f64,
    /// Tolerance of the centred labels, in fractions of a lattice vector.
    pub centred_tolerance: f64,
}

impl Default for FeatureSettings {
    fn default() -> Self {
        Self {
            cutoff_angstrom: DEFAULT_CUTOFF_ANGSTROM,
            neighbours: Neighbours::Nearest(DEFAULT_NEIGHBOURS),
            ties: Ties::default(),
            tie_tolerance_angstrom: DEFAULT_TIE_TOLERANCE_ANGSTROM,
            wrap_tolerance: DEFAULT_WRAP_TOLERANCE,
            niggli_epsilon: DEFAULT_NIGGLI_EPSILON,
            centred_tolerance: DEFAULT_CENTRED_TOLERANCE,
        }
    }
}

/// An error of a setting that is missing, invalid or different from the one required.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The key is missing in the metadata.
    #[error("metadata key '{key}' is missing: this is not a shard of a feature store")]
    Missing {
        /// Name of the metadata key.
        key: String,
    },
    /// The value cannot be parsed.
    #[error("metadata key '{key}' holds '{value}', which is not {expected}")]
    Unreadable {
        /// Name of the metadata key.
        key: String,
        /// The value found.
        value: String,
        /// The form of a valid value.
        expected: &'static str,
    },
    /// The value is out of range.
    #[error("{key} = {value} must be {expected}")]
    Range {
        /// Name of the setting.
        key: &'static str,
        /// The value found.
        value: String,
        /// The allowed range.
        expected: String,
    },
    /// The store was built with another value.
    #[error("the store has {key} = {found}, but {expected} is needed")]
    Mismatch {
        /// Name of the metadata key.
        key: String,
        /// The store's value.
        found: String,
        /// The reader's value.
        expected: String,
        /// All settings of the reader.
        wanted: Box<FeatureSettings>,
    },
}

/// Prefix of all metadata keys of this project.
pub const METADATA_PREFIX: &str = "mmpt.";

impl FeatureSettings {
    /// Returns the settings as `(key, value)` pairs in a fixed order. Numbers are in the shortest form that parses to
    /// the same double.
    pub fn to_metadata(&self) -> Vec<(String, String)> {
        [
            ("cutoff_angstrom", self.cutoff_angstrom.to_string()),
            ("neighbours", self.neighbours.to_string()),
            ("ties", self.ties.to_string()),
            ("tie_tolerance_angstrom", self.tie_tolerance_angstrom.to_string()),
            ("wrap_tolerance", self.wrap_tolerance.to_string()),
            ("niggli_epsilon", self.niggli_epsilon.to_string()),
            ("centred_tolerance", self.centred_tolerance.to_string()),
        ]
        .into_iter()
        .map(|(key, value)| (format!("{METADATA_PREFIX}{key}"), value))
        .collect()
    }

    /// Reads the settings from the key-value metadata of a file.
    ///
    /// # Errors
    /// Returns [`SettingsError::Missing`], [`SettingsError::Unreadable`] or [`SettingsError::Range`], which name the
    /// key.
    pub fn from_metadata(metadata: &HashMap<String, String>) -> Result<Self, SettingsError> {
        let settings = Self {
            cutoff_angstrom: parse(metadata, "cutoff_angstrom", "a number")?,
            neighbours: parse(metadata, "neighbours", "a whole number or 'all'")?,
            ties: parse(metadata, "ties", "'shell' or 'cut'")?,
            tie_tolerance_angstrom: parse(metadata, "tie_tolerance_angstrom", "a number")?,
            wrap_tolerance: parse(metadata, "wrap_tolerance", "a number")?,
            niggli_epsilon: parse(metadata, "niggli_epsilon", "a number")?,
            centred_tolerance: parse(metadata, "centred_tolerance", "a number")?,
        };
        settings.check()?;
        Ok(settings)
    }

    /// Checks that every setting is in its range.
    ///
    /// # Errors
    /// Returns [`SettingsError::Range`] for the first one that is not.
    pub fn check(&self) -> Result<(), SettingsError> {
        let refuse = |key, value: &dyn fmt::Display, expected: String| {
            Err(SettingsError::Range { key, value: value.to_string(), expected })
        };
        let cutoff = self.cutoff_angstrom;
        if !(cutoff > 0.0 && cutoff <= MAX_CUTOFF_ANGSTROM) {
            let expected = format!("above 0 and at most {MAX_CUTOFF_ANGSTROM} Å");
            return refuse("cutoff_angstrom", &cutoff, expected);
        }
        match self.neighbours {
            Neighbours::Nearest(1..=MAX_NEIGHBOURS) => {}
            Neighbours::Nearest(_) => {
                return refuse("neighbours", &self.neighbours, format!("1 to {MAX_NEIGHBOURS}"));
            }
            // So that stores of the same edges have the same settings.
            Neighbours::All if self.ties != Ties::Shell => {
                return refuse("ties", &self.ties, format!("{} where all neighbours are kept", Ties::Shell));
            }
            Neighbours::All => {}
        }
        for (key, tolerance) in [
            ("tie_tolerance_angstrom", self.tie_tolerance_angstrom),
            ("wrap_tolerance", self.wrap_tolerance),
            ("niggli_epsilon", self.niggli_epsilon),
            ("centred_tolerance", self.centred_tolerance),
        ] {
            if !(0.0..=1.0).contains(&tolerance) {
                return refuse(key, &tolerance, "0 to 1".to_owned());
            }
        }
        Ok(())
    }

    /// Checks that the settings `found` in a store equal these settings.
    ///
    /// # Errors
    /// Returns [`SettingsError::Mismatch`] for the first setting that differs.
    pub fn require(&self, found: &Self) -> Result<(), SettingsError> {
        for ((key, expected), (_, found)) in self.to_metadata().into_iter().zip(found.to_metadata()) {
            if expected != found {
                let key = key[METADATA_PREFIX.len()..].to_owned();
                let wanted = Box::new(self.clone());
                return Err(SettingsError::Mismatch { key, found, expected, wanted });
            }
        }
        Ok(())
    }
}

/// Reads and parses the value of `mmpt.<key>`.
fn parse<T: FromStr>(
    metadata: &HashMap<String, String>,
    key: &str,
    expected: &'static str,
) -> Result<T, SettingsError> {
    let key = format!("{METADATA_PREFIX}{key}");
    let value = metadata.get(&key).ok_or_else(|| SettingsError::Missing { key: key.clone() })?;
    value.parse().map_err(|_| SettingsError::Unreadable { key, value: value.clone(), expected })
}

#[cfg(test)]
mod tests {
    use proptest::num::f64::{NORMAL, SUBNORMAL};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn metadata_round_trip_is_exact() {
        let cut = FeatureSettings { cutoff_angstrom: 0.1 + 0.2, ties: Ties::Cut, ..Default::default() };
        let all = FeatureSettings { neighbours: Neighbours::All, ..Default::default() };
        for settings in [cut, all] {
            let metadata: HashMap<_, _> = settings.to_metadata().into_iter().collect();
            assert_eq!(FeatureSettings::from_metadata(&metadata), Ok(settings));
        }
    }

    #[test]
    fn a_number_is_written_as_before_there_was_another_choice() {
        let text = serde_json::to_string(&FeatureSettings::default()).expect("plain data");
        assert!(text.starts_with(r#"{"cutoff_angstrom":8.0,"neighbours":12,"ties":"shell","#), "{text}");
        let all = FeatureSettings { neighbours: Neighbours::All, ..FeatureSettings::default() };
        let text = serde_json::to_string(&all).expect("plain data");
        assert!(text.contains(r#","neighbours":"all","#), "{text}");
    }

    #[test]
    fn json_without_a_finite_number_is_refused() {
        let text = serde_json::to_string(&FeatureSettings::default()).expect("plain data");
        let read = |cutoff: &str| {
            serde_json::from_str::<FeatureSettings>(&text.replacen(":8.0", &format!(":{cutoff}"), 1))
        };
        assert_eq!(read("-8").expect("a number").cutoff_angstrom, -8.0);
        for bad in ["1e400", "\"8\"", "null", "[8]", "true", "NaN", "+8", ""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn json_round_trip_is_exact(cutoff_angstrom in NORMAL | SUBNORMAL) {
            let settings = FeatureSettings { cutoff_angstrom, ..Default::default() };
            let text = serde_json::to_string(&settings).expect("plain data");
            let read: FeatureSettings = serde_json::from_str(&text).expect("as it was written");
            prop_assert_eq!(read, settings);
        }
    }

    #[test]
    fn values_that_no_search_ends_with_are_refused() {
        let fine = FeatureSettings::default();
        assert_eq!(fine.check(), Ok(()));
        for (settings, message) in [
            (
                FeatureSettings { neighbours: Neighbours::Nearest(1_000_000_000), ..fine.clone() },
                "neighbours = 1000000000 must be 1 to 1024",
            ),
            (
                FeatureSettings { neighbours: Neighbours::Nearest(0), ..fine.clone() },
                "neighbours = 0 must be 1 to 1024",
            ),
            (
                FeatureSettings { neighbours: Neighbours::All, ties: Ties::Cut, ..fine.clone() },
                "ties = cut must be shell where all neighbours are kept",
            ),
            (
                FeatureSettings { cutoff_angstrom: f64::NAN, ..fine.clone() },
                "cutoff_angstrom = NaN must be above 0",
            ),
            (
                FeatureSettings { cutoff_angstrom: 1e9, ..fine.clone() },
                "cutoff_angstrom = 1000000000 must be",
            ),
            (FeatureSettings { wrap_tolerance: -1.0, ..fine.clone() }, "wrap_tolerance = -1 must be 0 to 1"),
            (
                FeatureSettings { niggli_epsilon: f64::INFINITY, ..fine },
                "niggli_epsilon = inf must be 0 to 1",
            ),
        ] {
            let metadata = settings.to_metadata().into_iter().collect();
            let error = FeatureSettings::from_metadata(&metadata).expect_err("out of range").to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn mismatch_names_the_setting() {
        let expected = FeatureSettings::default();
        let found = FeatureSettings { ties: Ties::Cut, ..expected.clone() };
        let error = expected.require(&found).expect_err("the tie rules differ");
        assert_eq!(error.to_string(), "the store has ties = cut, but shell is needed");
        let all = FeatureSettings { neighbours: Neighbours::All, ..expected.clone() };
        let error = all.require(&expected).expect_err("fewer neighbours");
        assert_eq!(error.to_string(), "the store has neighbours = 12, but all is needed");
        assert!(matches!(error, SettingsError::Mismatch { wanted, .. } if *wanted == all));
    }

    #[test]
    fn missing_and_unreadable_keys_are_named() {
        let mut metadata: HashMap<_, _> = FeatureSettings::default().to_metadata().into_iter().collect();
        metadata.insert("mmpt.neighbours".into(), "twelve".into());
        let error = FeatureSettings::from_metadata(&metadata).expect_err("not a number");
        assert!(
            error
                .to_string()
                .contains("'mmpt.neighbours' holds 'twelve', which is not a whole number or 'all'"),
            "{error}"
        );
        metadata.remove("mmpt.neighbours");
        let error = FeatureSettings::from_metadata(&metadata).expect_err("no key");
        assert!(error.to_string().contains("'mmpt.neighbours' is missing"), "{error}");
    }
}
