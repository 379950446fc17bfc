//! The sum over triplets; see [`crate::ops::triplet_sum`].

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::DType;
use burn_flex::FlexTensor;

use super::kernel::triplet as kernel;
use super::{Topology, indices, rows_columns, tensor, values, with_real};

/// Contiguous inputs of one call.
#[derive(Debug, Clone)]
pub(super) struct Inputs {
    x: FlexTensor,
    spherical: FlexTensor,
    angular: FlexTensor,
    first: FlexTensor,
    second: FlexTensor,
    topology: Topology<Flex>,
}

impl Inputs {
    pub(super) fn new(
        x: FlexTensor,
        spherical: FlexTensor,
        angular: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        topology: Topology<Flex>,
    ) -> Self {
        Self {
            x: x.to_contiguous(),
            spherical: spherical.to_contiguous(),
            angular: angular.to_contiguous(),
            first: first.to_contiguous(),
            second: second.to_contiguous(),
            topology,
        }
    }

    fn triplets<R: super::Value>(&self) -> kernel::Triplets<'_, R> {
        kernel::Triplets {
            spherical: values(&self.spherical),
            angular: values(&self.angular),
            pair_offsets: indices(&self.topology.pair_offsets),
            topology: self.topology.slices(),
        }
    }

    fn weights<R: super::Value>(&self) -> kernel::Weights<'_, R> {
        kernel::Weights { w1: values(&self.first), w2: values(&self.second) }
    }

    pub(super) fn forward(&self) -> FlexTensor {
        let (edges, channels) = rows_columns(&self.x);
        with_real!(self.x, R => {
            let y = kernel::forward::<R>(self.triplets(), values(&self.x), self.weights());
            tensor(y, [edges, channels])
        })
    }
}

#[derive(Debug)]
struct TripletSum;

impl Backward<Flex, 3> for TripletSum {
    type State = Inputs;

    fn backward(self, ops: Ops<Inputs, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x, first, second] = ops.parents;
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let inputs = ops.state;
        let dims = |tensor: &FlexTensor| <[usize; 2]>::from(rows_columns(tensor));
        with_real!(grad, R => {
            let (triplets, weights) = (inputs.triplets(), inputs.weights());
            let gradients = kernel::backward::<R>(triplets, values(&inputs.x), weights, values(&grad));
            if let Some(node) = x {
                grads.register::<Flex>(node.id, tensor(gradients.dx, dims(&inputs.x)));
            }
            if let Some(node) = first {
                grads.register::<Flex>(node.id, tensor(gradients.dw1, dims(&inputs.first)));
            }
            if let Some(node) = second {
                grads.register::<Flex>(node.id, tensor(gradients.dw2, dims(&inputs.second)));
            }
        });
    }
}

/// The operation with its gradient; the bases are data and have none.
pub(super) fn differentiable<C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<Flex, C>>,
    spherical: FloatTensor<Autodiff<Flex, C>>,
    angular: FloatTensor<Autodiff<Flex, C>>,
    first: FloatTensor<Autodiff<Flex, C>>,
    second: FloatTensor<Autodiff<Flex, C>>,
    topology: Topology<Flex>,
) -> FloatTensor<Autodiff<Flex, C>> {
    let (x, x_node) = x.into_parts();
    let (first, first_node) = first.into_parts();
    let (second, second_node) = second.into_parts();
    let inputs =
        Inputs::new(x, spherical.into_primitive(), angular.into_primitive(), first, second, topology);
    let y = inputs.forward();
    match TripletSum.prepare::<C>([x_node, first_node, second_node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(inputs, y),
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    }
}
