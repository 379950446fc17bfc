//! Attention over an atom's neighbours; see [`crate::ops::attention`].

use burn::backend::LibTorch;
use burn_tch::TchTensor;

use super::neighbour::Ends;
use super::{gather, sum_by};
use crate::ops::ATTENTION_SLOPE;
use crate::ops::differentiable::Operation;

/// The operation `Σ_e ε_e v_source(e)` on `[t, s, v]`, where ε is the softmax of `LeakyReLU(t_target + s_source)`
/// over the edges into an atom.
#[derive(Debug, Clone)]
pub(super) struct Attention(pub(super) Ends);

/// The tensors kept for the backward pass.
#[derive(Debug, Clone)]
pub(super) struct Saved {
    /// Scores `t_target + s_source`, shape `[E]`.
    scores: TchTensor,
    /// Attention weights ε, shape `[E, 1]`.
    weights: TchTensor,
    values: TchTensor,
}

impl Operation<LibTorch, 3> for Attention {
    type Saved = Saved;

    fn forward(&self, [at_target, at_source, values]: [TchTensor; 3]) -> (TchTensor, Saved) {
        let Ends { target, source, atoms } = &self.0;
        let mut scores = gather(&at_target, target);
        let _ = scores.tensor.g_add_(&gather(&at_source, source).tensor);
        let leaky = scores.tensor.maximum(&(&scores.tensor * ATTENTION_SLOPE));
        // A softmax does not depend on a shift: the greatest score of each atom becomes 0.
        let mut greatest = at_target.tensor.full_like(f64::from(f32::MIN));
        let _ = greatest.internal_scatter_reduce_(0, &target.tensor, &leaky, "amax", true);
        let exponentials = (leaky - greatest.index_select(0, &target.tensor)).exp().unsqueeze(1);
        let exponentials = TchTensor::new(exponentials);
        let sums = sum_by(*atoms, target, &exponentials);
        let weights = TchTensor::new(&exponentials.tensor / gather(&sums, target).tensor);
        let mut messages = gather(&values, source);
        let _ = messages.tensor.g_mul_(&weights.tensor);
        (sum_by(*atoms, target, &messages), Saved { scores, weights, values })
    }

    fn backward(&self, saved: Saved, grad: TchTensor, wanted: [bool; 3]) -> [Option<TchTensor>; 3] {
        let Ends { target, source, atoms } = &self.0;
        let Saved { scores, weights, values } = saved;
        let dmessages = gather(&grad, target);
        let along = [1i64];
        let kind = dmessages.tensor.kind();
        let dweights =
            (&dmessages.tensor * gather(&values, source).tensor).sum_dim_intlist(&along[..], true, kind);
        let weighted = TchTensor::new(&weights.tensor * dweights);
        let means = gather(&sum_by(*atoms, target, &weighted), target);
        let dleaky = (&weighted.tensor - &weights.tensor * &means.tensor).squeeze_dim(1);
        let dscores = scores.tensor.leaky_relu_backward(&dleaky, ATTENTION_SLOPE, false).unsqueeze(1);
        let dscores = TchTensor::new(dscores);
        let at = |index: &TchTensor| TchTensor::new(sum_by(*atoms, index, &dscores).tensor.squeeze_dim(1));
        [
            wanted[0].then(|| at(target)),
            wanted[1].then(|| at(source)),
            wanted[2].then(|| {
                let weighted = TchTensor::new(&dmessages.tensor * &weights.tensor);
                sum_by(*atoms, source, &weighted)
            }),
        ]
    }
}
