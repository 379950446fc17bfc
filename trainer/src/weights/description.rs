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

use schemas::count::counted;
use schemas::settings::{FeatureSettings, METADATA_PREFIX, SettingsError};
use serde::Serialize;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::Value;

use super::error::WeightsError;
use super::section::{self, text, unreadable};
use super::target::Target;
use crate::config::model::LATTICE_PARAMETERS;
use crate::config::{self, Config, MethodKind, ModelConfig, ModelKind, PretrainConfig};
use crate::data::LatticeStatistics;
use crate::task::Transform;

/// Key of the encoder's kind.
pub const KIND_KEY: &str = "mmpt.kind";
/// Key of the encoder's settings, a JSON object.
pub const CONFIG_KEY: &str = "mmpt.config";
/// Key of the pre-training's method.
pub const METHOD_KEY: &str = "mmpt.method";
/// Key of the pre-training's settings, a JSON object.
pub const PRETRAIN_KEY: &str = "mmpt.pretrain";
/// Key of the labels in files of earlier versions, a JSON object.
const EARLIER_LABELS_KEY: &str = "mmpt.pal";
/// The setting of the pre-training in [`EARLIER_LABELS_KEY`].
const EARLIER_LABELS: &str = "labels";
/// Settings of the pre-training that are in [`CONFIG_KEY`] in files of earlier versions.
const EARLIER_MODEL_KEYS: [&str; 2] = ["masking", "decoder_width"];
/// Settings of the pre-training that a file may lack, since no weight depends on them.
const LOSS: &str = "loss";
/// Key of the lattice parameters' means, a JSON array.
pub const LATTICE_MEAN_KEY: &str = "mmpt.lattice_mean";
/// Key of the lattice parameters' standard deviations, a JSON array.
pub const LATTICE_STD_KEY: &str = "mmpt.lattice_std";

/// Key of the target of a fine-tuned model, a JSON object.
pub const TARGET_KEY: &str = "mmpt.target";
/// Key of the state of a run in a checkpoint, a JSON object.
pub const STATE_KEY: &str = "mmpt.state";
/// All keys besides those of the features.
const KEYS: [&str; 9] = [
    KIND_KEY,
    CONFIG_KEY,
    METHOD_KEY,
    PRETRAIN_KEY,
    EARLIER_LABELS_KEY,
    LATTICE_MEAN_KEY,
    LATTICE_STD_KEY,
    TARGET_KEY,
    STATE_KEY,
];

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
            lattice: LatticeStatistics {
                mean: numbers(metadata, LATTICE_MEAN_KEY)?,
                std: deviations(metadata, LATTICE_STD_KEY)?,
            },
            target: metadata.contains_key(TARGET_KEY).then(|| target(metadata)).transpose()?,
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

/// Reads the sections of model and pre-training from metadata of this or an earlier version.
fn sections(metadata: &BTreeMap<String, String>) -> Result<(ModelConfig, PretrainConfig), WeightsError> {
    let present = [KIND_KEY, METHOD_KEY, PRETRAIN_KEY].into_iter().find(|key| metadata.contains_key(*key));
    match (metadata.get(EARLIER_LABELS_KEY), present) {
        (Some(_), None) => return earlier_sections(metadata),
        (Some(value), Some(key)) => {
            let reason = format!("does not go with {key}: earlier versions alone wrote it");
            return Err(unreadable(EARLIER_LABELS_KEY, value, reason));
        }
        (None, _) => {}
    }
    let mut sections = (ModelConfig::default(), PretrainConfig::default());
    sections.0.kind = choice(metadata, KIND_KEY)?;
    let is_finetuned = metadata.contains_key(TARGET_KEY);
    let has_method = [METHOD_KEY, PRETRAIN_KEY].into_iter().any(|key| metadata.contains_key(key));
    let has_method = has_method || !is_finetuned || sections.0.kind == ModelKind::Mmpt;
    if has_method {
        sections.1.method = choice(metadata, METHOD_KEY)?;
    }
    let (method, kind) = (sections.1.method, sections.0.kind);
    if !is_finetuned && method.model() != kind {
        let reason = format!("trains the encoder \"{}\", not \"{}\"", method.model().word(), kind.word());
        return Err(unreadable(METHOD_KEY, method.word(), reason));
    }
    let model = section::settings(metadata, CONFIG_KEY)?;
    let of_model = |_: &str| Some(CONFIG_KEY);
    let ModelConfig { kind, mmpt, cgcnn, schnet, megnet, alignn, matformer } = &mut sections.0;
    match kind {
        ModelKind::Mmpt => *mmpt = section::fill(mmpt, &model, of_model)?,
        ModelKind::Cgcnn => *cgcnn = section::fill(cgcnn, &model, of_model)?,
        ModelKind::Schnet => *schnet = section::fill(schnet, &model, of_model)?,
        ModelKind::Megnet => *megnet = section::fill(megnet, &model, of_model)?,
        ModelKind::Alignn => *alignn = section::fill(alignn, &model, of_model)?,
        ModelKind::Matformer => *matformer = section::fill(matformer, &model, of_model)?,
    }
    if !has_method {
        return Ok(sections);
    }
    let pretrain = section::settings(metadata, PRETRAIN_KEY)?;
    match sections.1.method {
        MethodKind::Mmpt => {
            let home = |name: &str| (name != LOSS).then_some(PRETRAIN_KEY);
            sections.1.mmpt = section::fill(&sections.1.mmpt, &pretrain, home)?;
        }
        MethodKind::CrystalTwins => {
            let home = |_: &str| Some(PRETRAIN_KEY);
            sections.1.crystal_twins = section::fill(&sections.1.crystal_twins, &pretrain, home)?;
        }
        MethodKind::InfoGraph => {
            if let Some(other) = pretrain.first() {
                return Err(other.refuse("there is no such setting"));
            }
        }
    }
    Ok(sections)
}

