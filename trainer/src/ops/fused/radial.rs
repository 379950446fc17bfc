//! Edge features times their radial filter, kept or summed; see [`crate::ops::radial_gate`] and
//! [`crate::ops::radial_sum`].

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::DType;
use burn_flex::FlexTensor;

use super::kernel::radial as kernel;
use super::{Topology, indices, rows_columns, tensor, values, with_real};

/// Inputs of the gate.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    x: FlexTensor,
    radial: FlexTensor,
    weight: FlexTensor,
}

/// Inputs of the sum: those of the gate and the edges of each atom.
#[derive(Debug, Clone)]
pub(super) struct Sum {
    gate: Gate,
    topology: Topology<Flex>,
}

impl Gate {
    pub(super) fn new(x: FlexTensor, radial: FlexTensor, weight: FlexTensor) -> Self {
        Self { x: x.to_contiguous(), radial: radial.to_contiguous(), weight: weight.to_contiguous() }
    }

    fn filter<R: super::Value>(&self) -> kernel::Filter<'_, R> {
        let (channels, functions) = rows_columns(&self.weight);
        kernel::Filter { radial: values(&self.radial), weight: values(&self.weight), functions, channels }
    }

    pub(super) fn forward(&self) -> FlexTensor {
        let dims = <[usize; 2]>::from(rows_columns(&self.x));
        with_real!(self.x, R => tensor(kernel::gate::<R>(self.filter(), values(&self.x)), dims))
    }
}

impl Sum {
    pub(super) fn new(
        x: FlexTensor,
        radial: FlexTensor,
        weight: FlexTensor,
        topology: Topology<Flex>,
    ) -> Self {
        Self { gate: Gate::new(x, radial, weight), topology }
    }

    pub(super) fn forward(&self) -> FlexTensor {
        let (_, channels) = rows_columns(&self.gate.x);
        let atoms = indices(&self.topology.incoming).len() - 1;
        with_real!(self.gate.x, R => {
            let x = values(&self.gate.x);
            tensor(kernel::gated_sum::<R>(self.gate.filter(), x, self.topology.slices()), [atoms, channels])
        })
    }
}

/// Registers the three gradients of either operation.
macro_rules! register {
    ($grads:ident, $parents:expr, $gate:ident, $gradients:ident) => {
        let [x, radial, weight] = $parents;
        let dims = |tensor: &FlexTensor| <[usize; 2]>::from(rows_columns(tensor));
        if let Some(node) = x {
            $grads.register::<Flex>(node.id, tensor($gradients.dx, dims(&$gate.x)));
        }
        if let Some(node) = radial {
            $grads.register::<Flex>(node.id, tensor($gradients.dradial, dims(&$gate.radial)));
        }
        if let Some(node) = weight {
            $grads.register::<Flex>(node.id, tensor($gradients.dweight, dims(&$gate.weight)));
        }
    };
}

#[derive(Debug)]
struct GateBackward;

impl Backward<Flex, 3> for GateBackward {
    type State = Gate;

    fn backward(self, ops: Ops<Gate, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let gate = ops.state;
        with_real!(grad, R => {
            let gradients = kernel::gate_backward::<R>(gate.filter(), values(&gate.x), values(&grad));
            register!(grads, ops.parents, gate, gradients);
        });
    }
}

#[derive(Debug)]
struct SumBackward;

impl Backward<Flex, 3> for SumBackward {
    type State = Sum;

    fn backward(self, ops: Ops<Sum, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let Sum { gate, topology } = ops.state;
        with_real!(grad, R => {
            let (x, grad) = (values(&gate.x), values(&grad));
            let gradients = kernel::gated_sum_backward::<R>(gate.filter(), x, grad, topology.slices());
            register!(grads, ops.parents, gate, gradients);
        });
    }
}

/// The gate with its gradient.
pub(super) fn differentiable_gate<C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<Flex, C>>,
    radial: FloatTensor<Autodiff<Flex, C>>,
    weight: FloatTensor<Autodiff<Flex, C>>,
) -> FloatTensor<Autodiff<Flex, C>> {
    let (x, x_node) = x.into_parts();
    let (radial, radial_node) = radial.into_parts();
    let (weight, weight_node) = weight.into_parts();
    let gate = Gate::new(x, radial, weight);
    let y = gate.forward();
    match GateBackward.prepare::<C>([x_node, radial_node, weight_node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(gate, y),
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    }
}

/// The sum with its gradient.
pub(super) fn differentiable_sum<C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<Flex, C>>,
    radial: FloatTensor<Autodiff<Flex, C>>,
    weight: FloatTensor<Autodiff<Flex, C>>,
    topology: Topology<Flex>,
) -> FloatTensor<Autodiff<Flex, C>> {
    let (x, x_node) = x.into_parts();
    let (radial, radial_node) = radial.into_parts();
    let (weight, weight_node) = weight.into_parts();
    let sum = Sum::new(x, radial, weight, topology);
    let y = sum.forward();
    match SumBackward.prepare::<C>([x_node, radial_node, weight_node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(sum, y),
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    }
}
