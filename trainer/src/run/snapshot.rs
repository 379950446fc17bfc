//! The model and the optimiser as tensors outside any backend, and back.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module;
use burn::prelude::*;
use burn::tensor::DType;

use crate::error::TrainError;
use crate::model::lattice::LatticeEncoder;
use crate::model::structure::StructureEncoder;
use crate::model::{Mmpt, PropertyModel, names};
use crate::optimiser::{Adam, Moments};
use crate::run::checkpoint::OPTIMISER_PREFIX;
use crate::weights::{self, Description, ElementType, Values};

/// Prefix of a fine-tuned model's head, which the pre-training has not.
const HEAD_PREFIX: &str = "head.";

/// Numbers as they are stored.
fn stored(shape: Vec<usize>, data: TensorData) -> weights::Tensor {
    let (values, element) = match data.dtype() {
        DType::F64 => (Values::F64(data.iter::<f64>().collect()), ElementType::F64),
        _ => (Values::F32(data.iter::<f32>().collect()), ElementType::F32),
    };
    weights::Tensor { shape, values, element }
}

/// Numbers as the backend takes them.
fn loaded(tensor: weights::Tensor) -> TensorData {
    match tensor.values {
        Values::F32(values) => TensorData::new(values, tensor.shape),
        Values::F64(values) => TensorData::new(values, tensor.shape),
    }
}

/// The model's parameters by name.
pub fn weights_of<M: Module>(model: &M) -> BTreeMap<String, weights::Tensor> {
    let parameters = names::parameters(model).into_iter();
    parameters.map(|parameter| (parameter.name, stored(parameter.shape, parameter.data))).collect()
}

/// The model with other parameters.
///
/// # Errors
/// [`TrainError::Model`] for tensors that are missing, of another shape or too many, but for those whose
/// name begins with one of `ignored`; `path` is the file they come from.
pub fn with_weights<M: Module>(
    model: M,
    tensors: BTreeMap<String, weights::Tensor>,
    ignored: &[&str],
    path: &Path,
) -> Result<M, TrainError> {
    let expected = names::parameters(&model);
    let shapes = expected.iter().map(|parameter| (parameter.name.as_str(), parameter.shape.as_slice()));
    weights::check(shapes, &tensors, ignored)
        .map_err(|source| TrainError::Model { path: path.to_owned(), source })?;
    let tensors = tensors.into_iter().map(|(name, tensor)| {
        let data = loaded(tensor).convert_dtype(DType::F32);
        (name, data)
    });
    Ok(names::with_parameters(model, tensors.collect()))
}

/// The optimiser's running means of gradients and of their squares, by parameter.
pub fn moments_of(
    optimiser: &Adam,
) -> (BTreeMap<String, weights::Tensor>, BTreeMap<String, weights::Tensor>) {
    let flat = |tensor: &Tensor<1>| stored(tensor.dims().to_vec(), tensor.to_data());
    let moments = optimiser.moments();
    (
        moments.iter().map(|(name, moments)| (name.clone(), flat(&moments.first))).collect(),
        moments.iter().map(|(name, moments)| (name.clone(), flat(&moments.second))).collect(),
    )
}

/// Gives an optimiser its running means back.
pub fn restore_moments(
    optimiser: &mut Adam,
    steps: u32,
    first: BTreeMap<String, weights::Tensor>,
    mut second: BTreeMap<String, weights::Tensor>,
    device: &Device,
) {
    let tensor = |stored: weights::Tensor| {
        let data = loaded(stored);
        let dtype = data.dtype();
        Tensor::<1>::from_data(data, (device, dtype))
    };
    let moments = first.into_iter().filter_map(|(name, first)| {
        let second = second.remove(&name)?;
        Some((name, Moments { first: tensor(first), second: tensor(second) }))
    });
    optimiser.restore(steps, moments.collect());
}

/// The encoders of a weights file, and what the file says about them.
#[derive(Debug)]
pub struct LoadedEncoders {
    /// Atoms and edges to `h_S`.
    pub structure: StructureEncoder,
    /// Lattice parameters to `h_L`.
    pub lattice: LatticeEncoder,
    /// What they belong to; the defaults for a file that says nothing.
    pub description: Description,
    /// Whether the file said so itself.
    pub described: bool,
}

/// Reads the encoders of a weights file or checkpoint, pre-trained or fine-tuned, without automatic
/// differentiation; `device` is one with it, where parameters are made.
///
/// # Errors
/// As [`load`].
pub fn load_encoders(path: &Path, device: &Device) -> Result<LoadedEncoders, TrainError> {
    let broken = |source| TrainError::Weights { path: path.to_owned(), source };
    let file = weights::read(path).map_err(broken)?;
    let description = file.description().map_err(broken)?;
    let Some((description, target)) =
        description.and_then(|description| description.target.clone().map(|target| (description, target)))
    else {
        let LoadedModel { model, description, described } = load(path, device)?;
        let Mmpt { structure, lattice, .. } = model.valid();
        return Ok(LoadedEncoders { structure, lattice, description, described });
    };
    let model = PropertyModel::init(&description.model, target.head_width, &description.lattice, 0, device);
    let PropertyModel { structure, lattice, .. } =
        with_weights(model, file.tensors, &[OPTIMISER_PREFIX], path)?.valid();
    Ok(LoadedEncoders { structure, lattice, description, described: true })
}

/// A model read from a weights file, and what the file says about it.
#[derive(Debug)]
pub struct LoadedModel {
    /// The model.
    pub model: Mmpt,
    /// What it belongs to; the defaults for a file that says nothing.
    pub description: Description,
    /// Whether the file said so itself.
    pub described: bool,
}

/// Reads a model from a weights file or checkpoint onto a device.
///
/// # Errors
/// [`TrainError::Weights`] for a file that cannot be read or understood, [`TrainError::Model`] for
/// one that holds another model.
pub fn load(path: &Path, device: &Device) -> Result<LoadedModel, TrainError> {
    let broken = |source| TrainError::Weights { path: path.to_owned(), source };
    let file = weights::read(path).map_err(broken)?;
    let description = file.description().map_err(broken)?;
    let described = description.is_some();
    let description = description.unwrap_or_default();
    let model = Mmpt::init(&description.model, &description.lattice, 0, device);
    let model = with_weights(model, file.tensors, &[HEAD_PREFIX, OPTIMISER_PREFIX], path)?;
    Ok(LoadedModel { model, description, described })
}
