//! Products of edge features with their radial filters; see [`crate::ops::radial_gate`] and
//! [`crate::ops::radial_sum`].

use burn::backend::Flex;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use kernels::radial as kernel;

use super::{Topology, contiguous, dims, rows_columns, tensor, values, with_real};
use crate::ops::differentiable::Operation;

/// The product on `[x, radial, weight]`, one row per edge.
#[derive(Debug, Clone)]
pub(super) struct RadialGate;

/// The product on `[x, radial, weight]`, summed over the edges into each atom.
#[derive(Debug, Clone)]
pub(super) struct RadialSum(pub(super) Topology<Flex>);

fn filter<'a, R: super::Value>(radial: &'a FlexTensor, weight: &'a FlexTensor) -> kernel::Filter<'a, R> {
    let (channels, functions) = rows_columns(weight);
    kernel::Filter { radial: values(radial), weight: values(weight), functions, channels }
}

/// Returns the gradients in the shapes of the inputs.
fn gradients<R: super::Value>(
    gradients: kernel::Gradients<R>,
    [x, radial, weight]: &[FlexTensor; 3],
) -> [Option<FlexTensor>; 3] {
    [
        Some(tensor(gradients.dx, dims(x))),
        Some(tensor(gradients.dradial, dims(radial))),
        Some(tensor(gradients.dweight, dims(weight))),
    ]
}

impl Operation<Flex, 3> for RadialGate {
    /// The inputs.
    type Saved = [FlexTensor; 3];

    fn forward(&self, inputs: [FlexTensor; 3]) -> (FlexTensor, Self::Saved) {
        let inputs = contiguous(inputs);
        let [x, radial, weight] = &inputs;
        let y = with_real!(x, R => tensor(kernel::gate::<R>(filter(radial, weight), values(x)), dims(x)));
        (y, inputs)
    }

    fn backward(&self, inputs: Self::Saved, grad: FlexTensor, _: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let grad = grad.to_contiguous();
        let [x, radial, weight] = &inputs;
        with_real!(grad, R => {
            let found = kernel::gate_backward::<R>(filter(radial, weight), values(x), values(&grad));
            gradients(found, &inputs)
        })
    }
}

impl Operation<Flex, 3> for RadialSum {
    /// The inputs.
    type Saved = [FlexTensor; 3];

    fn forward(&self, inputs: [FlexTensor; 3]) -> (FlexTensor, Self::Saved) {
        let inputs = contiguous(inputs);
        let [x, radial, weight] = &inputs;
        let shape = [self.0.atoms(), rows_columns(x).1];
        let y = with_real!(x, R => {
            tensor(kernel::gated_sum::<R>(filter(radial, weight), values(x), self.0.slices()), shape)
        });
        (y, inputs)
    }

    fn backward(&self, inputs: Self::Saved, grad: FlexTensor, _: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let grad = grad.to_contiguous();
        let [x, radial, weight] = &inputs;
        with_real!(grad, R => {
            let filter = filter(radial, weight);
            let found = kernel::gated_sum_backward::<R>(filter, values(x), values(&grad), self.0.slices());
            gradients(found, &inputs)
        })
    }
}
