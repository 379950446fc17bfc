//! Description of weights in the metadata of a file: model, pre-training, features and lattice statistics.
//!
//! | key | value |
//! |---|---|
//! | `mmpt.kind` | the encoder, as `model.kind` |
//! | `mmpt.config` | the encoder's settings, a JSON object with all keys of its section |
//! | `mmpt.method` | the pre-training, as `pretrain.method` |
//! | `mmpt.pretrain` | the pre-training's settings, a JSON object with all keys of its section; the loss may be absent |
//! | `mmpt.lattice_mean`, `mmpt.lattice_std` | statistics of the six lattice parameters, JSON arrays |
//! | `mmpt.target` | the target of a fine-tuned model, a JSON object |
//! | `mmpt.state` | the state of the run, in a checkpoint |
//!
//! The features have the same keys as in a shard. A fine-tuned model of another kind than its method trains has neither
//! `mmpt.method` nor `mmpt.pretrain`. Other keys that begin with `mmpt.` are refused. Files of earlier versions are all
//! of `mmpt` and name neither kind nor method. They have `mmpt.pal` (the labels) instead of `mmpt.pretrain`, and the
//! masking and the decoders' width in `mmpt.config`. A mixture of both is refused.

use std::collections::{BTreeMap, HashMap};

use schemas::settings::{FeatureSettings, METADATA_PREFIX, SettingsError};
use serde::Serialize;
use serde_json::Value;

use super::error::WeightsError;
use super::key::{
    CONFIG_KEY, KEYS, KIND_KEY, LATTICE_MEAN_KEY, LATTICE_STD_KEY, METHOD_KEY, PRETRAIN_KEY, TARGET_KEY,
};
use super::lattice;
use super::section::unreadable;
use super::sections::{MmptDenoiseSections, sections};
use super::target::Target;
use crate::config::{self, Config, MethodKind, ModelConfig, ModelKind, PretrainConfig};
use crate::data::LatticeStatistics;

/// Description of weights. The default applies to weights without a description.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Description {
    /// Kind and sizes of the encoder.
    pub model: ModelConfig,
    /// Settings of the pre-training. Files of earlier versions lack the loss, which is the default then.
    pub pretrain: PretrainConfig,
    /// Settings of the features.
    pub features: FeatureSettings,
    /// Lattice statistics of the training set.
    pub lattice: LatticeStatistics,
    /// Target of a fine-tuned model; `None` for a pre-trained one.
    pub target: Option<Target>,
}

impl Description {
    /// Returns the description of the weights that a pre-training will write, with the default features and lattice
    /// statistics.
    pub fn of_pretraining(config: &Config) -> Self {
        Self { model: config.model.clone(), pretrain: config.pretrain.clone(), ..Self::default() }
    }

    /// Returns the description as metadata. The features have the same keys as in a shard. Numbers have the shortest
    /// form that reads back to the same double.
    pub fn to_metadata(&self) -> BTreeMap<String, String> {
        let mut metadata: BTreeMap<String, String> = self.features.to_metadata().into_iter().collect();
        let model = match self.model.kind {
            ModelKind::Mmpt => json(&self.model.mmpt),
            ModelKind::Cgcnn => json(&self.model.cgcnn),
            ModelKind::Schnet => json(&self.model.schnet),
            ModelKind::Megnet => json(&self.model.megnet),
            ModelKind::Alignn => json(&self.model.alignn),
            ModelKind::Matformer => json(&self.model.matformer),
        };
        let pretrain = match self.pretrain.method {
            MethodKind::Mmpt => json(&self.pretrain.mmpt),
            MethodKind::CrystalTwins => json(&self.pretrain.crystal_twins),
            MethodKind::Denoise => json(&self.pretrain.denoise),
            MethodKind::MmptDenoise => json(&MmptDenoiseSections::of(&self.pretrain)),
            MethodKind::InfoGraph => json(&serde_json::Map::new()),
        };
        metadata.insert(KIND_KEY.to_owned(), word(&self.model.kind));
        metadata.insert(CONFIG_KEY.to_owned(), model);
        if self.has_method() {
            metadata.insert(METHOD_KEY.to_owned(), word(&self.pretrain.method));
            metadata.insert(PRETRAIN_KEY.to_owned(), pretrain);
        }
        metadata.insert(LATTICE_MEAN_KEY.to_owned(), json(&self.lattice.mean));
        metadata.insert(LATTICE_STD_KEY.to_owned(), json(&self.lattice.std));
        if let Some(target) = &self.target {
            metadata.insert(TARGET_KEY.to_owned(), json(target));
        }
        metadata
    }

