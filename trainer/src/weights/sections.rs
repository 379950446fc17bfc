//! The settings of model and pre-training in the metadata of a weights file.

use std::collections::BTreeMap;

use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Serialize};

use super::error::WeightsError;
use super::key::{CONFIG_KEY, EARLIER_LABELS_KEY, KIND_KEY, METHOD_KEY, PRETRAIN_KEY, TARGET_KEY};
use super::section::{self, first, text, unreadable};
use crate::config::{DenoiseConfig, MethodKind, MmptPretrainConfig, ModelConfig, ModelKind, PretrainConfig};

/// The setting of the pre-training in [`EARLIER_LABELS_KEY`].
const EARLIER_LABELS: &str = "labels";
/// Settings of the pre-training that are in [`CONFIG_KEY`] in files of earlier versions.
const EARLIER_MODEL_KEYS: [&str; 2] = ["masking", "decoder_width"];
/// Settings of the pre-training that a file may lack, since no weight depends on them.
const LOSS: &str = "loss";
/// Settings of denoising that a file may lack: earlier versions hid no types.
const OF_HIDDEN_TYPES: [&str; 2] = ["hidden_types", "type_weight"];

/// The settings of the method "mmpt+denoise" in the metadata.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MmptDenoiseSections {
    mmpt: MmptPretrainConfig,
    denoise: DenoiseConfig,
}

impl MmptDenoiseSections {
    pub(super) fn of(pretrain: &PretrainConfig) -> Self {
        Self { mmpt: pretrain.mmpt.clone(), denoise: pretrain.denoise.clone() }
    }
}

/// Reads the sections of model and pre-training from metadata of this or an earlier version.
pub(super) fn sections(
    metadata: &BTreeMap<String, String>,
) -> Result<(ModelConfig, PretrainConfig), WeightsError> {
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
    let of_model = |_: &[String]| Some(CONFIG_KEY);
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
            let home = |path: &[String]| (first(path) != LOSS).then_some(PRETRAIN_KEY);
            sections.1.mmpt = section::fill(&sections.1.mmpt, &pretrain, home)?;
        }
        MethodKind::CrystalTwins => {
            let home = |_: &[String]| Some(PRETRAIN_KEY);
            sections.1.crystal_twins = section::fill(&sections.1.crystal_twins, &pretrain, home)?;
        }
        MethodKind::Denoise => {
            sections.1.denoise = section::fill(&sections.1.denoise, &pretrain, of_denoising)?;
        }
        MethodKind::MmptDenoise => {
            let both = MmptDenoiseSections::of(&sections.1);
            let MmptDenoiseSections { mmpt, denoise } = section::fill(&both, &pretrain, of_denoising)?;
            (sections.1.mmpt, sections.1.denoise) = (mmpt, denoise);
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
    let home = |path: &[String]| match first(path) {
        LOSS => None,
        EARLIER_LABELS => Some(EARLIER_LABELS_KEY),
        _ => Some(CONFIG_KEY),
    };
    let mut sections = (ModelConfig::default(), PretrainConfig::default());
    sections.0.mmpt = section::fill(&sections.0.mmpt, &model, |_| Some(CONFIG_KEY))?;
    sections.1.mmpt = section::fill(&sections.1.mmpt, &pretrain, home)?;
    Ok(sections)
}

/// Returns the metadata key at which a setting of denoising is expected; `None` for those of hidden types.
fn of_denoising(path: &[String]) -> Option<&'static str> {
    let is_of_types = path.last().is_some_and(|name| OF_HIDDEN_TYPES.contains(&name.as_str()));
    (!is_of_types).then_some(PRETRAIN_KEY)
}

/// Reads the choice of a key.
fn choice<T: DeserializeOwned>(metadata: &BTreeMap<String, String>, key: &str) -> Result<T, WeightsError> {
    let value = text(metadata, key)?;
    let word: StrDeserializer<'_, ValueError> = value.as_str().into_deserializer();
    T::deserialize(word).map_err(|error| unreadable(key, value, error))
}
