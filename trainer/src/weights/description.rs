//! What weights belong to: model, labels, features and lattice statistics, as metadata of the file.

use std::collections::{BTreeMap, HashMap};

use schemas::count::counted;
use schemas::settings::{FeatureSettings, METADATA_PREFIX, SettingsError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::error::WeightsError;
use super::target::Target;
use crate::config::model::LATTICE_PARAMETERS;
use crate::config::{ModelConfig, PalConfig};
use crate::data::LatticeStatistics;

/// Key of the model's configuration, a JSON object.
pub const CONFIG_KEY: &str = "mmpt.config";
/// Key of the periodic-attribute configuration, a JSON object.
pub const PAL_KEY: &str = "mmpt.pal";
/// Key of the lattice parameters' means, a JSON array.
pub const LATTICE_MEAN_KEY: &str = "mmpt.lattice_mean";
/// Key of the lattice parameters' standard deviations, a JSON array.
pub const LATTICE_STD_KEY: &str = "mmpt.lattice_std";

/// Key of what a fine-tuned model predicts, a JSON object.
pub const TARGET_KEY: &str = "mmpt.target";

/// What weights belong to; the default is that of weights that do not say so.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Description {
    /// Sizes and variants of the model.
    pub model: ModelConfig,
    /// Labels that the periodic-attribute heads predict.
    pub pal: PalConfig,
    /// What the features were computed with.
    pub features: FeatureSettings,
    /// Statistics of the training set.
    pub lattice: LatticeStatistics,
    /// What a fine-tuned model predicts; `None` for one that is pre-trained alone.
    pub target: Option<Target>,
}

impl Description {
    /// The description as metadata; the features under the same keys as in a shard. Numbers are in the
    /// shortest form that reads back to the same double.
    pub fn to_metadata(&self) -> BTreeMap<String, String> {
        let mut metadata: BTreeMap<String, String> = self.features.to_metadata().into_iter().collect();
        metadata.insert(CONFIG_KEY.to_owned(), json(&self.model));
        metadata.insert(PAL_KEY.to_owned(), json(&self.pal));
        metadata.insert(LATTICE_MEAN_KEY.to_owned(), json(&self.lattice.mean));
        metadata.insert(LATTICE_STD_KEY.to_owned(), json(&self.lattice.std));
        if let Some(target) = &self.target {
            metadata.insert(TARGET_KEY.to_owned(), json(target));
        }
        metadata
    }

    /// Reads a description; `None` if the file says nothing at all about itself, as one written by
    /// another program.
    ///
    /// # Errors
    /// [`WeightsError::MissingMetadata`], [`WeightsError::Metadata`] or [`WeightsError::Settings`], naming the
    /// key.
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Result<Option<Self>, WeightsError> {
        if !metadata.keys().any(|key| key.starts_with(METADATA_PREFIX)) {
            return Ok(None);
        }
        let features: HashMap<String, String> =
            metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok(Some(Self {
            model: parse(metadata, CONFIG_KEY)?,
            pal: parse(metadata, PAL_KEY)?,
            features: FeatureSettings::from_metadata(&features).map_err(missing)?,
            lattice: LatticeStatistics {
                mean: numbers(metadata, LATTICE_MEAN_KEY)?,
                std: numbers(metadata, LATTICE_STD_KEY)?,
            },
            target: metadata.contains_key(TARGET_KEY).then(|| parse(metadata, TARGET_KEY)).transpose()?,
        }))
    }

    /// Checks that weights so described are for this model and these features; the lattice statistics
    /// may be any.
    ///
    /// # Errors
    /// [`WeightsError::Other`] for the first setting that differs.
    pub fn require(
        &self,
        model: &ModelConfig,
        pal: &PalConfig,
        features: &FeatureSettings,
    ) -> Result<(), WeightsError> {
        same("model", &self.model, model)?;
        same("pal", &self.pal, pal)?;
        features.require(&self.features).map_err(|error| match error {
            SettingsError::Mismatch { key, found, expected } => WeightsError::Other { key, found, expected },
            other => WeightsError::Settings(other),
        })
    }
}

/// A missing setting is missing metadata.
fn missing(error: SettingsError) -> WeightsError {
    match error {
        SettingsError::Missing { key } => WeightsError::MissingMetadata { key },
        other => WeightsError::Settings(other),
    }
}

/// A value as JSON on one line.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("JSON holds every type of a description")
}

/// The text of a key.
fn text<'a>(metadata: &'a BTreeMap<String, String>, key: &str) -> Result<&'a String, WeightsError> {
    metadata.get(key).ok_or_else(|| WeightsError::MissingMetadata { key: key.to_owned() })
}

/// The error for a value that cannot be understood.
fn unreadable(key: &str, value: &str, reason: impl ToString) -> WeightsError {
    WeightsError::Metadata { key: key.to_owned(), value: value.to_owned(), reason: reason.to_string() }
}

/// Reads the JSON of a key.
fn parse<T: DeserializeOwned>(metadata: &BTreeMap<String, String>, key: &str) -> Result<T, WeightsError> {
    let value = text(metadata, key)?;
    serde_json::from_str(value).map_err(|error| unreadable(key, value, error))
}

