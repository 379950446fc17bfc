//! The statistics of the lattice parameters in the metadata of a weights file.

use std::collections::BTreeMap;

use schemas::count::counted;

use super::error::WeightsError;
use super::key::{LATTICE_MEAN_KEY, LATTICE_STD_KEY};
use super::section::{text, unreadable};
use crate::config::model::LATTICE_PARAMETERS;
use crate::data::LatticeStatistics;

/// Reads the means and the standard deviations of a, b and c in Å and of α, β and γ in degrees.
///
/// # Errors
/// [`WeightsError::MissingMetadata`] if a key is missing, [`WeightsError::Metadata`] if a value is not six finite numbers
/// or a deviation is not positive. Both name the key.
pub(super) fn statistics(metadata: &BTreeMap<String, String>) -> Result<LatticeStatistics, WeightsError> {
    Ok(LatticeStatistics {
        mean: numbers(metadata, LATTICE_MEAN_KEY)?,
        std: deviations(metadata, LATTICE_STD_KEY)?,
    })
}

/// Reads six finite numbers.
fn numbers(
    metadata: &BTreeMap<String, String>,
    key: &str,
) -> Result<[f64; LATTICE_PARAMETERS], WeightsError> {
    let value = text(metadata, key)?;
    let numbers: Vec<f64> = serde_json::from_str(value).map_err(|error| unreadable(key, value, error))?;
    let count = numbers.len();
    numbers.try_into().map_err(|_| unreadable(key, value, format!("{}, not 6", counted(count, "number"))))
}

/// As [`numbers`], for standard deviations.
fn deviations(
    metadata: &BTreeMap<String, String>,
    key: &str,
) -> Result<[f64; LATTICE_PARAMETERS], WeightsError> {
    let deviations = numbers(metadata, key)?;
    match deviations.iter().find(|deviation| **deviation <= 0.0) {
        None => Ok(deviations),
        Some(deviation) => Err(unreadable(key, &metadata[key], format!("{deviation} is not positive"))),
    }
}