/// Reads the sections of a file of an earlier version.
fn earlier_sections(
    metadata: &BTreeMap<String, String>,
) -> Result<(ModelConfig, PretrainConfig), WeightsError> {
    let settings = section::settings(metadata, CONFIG_KEY)?;
    let (mut pretrain, model): (Vec<_>, Vec<_>) =
        settings.into_iter().partition(|setting| EARLIER_MODEL_KEYS.contains(&setting.first()));
    let labels = section::settings(metadata, EARLIER_LABELS_KEY)?;
    if let Some(other) = labels.iter().find(|setting| setting.first() != EARLIER_LABELS) {
        return Err(other.refuse("there is no such setting"));
    }
    pretrain.extend(labels);
    let home = |name: &str| match name {
        LOSS => None,
        EARLIER_LABELS => Some(EARLIER_LABELS_KEY),
        _ => Some(CONFIG_KEY),
    };
    let mut sections = (ModelConfig::default(), PretrainConfig::default());
    sections.0.mmpt = section::fill(&sections.0.mmpt, &model, |_| Some(CONFIG_KEY))?;
    sections.1.mmpt = section::fill(&sections.1.mmpt, &pretrain, home)?;
    Ok(sections)
}

/// Reads the choice of a key.
fn choice<T: DeserializeOwned>(metadata: &BTreeMap<String, String>, key: &str) -> Result<T, WeightsError> {
    let value = text(metadata, key)?;
    let word: StrDeserializer<'_, ValueError> = value.as_str().into_deserializer();
    T::deserialize(word).map_err(|error| unreadable(key, value, error))
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

/// Reads the target of a fine-tuned model.
fn target(metadata: &BTreeMap<String, String>) -> Result<Target, WeightsError> {
    let template = Target {
        task: String::new(),
        property: String::new(),
        unit: String::new(),
        transform: Transform::None,
        mean: 0.0,
        std: 1.0,
        head_width: 1,
    };
    let settings = section::settings(metadata, TARGET_KEY)?;
    let target: Target = section::fill(&template, &settings, |_| Some(TARGET_KEY))?;
    let refuse = |name: &str, value: String, reason: &str| {
        Err(unreadable(&format!("{TARGET_KEY}.{name}"), &value, reason))
    };
    match (target.mean, target.std, target.head_width) {
        (mean, ..) if !mean.is_finite() => refuse("mean", mean.to_string(), "is not finite"),
        (_, std, _) if !(std.is_finite() && std > 0.0) => {
            refuse("std", std.to_string(), "is not positive and finite")
        }
        (.., 0) => refuse("head_width", "0".to_owned(), "must be at least 1"),
        _ => Ok(target),
    }
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
mod tests {
    use proptest::prelude::*;
    use schemas::settings::{Neighbours, Ties};

    use super::*;
    use crate::config::pretrain::Masking;
    use crate::config::{MmptModelConfig, MmptPretrainConfig};
    use crate::data::PeriodicLabels;

    fn labelled(labels: PeriodicLabels) -> PretrainConfig {
        let mmpt =
            MmptPretrainConfig { labels, masking: Masking::Independent, ..MmptPretrainConfig::default() };
        PretrainConfig { mmpt, ..PretrainConfig::default() }
    }

    fn sample() -> Description {
        Description {
            model: ModelConfig {
                mmpt: MmptModelConfig { hidden: 32, ..MmptModelConfig::default() },
                ..ModelConfig::default()
            },
            pretrain: labelled(PeriodicLabels::Cell),
            features: FeatureSettings { ties: Ties::Cut, ..FeatureSettings::default() },
            lattice: LatticeStatistics { mean: [4.9, 5.6, 8.0, 89.0, 86.0, 86.0], std: [0.1 + 0.2; 6] },
            target: None,
        }
    }

    #[test]
    fn deviations_are_positive_and_means_are_numbers() {
        let refusal = |key: &str, value: String| {
            let mut metadata = sample().to_metadata();
            metadata.insert(key.to_owned(), value);
            Description::from_metadata(&metadata).expect_err("a value that cannot be").to_string()
        };
        for deviation in ["0", "-1"] {
            let message = refusal(LATTICE_STD_KEY, format!("[1,1,1,1,1,{deviation}]"));
            assert!(message.contains(&format!("{deviation} is not positive")), "{message}");
        }
        let target = |mean: f64, std: f64| Target {
            task: "gaps".to_owned(),
            property: "gap_ev".to_owned(),
            unit: "eV".to_owned(),
            transform: Transform::None,
            mean,
            std,
            head_width: 8,
        };
        for (mean, std, part) in [
            (0.0, 0.0, "hold mmpt.target.std = 0: is not positive"),
            (0.0, -1.0, "hold mmpt.target.std = -1: is not positive"),
            (0.0, f64::NAN, "hold mmpt.target.std = NaN: is not positive"),
            (f64::INFINITY, 1.0, "hold mmpt.target.mean = inf: is not finite"),
        ] {
            let message = refusal(TARGET_KEY, json(&target(mean, std)));
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_description_survives_as_text() {
        let metadata = sample().to_metadata();
        assert_eq!(metadata[LATTICE_MEAN_KEY], "[4.9,5.6,8.0,89.0,86.0,86.0]");
        assert_eq!(metadata["mmpt.ties"], "cut");
        assert_eq!((&*metadata[KIND_KEY], &*metadata[METHOD_KEY]), ("mmpt", "mmpt"));
        assert!(metadata[CONFIG_KEY].starts_with(r#"{"graph":"multigraph","attention":true"#));
        assert!(metadata[PRETRAIN_KEY].starts_with(r#"{"labels":"cell","masking":"independent""#));
        assert_eq!(Description::from_metadata(&metadata).expect("it is whole"), Some(sample()));
        let features = FeatureSettings { neighbours: Neighbours::All, ..FeatureSettings::default() };
        let all = Description { features, ..sample() };
        assert_eq!(all.to_metadata()["mmpt.neighbours"], "all");
        assert_eq!(Description::from_metadata(&all.to_metadata()).expect("it is whole"), Some(all));
    }

    #[test]
    fn metadata_of_earlier_versions_are_understood() {
        let mut metadata = sample().to_metadata();
        for key in [KIND_KEY, METHOD_KEY, PRETRAIN_KEY] {
            metadata.remove(key);
        }
        let config = metadata[CONFIG_KEY].replace('}', r#","decoder_width":64,"masking":"independent"}"#);
        metadata.insert(CONFIG_KEY.to_owned(), config.clone());
        metadata.insert(EARLIER_LABELS_KEY.to_owned(), r#"{"labels":"cell"}"#.to_owned());
        assert_eq!(Description::from_metadata(&metadata).expect("it is whole"), Some(sample()));
        let refused = |key: &str, value: &str| {
            let mut metadata = metadata.clone();
            metadata.insert(key.to_owned(), value.to_owned());
            Description::from_metadata(&metadata).expect_err("a fault").to_string()
        };
        let message = refused(EARLIER_LABELS_KEY, r#"{"labels":"none"}"#);
        assert!(message.contains("hold mmpt.pal.labels = \"none\": unknown variant"), "{message}");
        let message = refused(EARLIER_LABELS_KEY, r#"{"labels":"cell","masking":"mutex"}"#);
        assert!(message.contains("hold mmpt.pal.masking = \"mutex\": there is no such setting"), "{message}");
        let message = refused(EARLIER_LABELS_KEY, "{}");
        assert_eq!(message, "the weights' metadata lack 'mmpt.pal.labels'");
        let message = refused(CONFIG_KEY, &config.replace("independent", "half"));
        assert!(message.contains("hold mmpt.config.masking = \"half\": unknown variant"), "{message}");
        let message = refused(CONFIG_KEY, &config.replace(r#","masking":"independent""#, ""));
        assert_eq!(message, "the weights' metadata lack 'mmpt.config.masking'");
    }

    #[test]
    fn keys_of_this_and_earlier_versions_are_not_mixed() {
        for key in [KIND_KEY, METHOD_KEY, PRETRAIN_KEY] {
            let mut metadata = sample().to_metadata();
            for other in [KIND_KEY, METHOD_KEY, PRETRAIN_KEY].iter().filter(|other| **other != key) {
                metadata.remove(*other);
            }
            let message = Description::from_metadata(&metadata).expect_err("incomplete").to_string();
            assert!(message.starts_with("the weights' metadata lack 'mmpt."), "{message}");
            metadata.insert(EARLIER_LABELS_KEY.to_owned(), r#"{"labels":"centred"}"#.to_owned());
            let message = Description::from_metadata(&metadata).expect_err("a mixture").to_string();
            assert!(message.contains("hold mmpt.pal = ") && message.contains(key), "{message}");
        }
    }

    #[test]
    fn a_setting_of_a_section_is_there_once_and_named() {
        let refused = |key: &str, value: &str| {
            let mut metadata = sample().to_metadata();
            metadata.insert(key.to_owned(), value.to_owned());
            Description::from_metadata(&metadata).expect_err("a fault").to_string()
        };
        let config = sample().to_metadata()[CONFIG_KEY].clone();
        let changed = |from: &str, to: &str| refused(CONFIG_KEY, &config.replace(from, to));
        for (message, expected) in [
            (refused(PRETRAIN_KEY, "{}"), "lack 'mmpt.pretrain.decoder_width'"),
            (
                changed("\"hidden\":32", "\"hidden\":\"many\""),
                "hold mmpt.config.hidden = \"many\": invalid type: string \"many\", expected a whole number that \
                 is not negative",
            ),
            (changed("\"hidden\"", "\"hiden\""), "hold mmpt.config.hiden = 32: there is no such setting"),
            (
                changed("\"hidden\":32", "\"hidden\":32,\"loss\":{}"),
                "hold mmpt.config.loss = {}: there is no such setting",
            ),
            (
                refused(PRETRAIN_KEY, "{\"loss\":1}"),
                "hold mmpt.pretrain.loss = 1: is a section, not a setting",
            ),
            (refused(PRETRAIN_KEY, "[]"), "hold mmpt.pretrain = []: is no JSON object"),
            (refused(TARGET_KEY, "{\"mean\":\"x\"}"), "hold mmpt.target.mean = \"x\": 'x' is not a number"),
            (refused(TARGET_KEY, "{}"), "lack 'mmpt.target.head_width'"),
        ] {
            assert_eq!(message, format!("the weights' metadata {expected}"));
        }
        let message = changed("\"hidden\":32", "\"hidden\":32,\"hidden\":64");
        assert!(message.contains("the key 'hidden' stands twice"), "{message}");
        assert!(message.contains("hold mmpt.config = {\"graph\"") && message.contains("…: "), "{message}");
    }

    /// A fine-tuned model of a kind.
    fn fine_tuned(kind: ModelKind, method: MethodKind) -> Description {
        let target = Target {
            task: "gaps".to_owned(),
            property: "gap_ev".to_owned(),
            unit: "eV".to_owned(),
            transform: Transform::None,
            mean: 0.0,
            std: 1.0,
            head_width: 8,
        };
        let mut described = Description { target: Some(target), ..Description::default() };
        (described.model.kind, described.pretrain.method) = (kind, method);
        described
    }

    #[test]
    fn features_without_the_edges_of_the_model_are_refused() {
        let cgcnn = fine_tuned(ModelKind::Cgcnn, MethodKind::Mmpt).to_metadata();
        assert!(Description::from_metadata(&cgcnn).is_ok());
        let schnet = fine_tuned(ModelKind::Schnet, MethodKind::Mmpt).to_metadata();
        let message = Description::from_metadata(&schnet).expect_err("within 5 Å").to_string();
        let expected = "the weights' metadata describe a model of edges \"r5\", which need cutoff_angstrom = 5, but \
                        cutoff_angstrom = 8";
        assert_eq!(message, expected);
    }

    #[test]
    fn the_metadata_are_of_what_the_model_is() {
        let of_encoder = fine_tuned(ModelKind::Cgcnn, MethodKind::Mmpt);
        let metadata = of_encoder.to_metadata();
        assert!(![METHOD_KEY, PRETRAIN_KEY].into_iter().any(|key| metadata.contains_key(key)));
        assert_eq!(Description::from_metadata(&metadata).expect("it is whole"), Some(of_encoder.clone()));
        let mut other = PretrainConfig { method: MethodKind::CrystalTwins, ..PretrainConfig::default() };
        assert!(of_encoder.require(&of_encoder.model, &other, &of_encoder.features).is_err());
        let schnet = fine_tuned(ModelKind::Schnet, MethodKind::Mmpt);
        assert!(schnet.require(&schnet.model, &other, &schnet.features).is_ok(), "no method trains it");
        let of_method = fine_tuned(ModelKind::Cgcnn, MethodKind::InfoGraph);
        let metadata = of_method.to_metadata();
        assert_eq!(metadata[METHOD_KEY], "infograph");
        other.method = MethodKind::Mmpt;
        assert!(of_method.require(&of_method.model, &other, &of_method.features).is_err());
        let refused = |key: &str, value: Option<&str>| {
            let mut metadata = metadata.clone();
            match value {
                Some(value) => metadata.insert(key.to_owned(), value.to_owned()),
                None => metadata.remove(key),
            };
            Description::from_metadata(&metadata).expect_err("a fault").to_string()
        };
        for (key, value, message) in [
            (
                PRETRAIN_KEY,
                Some("{\"output_width\":8}"),
                "pretrain.output_width = 8: there is no such setting",
            ),
            (PRETRAIN_KEY, None, "the weights' metadata lack 'mmpt.pretrain'"),
            (METHOD_KEY, None, "the weights' metadata lack 'mmpt.method'"),
            ("mmpt.charge", Some("1"), "hold mmpt.charge = 1: this version knows no such key"),
        ] {
            let found = refused(key, value);
            assert!(found.ends_with(message), "{found}");
        }
        let mut pretrained = fine_tuned(ModelKind::Cgcnn, MethodKind::CrystalTwins).to_metadata();
        pretrained.remove(TARGET_KEY);
        pretrained.insert(METHOD_KEY.to_owned(), "mmpt".to_owned());
        let message = Description::from_metadata(&pretrained).expect_err("another encoder").to_string();
        assert!(
            message.contains("hold mmpt.method = mmpt: trains the encoder \"mmpt\", not \"cgcnn\""),
            "{message}"
        );
    }

    #[test]
    fn the_loss_may_be_absent() {
        let mut metadata = sample().to_metadata();
        let settings = r#"{"labels":"cell","masking":"independent","decoder_width":64}"#;
        metadata.insert(PRETRAIN_KEY.to_owned(), settings.to_owned());
        assert_eq!(Description::from_metadata(&metadata).expect("no weight depends on it"), Some(sample()));
    }

    #[test]
    fn an_unknown_kind_or_method_is_named() {
        for key in [KIND_KEY, METHOD_KEY] {
            let mut metadata = sample().to_metadata();
            metadata.insert(key.to_owned(), "abacus".to_owned());
            // Whatever its settings may be.
            metadata.insert(CONFIG_KEY.to_owned(), "{\"beads\":10}".to_owned());
            let message = Description::from_metadata(&metadata).expect_err("unknown").to_string();
            let expected =
                format!("the weights' metadata hold {key} = abacus: unknown variant `abacus`, expected ");
            assert!(message.starts_with(&expected) && message.contains("`mmpt`"), "{message}");
        }
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
        let Description { model, mut pretrain, features, .. } = described.clone();
        assert!(described.require(&model, &pretrain, &features).is_ok());
        pretrain.mmpt.loss.atom.weight = 1.0;
        assert!(described.require(&model, &pretrain, &features).is_ok(), "the loss may be any");
        let mut other = model.clone();
        other.mmpt.attention = false;
        let message = described.require(&other, &pretrain, &features).expect_err("another model").to_string();
        assert_eq!(message, "the weights were made with model.mmpt.attention = true, but false is needed");
        let message = described
            .require(&model, &labelled(PeriodicLabels::Centred), &features)
            .expect_err("other labels")
            .to_string();
        assert_eq!(
            message,
            "the weights were made with pretrain.mmpt.labels = \"cell\", but \"centred\" is needed"
        );
        let message = described
            .require(&model, &pretrain, &FeatureSettings::default())
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
