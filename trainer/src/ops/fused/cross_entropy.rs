//! Weighted sum of cross entropies; see [`crate::ops::cross_entropy`].

use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use kernels::cross_entropy as kernel;

use super::{contiguous, dims, indices, optional_values, tensor, values, with_real};
use crate::ops::differentiable::Operation;

/// The operation on `[logits]`, with optional weights.
#[derive(Debug, Clone)]
pub(super) struct CrossEntropy {
    pub(super) weights: FlexTensor,
    pub(super) labels: FlexTensor,
}

impl Operation<Flex, 1> for CrossEntropy {
    /// The gradient of the sum with respect to the logits.
    type Saved = FlexTensor;

    fn forward(&self, inputs: [FlexTensor; 1]) -> (FlexTensor, FlexTensor) {
        let [logits] = contiguous(inputs);
        let [weights] = contiguous([self.weights.clone()]);
        let [rows, classes] = dims(&logits);
        with_real!(logits, R => {
            let weights = optional_values(&weights);
            let (loss, gradient) =
                kernel::forward::<R>(values(&logits), classes, indices(&self.labels), weights);
            let loss = <R as kernels::Real>::from_f64(loss);
            (tensor(vec![loss], [1]), tensor(gradient, [rows, classes]))
        })
    }

    fn backward(&self, gradient: FlexTensor, grad: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let factor = Flex::float_reshape(grad, [1, 1].into());
        [Some(Flex::float_mul(gradient, factor))]
    }
}
