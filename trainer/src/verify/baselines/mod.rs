//! Comparison of the systems that MMPT is compared with: predictions, losses, intermediates, gradients and running
//! statistics in training and evaluation.
//!
//! A fixture has edge lists of its crystals in `graphs.safetensors` and a file for each system. Names in that file:
//!
//! | name | meaning |
//! |---|---|
//! | `w/NAME` | a parameter or an initial running statistic; without them, those of a formula |
//! | `pred`, `loss`, `pred_train`, `loss_eval`, … | predictions, and their mean absolute error |
//! | `t/NAME`, `e/NAME` | intermediates in training and evaluation; `@s` at the end: every s-th row |
//! | `g/NAME` | gradients of the loss in training |
//! | `b/NAME` | running statistics after training's pass |
//! | `fp/…` | norm of a tensor and its product with a fixed vector, instead of the tensor |
//! | `mask/…`, `perturb/…` | numbers of Crystal Twins for the views in `ct_views.safetensors`, with the terms `on`, `off` |
//! | `e_pos`, `e_neg` | the terms of InfoGraph, whose encoder's names begin with `encoder.` |

mod fixture;
mod formula;
mod pretraining;
mod systems;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use burn::prelude::*;
use burn::tensor::{DType, Element};

use super::{Expected, Kind, Table, VerifyError, norm};
use crate::data::{BatchFloat, LatticeStatistics};
use crate::model::{Batch, HeadSize, Pass, PropertyModel, names};
use crate::optimiser::Gradients;
pub use fixture::SystemsFixture;

/// Radius for which the batches' unused bases would be scaled, in Å.
const CUTOFF: f64 = 8.0;
/// Size of the heads.
const HEAD: HeadSize = HeadSize { width: 1, outputs: 1, per_site: false };
/// Text of the vector of fingerprints.
const FINGERPRINT: &str = "fingerprint";

/// Runs a system of a fixture on a device in the precision of `R` and compares its numbers; `None` for a system that
/// this version has not.
///
/// # Errors
/// [`VerifyError`] if the fixture cannot be read.
pub fn compare_system<R: Element + BatchFloat>(
    fixture: &SystemsFixture,
    system: &str,
    device: &Device,
) -> Result<Option<Table>, VerifyError> {
    if let Some(config) = systems::pretraining(system) {
        return pretraining::compare::<R>(fixture, system, &config, device).map(Some);
    }
    let Some(config) = systems::property_model(system) else { return Ok(None) };
    let expected = fixture.numbers(system)?;
    let batch = Batch::new(fixture.batch::<R>(system)?, None, CUTOFF, device);
    let model =
        PropertyModel::init(&config, HEAD, &LatticeStatistics::default(), 0, &device.clone().autodiff());
    let model = filled(model, system, &expected, R::dtype());
    let targets = fixture.targets()?.clone().convert_dtype(R::dtype());
    let targets = Tensor::<1>::from_data(targets, (device, R::dtype()));

    let has_modes = expected.contains_key("loss_eval");
    let mut computed = Numbers::of(system);
    let mut pass = Pass::training().traced();
    let predictions: Tensor<1> = model.predict(&batch, &mut pass).squeeze_dim(1);
    let loss = (predictions.clone() - Tensor::from_inner(targets.clone())).abs().mean();
    let suffix = if has_modes { "_train" } else { "" };
    computed.add(&format!("pred{suffix}"), predictions.into_data());
    computed.add(&format!("loss{suffix}"), loss.clone().into_data());
    computed.trace("t/", &mut pass);
    let gradients = Gradients::collect(&model, loss.backward());
    computed.gradients("g/", &model, &gradients);
    computed.running("b/", &pass.running().update(model.clone()));
    if has_modes {
        let mut pass = Pass::evaluation().traced();
        let predictions: Tensor<1> = model.predict(&batch, &mut pass).squeeze_dim(1);
        let loss = (predictions.clone() - Tensor::from_inner(targets)).abs().mean();
        computed.add("pred_eval", predictions.into_data());
        computed.add("loss_eval", loss.into_data());
        computed.trace("e/", &mut pass);
    }
    Ok(Some(computed.compare(&expected)))
}

/// Fills a model with the weights of a fixture.
fn filled<M: burn::module::Module>(model: M, system: &str, expected: &Expected, dtype: DType) -> M {
    let parameters = names::parameters(&model).into_iter().map(|parameter| {
        let name = in_fixture(system, &parameter.name);
        let data = expected.get(&format!("w/{name}")).cloned().unwrap_or_else(|| {
            let values = formula::parameter(system, &name, &parameter.shape);
            TensorData::new(values, parameter.shape.clone())
        });
        (parameter.name, data.convert_dtype(dtype))
    });
    let parameters = parameters.collect();
    names::with_parameters(model, parameters)
}

