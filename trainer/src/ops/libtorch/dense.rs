//! Linear layers and filters per row; see [`crate::ops::dense`] and [`crate::ops::radial_gate`].

use burn::backend::LibTorch;
use burn_tch::TchTensor;

use super::{activated, add_residual, column_sums, is_present, product, slope_times};
use crate::ops::Activation;
use crate::ops::differentiable::Operation;

/// The operation `activation(x Wᵀ + b) + residual` on `[x, weight, bias, residual]`, the last two optional.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dense(pub(super) Activation);

/// The tensors that [`Dense`] keeps for the backward pass.
#[derive(Debug, Clone)]
pub(super) struct SavedDense {
    x: TchTensor,
    weight: TchTensor,
    /// The tensor that [`super::activated`] keeps.
    activated: Option<TchTensor>,
}

impl Operation<LibTorch, 4> for Dense {
    type Saved = SavedDense;

    fn forward(&self, [x, weight, bias, residual]: [TchTensor; 4]) -> (TchTensor, SavedDense) {
        let bias = is_present(&bias).then_some(&bias.tensor);
        let (y, activated) = match (self.0, bias) {
            // One pass over the rows less than a product and a sum.
            (Activation::Identity, None) if is_present(&residual) => {
                (TchTensor::new(residual.tensor.addmm(&x.tensor, &weight.tensor.tr())), None)
            }
            (activation, bias) => {
                let sum = TchTensor::new(x.tensor.linear(&weight.tensor, bias));
                let (y, kept) = activated(sum, activation);
                (add_residual(y, &residual, activation), kept)
            }
        };
        (y, SavedDense { x, weight, activated })
    }

    fn backward(&self, saved: SavedDense, grad: TchTensor, wanted: [bool; 4]) -> [Option<TchTensor>; 4] {
        let SavedDense { x, weight, activated } = saved;
        let inner = slope_times(&grad, activated.as_ref(), self.0);
        [
            wanted[0].then(|| TchTensor::new(inner.tensor.mm(&weight.tensor))),
            wanted[1].then(|| product(&inner, &x)),
            wanted[2].then(|| column_sums(&inner)),
            wanted[3].then_some(grad),
        ]
    }
}

/// The operation `x ⊙ (radial Wᵀ)` on `[x, radial, weight]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct RadialGate;

/// The tensors that [`RadialGate`] keeps for the backward pass.
#[derive(Debug, Clone)]
pub(super) struct SavedGate {
    x: TchTensor,
    radial: TchTensor,
    weight: TchTensor,
    /// The filter `radial Wᵀ`.
    filter: TchTensor,
}

impl Operation<LibTorch, 3> for RadialGate {
    type Saved = SavedGate;

    fn forward(&self, [x, radial, weight]: [TchTensor; 3]) -> (TchTensor, SavedGate) {
        let filter = TchTensor::new(radial.tensor.mm(&weight.tensor.tr()));
        let y = TchTensor::new(&x.tensor * &filter.tensor);
        (y, SavedGate { x, radial, weight, filter })
    }

    fn backward(&self, saved: SavedGate, grad: TchTensor, wanted: [bool; 3]) -> [Option<TchTensor>; 3] {
        let SavedGate { x, radial, weight, filter } = saved;
        let dfilter = TchTensor::new(&grad.tensor * &x.tensor);
        [
            wanted[0].then(|| TchTensor::new(&grad.tensor * &filter.tensor)),
            wanted[1].then(|| TchTensor::new(dfilter.tensor.mm(&weight.tensor))),
            wanted[2].then(|| product(&dfilter, &radial)),
        ]
    }
}