/// Reads six finite numbers. Each is parsed by itself, because the JSON parser may miss the nearest
/// double by one unit.
fn numbers(
    metadata: &BTreeMap<String, String>,
    key: &str,
) -> Result<[f64; LATTICE_PARAMETERS], WeightsError> {
    let value = text(metadata, key)?;
    let raw: Vec<Box<RawValue>> =
        serde_json::from_str(value).map_err(|error| unreadable(key, value, error))?;
    let numbers: Vec<f64> = raw
        .iter()
        .map(|number| number.get().parse::<f64>())
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(key, value, error))?;
    let count = numbers.len();
    if let Some(number) = numbers.iter().find(|number| !number.is_finite()) {
        return Err(unreadable(key, value, format!("{number} is not finite")));
    }
    numbers.try_into().map_err(|_| unreadable(key, value, format!("{}, not 6", counted(count, "number"))))
}

/// Compares two sections of the configuration key by key.
fn same(section: &str, found: &impl Serialize, expected: &impl Serialize) -> Result<(), WeightsError> {
    for ((key, found), (_, expected)) in fields(found).into_iter().zip(fields(expected)) {
        if found != expected {
            return Err(WeightsError::Other { key: format!("{section}.{key}"), found, expected });
        }
    }
    Ok(())
}

/// The fields of a section with their values as JSON, by name.
fn fields(section: &impl Serialize) -> Vec<(String, String)> {
    let value = serde_json::to_value(section).expect("JSON holds every type of a description");
    let fields = value.as_object().cloned().unwrap_or_default();
    fields.into_iter().map(|(name, value)| (name, value.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemas::settings::Ties;

    use super::*;
    use crate::data::PeriodicLabels;

    fn sample() -> Description {
        Description {
            model: ModelConfig { hidden: 32, ..ModelConfig::default() },
            pal: PalConfig { labels: PeriodicLabels::Cell },
            features: FeatureSettings { ties: Ties::Cut, ..FeatureSettings::default() },
            lattice: LatticeStatistics { mean: [4.9, 5.6, 8.0, 89.0, 86.0, 86.0], std: [0.1 + 0.2; 6] },
            target: None,
        }
    }

    #[test]
    fn a_description_survives_as_text() {
        let metadata = sample().to_metadata();
        assert_eq!(metadata[LATTICE_MEAN_KEY], "[4.9,5.6,8.0,89.0,86.0,86.0]");
        assert_eq!(metadata["mmpt.ties"], "cut");
        assert_eq!(metadata[PAL_KEY], r#"{"labels":"cell"}"#);
        assert_eq!(Description::from_metadata(&metadata).expect("it is whole"), Some(sample()));
    }

    #[test]
    fn a_file_without_a_description_is_no_error() {
        let foreign = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        assert_eq!(Description::from_metadata(&foreign).expect("it says nothing"), None);
    }

    #[test]
    fn what_is_missing_or_unreadable_is_named() {
        for key in sample().to_metadata().keys() {
            let mut metadata = sample().to_metadata();
            metadata.remove(key);
            let message = Description::from_metadata(&metadata).expect_err("incomplete").to_string();
            assert_eq!(message, format!("the weights' metadata lack '{key}'"));
            metadata.insert(key.clone(), "?".to_owned());
            let message = Description::from_metadata(&metadata).expect_err("unreadable").to_string();
            assert!(message.contains(key), "{message}");
        }
        for value in ["[1,2]", "[1,2,3,4,5,\"6\"]", "[1,2,3,4,5,1e999]", "[1,2,3,4,5,6,7]"] {
            let mut metadata = sample().to_metadata();
            metadata.insert(LATTICE_STD_KEY.to_owned(), value.to_owned());
            let message = Description::from_metadata(&metadata).expect_err("unreadable").to_string();
            assert!(message.contains(&format!("{LATTICE_STD_KEY} = {value}")), "{message}");
        }
    }

    #[test]
    fn the_first_difference_is_named() {
        let described = sample();
        let Description { model, pal, features, .. } = described.clone();
        assert!(described.require(&model, &pal, &features).is_ok());
        let other = ModelConfig { attention: false, ..model.clone() };
        let message = described.require(&other, &pal, &features).expect_err("another model").to_string();
        assert_eq!(message, "the weights were made with model.attention = true, but false is needed");
        let message = described
            .require(&model, &PalConfig::default(), &features)
            .expect_err("other labels")
            .to_string();
        assert_eq!(message, "the weights were made with pal.labels = \"cell\", but \"centred\" is needed");
        let message = described
            .require(&model, &pal, &FeatureSettings::default())
            .expect_err("other features")
            .to_string();
        assert_eq!(message, "the weights were made with ties = cut, but shell is needed");
    }

    proptest! {
        #[test]
        fn statistics_survive_bit_for_bit(
            mean in proptest::array::uniform6(proptest::num::f64::NORMAL),
            std in proptest::array::uniform6(proptest::num::f64::POSITIVE),
        ) {
            prop_assume!(std.iter().all(|value| value.is_finite()));
            let described = Description { lattice: LatticeStatistics { mean, std }, ..sample() };
            let read = Description::from_metadata(&described.to_metadata()).expect("it is whole");
            prop_assert_eq!(read, Some(described));
        }
    }
}
