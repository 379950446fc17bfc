//! Sums over the two atoms of an edge and over neighbours; see [`crate::ops::pair_sum`],
//! [`crate::ops::neighbour_sum`] and [`crate::ops::radial_sum`].

use burn::backend::LibTorch;
use burn_tch::TchTensor;

use super::dense::{RadialGate, SavedGate};
use super::{activated, gather, is_present, slope_times, sum_by};
use crate::ops::Activation;
use crate::ops::differentiable::Operation;

/// Target and source atom of every edge, shape `[E]` each, and the number of atoms.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    pub(super) target: TchTensor,
    pub(super) source: TchTensor,
    pub(super) atoms: usize,
}

/// The operation `activation(a_target + b_source + extra)` on `[a, b, extra]`, the last optional.
#[derive(Debug, Clone)]
pub(super) struct PairSum(pub(super) Activation, pub(super) Ends);

impl Operation<LibTorch, 3> for PairSum {
    /// The tensor that [`activated`] keeps.
    type Saved = Option<TchTensor>;

    fn forward(&self, [at_target, at_source, extra]: [TchTensor; 3]) -> (TchTensor, Self::Saved) {
        let PairSum(activation, ends) = self;
        let mut sum = gather(&at_target, &ends.target);
        let _ = sum.tensor.g_add_(&gather(&at_source, &ends.source).tensor);
        if is_present(&extra) {
            let _ = sum.tensor.g_add_(&extra.tensor);
        }
        activated(sum, *activation)
    }

    fn backward(&self, saved: Self::Saved, grad: TchTensor, wanted: [bool; 3]) -> [Option<TchTensor>; 3] {
        let PairSum(activation, ends) = self;
        let inner = slope_times(&grad, saved.as_ref(), *activation);
        [
            wanted[0].then(|| sum_by(ends.atoms, &ends.target, &inner)),
            wanted[1].then(|| sum_by(ends.atoms, &ends.source, &inner)),
            wanted[2].then_some(inner),
        ]
    }
}

/// The operation `Σ_{e into i} x_source(e)` on `[x]`.
#[derive(Debug, Clone)]
pub(super) struct NeighbourSum(pub(super) Ends);

impl Operation<LibTorch, 1> for NeighbourSum {
    type Saved = ();

    fn forward(&self, [x]: [TchTensor; 1]) -> (TchTensor, ()) {
        (sum_by(self.0.atoms, &self.0.target, &gather(&x, &self.0.source)), ())
    }

    fn backward(&self, (): (), grad: TchTensor, _: [bool; 1]) -> [Option<TchTensor>; 1] {
        [Some(sum_by(self.0.atoms, &self.0.source, &gather(&grad, &self.0.target)))]
    }
}

/// The operation `Σ_{e into i} x_e ⊙ (W radial_e)` on `[x, radial, weight]`.
#[derive(Debug, Clone)]
pub(super) struct RadialSum {
    /// Centre atom of every edge, shape `[E]`.
    pub(super) target: TchTensor,
    /// Number of atoms.
    pub(super) atoms: usize,
}

impl Operation<LibTorch, 3> for RadialSum {
    type Saved = SavedGate;

    fn forward(&self, inputs: [TchTensor; 3]) -> (TchTensor, SavedGate) {
        let (gated, saved) = RadialGate.forward(inputs);
        (sum_by(self.atoms, &self.target, &gated), saved)
    }

    fn backward(&self, saved: SavedGate, grad: TchTensor, wanted: [bool; 3]) -> [Option<TchTensor>; 3] {
        RadialGate.backward(saved, gather(&grad, &self.target), wanted)
    }
}
