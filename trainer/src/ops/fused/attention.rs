//! Attention over the neighbours; see [`crate::ops::attention`].

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::DType;
use burn_flex::FlexTensor;

use super::kernel::attention as kernel;
use super::{Topology, rows_columns, tensor, values, with_real};

/// Contiguous inputs of one call.
#[derive(Debug, Clone)]
pub(super) struct Inputs {
    at_target: FlexTensor,
    at_source: FlexTensor,
    values: FlexTensor,
    topology: Topology<Flex>,
}

impl Inputs {
    pub(super) fn new(
        at_target: FlexTensor,
        at_source: FlexTensor,
        values: FlexTensor,
        topology: Topology<Flex>,
    ) -> Self {
        Self {
            at_target: at_target.to_contiguous(),
            at_source: at_source.to_contiguous(),
            values: values.to_contiguous(),
            topology,
        }
    }

    fn arguments<R: super::Value>(&self) -> kernel::Inputs<'_, R> {
        kernel::Inputs {
            target_score: values(&self.at_target),
            source_score: values(&self.at_source),
            values: values(&self.values),
        }
    }

    /// The sums and the weight of every edge.
    pub(super) fn forward(&self) -> (FlexTensor, FlexTensor) {
        let (atoms, channels) = rows_columns(&self.values);
        with_real!(self.values, R => {
            let (sums, weights) = kernel::forward::<R>(self.arguments(), self.topology.slices());
            let edges = weights.len();
            (tensor(sums, [atoms, channels]), tensor(weights, [edges]))
        })
    }
}

/// What the backward pass needs.
#[derive(Debug, Clone)]
struct Saved {
    inputs: Inputs,
    weights: FlexTensor,
}

#[derive(Debug)]
struct Attention;

impl Backward<Flex, 3> for Attention {
    type State = Saved;

    fn backward(self, ops: Ops<Saved, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [at_target, at_source, value] = ops.parents;
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let Saved { inputs, weights } = ops.state;
        let (atoms, channels) = rows_columns(&grad);
        with_real!(grad, R => {
            let topology = inputs.topology.slices();
            let gradients =
                kernel::backward::<R>(inputs.arguments(), topology, values(&weights), values(&grad));
            if let Some(node) = at_target {
                grads.register::<Flex>(node.id, tensor(gradients.dtarget_score, [atoms]));
            }
            if let Some(node) = at_source {
                grads.register::<Flex>(node.id, tensor(gradients.dsource_score, [atoms]));
            }
            if let Some(node) = value {
                grads.register::<Flex>(node.id, tensor(gradients.dvalues, [atoms, channels]));
            }
        });
    }
}

/// The operation with its gradient.
pub(super) fn differentiable<C: CheckpointStrategy>(
    at_target: FloatTensor<Autodiff<Flex, C>>,
    at_source: FloatTensor<Autodiff<Flex, C>>,
    values: FloatTensor<Autodiff<Flex, C>>,
    topology: Topology<Flex>,
) -> FloatTensor<Autodiff<Flex, C>> {
    let (at_target, target_node) = at_target.into_parts();
    let (at_source, source_node) = at_source.into_parts();
    let (values, values_node) = values.into_parts();
    let inputs = Inputs::new(at_target, at_source, values, topology);
    let (sums, weights) = inputs.forward();
    match Attention.prepare::<C>([target_node, source_node, values_node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(Saved { inputs, weights }, sums),
        OpsKind::UnTracked(prepared) => prepared.finish(sums),
    }
}
