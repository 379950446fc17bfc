//! Sums over the ends of edges and over neighbours; see [`crate::ops::pair_sum`] and
//! [`crate::ops::neighbour_sum`].

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::DType;
use burn_flex::FlexTensor;

use super::kernel::neighbour as kernel;
use super::{Topology, indices, optional_values, rows_columns, tensor, values, with_real};
use crate::ops::Activation;

/// Edge features and, with an activation, its slope.
pub(super) fn pair_forward(
    at_target: &FlexTensor,
    at_source: &FlexTensor,
    extra: &FlexTensor,
    activation: Activation,
    topology: &Topology<Flex>,
    want_slope: bool,
) -> (FlexTensor, Option<FlexTensor>) {
    let (at_target, at_source, extra) =
        (at_target.to_contiguous(), at_source.to_contiguous(), extra.to_contiguous());
    let (_, channels) = rows_columns(&at_target);
    let edges = indices(&topology.target).len();
    with_real!(at_target, R => {
        let (y, slope) = kernel::pair_sum::<R>(
            values(&at_target),
            values(&at_source),
            optional_values(&extra),
            activation,
            topology.slices(),
            want_slope,
        );
        (tensor(y, [edges, channels]), slope.map(|slope| tensor(slope, [edges, channels])))
    })
}

/// Sum over the neighbours.
pub(super) fn sum_forward(x: &FlexTensor, topology: &Topology<Flex>) -> FlexTensor {
    let x = x.to_contiguous();
    let (atoms, channels) = rows_columns(&x);
    with_real!(x, R => {
        tensor(kernel::neighbour_sum::<R>(values(&x), topology.slices()), [atoms, channels])
    })
}

/// What the backward pass of the pair sum needs.
#[derive(Debug, Clone)]
struct Saved {
    slope: Option<FlexTensor>,
    topology: Topology<Flex>,
}

#[derive(Debug)]
struct PairSum;

impl Backward<Flex, 3> for PairSum {
    type State = Saved;

    fn backward(self, ops: Ops<Saved, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [at_target, at_source, extra] = ops.parents;
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let Saved { slope, topology } = ops.state;
        let (edges, channels) = rows_columns(&grad);
        with_real!(grad, R => {
            let gradients = kernel::pair_sum_backward::<R>(
                channels,
                values(&grad),
                slope.as_ref().map(values),
                topology.slices(),
                extra.is_some(),
            );
            let atoms = indices(&topology.incoming).len() - 1;
            if let Some(node) = at_target {
                grads.register::<Flex>(node.id, tensor(gradients.da, [atoms, channels]));
            }
            if let Some(node) = at_source {
                grads.register::<Flex>(node.id, tensor(gradients.db, [atoms, channels]));
            }
            if let (Some(node), Some(dextra)) = (extra, gradients.dextra) {
                grads.register::<Flex>(node.id, tensor(dextra, [edges, channels]));
            }
        });
    }
}

#[derive(Debug)]
struct NeighbourSum;

impl Backward<Flex, 1> for NeighbourSum {
    type State = Topology<Flex>;

    fn backward(self, ops: Ops<Topology<Flex>, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x] = ops.parents;
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let (atoms, channels) = rows_columns(&grad);
        let topology = ops.state;
        if let Some(node) = x {
            let dx = with_real!(grad, R => {
                let dx = kernel::neighbour_sum_backward::<R>(values(&grad), topology.slices());
                tensor(dx, [atoms, channels])
            });
            grads.register::<Flex>(node.id, dx);
        }
    }
}

/// The pair sum with its gradient.
pub(super) fn differentiable_pair<C: CheckpointStrategy>(
    at_target: FloatTensor<Autodiff<Flex, C>>,
    at_source: FloatTensor<Autodiff<Flex, C>>,
    extra: FloatTensor<Autodiff<Flex, C>>,
    activation: Activation,
    topology: Topology<Flex>,
) -> FloatTensor<Autodiff<Flex, C>> {
    let (at_target, target_node) = at_target.into_parts();
    let (at_source, source_node) = at_source.into_parts();
    let (extra, extra_node) = extra.into_parts();
    let forward =
        |want_slope: bool| pair_forward(&at_target, &at_source, &extra, activation, &topology, want_slope);
    match PairSum.prepare::<C>([target_node, source_node, extra_node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => {
            let (y, slope) = forward(true);
            prepared.finish(Saved { slope, topology }, y)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(forward(false).0),
    }
}

/// The neighbour sum with its gradient.
pub(super) fn differentiable_sum<C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<Flex, C>>,
    topology: Topology<Flex>,
) -> FloatTensor<Autodiff<Flex, C>> {
    let (x, x_node) = x.into_parts();
    let y = sum_forward(&x, &topology);
    match NeighbourSum.prepare::<C>([x_node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(topology, y),
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    }
}
