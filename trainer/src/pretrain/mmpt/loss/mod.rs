//! The loss of pre-training (specification, section 6): a weighted sum of terms, one file per term.

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
use crate::run::step::{TOTAL, Titles, Values};
use crate::run::terms::Terms;
use crate::unit;

/// Weight of each view in the mean over both.
const VIEW_SHARE: f64 = 0.5;

/// A term of the loss (Eq. 7).
struct Term {
    /// Name of the term in section 6 of the specification.
    name: &'static str,
    /// Says in words what the term is about, for the captions of its curves.
    title: &'static str,
    /// Unit of its value; `1` for none.
    unit: fn(&LossConfig) -> &'static str,
    /// Computes the term for a batch, shape `[1]`.
    value: fn(&LossConfig, &Prediction, &Batch, &mut Trace) -> Tensor<1>,
    /// Value of the term for the constant predictor; `None` for a term without one.
    constant: fn(&ConstantPredictor, PeriodicLabels) -> Option<f64>,
}

/// Lists the terms. Each is the `TERM` of the file that is named like its setting.
macro_rules! of_files {
    ($($(#[doc = $about:literal])* $file:ident: $settings:ty = $default:expr;)*) => { &[$($file::TERM),*] };
}

/// Every term, in the order of Eq. 7.
const TERMS: &[Term] = terms!(of_files);

/// Returns the terms of non-zero weight, with their weights.
fn switched_on(config: &LossConfig) -> impl Iterator<Item = (&'static Term, f64)> {
    TERMS.iter().zip(config.weights()).filter(|(_, weight)| *weight != 0.0)
}

/// Returns the loss terms of the constant predictor by name.
pub(super) fn constant_losses(constant: &ConstantPredictor, labels: PeriodicLabels) -> Values {
    let values = TERMS.iter().filter_map(|term| Some((term.name, (term.constant)(constant, labels)?)));
    values.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Unit of a cross entropy.
fn nats(_: &LossConfig) -> &'static str {
    "nats"
}

/// Returns what the sum and the terms are, by name.
pub(super) fn titles(config: &LossConfig) -> Titles {
    let title =
        |term: &Term| format!("{} ({}){}", term.title, term.name, unit::shown(", ", (term.unit)(config), ""));
    let terms = TERMS.iter().map(|term| (term.name, title(term)));
    terms.chain([(TOTAL, "Weighted sum of the terms".to_owned())]).collect()
}

/// The loss of a batch and its terms.
#[derive(Debug)]
pub struct Losses {
    /// Weighted sum of the terms with its gradient, shape `[1]`.
    pub total: Tensor<1>,
    /// The unweighted terms by name, shape `[1]` each.
    pub parts: Vec<(&'static str, Tensor<1>)>,
}

impl Losses {
    /// Returns the name of the sum and those of the terms of non-zero weight.
    pub fn names(config: &LossConfig) -> Vec<&'static str> {
        std::iter::once(TOTAL).chain(switched_on(config).map(|(term, _)| term.name)).collect()
    }

    /// Computes the terms of non-zero weight and their sum `Σ_t w_t L_t` (Eq. 7).
    ///
    /// # Shapes
    /// See [`Prediction`]; the total is `[1]`.
    pub fn new(config: &LossConfig, prediction: &Prediction, batch: &Batch, trace: &mut Trace) -> Self {
        let zero = || Tensor::<1>::zeros([1], (&prediction.lattice.device(), prediction.lattice.dtype()));
        let mut total = zero();
        let mut parts = Vec::with_capacity(TERMS.len());
        for (term, weight) in switched_on(config) {
            let value = (term.value)(config, prediction, batch, trace);
            total = total + value.clone() * weight;
            parts.push((term.name, value));
        }
        Self { total, parts }
    }

    /// Returns the weighted sum and the unweighted terms.
    pub fn terms(&self) -> Terms {
        let sum = [(TOTAL, self.total.clone())].into_iter();
        let (names, values): (Vec<_>, Vec<_>) = sum.chain(self.parts.iter().cloned()).unzip();
        Terms::new(&names, &values)
    }

    /// Returns the names and values of the sum and the terms. Waits for the device.
    pub fn values(&self) -> Vec<(&'static str, f64)> {
        self.terms().values()
    }
}

/// Returns the unit of an error, given that of the difference and that of its square.
const fn error_unit(kind: Error, [absolute, squared]: [&'static str; 2]) -> &'static str {
    match kind {
        Error::Absolute => absolute,
        Error::Squared => squared,
    }
}

/// Returns `|difference|` or `difference²`, element by element.
fn error<const D: usize>(kind: Error, difference: Tensor<D>) -> Tensor<D> {
    match kind {
        Error::Absolute => difference.abs(),
        Error::Squared => difference.powi_scalar(2),
    }
}
