//! A linear layer on the two atoms of every edge; see [`crate::ops::pair_dense`].

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, LibTorch, backend_extension};
use burn::prelude::*;
use burn_tch::TchTensor;

use super::neighbour::Ends;
use super::{
    activated, atoms, column_sums, empty_like, gather, index, is_present, optional, slope_times, sum_by,
};
use crate::ops::differentiable::{Operation, differentiable};
use crate::ops::{Activation, Edges};

/// The operation as a backend extension.
#[backend_extension(Autodiff, LibTorch)]
#[allow(clippy::too_many_arguments, reason = "tensors cross the dispatch one by one")]
pub(super) trait LibtorchPairDense: Backend {
    /// See [`pair_dense`].
    fn libtorch_pair_dense(
        x: FloatTensor<Self>,
        extra: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        target: IntTensor<Self>,
        source: IntTensor<Self>,
        activation: Activation,
        atoms: usize,
    ) -> FloatTensor<Self>;
}

impl LibtorchPairDense for LibTorch {
    fn libtorch_pair_dense(
        x: TchTensor,
        extra: TchTensor,
        weight: TchTensor,
        bias: TchTensor,
        target: TchTensor,
        source: TchTensor,
        activation: Activation,
        atoms: usize,
    ) -> TchTensor {
        PairDense(activation, Ends { target, source, atoms }).infer([x, extra, weight, bias])
    }
}

impl<C: CheckpointStrategy> LibtorchPairDense for Autodiff<LibTorch, C> {
    fn libtorch_pair_dense(
        x: FloatTensor<Self>,
        extra: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        target: IntTensor<Self>,
        source: IntTensor<Self>,
        activation: Activation,
        atoms: usize,
    ) -> FloatTensor<Self> {
        let operation = PairDense(activation, Ends { target, source, atoms });
        differentiable::<LibTorch, _, C, 4>(operation, [x, extra, weight, bias])
    }
}

/// The operation on `[x, extra, weight, bias]`, the second and the last optional. The products with the atoms' columns
/// of the weight are taken once an atom, not once an edge.
#[derive(Debug, Clone)]
struct PairDense(Activation, Ends);

/// The tensors kept for the backward pass.
#[derive(Debug, Clone)]
struct Saved {
    x: TchTensor,
    extra: TchTensor,
    weight: TchTensor,
    /// The tensor that [`activated`] keeps.
    activated: Option<TchTensor>,
}

/// Returns the columns of a weight for the target atom, the source atom and the edge.
fn columns(weight: &TchTensor, atom_width: i64) -> [TchTensor; 3] {
    let width = weight.tensor.size()[1];
    let part = |start: i64, end: i64| TchTensor::new(weight.tensor.narrow(1, start, end - start));
    [part(0, atom_width), part(atom_width, 2 * atom_width), part(2 * atom_width, width)]
}

impl Operation<LibTorch, 4> for PairDense {
    type Saved = Saved;

    fn forward(&self, [x, extra, weight, bias]: [TchTensor; 4]) -> (TchTensor, Saved) {
        let PairDense(activation, ends) = self;
        let [of_target, of_source, of_edge] = columns(&weight, x.tensor.size()[1]);
        let bias = is_present(&bias).then_some(&bias.tensor);
        let at_target = TchTensor::new(x.tensor.linear(&of_target.tensor, bias));
        let at_source = TchTensor::new(x.tensor.linear(&of_source.tensor, None::<&_>));
        let mut sum = gather(&at_target, &ends.target);
        let _ = sum.tensor.g_add_(&gather(&at_source, &ends.source).tensor);
        if is_present(&extra) {
            let _ = sum.tensor.addmm_(&extra.tensor, &of_edge.tensor.tr());
        }
        let (y, activated) = activated(sum, *activation);
        (y, Saved { x, extra, weight, activated })
    }

    fn backward(&self, saved: Saved, grad: TchTensor, wanted: [bool; 4]) -> [Option<TchTensor>; 4] {
        let PairDense(activation, ends) = self;
        let Saved { x, extra, weight, activated } = saved;
        let inner = slope_times(&grad, activated.as_ref(), *activation);
        let at_target = sum_by(ends.atoms, &ends.target, &inner);
        let at_source = sum_by(ends.atoms, &ends.source, &inner);
        let atom_width = x.tensor.size()[1];
        let [of_target, of_source, of_edge] = columns(&weight, atom_width);
        let dweight = wanted[2].then(|| {
            let dweight = empty_like(&weight, [weight.tensor.size()[0], weight.tensor.size()[1]]);
            let [to_target, to_source, to_edge] = columns(&dweight, atom_width);
            let _ = at_target.tensor.tr().mm_out(&to_target.tensor, &x.tensor);
            let _ = at_source.tensor.tr().mm_out(&to_source.tensor, &x.tensor);
            if is_present(&extra) {
                let _ = inner.tensor.tr().mm_out(&to_edge.tensor, &extra.tensor);
            }
            dweight
        });
        let dx = wanted[0].then(|| {
            let dx = at_target.tensor.mm(&of_target.tensor);
            TchTensor::new(dx.addmm(&at_source.tensor, &of_source.tensor))
        });
        let dextra = wanted[1].then(|| TchTensor::new(inner.tensor.mm(&of_edge.tensor)));
        [dx, dextra, dweight, wanted[3].then(|| column_sums(&at_target))]
    }
}

/// See [`crate::ops::pair_dense`].
pub fn pair_dense(
    x: Tensor<2>,
    extra: Option<Tensor<2>>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    activation: Activation,
    edges: &Edges,
) -> Tensor<2> {
    let (extra, bias) = (optional(extra, &x), optional(bias, &x));
    Tensor::from_dispatch(Dispatch::libtorch_pair_dense(
        x.into_dispatch(),
        extra,
        weight.into_dispatch(),
        bias,
        index(&edges.target),
        index(&edges.source),
        activation,
        atoms(edges),
    ))
}
