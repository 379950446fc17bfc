//! `y = activation(x Wᵀ + b) + residual`; see [`crate::ops::dense`].

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::DType;
use burn_flex::FlexTensor;

use super::kernel::dense as kernel;
use super::{optional_values, rows_columns, tensor, values, with_real};
use crate::ops::Activation;

/// Contiguous inputs of one call.
#[derive(Debug, Clone)]
pub(super) struct Inputs {
    x: FlexTensor,
    weight: FlexTensor,
    bias: FlexTensor,
    residual: FlexTensor,
    activation: Activation,
}

impl Inputs {
    pub(super) fn new(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        residual: FlexTensor,
        activation: Activation,
    ) -> Self {
        Self {
            x: x.to_contiguous(),
            weight: weight.to_contiguous(),
            bias: bias.to_contiguous(),
            residual: residual.to_contiguous(),
            activation,
        }
    }

    fn shape(&self) -> kernel::Shape {
        let ((rows, inputs), (outputs, _)) = (rows_columns(&self.x), rows_columns(&self.weight));
        kernel::Shape { rows, inputs, outputs }
    }
}

/// `y` and, if wanted, the slope of the activation.
pub(super) fn forward(inputs: &Inputs, want_slope: bool) -> (FlexTensor, Option<FlexTensor>) {
    let shape = inputs.shape();
    with_real!(inputs.x, R => {
        let (y, slope) = kernel::forward::<R>(
            shape,
            values(&inputs.x),
            values(&inputs.weight),
            optional_values(&inputs.bias),
            optional_values(&inputs.residual),
            inputs.activation,
            want_slope,
        );
        let dims = [shape.rows, shape.outputs];
        (tensor(y, dims), slope.map(|slope| tensor(slope, dims)))
    })
}

/// What the backward pass needs.
#[derive(Debug, Clone)]
struct Saved {
    x: FlexTensor,
    weight: FlexTensor,
    slope: Option<FlexTensor>,
    shape: kernel::Shape,
}

#[derive(Debug)]
struct Dense;

impl Backward<Flex, 4> for Dense {
    type State = Saved;

    fn backward(self, ops: Ops<Saved, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x, weight, bias, residual] = ops.parents;
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let Saved { x: input, weight: matrix, slope, shape } = ops.state;
        with_real!(grad, R => {
            let gradients = kernel::backward::<R>(
                shape,
                values(&grad),
                slope.as_ref().map(values),
                values(&input),
                values(&matrix),
                x.is_some(),
            );
            if let (Some(node), Some(dx)) = (x, gradients.dx) {
                grads.register::<Flex>(node.id, tensor(dx, [shape.rows, shape.inputs]));
            }
            if let Some(node) = weight {
                grads.register::<Flex>(node.id, tensor(gradients.dweight, [shape.outputs, shape.inputs]));
            }
            if let Some(node) = bias {
                grads.register::<Flex>(node.id, tensor(gradients.dbias, [shape.outputs]));
            }
        });
        if let Some(node) = residual {
            grads.register::<Flex>(node.id, grad);
        }
    }
}

/// The operation with its gradient.
pub(super) fn differentiable<C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<Flex, C>>,
    weight: FloatTensor<Autodiff<Flex, C>>,
    bias: FloatTensor<Autodiff<Flex, C>>,
    residual: FloatTensor<Autodiff<Flex, C>>,
    activation: Activation,
) -> FloatTensor<Autodiff<Flex, C>> {
    let (x, x_node) = x.into_parts();
    let (weight, weight_node) = weight.into_parts();
    let (bias, bias_node) = bias.into_parts();
    let (residual, residual_node) = residual.into_parts();
    let inputs = Inputs::new(x, weight, bias, residual, activation);
    match Dense.prepare::<C>([x_node, weight_node, bias_node, residual_node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => {
            let (y, slope) = forward(&inputs, true);
            let shape = inputs.shape();
            prepared.finish(Saved { x: inputs.x, weight: inputs.weight, slope, shape }, y)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(forward(&inputs, false).0),
    }
}