    /// Whether the pre-training trains encoders of this kind. The settings of another one say nothing about the
    /// weights.
    fn has_method(&self) -> bool {
        self.pretrain.method.model() == self.model.kind
    }

    /// Reads a description; `None` for a file without any, such as one of another program.
    ///
    /// # Errors
    /// [`WeightsError::MissingMetadata`], [`WeightsError::Metadata`] or [`WeightsError::Settings`] with the key, and
    /// [`WeightsError::Edges`] for features without the edges of the model.
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Result<Option<Self>, WeightsError> {
        let mut keys = metadata.iter().filter(|(key, _)| key.starts_with(METADATA_PREFIX)).peekable();
        if keys.peek().is_none() {
            return Ok(None);
        }
        let of_features = FeatureSettings::default().to_metadata();
        let is_known = |key: &str| KEYS.contains(&key) || of_features.iter().any(|(known, _)| known == key);
        if let Some((key, value)) = keys.find(|(key, _)| !is_known(key)) {
            return Err(unreadable(key, value, "this version knows no such key"));
        }
        let features: HashMap<String, String> =
            metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let (model, pretrain) = sections(metadata)?;
        let features = FeatureSettings::from_metadata(&features).map_err(missing)?;
        if let Some(edges) = model.edges() {
            edges.require(&features).map_err(|error| other_edges(&edges.to_string(), error))?;
        }
        Ok(Some(Self {
            model,
            pretrain,
            features,
            lattice: lattice::statistics(metadata)?,
            target: Target::from_metadata(metadata)?,
        }))
    }

    /// Checks that the weights are for this model, this pre-training and these features. The loss and the lattice
    /// statistics are ignored.
    ///
    /// # Errors
    /// [`WeightsError::Other`] for the first setting that differs.
    pub fn require(
        &self,
        model: &ModelConfig,
        pretrain: &PretrainConfig,
        features: &FeatureSettings,
    ) -> Result<(), WeightsError> {
        same("model", &self.model, model)?;
        // Of a kind that neither trains, both are recipes alone.
        if self.has_method() || pretrain.method.model() == self.model.kind {
            same("pretrain", &self.pretrain.of_weights(), &pretrain.of_weights())?;
        }
        features.require(&self.features).map_err(|error| match error {
            SettingsError::Mismatch { key, found, expected, .. } => {
                WeightsError::Other { key, found, expected }
            }
            other => WeightsError::Settings(other),
        })
    }
}

/// Returns the error for features without the edges of the model.
fn other_edges(edges: &str, error: SettingsError) -> WeightsError {
    match error {
        SettingsError::Mismatch { key, found, expected, .. } => {
            WeightsError::Edges { edges: edges.to_owned(), key, found, expected }
        }
        other => WeightsError::Settings(other),
    }
}

/// Turns a missing setting into an error about missing metadata.
fn missing(error: SettingsError) -> WeightsError {
    match error {
        SettingsError::Missing { key } => WeightsError::MissingMetadata { key },
        other => WeightsError::Settings(other),
    }
}

/// Returns a value as JSON on one line.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("JSON holds every type of a description")
}

/// Returns a choice as a word.
fn word(choice: &impl Serialize) -> String {
    json(choice).trim_matches('"').to_owned()
}

/// Compares two sections of the configuration by key.
fn same(section: &str, found: &impl Serialize, expected: &impl Serialize) -> Result<(), WeightsError> {
    let differences = config::differences(settings(section, found), settings(section, expected));
    match differences.into_iter().next() {
        None => Ok(()),
        Some(config::Difference { key, left: found, right: expected }) => {
            Err(WeightsError::Other { key, found, expected })
        }
    }
}

/// Returns the settings of a section as pairs of dotted key and JSON value.
fn settings(section: &str, values: &impl Serialize) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let values = serde_json::to_value(values).expect("JSON holds every type of a description");
    collect(section, &values, &mut settings);
    settings
}

/// Appends the settings at a dotted key.
fn collect(key: &str, value: &Value, settings: &mut Vec<(String, String)>) {
    match value {
        Value::Object(section) => {
            section.iter().for_each(|(name, value)| collect(&format!("{key}.{name}"), value, settings));
        }
        value => settings.push((key.to_owned(), value.to_string())),
    }
}

#[cfg(test)]
mod tests;
