//! Operations with gradients of their own, as the automatic differentiation of the backends takes them.

use std::fmt::Debug;
use std::marker::PhantomData;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

/// A differentiable operation on N float tensors of a backend. Inputs without gradients are fields of the operation.
pub(super) trait Operation<B: Backend, const N: usize>: Clone + Debug + Send + 'static {
    /// The tensors kept for the backward pass.
    type Saved: Clone + Debug + Send + 'static;

    /// Returns the result and the tensors kept for the backward pass.
    fn forward(&self, inputs: [FloatTensor<B>; N]) -> (FloatTensor<B>, Self::Saved);

    /// Returns the result alone.
    fn infer(&self, inputs: [FloatTensor<B>; N]) -> FloatTensor<B> {
        self.forward(inputs).0
    }

    /// Returns the gradients of the inputs, at least of the `wanted` ones.
    fn backward(
        &self,
        saved: Self::Saved,
        grad: FloatTensor<B>,
        wanted: [bool; N],
    ) -> [Option<FloatTensor<B>>; N];
}

/// The node of an operation in the autodiff graph.
#[derive(Debug)]
struct Recorded<O>(PhantomData<O>);

impl<B: Backend, O: Operation<B, N>, const N: usize> Backward<B, N> for Recorded<O> {
    type State = (O, O::Saved);

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let (operation, saved) = ops.state;
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let gradients = operation.backward(saved, grad, wanted);
        for (node, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

/// Runs an operation and records it for the backward pass.
pub(super) fn differentiable<B: Backend, O: Operation<B, N>, C: CheckpointStrategy, const N: usize>(
    operation: O,
    inputs: [FloatTensor<Autodiff<B, C>>; N],
) -> FloatTensor<Autodiff<B, C>> {
    let mut values = Vec::with_capacity(N);
    let nodes = inputs.map(|input| {
        let (value, node) = input.into_parts();
        values.push(value);
        node
    });
    let Ok(values) = <[FloatTensor<B>; N]>::try_from(values) else {
        unreachable!("every input gave one value")
    };
    match Recorded::<O>(PhantomData).prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => {
            let (result, saved) = operation.forward(values);
            prepared.finish((operation, saved), result)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(operation.infer(values)),
    }
}
