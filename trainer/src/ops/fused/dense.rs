//! `y = activation(x Wᵀ + b) + residual`; see [`crate::ops::dense`].

use burn::backend::Flex;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use kernels::dense as kernel;

use super::{contiguous, optional_values, rows_columns, tensor, values, with_real};
use crate::ops::Activation;
use crate::ops::differentiable::Operation;

/// The operation on `[x, weight, bias, residual]`, the last two optional.
#[derive(Debug, Clone)]
pub(super) struct Dense(pub(super) Activation);

/// The tensors kept for the backward pass.
#[derive(Debug, Clone)]
pub(super) struct Saved {
    x: FlexTensor,
    weight: FlexTensor,
    /// Slope of the activation.
    slope: Option<FlexTensor>,
}

fn shape(x: &FlexTensor, weight: &FlexTensor) -> kernel::Shape {
    let ((rows, inputs), (outputs, _)) = (rows_columns(x), rows_columns(weight));
    kernel::Shape { rows, inputs, outputs }
}

impl Dense {
    fn run(&self, inputs: [FlexTensor; 4], want_slope: bool) -> (FlexTensor, Saved) {
        let [x, weight, bias, residual] = contiguous(inputs);
        let shape = shape(&x, &weight);
        let dims = [shape.rows, shape.outputs];
        let (y, slope) = with_real!(x, R => {
            let (y, slope) = kernel::forward::<R>(
                shape,
                values(&x),
                values(&weight),
                optional_values(&bias),
                optional_values(&residual),
                self.0,
                want_slope,
            );
            (tensor(y, dims), slope.map(|slope| tensor(slope, dims)))
        });
        (y, Saved { x, weight, slope })
    }
}

impl Operation<Flex, 4> for Dense {
    type Saved = Saved;

    fn forward(&self, inputs: [FlexTensor; 4]) -> (FlexTensor, Saved) {
        self.run(inputs, true)
    }

    fn infer(&self, inputs: [FlexTensor; 4]) -> FlexTensor {
        self.run(inputs, false).0
    }

    fn backward(&self, saved: Saved, grad: FlexTensor, wanted: [bool; 4]) -> [Option<FlexTensor>; 4] {
        let Saved { x, weight, slope } = saved;
        let grad = grad.to_contiguous();
        let shape = shape(&x, &weight);
        let (dx, dweight, dbias) = with_real!(grad, R => {
            let gradients = kernel::backward::<R>(
                shape,
                values(&grad),
                slope.as_ref().map(values),
                values(&x),
                values(&weight),
                wanted[0],
            );
            (
                gradients.dx.map(|dx| tensor(dx, [shape.rows, shape.inputs])),
                tensor(gradients.dweight, [shape.outputs, shape.inputs]),
                tensor(gradients.dbias, [shape.outputs]),
            )
        });
        [dx, Some(dweight), Some(dbias), Some(grad)]
    }
}
