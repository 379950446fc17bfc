//! The losses of pre-training (specification, section 6): one file a term, summed with their weights here.

mod atom;
mod contrast;
mod coordinate;
mod direction;
mod distance;
mod lattice;
mod same_cell;
#[cfg(test)]
mod tests;

use burn::prelude::*;

use super::model::Prediction;
use crate::config::pretrain::loss::{Error, LossConfig, terms};
use crate::data::{ConstantPredictor, PeriodicLabels};
use crate::model::{Batch, Trace};
use crate::run::step::{TOTAL, Values};

/// A term of Eq. 7.
struct Term {
    /// Its name in section 6 of the specification.
    name: &'static str,
    /// Its value for a batch, shape `[1]`.
    value: fn(&LossConfig, &Prediction, &Batch, &mut Trace) -> Tensor<1>,
    /// Its value for a predictor that always says the same; `None` where there is no such predictor.
    constant: fn(&ConstantPredictor, PeriodicLabels) -> Option<f64>,
}

/// The terms of the list of settings, each of the file that is called like its setting.
macro_rules! of_files {
    ($($(#[doc = $about:literal])* $file:ident: $settings:ty = $default:expr;)*) => { &[$($file::TERM),*] };
}

/// Every term, in the order of Eq. 7.
const TERMS: &[Term] = terms!(of_files);

/// The terms that a configuration switches on, with their factors in the sum.
fn switched_on(config: &LossConfig) -> impl Iterator<Item = (&'static Term, f64)> {
    TERMS.iter().zip(config.weights()).filter(|(_, weight)| *weight != 0.0)
}

/// Losses of a predictor that always says the same, by term.
pub(super) fn constant_losses(constant: &ConstantPredictor, labels: PeriodicLabels) -> Values {
    let values = TERMS.iter().filter_map(|term| Some((term.name, (term.constant)(constant, labels)?)));
    values.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The loss of a batch.
#[derive(Debug)]
pub struct Losses {
    /// Weighted sum, shape `[1]`; the one to differentiate.
    pub total: Tensor<1>,
    names: Vec<&'static str>,
    /// The sum and the terms without their weights, shape `[1 + terms]`.
    values: Tensor<1>,
}

impl Losses {
    /// Names of the sum and of the terms that a configuration switches on.
    pub fn names(config: &LossConfig) -> Vec<&'static str> {
        std::iter::once(TOTAL).chain(switched_on(config).map(|(term, _)| term.name)).collect()
    }

    /// Computes every term whose weight is not 0.
    pub fn new(config: &LossConfig, prediction: &Prediction, batch: &Batch, trace: &mut Trace) -> Self {
        let zero = || Tensor::<1>::zeros([1], (&prediction.lattice.device(), prediction.lattice.dtype()));
        let mut total = zero();
        let mut values = Vec::with_capacity(TERMS.len());
        for (term, weight) in switched_on(config) {
            let value = (term.value)(config, prediction, batch, trace);
            total = total + value.clone() * weight;
            values.push(value.detach());
        }
        values.insert(0, total.clone().detach());
        Self { total, names: Self::names(config), values: Tensor::cat(values, 0) }
    }

    /// The values as numbers, the sum first: waits for the device.
    pub fn values(&self) -> Vec<(&'static str, f64)> {
        let values = self.values.clone().into_data().iter::<f64>().collect::<Vec<_>>();
        self.names.iter().copied().zip(values).collect()
    }
}

/// `|difference|` or its square.
fn error<const D: usize>(kind: Error, difference: Tensor<D>) -> Tensor<D> {
    match kind {
        Error::Absolute => difference.abs(),
        Error::Squared => difference.powi_scalar(2),
    }
}

/// Half the sum over both views: each of them is half of a mean.
fn mean_of_views(first: Tensor<1>, second: Tensor<1>) -> Tensor<1> {
    (first + second) * 0.5
}
