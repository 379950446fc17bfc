//! The sum over triplets on the host, with the kernel of the CPU backend. libtorch has no operation that multiplies
//! small matrices of different sizes; without one, every triplet would pass through memory.

use burn::backend::LibTorch;
use burn_tch::TchTensor;
use kernels::triplet::{self, Weights};

use super::host::{self, Value, with_real};
use crate::ops::differentiable::Operation;

/// The edges as slices for the kernel; see [`kernels::Topology`].
#[derive(Debug, Clone)]
pub(super) struct HostEdges {
    target: Vec<i32>,
    source: Vec<i32>,
    incoming: Vec<i32>,
    outgoing: Vec<i32>,
    outgoing_edges: Vec<i32>,
    pair_offsets: Vec<i32>,
}

impl HostEdges {
    /// Copies the tensors `[target, source, incoming, outgoing, outgoing_edges, pair_offsets]`.
    pub(super) fn new(tensors: [TchTensor; 6]) -> Self {
        let [target, source, incoming, outgoing, outgoing_edges, pair_offsets] = tensors.map(|tensor| {
            let tensor = host::contiguous(tensor);
            let narrow = |&index: &i64| i32::try_from(index).expect("made of 32 bits");
            host::values::<i64>(&tensor).iter().map(narrow).collect()
        });
        Self { target, source, incoming, outgoing, outgoing_edges, pair_offsets }
    }

    fn topology(&self) -> kernels::Topology<'_> {
        kernels::Topology {
            target: &self.target,
            source: &self.source,
            incoming: &self.incoming,
            outgoing: &self.outgoing,
            outgoing_edges: &self.outgoing_edges,
        }
    }
}

/// The operation `Σ_{k→j→i} x_kj ⊙ W2 W1 (S_kj ⊗ Y)` on `[x, W1, W2]`.
#[derive(Debug, Clone)]
pub(super) struct HostTripletSum {
    /// Radial part S of the spherical basis, shape `[E, 42]`.
    pub(super) spherical: TchTensor,
    /// Angular functions Y of every pair, shape `[P, 7]`.
    pub(super) angular: TchTensor,
    /// The edges.
    pub(super) edges: HostEdges,
}

impl HostTripletSum {
    fn triplets<R: Value>(&self) -> triplet::Triplets<'_, R> {
        triplet::Triplets {
            spherical: host::values(&self.spherical),
            angular: host::values(&self.angular),
            pair_offsets: &self.edges.pair_offsets,
            topology: self.edges.topology(),
        }
    }
}

impl Operation<LibTorch, 3> for HostTripletSum {
    /// The inputs.
    type Saved = [TchTensor; 3];

    fn forward(&self, inputs: [TchTensor; 3]) -> (TchTensor, [TchTensor; 3]) {
        let inputs = inputs.map(host::contiguous);
        let [x, first, second] = &inputs;
        let y = with_real!(x, R => {
            let weights = Weights { w1: host::values(first), w2: host::values(second) };
            host::tensor(&triplet::forward::<R>(self.triplets(), host::values(x), weights), shape(x), x)
        });
        (y, inputs)
    }

    fn backward(&self, inputs: [TchTensor; 3], grad: TchTensor, _: [bool; 3]) -> [Option<TchTensor>; 3] {
        let [x, first, second] = &inputs;
        let grad = host::contiguous(grad);
        with_real!(x, R => {
            let weights = Weights { w1: host::values(first), w2: host::values(second) };
            let (triplets, values) = (self.triplets(), host::values(x));
            let gradients = triplet::backward::<R>(triplets, values, weights, host::values(&grad));
            [
                Some(host::tensor(&gradients.dx, shape(x), x)),
                Some(host::tensor(&gradients.dw1, shape(first), x)),
                Some(host::tensor(&gradients.dw2, shape(second), x)),
            ]
        })
    }
}

/// Returns the number of rows and columns.
fn shape(matrix: &TchTensor) -> [usize; 2] {
    let size = matrix.tensor.size();
    [size[0] as usize, size[1] as usize]
}
