//! Sums over the two atoms of an edge and over neighbours; see [`crate::ops::pair_sum`] and
//! [`crate::ops::neighbour_sum`].

use burn::backend::Flex;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use kernels::neighbour as kernel;

use super::{Topology, contiguous, dims, indices, optional_values, rows_columns, tensor, values, with_real};
use crate::ops::Activation;
use crate::ops::differentiable::Operation;

/// The operation on `[at_target, at_source, extra]`, the last optional.
#[derive(Debug, Clone)]
pub(super) struct PairSum(pub(super) Activation, pub(super) Topology<Flex>);

/// The operation on `[x]`.
#[derive(Debug, Clone)]
pub(super) struct NeighbourSum(pub(super) Topology<Flex>);

impl PairSum {
    fn run(&self, inputs: [FlexTensor; 3], want_slope: bool) -> (FlexTensor, Option<FlexTensor>) {
        let PairSum(activation, topology) = self;
        let [at_target, at_source, extra] = contiguous(inputs);
        let shape = [indices(&topology.target).len(), rows_columns(&at_target).1];
        with_real!(at_target, R => {
            let (y, slope) = kernel::pair_sum::<R>(
                values(&at_target),
                values(&at_source),
                optional_values(&extra),
                *activation,
                topology.slices(),
                want_slope,
            );
            (tensor(y, shape), slope.map(|slope| tensor(slope, shape)))
        })
    }
}

impl Operation<Flex, 3> for PairSum {
    /// The slope of the activation.
    type Saved = Option<FlexTensor>;

    fn forward(&self, inputs: [FlexTensor; 3]) -> (FlexTensor, Self::Saved) {
        self.run(inputs, true)
    }

    fn infer(&self, inputs: [FlexTensor; 3]) -> FlexTensor {
        self.run(inputs, false).0
    }

    fn backward(&self, slope: Self::Saved, grad: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let PairSum(_, topology) = self;
        let grad = grad.to_contiguous();
        let (edges, channels) = rows_columns(&grad);
        let atoms = topology.atoms();
        with_real!(grad, R => {
            let gradients = kernel::pair_sum_backward::<R>(
                channels,
                values(&grad),
                slope.as_ref().map(values),
                topology.slices(),
                wanted[2] && slope.is_some(),
            );
            [
                Some(tensor(gradients.da, [atoms, channels])),
                Some(tensor(gradients.db, [atoms, channels])),
                // Without a slope it is the gradient of the result.
                match gradients.dextra {
                    Some(dextra) => Some(tensor(dextra, [edges, channels])),
                    None => wanted[2].then(|| grad.clone()),
                },
            ]
        })
    }
}

impl Operation<Flex, 1> for NeighbourSum {
    type Saved = ();

    fn forward(&self, inputs: [FlexTensor; 1]) -> (FlexTensor, ()) {
        let [x] = contiguous(inputs);
        let sum = with_real!(x, R => {
            tensor(kernel::neighbour_sum::<R>(values(&x), self.0.slices()), dims(&x))
        });
        (sum, ())
    }

    fn backward(&self, (): (), grad: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let [grad] = contiguous([grad]);
        [Some(with_real!(grad, R => {
            tensor(kernel::neighbour_sum_backward::<R>(values(&grad), self.0.slices()), dims(&grad))
        }))]
    }
}
