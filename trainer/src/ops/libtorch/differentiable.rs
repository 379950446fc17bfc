//! Operations with their gradients as the backend's automatic differentiation takes them.

use std::fmt::Debug;
use std::marker::PhantomData;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, LibTorch};
use burn_tch::TchTensor;

/// An operation on N tensors that may each need a gradient; what it needs beside them it holds.
pub(super) trait Operation<const N: usize>: Clone + Debug + Send + 'static {
    /// What the backward pass needs.
    type Saved: Clone + Debug + Send + 'static;

    /// The result and what the backward pass needs.
    fn forward(&self, inputs: [TchTensor; N]) -> (TchTensor, Self::Saved);

    /// Gradients of the inputs, at least of those that are wanted.
    fn backward(&self, saved: Self::Saved, grad: TchTensor, wanted: [bool; N]) -> [Option<TchTensor>; N];
}

/// The step that automatic differentiation records.
#[derive(Debug)]
struct Recorded<O>(PhantomData<O>);

impl<O: Operation<N>, const N: usize> Backward<LibTorch, N> for Recorded<O> {
    type State = (O, O::Saved);

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<LibTorch>(&ops.node);
        let (operation, saved) = ops.state;
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let gradients = operation.backward(saved, grad, wanted);
        for (node, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<LibTorch>(node.id, gradient);
            }
        }
    }
}

/// An operation's result with its gradient.
pub(super) fn differentiable<O: Operation<N>, C: CheckpointStrategy, const N: usize>(
    operation: O,
    inputs: [FloatTensor<Autodiff<LibTorch, C>>; N],
) -> FloatTensor<Autodiff<LibTorch, C>> {
    let mut values = Vec::with_capacity(N);
    let nodes = inputs.map(|input| {
        let (value, node) = input.into_parts();
        values.push(value);
        node
    });
    let values = values.try_into().expect("one value of each input");
    let (result, saved) = operation.forward(values);
    match Recorded::<O>(PhantomData).prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((operation, saved), result),
        OpsKind::UnTracked(prepared) => prepared.finish(result),
    }
}
