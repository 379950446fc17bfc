//! Reading of encoders and pre-trained models from weights files.

use std::path::Path;

use burn::module::Module;
use burn::prelude::*;

use super::{Pretraining, for_method, require_kind};
use crate::config::Config;
use crate::error::TrainError;
use crate::model::layers::Initialiser;
use crate::model::{Encoder, Head, PropertyModel};
use crate::run::checkpoint::{BESIDES_PROPERTY, OPTIMISER_PREFIX};
use crate::run::snapshot::{require_model, with_weights};
use crate::weights::{self, Description, WeightsFile};

/// An encoder that was read from a weights file.
#[derive(Debug)]
pub struct LoadedEncoder {
    /// The encoder.
    pub encoder: Encoder,
    /// Description of the weights; the default for a file without one.
    pub description: Description,
    /// Whether the file has a description.
    pub described: bool,
}

/// Reads the encoder of a weights file or checkpoint, pre-trained or fine-tuned. The encoder has no automatic
/// differentiation. Parameters are made on `device`, which must be one with automatic differentiation.
///
/// # Errors
/// [`TrainError::Weights`] for a file that cannot be read or understood, [`TrainError::Model`] for one that holds
/// another model.
pub fn load_encoder(path: &Path, device: &Device) -> Result<LoadedEncoder, TrainError> {
    let broken = |source| TrainError::Weights { path: path.to_owned(), source };
    let file = weights::read(path).map_err(broken)?;
    let description = file.description().map_err(broken)?.unwrap_or_default();
    let Some(target) = &description.target else {
        return for_method!(description.pretrain.method, P => pretrained::<P>(file, path, device));
    };
    let model = PropertyModel::blank(&description.model, target.head_size(), device);
    let PropertyModel { encoder, .. } = with_weights(model, file.tensors, &BESIDES_PROPERTY, path)?.valid();
    Ok(LoadedEncoder { encoder, description, described: true })
}

/// Checks that a weights file holds the whole model that its description names, with its decoders or its head.
///
/// # Errors
/// [`TrainError::Model`] for a file whose tensors are not those of the configured model: one is missing, unexpected or of
/// another shape.
pub(crate) fn require_whole(
    path: &Path,
    file: &WeightsFile,
    description: &Description,
) -> Result<(), TrainError> {
    fn require<P: Pretraining>(path: &Path, file: &WeightsFile, of: &Description) -> Result<(), TrainError> {
        let model = blank::<P>(of, &Device::flex().autodiff())?;
        require_model(&model, &file.tensors, &besides(of), path)
    }
    match &description.target {
        Some(target) => {
            let device = Device::flex().autodiff();
            let model = PropertyModel::blank(&description.model, target.head_size(), &device);
            require_model(&model, &file.tensors, &BESIDES_PROPERTY, path)
        }
        None => for_method!(description.pretrain.method, P => require::<P>(path, file, description)),
    }
}

/// Returns a model of the pre-training that a description names, without weights.
fn blank<P: Pretraining>(description: &Description, device: &Device) -> Result<P::Model, TrainError> {
    let config = Config {
        model: description.model.clone(),
        pretrain: description.pretrain.clone(),
        ..Config::default()
    };
    require_kind(&config)?;
    Ok(P::build(&config, &description.lattice, &mut Initialiser::blank(device)))
}

/// Returns the beginnings of the names of tensors that are no part of a pre-trained model.
fn besides(description: &Description) -> Vec<&'static str> {
    [Head::prefixes(description.model.kind), &[OPTIMISER_PREFIX]].concat()
}

/// Returns the encoder of a pre-trained model.
fn pretrained<P: Pretraining>(
    file: WeightsFile,
    path: &Path,
    device: &Device,
) -> Result<LoadedEncoder, TrainError> {
    let LoadedModel { model, description, described } = model_of::<P>(file, path, device)?;
    Ok(LoadedEncoder { encoder: P::into_encoder(model).valid(), description, described })
}

/// A model that was read from a weights file.
#[derive(Debug)]
pub(super) struct LoadedModel<M> {
    /// The model.
    pub(super) model: M,
    /// Description of the weights; the default for a file without one.
    pub(super) description: Description,
    /// Whether the file has a description.
    pub(super) described: bool,
}

/// Reads a model from a weights file or checkpoint onto a device.
///
/// # Errors
/// [`TrainError::Weights`] for a file that cannot be read or understood, [`TrainError::Model`] for one that holds
/// another model.
pub(super) fn load<P: Pretraining>(
    path: &Path,
    device: &Device,
) -> Result<LoadedModel<P::Model>, TrainError> {
    let broken = |source| TrainError::Weights { path: path.to_owned(), source };
    model_of::<P>(weights::read(path).map_err(broken)?, path, device)
}

/// Returns the model of a weights file that was read from `path`.
fn model_of<P: Pretraining>(
    file: WeightsFile,
    path: &Path,
    device: &Device,
) -> Result<LoadedModel<P::Model>, TrainError> {
    let broken = |source| TrainError::Weights { path: path.to_owned(), source };
    let description = file.description().map_err(broken)?;
    let described = description.is_some();
    let description = description.unwrap_or_default();
    let model = blank::<P>(&description, device)?;
    let model = with_weights(model, file.tensors, &besides(&description), path)?;
    Ok(LoadedModel { model, description, described })
}
