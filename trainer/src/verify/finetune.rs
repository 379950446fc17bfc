//! Comparison of the fine-tuned model with a fixture: features, predictions and the head's gradients (specification,
//! section 8).

use burn::prelude::*;
use burn::tensor::{DType, Element};

use super::{Fixture, Kind, Table, TieRule, VerifyError};
use crate::data::BatchFloat;
use crate::model::{Batch, HeadSize, Pass, PropertyModel, names};
use crate::optimiser::Gradients;

/// Prefix of the gradients among the tensors of a fixture.
const GRADIENT_PREFIX: &str = "grad.";

/// Compares the fine-tuned model with the fixture, if it has one. The loss is the mean absolute error of the targets,
/// which are not standardised.
pub(super) fn compare<R: Element + BatchFloat>(
    fixture: &Fixture,
    ties: TieRule,
    device: &Device,
    table: &mut Table,
) -> Result<(), VerifyError> {
    let run = format!("{}_f64", ties.name());
    let Some(expected) = fixture.finetuning(&run) else { return Ok(()) };
    let batch = Batch::new(fixture.batch::<R>(ties, device)?, None, fixture.cutoff_angstrom(), device);
    let model = model(fixture, R::dtype(), &device.clone().autodiff())?;
    let mut pass = Pass::training().traced();
    let predictions: Tensor<1> = model.predict(&batch, &mut pass).squeeze_dim(1);
    let count = expected.targets.len();
    let data = TensorData::new(expected.targets.clone(), [count]).convert_dtype(R::dtype());
    let targets = Tensor::<1>::from_data(data, (device, R::dtype()));
    let loss = (predictions.clone() - targets).abs().mean();
    let error = loss.clone().into_scalar::<f64>();
    let gradients = Gradients::collect(&model, loss.backward());
    let tensors = gradients.tensors();

    let predictions = predictions.into_data();
    table.add_number(Kind::Finetuning, "mean absolute error", error, expected.error);
    table.add(Kind::Finetuning, "predictions", &predictions, &TensorData::new(expected.predictions, [count]));
    table.add_number(
        Kind::Finetuning,
        "norm of the gradients",
        gradients.norm().read(),
        expected.gradient_norm,
    );
    let mut computed = pass.trace.into_tensors();
    computed.insert("pred".to_owned(), predictions);
    for (name, expected) in fixture.tensors(&format!("finetune_{run}.safetensors"))? {
        let gradient = name.strip_prefix(GRADIENT_PREFIX).and_then(|name| tensors.get(name));
        let tensor = computed.get(&name).cloned().or_else(|| gradient.map(Tensor::to_data));
        match tensor {
            Some(tensor) => table.add(Kind::Finetuning, &name, &tensor, &expected),
            None => table.miss(Kind::Finetuning, &name),
        }
    }
    Ok(())
}

/// Returns the fine-tuned model of a fixture in a precision.
fn model(fixture: &Fixture, dtype: DType, device: &Device) -> Result<PropertyModel, VerifyError> {
    let head = HeadSize { width: fixture.head_width(), outputs: 1, per_site: false };
    let model = PropertyModel::init(&fixture.model().into(), head, &fixture.lattice(), 0, device);
    let weights = fixture.tensors("weights.safetensors")?;
    let weights = weights.into_iter().map(|(name, data)| (name, data.convert_dtype(dtype))).collect();
    Ok(names::with_parameters(model, weights))
}
