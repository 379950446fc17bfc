//! Two linear layers with a residual; see [`crate::ops::residual`].

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, LibTorch, backend_extension};
use burn::prelude::*;
use burn_tch::TchTensor;

use super::{activated, add_residual, column_sums, product, slope_times};
use crate::ops::Activation;
use crate::ops::differentiable::{Operation, differentiable};

/// The operation as a backend extension.
#[backend_extension(Autodiff, LibTorch)]
pub(super) trait LibtorchResidual: Backend {
    /// See [`residual`].
    fn libtorch_residual(
        x: FloatTensor<Self>,
        first: FloatTensor<Self>,
        first_bias: FloatTensor<Self>,
        second: FloatTensor<Self>,
        second_bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;
}

impl LibtorchResidual for LibTorch {
    fn libtorch_residual(
        x: TchTensor,
        first: TchTensor,
        first_bias: TchTensor,
        second: TchTensor,
        second_bias: TchTensor,
        activation: Activation,
    ) -> TchTensor {
        Residual(activation).infer([x, first, first_bias, second, second_bias])
    }
}

impl<C: CheckpointStrategy> LibtorchResidual for Autodiff<LibTorch, C> {
    fn libtorch_residual(
        x: FloatTensor<Self>,
        first: FloatTensor<Self>,
        first_bias: FloatTensor<Self>,
        second: FloatTensor<Self>,
        second_bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let inputs = [x, first, first_bias, second, second_bias];
        differentiable::<LibTorch, _, C, 5>(Residual(activation), inputs)
    }
}

/// The operation on `[x, W1, b1, W2, b2]`.
#[derive(Debug, Clone, Copy)]
struct Residual(Activation);

/// A linear layer's input and weight, and the tensor that [`activated`] keeps of its output.
#[derive(Debug, Clone)]
struct SavedLayer {
    x: TchTensor,
    weight: TchTensor,
    activated: Option<TchTensor>,
}

impl Residual {
    fn layer(self, x: TchTensor, weight: TchTensor, bias: &TchTensor) -> (TchTensor, SavedLayer) {
        let sum = TchTensor::new(x.tensor.linear(&weight.tensor, Some(&bias.tensor)));
        let (y, activated) = activated(sum, self.0);
        (y, SavedLayer { x, weight, activated })
    }
}

impl Operation<LibTorch, 5> for Residual {
    type Saved = [SavedLayer; 2];

    fn forward(&self, [x, w1, b1, w2, b2]: [TchTensor; 5]) -> (TchTensor, Self::Saved) {
        let (hidden, first) = self.layer(x.clone(), w1, &b1);
        let (y, second) = self.layer(hidden, w2, &b2);
        (add_residual(y, &x, self.0), [first, second])
    }

    fn backward(
        &self,
        [first, second]: Self::Saved,
        grad: TchTensor,
        _: [bool; 5],
    ) -> [Option<TchTensor>; 5] {
        let at_second = slope_times(&grad, second.activated.as_ref(), self.0);
        let dhidden = TchTensor::new(at_second.tensor.mm(&second.weight.tensor));
        let at_first = slope_times(&dhidden, first.activated.as_ref(), self.0);
        [
            TchTensor::new(grad.tensor.addmm(&at_first.tensor, &first.weight.tensor)),
            product(&at_first, &first.x),
            column_sums(&at_first),
            product(&at_second, &second.x),
            column_sums(&at_second),
        ]
        .map(Some)
    }
}

/// See [`crate::ops::residual`].
pub fn residual(
    x: Tensor<2>,
    [first, second]: [(Tensor<2>, Tensor<1>); 2],
    activation: Activation,
) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::libtorch_residual(
        x.into_dispatch(),
        first.0.into_dispatch(),
        first.1.into_dispatch(),
        second.0.into_dispatch(),
        second.1.into_dispatch(),
        activation,
    ))
}
