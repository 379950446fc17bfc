//! Attention over an atom's neighbours; see [`crate::ops::attention`].

use burn::backend::Flex;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use kernels::attention as kernel;

use super::{Topology, contiguous, dims, tensor, values, with_real};
use crate::ops::differentiable::Operation;

/// The operation on `[at_target, at_source, values]`.
#[derive(Debug, Clone)]
pub(super) struct Attention(pub(super) Topology<Flex>);

/// The tensors kept for the backward pass.
#[derive(Debug, Clone)]
pub(super) struct Saved {
    inputs: [FlexTensor; 3],
    /// Attention weight of every edge.
    weights: FlexTensor,
}

fn arguments<R: super::Value>([at_target, at_source, value]: &[FlexTensor; 3]) -> kernel::Inputs<'_, R> {
    kernel::Inputs { target_score: values(at_target), source_score: values(at_source), values: values(value) }
}

impl Operation<Flex, 3> for Attention {
    type Saved = Saved;

    fn forward(&self, inputs: [FlexTensor; 3]) -> (FlexTensor, Saved) {
        let inputs = contiguous(inputs);
        let (sums, weights) = with_real!(inputs[2], R => {
            let (sums, weights) = kernel::forward::<R>(arguments(&inputs), self.0.slices());
            let edges = weights.len();
            (tensor(sums, dims(&inputs[2])), tensor(weights, [edges]))
        });
        (sums, Saved { inputs, weights })
    }

    fn backward(&self, saved: Saved, grad: FlexTensor, _: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let Saved { inputs, weights } = saved;
        let grad = grad.to_contiguous();
        with_real!(grad, R => {
            let (arguments, topology) = (arguments(&inputs), self.0.slices());
            let found = kernel::backward::<R>(arguments, topology, values(&weights), values(&grad));
            let [atoms, channels] = dims(&grad);
            [
                Some(tensor(found.dtarget_score, [atoms])),
                Some(tensor(found.dsource_score, [atoms])),
                Some(tensor(found.dvalues, [atoms, channels])),
            ]
        })
    }
}
