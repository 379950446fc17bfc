//! Conversion of model and optimiser to tensors outside any backend, and back.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module;
use burn::prelude::*;
use burn::tensor::DType;

use crate::config::optimiser::OptimiserKind;
use crate::error::TrainError;
use crate::model::names;
use crate::optimiser::{Moments, Optimiser};
use crate::weights::{self, ElementType, Values};

/// Converts values to their stored form.
pub(super) fn stored(shape: Vec<usize>, data: TensorData) -> weights::Tensor {
    let (values, element) = match data.dtype() {
        DType::F64 => (Values::F64(data.iter::<f64>().collect()), ElementType::F64),
        _ => (Values::F32(data.iter::<f32>().collect()), ElementType::F32),
    };
    weights::Tensor { shape, values, element }
}

/// Converts stored values for the backend.
fn loaded(tensor: weights::Tensor) -> TensorData {
    match tensor.values {
        Values::F32(values) => TensorData::new(values, tensor.shape),
        Values::F64(values) => TensorData::new(values, tensor.shape),
    }
}

/// Returns a flat tensor on a device.
pub(super) fn tensor(stored: weights::Tensor, device: &Device) -> Tensor<1> {
    let data = loaded(stored);
    let dtype = data.dtype();
    Tensor::from_data(data, (device, dtype))
}

/// Returns the parameters of a model by name.
pub fn weights_of<M: Module>(model: &M) -> BTreeMap<String, weights::Tensor> {
    let parameters = names::parameters(model).into_iter();
    parameters.map(|parameter| (parameter.name, stored(parameter.shape, parameter.data))).collect()
}

/// Replaces the parameters of a model.
///
/// # Errors
/// [`TrainError::Model`] for tensors that are missing, unexpected or of another shape. Names that begin with one of
/// `ignored` are skipped. `path` is the file of the tensors.
pub fn with_weights<M: Module>(
    model: M,
    tensors: BTreeMap<String, weights::Tensor>,
    ignored: &[&str],
    path: &Path,
) -> Result<M, TrainError> {
    require_model(&model, &tensors, ignored, path)?;
    let tensors = tensors.into_iter().map(|(name, tensor)| {
        let data = loaded(tensor).convert_dtype(DType::F32);
        (name, data)
    });
    Ok(names::with_parameters(model, tensors.collect()))
}

/// Checks that tensors are those of a model.
///
/// # Errors
/// Those of [`with_weights`].
pub(crate) fn require_model<M: Module>(
    model: &M,
    tensors: &BTreeMap<String, weights::Tensor>,
    ignored: &[&str],
    path: &Path,
) -> Result<(), TrainError> {
    let expected = names::parameters(model);
    let shapes = expected.iter().map(|parameter| (parameter.name.as_str(), parameter.shape.as_slice()));
    weights::check(shapes, tensors, ignored)
        .map_err(|source| TrainError::Model { path: path.to_owned(), source })
}

/// Returns the optimiser's first and second moments by parameter. SGD has no second ones.
pub fn moments_of(
    optimiser: &Optimiser,
) -> (BTreeMap<String, weights::Tensor>, BTreeMap<String, weights::Tensor>) {
    let flat = |tensor: &Tensor<1>| stored(tensor.dims().to_vec(), tensor.to_data());
    let moments = optimiser.moments();
    (
        moments.iter().map(|(name, moments)| (name.clone(), flat(&moments.first))).collect(),
        moments
            .iter()
            .filter_map(|(name, moments)| Some((name.clone(), flat(moments.second.as_ref()?))))
            .collect(),
    )
}

/// Whether the optimiser's moments in a checkpoint fit a model: each belongs to a parameter by name and has as many
/// elements. `sizes` has the number of elements of every parameter by name; `first` and `second` hold the running means
/// of gradients and of their squares. A parameter without a gradient so far has no moments. SGD has first moments only.
pub fn are_moments_of(
    sizes: &BTreeMap<String, usize>,
    first: &BTreeMap<String, weights::Tensor>,
    second: &BTreeMap<String, weights::Tensor>,
    kind: OptimiserKind,
) -> bool {
    let are_paired = match kind {
        OptimiserKind::Sgd => second.is_empty(),
        OptimiserKind::Adam | OptimiserKind::AdamW => first.keys().eq(second.keys()),
    };
    are_paired
        && first.iter().chain(second).all(|(name, tensor)| sizes.get(name) == Some(&tensor.values.len()))
}

/// Restores the optimiser's moments.
pub fn restore_moments(
    optimiser: &mut Optimiser,
    steps: u32,
    first: BTreeMap<String, weights::Tensor>,
    mut second: BTreeMap<String, weights::Tensor>,
    device: &Device,
) {
    let moments = first.into_iter().map(|(name, first)| {
        let second = second.remove(&name).map(|second| tensor(second, device));
        (name, Moments { first: tensor(first, device), second })
    });
    optimiser.restore(steps, moments.collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_belong_to_parameters() {
        let sizes = BTreeMap::from([("weight".to_owned(), 4), ("bias".to_owned(), 2)]);
        let moments = |lengths: &[(&str, usize)]| -> BTreeMap<String, weights::Tensor> {
            let moment = |&(name, length): &(&str, usize)| {
                (name.to_owned(), weights::Tensor::f32([length], vec![0.5; length]))
            };
            lengths.iter().map(moment).collect()
        };
        let fit =
            |first: &[_], second: &[_], kind| are_moments_of(&sizes, &moments(first), &moments(second), kind);
        let both = [("weight", 4), ("bias", 2)];
        assert!(fit(&both, &both, OptimiserKind::Adam) && fit(&both[..1], &both[..1], OptimiserKind::AdamW));
        assert!(fit(&both, &[], OptimiserKind::Sgd) && fit(&[], &[], OptimiserKind::Adam));
        assert!(!fit(&both, &both[..1], OptimiserKind::Adam), "a second one is missing");
        assert!(!fit(&both, &both, OptimiserKind::Sgd), "of another optimiser");
        assert!(!fit(&[("weight", 3)], &[], OptimiserKind::Sgd), "of another shape");
        assert!(!fit(&[("other", 4)], &[], OptimiserKind::Sgd), "of another model");
    }
}
