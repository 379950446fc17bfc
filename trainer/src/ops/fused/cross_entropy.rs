//! Weighted sum of cross entropies; see [`crate::ops::cross_entropy`].

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Flex};
use burn::tensor::DType;
use burn_flex::FlexTensor;

use super::kernel::cross_entropy as kernel;
use super::{indices, optional_values, rows_columns, tensor, with_real};

/// The sum, shape `[1]`, and its gradient with respect to the logits.
pub(super) fn forward(
    logits: FlexTensor,
    weights: FlexTensor,
    labels: FlexTensor,
) -> (FlexTensor, FlexTensor) {
    let (logits, weights) = (logits.to_contiguous(), weights.to_contiguous());
    let (rows, classes) = rows_columns(&logits);
    with_real!(logits, R => {
        let (loss, gradient) = kernel::forward::<R>(
            super::values(&logits),
            classes,
            indices(&labels),
            optional_values(&weights),
        );
        (tensor(vec![<R as super::kernel::Real>::from_f64(loss)], [1]), tensor(gradient, [rows, classes]))
    })
}

#[derive(Debug)]
struct CrossEntropy;

impl Backward<Flex, 1> for CrossEntropy {
    /// Gradient of the sum with respect to the logits.
    type State = FlexTensor;

    fn backward(self, ops: Ops<FlexTensor, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [logits] = ops.parents;
        let grad = grads.consume::<Flex>(&ops.node);
        if let Some(node) = logits {
            let factor = Flex::float_reshape(grad, [1, 1].into());
            grads.register::<Flex>(node.id, Flex::float_mul(ops.state, factor));
        }
    }
}

/// The operation with its gradient.
pub(super) fn differentiable<C: CheckpointStrategy>(
    logits: FloatTensor<Autodiff<Flex, C>>,
    weights: FloatTensor<Autodiff<Flex, C>>,
    labels: IntTensor<Autodiff<Flex, C>>,
) -> FloatTensor<Autodiff<Flex, C>> {
    let (logits, node) = logits.into_parts();
    let (loss, gradient) = forward(logits, weights.into_primitive(), labels);
    match CrossEntropy.prepare::<C>([node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(gradient, loss),
        OpsKind::UnTracked(prepared) => prepared.finish(loss),
    }
}