/// Returns the name of a parameter in a fixture.
fn in_fixture(system: &str, name: &str) -> String {
    let is_encoder = ["embedding.", "convs."].iter().any(|part| name.starts_with(part));
    match system {
        "infograph" | "infograph_small" if is_encoder => format!("encoder.{name}"),
        _ => name.to_owned(),
    }
}

/// Computed numbers of a system by name.
struct Numbers<'a> {
    system: &'a str,
    by_name: BTreeMap<String, TensorData>,
}

impl<'a> Numbers<'a> {
    fn of(system: &'a str) -> Self {
        Self { system, by_name: BTreeMap::new() }
    }

    fn add(&mut self, name: &str, data: TensorData) {
        self.by_name.insert(name.to_owned(), data);
    }

    /// Adds the intermediates of a pass.
    fn trace(&mut self, prefix: &str, pass: &mut Pass) {
        for (name, data) in std::mem::take(&mut pass.trace).into_tensors() {
            self.add(&format!("{prefix}{name}"), data);
        }
    }

    /// Adds the gradients of a model's parameters, zeros for those that have none.
    fn gradients<M: burn::module::Module>(&mut self, prefix: &str, model: &M, gradients: &Gradients) {
        let tensors = gradients.tensors();
        for parameter in names::parameters(model) {
            let data = match tensors.get(&parameter.name) {
                Some(gradient) => gradient.to_data(),
                None => TensorData::zeros::<f64, _>(parameter.shape.clone()),
            };
            self.add(&format!("{prefix}{}", in_fixture(self.system, &parameter.name)), data);
        }
    }

    /// Adds the running statistics of a model.
    fn running<M: burn::module::Module>(&mut self, prefix: &str, model: &M) {
        for parameter in names::parameters(model) {
            self.add(&format!("{prefix}{}", in_fixture(self.system, &parameter.name)), parameter.data);
        }
    }

    /// Compares the numbers with those of a fixture.
    fn compare(&self, expected: &Expected) -> Table {
        let mut table = Table::default();
        let gradients = expected.iter().filter(|(name, _)| kind(name) == Some(Kind::Gradient));
        // Gradients are compared on the scale of the model, since several are zero.
        let scale = gradients.map(|(_, data)| greatest(data)).fold(0.0, f64::max);
        for (name, expected) in expected {
            let Some(kind) = kind(name) else { continue };
            let Some(computed) = self.get(name) else {
                table.miss(kind, name);
                continue;
            };
            let scale = if kind == Kind::Gradient { scale } else { greatest(expected) };
            table.add_on_scale(kind, name, &computed, expected, scale);
        }
        table
    }

    /// Returns the number or tensor that a name in a fixture means.
    fn get(&self, name: &str) -> Option<TensorData> {
        if let Some(name) = name.strip_prefix("fp/") {
            let data = self.by_name.get(name)?;
            let values: Vec<f64> = data.iter::<f64>().collect();
            let product = values.iter().zip(formula::unit(FINGERPRINT, values.len()));
            let product: f64 = product.map(|(value, unit)| value * unit).sum();
            return Some(TensorData::new(vec![norm(data), product], [2]));
        }
        let Some((name, step)) = name.rsplit_once('@') else { return self.by_name.get(name).cloned() };
        let data = self.by_name.get(name)?;
        let (step, width) = (step.parse().ok()?, data.shape().last().copied()?);
        let values: Vec<f64> = data.iter::<f64>().collect();
        let rows: Vec<f64> = values.chunks(width).step_by(step).flatten().copied().collect();
        let count = rows.len() / width;
        Some(TensorData::new(rows, [count, width]))
    }
}

/// Returns the kind of a number of a fixture; `None` for a weight.
fn kind(name: &str) -> Option<Kind> {
    let name = name.strip_prefix("fp/").unwrap_or(name);
    let (parts, leaf) = name.rsplit_once('/').unwrap_or(("", name));
    let has = |part: &str| parts.split('/').any(|other| other == part);
    match () {
        () if has("w") || has("w4") => None,
        () if has("g") => Some(Kind::Gradient),
        () if has("b") => Some(Kind::Running),
        () if has("t") || has("e") => Some(Kind::Tensor),
        () if leaf.starts_with("pred") => Some(Kind::Finetuning),
        () => Some(Kind::Loss),
    }
}

/// Returns the largest magnitude.
fn greatest(data: &TensorData) -> f64 {
    data.iter::<f64>().fold(0.0, |greatest: f64, value| greatest.max(value.abs()))
}
