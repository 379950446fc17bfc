//! Predictions for the crystals of validation parts. Intervals of numbers and the temperature of probabilities are made of
//! them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A crystal of a validation part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validated {
    /// Identifier.
    pub material_id: String,
    /// Targets, `[T]`, in their units; `None` for those that the crystal lacks. Of classes the index, `[1]`.
    pub targets: Vec<Option<f64>>,
    /// Predictions of the member's weights, `[K]`: numbers in the units of the targets, or probabilities of the classes.
    pub predictions: Vec<f64>,
}

/// Returns the validation crystals of all members. Members with the same crystals, which differ by their seeds, are averaged
/// as their predictions for new crystals are.
pub(super) fn averaged(members: &[Vec<Validated>]) -> Vec<Validated> {
    let mut folds: BTreeMap<Vec<&str>, Vec<&[Validated]>> = BTreeMap::new();
    for member in members {
        let identifiers = member.iter().map(|crystal| crystal.material_id.as_str());
        folds.entry(identifiers.collect()).or_default().push(member);
    }
    folds.values().flat_map(|seeds| mean(seeds)).collect()
}

/// Returns the mean predictions of members with the same crystals.
fn mean(seeds: &[&[Validated]]) -> Vec<Validated> {
    let Some(first) = seeds.first() else { return Vec::new() };
    let crystal = |(index, crystal): (usize, &Validated)| {
        let of_output = |output: usize| {
            let predictions = seeds.iter().filter_map(|seed| seed.get(index)?.predictions.get(output));
            predictions.sum::<f64>() / seeds.len() as f64
        };
        Validated { predictions: (0..crystal.predictions.len()).map(of_output).collect(), ..crystal.clone() }
    };
    first.iter().enumerate().map(crystal).collect()
}
