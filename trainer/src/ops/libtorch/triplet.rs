//! The sum over triplets; see [`crate::ops::triplet_sum`].
//!
//! The triplets are processed in blocks, so that intermediate tensors are short-lived. Nothing of a message's width
//! is kept for the backward pass, which recomputes it.

use burn::backend::LibTorch;
use burn_tch::TchTensor;
use kernels::triplet::{ORDERS, RADIAL, SPHERICAL};

use super::host::is_on_host;
use super::{empty_like, gather, product, zeros_like};
use crate::ops::differentiable::Operation;

/// Triplets per block on the CPU. The matrices of a block fit into a core's cache.
const CPU_BLOCK: i64 = 2048;
/// Triplets per block on other devices. It bounds the memory: a matrix of 64 columns takes 256 MB in `f32`.
const DEVICE_BLOCK: i64 = 1 << 20;

/// The operation `Σ_{k→j→i} x_kj ⊙ W2 W1 (S_kj ⊗ Y)` on `[x, W1, W2]`.
#[derive(Debug, Clone)]
pub(super) struct TripletSum {
    /// Radial part S of the spherical basis, shape `[E, 42]`.
    pub(super) spherical: TchTensor,
    /// Angular functions `Y_l(cos θ)` for l = 0 to 6 of every triplet (specification, section 3), shape `[T, 7]`.
    pub(super) angular: TchTensor,
    /// Edge kj of every triplet, shape `[T]`.
    pub(super) incoming_edge: TchTensor,
    /// Edge ji of every triplet, shape `[T]`.
    pub(super) outgoing_edge: TchTensor,
}

/// The tensors kept for the backward pass.
#[derive(Debug, Clone)]
pub(super) struct Saved {
    x: TchTensor,
    first: TchTensor,
    second: TchTensor,
    /// Factors `W1 (S_kj ⊗ Y)` of every triplet, shape `[T, 8]`.
    factors: TchTensor,
}

/// A range of consecutive triplets.
struct Block {
    start: i64,
    length: i64,
    incoming_edge: TchTensor,
    outgoing_edge: TchTensor,
}

impl TripletSum {
    fn blocks(&self) -> impl Iterator<Item = Block> {
        let count = self.angular.tensor.size()[0];
        let step = if is_on_host(&self.angular) { CPU_BLOCK } else { DEVICE_BLOCK };
        (0..count).step_by(step as usize).map(move |start| {
            let length = step.min(count - start);
            let part = |index: &TchTensor| TchTensor::new(index.tensor.narrow(0, start, length));
            let (incoming_edge, outgoing_edge) = (part(&self.incoming_edge), part(&self.outgoing_edge));
            Block { start, length, incoming_edge, outgoing_edge }
        })
    }

    /// Returns `S_kj ⊗ Y(θ)` of a block's triplets, shape `[length, 42]`.
    fn basis(&self, block: &Block) -> TchTensor {
        let angular = self.angular.tensor.narrow(0, block.start, block.length);
        let (orders, radial) = (ORDERS as i64, RADIAL as i64);
        let mut by_order =
            gather(&self.spherical, &block.incoming_edge).tensor.view([block.length, orders, radial]);
        let _ = by_order.g_mul_(&angular.view([block.length, orders, 1]));
        TchTensor::new(by_order.view([block.length, SPHERICAL as i64]))
    }
}

impl Operation<LibTorch, 3> for TripletSum {
    type Saved = Saved;

    fn forward(&self, [x, first, second]: [TchTensor; 3]) -> (TchTensor, Saved) {
        let mut y = zeros_like(&x);
        let factors = empty_like(&x, [self.angular.tensor.size()[0], first.tensor.size()[0]]);
        let (first_transposed, second_transposed) = (first.tensor.tr(), second.tensor.tr());
        for block in self.blocks() {
            let mut part = factors.tensor.narrow(0, block.start, block.length);
            part.copy_(&self.basis(&block).tensor.mm(&first_transposed));
            let mut messages = gather(&x, &block.incoming_edge);
            let _ = messages.tensor.g_mul_(&part.mm(&second_transposed));
            let _ = y.tensor.index_add_(0, &block.outgoing_edge.tensor, &messages.tensor);
        }
        (y, Saved { x, first, second, factors })
    }

    fn backward(&self, saved: Saved, grad: TchTensor, _: [bool; 3]) -> [Option<TchTensor>; 3] {
        let Saved { x, first, second, factors } = saved;
        let (mut dx, mut dfirst, mut dsecond) = (zeros_like(&x), zeros_like(&first), zeros_like(&second));
        let second_transposed = second.tensor.tr();
        for block in self.blocks() {
            let part = factors.tensor.narrow(0, block.start, block.length);
            let mut dmessages = gather(&grad, &block.outgoing_edge);
            let mut dfilter = gather(&x, &block.incoming_edge);
            let _ = dfilter.tensor.g_mul_(&dmessages.tensor);
            let _ = dsecond.tensor.g_add_(&dfilter.tensor.tr().mm(&part));
            let dfactors = TchTensor::new(dfilter.tensor.mm(&second.tensor));
            let _ = dfirst.tensor.g_add_(&product(&dfactors, &self.basis(&block)).tensor);
            let _ = dmessages.tensor.g_mul_(&part.mm(&second_transposed));
            let _ = dx.tensor.index_add_(0, &block.incoming_edge.tensor, &dmessages.tensor);
        }
        [Some(dx), Some(dfirst), Some(dsecond)]
    }
}
