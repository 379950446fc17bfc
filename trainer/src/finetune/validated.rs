//! Predictions for the crystals of validation parts. Intervals of numbers and the temperature of probabilities are made of
//! them.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// A crystal of a validation part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validated {
    /// Identifier.
    pub material_id: String,
    /// Targets, `[T]`, in their units; `None` for those that the crystal lacks. Of classes the index, `[1]`, of numbers of
    /// the sites those of all sites, `[nsites]`. Files of earlier versions have a single number.
    #[serde(alias = "target", deserialize_with = "one_or_many")]
    pub targets: Vec<Option<f64>>,
    /// Predictions of the member's weights, `[K]`, or a single number as above: numbers in the units of the targets, or
    /// probabilities of the classes. Of numbers of the sites `[nsites]`.
    #[serde(alias = "prediction", deserialize_with = "numbers")]
    pub predictions: Vec<f64>,
}

/// Deserialises a list of numbers, or the only one. JSON writes one that is not finite as null, which earlier versions did.
fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let numbers: Vec<Option<f64>> = one_or_many(deserializer)?;
    let number = |number: Option<f64>| {
        number.ok_or_else(|| {
            D::Error::custom("a prediction is null, which is no number: the weights have diverged")
        })
    };
    numbers.into_iter().map(number).collect()
}

/// Deserialises a list, or the only value of one.
fn one_or_many<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either<T> {
        Many(Vec<T>),
        One(T),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Many(values) => values,
        Either::One(value) => vec![value],
    })
}

/// A validation part with the predictions of a member.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidatedPart {
    /// Name of the member's fold; members with equal names and crystals are averaged.
    pub fold: String,
    /// Its validation crystals.
    pub crystals: Vec<Validated>,
}

/// Returns the validation crystals of all members. Members of a fold with the same crystals, which differ by their seeds, are
/// averaged as their predictions for new crystals are. Small folds may have the same validation crystals, too, but each has
/// been trained on others.
pub(crate) fn averaged(members: &[ValidatedPart]) -> Vec<Validated> {
    let mut folds: BTreeMap<(&str, Vec<&str>), Vec<&[Validated]>> = BTreeMap::new();
    for ValidatedPart { fold, crystals } in members {
        let identifiers = crystals.iter().map(|crystal| crystal.material_id.as_str());
        folds.entry((fold, identifiers.collect())).or_default().push(crystals);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_earlier_versions_are_read() {
        let read = |text: &str| serde_json::from_str::<Validated>(text);
        let expected =
            Validated { material_id: "m".to_owned(), targets: vec![Some(1.5)], predictions: vec![-1e-300] };
        let earlier = r#"{"material_id": "m", "target": 1.5, "prediction": -1e-300}"#;
        assert_eq!(read(earlier).expect("an earlier crystal"), expected);
        let text = serde_json::to_string(&Validated { targets: vec![Some(1.5), None], ..expected.clone() });
        assert_eq!(read(&text.expect("JSON")).expect("one of now").targets, [Some(1.5), None]);
        assert!(read(r#"{"material_id": "m", "targets": "many", "predictions": []}"#).is_err());
    }
}
