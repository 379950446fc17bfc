//! Operations with gradients of their own as the backends' automatic differentiation takes them.

use std::fmt::Debug;
use std::marker::PhantomData;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

/// An operation on N tensors of a backend that may each need a gradient; what it needs beside them it
/// holds.
pub(super) trait Operation<B: Backend, const N: usize>: Clone + Debug + Send + 'static {
    /// What the backward pass needs.
    type Saved: Clone + Debug + Send + 'static;

    /// The result and what the backward pass needs.
    fn forward(&self, inputs: [FloatTensor<B>; N]) -> (FloatTensor<B>, Self::Saved);

    /// The result alone.
    fn infer(&self, inputs: [FloatTensor<B>; N]) -> FloatTensor<B> {
        self.forward(inputs).0
    }

    /// Gradients of the inputs, at least of those that are wanted.
    fn backward(
        &self,
        saved: Self::Saved,
        grad: FloatTensor<B>,
        wanted: [bool; N],
    ) -> [Option<FloatTensor<B>>; N];
}

/// The step that automatic differentiation records.
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

/// An operation's result with its gradient.
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
