//! The sum over triplets; see [`crate::ops::triplet_sum`].

use burn::backend::Flex;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use kernels::triplet as kernel;

use super::{Topology, contiguous, dims, indices, tensor, values, with_real};
use crate::ops::differentiable::Operation;

/// The operation on `[x, first, second]`. The bases have no gradient.
#[derive(Debug, Clone)]
pub(super) struct TripletSum {
    spherical: FlexTensor,
    angular: FlexTensor,
    pair_offsets: FlexTensor,
    topology: Topology<Flex>,
}

impl TripletSum {
    pub(super) fn new(
        spherical: FlexTensor,
        angular: FlexTensor,
        pair_offsets: FlexTensor,
        topology: Topology<Flex>,
    ) -> Self {
        let [spherical, angular] = contiguous([spherical, angular]);
        Self { spherical, angular, pair_offsets, topology }
    }

    fn triplets<R: super::Value>(&self) -> kernel::Triplets<'_, R> {
        kernel::Triplets {
            spherical: values(&self.spherical),
            angular: values(&self.angular),
            pair_offsets: indices(&self.pair_offsets),
            topology: self.topology.slices(),
        }
    }
}

fn weights<'a, R: super::Value>(first: &'a FlexTensor, second: &'a FlexTensor) -> kernel::Weights<'a, R> {
    kernel::Weights { w1: values(first), w2: values(second) }
}

impl Operation<Flex, 3> for TripletSum {
    /// The inputs.
    type Saved = [FlexTensor; 3];

    fn forward(&self, inputs: [FlexTensor; 3]) -> (FlexTensor, Self::Saved) {
        let inputs = contiguous(inputs);
        let [x, first, second] = &inputs;
        let y = with_real!(x, R => {
            tensor(kernel::forward::<R>(self.triplets(), values(x), weights(first, second)), dims(x))
        });
        (y, inputs)
    }

    fn backward(&self, inputs: Self::Saved, grad: FlexTensor, _: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let grad = grad.to_contiguous();
        let [x, first, second] = &inputs;
        with_real!(grad, R => {
            let weights = weights(first, second);
            let found = kernel::backward::<R>(self.triplets(), values(x), weights, values(&grad));
            [
                Some(tensor(found.dx, dims(x))),
                Some(tensor(found.dw1, dims(first))),
                Some(tensor(found.dw2, dims(second))),
            ]
        })
    }
}
