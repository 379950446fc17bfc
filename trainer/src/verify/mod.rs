//! Comparison with the numbers of a reference implementation: intermediate tensors, loss terms, gradients, an
//! optimiser step and the fine-tuned model (specification, section 8). [`baselines`] does so for other systems.

pub mod baselines;
mod finetune;
pub mod fixture;
pub mod limits;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::prelude::*;
use burn::tensor::{DType, Element};

use crate::config::{LossConfig, OptimiserConfig};
use crate::data::{BatchFloat, DataError};
use crate::model::mask::Masks;
use crate::model::{Batch, Trace, names};
use crate::optimiser::{Gradients, Optimiser, Rates};
use crate::pretrain::mmpt::MmptModel;
use crate::pretrain::mmpt::loss::Losses;
pub use fixture::{Fixture, TieRule};
pub use table::{Deviation, Kind, Table};

/// Tensors of a fixture by name.
pub(crate) type Expected = BTreeMap<String, TensorData>;

/// Name of the norm over all gradients in the manifest.
const ALL_GRADIENTS: &str = "__total__";

/// An error that prevents a comparison.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: std::io::Error,
    },
    /// The manifest cannot be parsed.
    #[error("{}: {source}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// The underlying error, with its position.
        source: serde_json::Error,
    },
    /// A file is not in the safetensors format.
    #[error("{} is not a safetensors file: {source}", path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: safetensors::SafeTensorError,
    },
    /// A tensor is missing or of an unexpected type.
    #[error("{} has no tensor '{name}' of a type that is compared", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A crystal is not a valid graph.
    #[error(transparent)]
    Data(DataError),
}

impl VerifyError {
    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Runs a fixture on a device in the precision of `R` and compares all of its numbers.
///
/// # Errors
/// [`VerifyError`] if the fixture cannot be read.
pub fn compare<R: Element + BatchFloat>(
    fixture: &Fixture,
    ties: TieRule,
    device: &Device,
) -> Result<Table, VerifyError> {
    let dtype = R::dtype();
    let graph = fixture.batch::<R>(ties, device)?;
    let first = fixture.mask();
    let masks = Masks { second: first.iter().map(|&hidden| !hidden).collect(), first };
    let batch = Batch::new(graph, Some(&masks), fixture.cutoff_angstrom(), device);
    let model = model(fixture, dtype, &device.clone().autodiff())?;
    let mut table = Table::default();

    let mut trace = Trace::on();
    let prediction = model.forward(&batch, &mut trace);
    let losses = Losses::new(&LossConfig::default(), &prediction, &batch, &mut trace);
    let computed = trace.into_tensors();
    for (name, expected) in fixture.tensors(&format!("batch_{}_f64.safetensors", ties.name()))? {
        if let Some(tensor) = computed.get(&name) {
            table.add(Kind::Tensor, &name, tensor, &expected);
        } else {
            table.miss(Kind::Tensor, &name);
        }
    }
    let run = format!("{}_f64", ties.name());
    let expected_losses = fixture.losses(&run);
    for (name, value) in losses.values() {
        match expected_losses.get(name) {
            Some(&expected) => table.add_number(Kind::Loss, name, value, expected),
            None => table.miss(Kind::Loss, name),
        }
    }

    let gradients = Gradients::collect(&model, losses.total.backward());
    let tensors = gradients.tensors();
    let norms = fixture.gradient_norms(&run);
    for (name, expected) in &norms {
        let norm = match tensors.get(name) {
            _ if name == ALL_GRADIENTS => Some(gradients.norm().read()),
            gradient => gradient.map(|gradient| norm(&gradient.to_data())),
        };
        match norm {
            Some(norm) => table.add_number(Kind::GradientNorm, name, norm, *expected),
            None => table.miss(Kind::GradientNorm, name),
        }
    }
    let expected_gradients = fixture.tensors(&format!("grads_{}_f64.safetensors", ties.name()))?;
    for (name, expected) in &expected_gradients {
        match tensors.get(name) {
            Some(gradient) => table.add(Kind::Gradient, name, &gradient.to_data(), expected),
            None => table.miss(Kind::Gradient, name),
        }
    }
    compare_step(fixture, ties, model, &expected_gradients, dtype, device, &mut table)?;
    finetune::compare::<R>(fixture, ties, device, &mut table)?;
    Ok(table)
}

/// Compares an Adam step that is taken from the stored gradients.
fn compare_step(
    fixture: &Fixture,
    ties: TieRule,
    model: MmptModel,
    gradients: &BTreeMap<String, TensorData>,
    dtype: DType,
    device: &Device,
    table: &mut Table,
) -> Result<(), VerifyError> {
    let expected = fixture.tensors(&format!("adam1_{}_f64.safetensors", ties.name()))?;
    if expected.is_empty() {
        return Ok(());
    }
    let flat = |data: &TensorData| {
        let values = data.iter::<f64>().collect::<Vec<_>>();
        let count = values.len();
        Tensor::<1>::from_data(TensorData::new(values, [count]).convert_dtype(dtype), (device, dtype))
    };
    let gradients = gradients.iter().map(|(name, data)| (name.clone(), flat(data))).collect();
    let config = OptimiserConfig::default();
    let gradients = Gradients::from_tensors(gradients);
    let model = Optimiser::new(&config).step(model, gradients, Rates::of(&config));
    let parameters: BTreeMap<_, _> =
        names::parameters(&model).into_iter().map(|tensor| (tensor.name, tensor.data)).collect();
    for (name, expected) in &expected {
        match parameters.get(name) {
            Some(parameter) => table.add(Kind::Step, name, parameter, expected),
            None => table.miss(Kind::Step, name),
        }
    }
    Ok(())
}

/// Returns the model of a fixture in a precision.
fn model(fixture: &Fixture, dtype: DType, device: &Device) -> Result<MmptModel, VerifyError> {
    let model = MmptModel::init(&fixture.model(), fixture.decoder_width(), &fixture.lattice(), 0, device);
    let weights = fixture.tensors("weights.safetensors")?;
    let weights = weights.into_iter().map(|(name, data)| (name, data.convert_dtype(dtype))).collect();
    Ok(names::with_parameters(model, weights))
}

/// Returns the Euclidean norm.
fn norm(data: &TensorData) -> f64 {
    data.iter::<f64>().map(|value| value * value).sum::<f64>().sqrt()
}
