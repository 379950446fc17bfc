//! The optimiser's step on flat tensors, in place where a tensor has no other owner.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, LibTorch, backend_extension};
use burn::prelude::*;
use burn_tch::TchTensor;
use kernels::adam::{self as kernel, Settings};

use super::host::{self, Value, with_real};

/// The operations as a backend extension.
#[backend_extension(LibTorch)]
pub(super) trait LibtorchAdam: Backend {
    /// Takes a step. Returns the parameter, the mean and the mean square.
    fn libtorch_adam_step(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
        settings: Settings,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl LibtorchAdam for LibTorch {
    fn libtorch_adam_step(
        parameter: TchTensor,
        gradient: TchTensor,
        mean: TchTensor,
        square: TchTensor,
        settings: Settings,
    ) -> (TchTensor, TchTensor, TchTensor) {
        let mut tensors = [parameter, mean, square].map(|tensor| match tensor.can_mut() {
            true => host::contiguous(tensor),
            false => TchTensor::new(tensor.tensor.copy()),
        });
        if host::is_on_host(&gradient) {
            let gradient = host::contiguous(gradient);
            with_real!(gradient, R => on_host::<R>(&mut tensors, &gradient, &settings));
        } else {
            update(&mut tensors, &gradient, &settings);
        }
        tensors.into()
    }
}

/// Takes the step in place with the kernel of the CPU backend, in one pass over the values instead of nine.
fn on_host<R: Value>(tensors: &mut [TchTensor; 3], gradient: &TchTensor, settings: &Settings) {
    let [parameter, mean, square] = tensors.each_mut().map(host::values_mut::<R>);
    kernel::step(parameter, host::values(gradient), mean, square, settings);
}

/// Takes the step in place, with the formulas of [`kernels::adam`].
fn update(tensors: &mut [TchTensor; 3], gradient: &TchTensor, settings: &Settings) {
    let [parameter, mean, square] = tensors;
    let Settings { learning_rate, beta1, beta2, epsilon, weight_decay, step } = *settings;
    let correction = |beta: f64| 1.0 - beta.powf(f64::from(step));
    let _ = mean.tensor.lerp_(&gradient.tensor, 1.0 - beta1);
    let _ = square.tensor.g_mul_scalar_(beta2);
    let _ = square.tensor.addcmul_(&gradient.tensor, &(&gradient.tensor * (1.0 - beta2)));
    let mut denominator = square.tensor.sqrt();
    let _ = denominator.g_div_scalar_(correction(beta2).sqrt());
    let _ = denominator.g_add_scalar_(epsilon);
    if weight_decay != 0.0 {
        let _ = parameter.tensor.g_mul_scalar_(1.0 - learning_rate * weight_decay);
    }
    let change = &mean.tensor * (-learning_rate / correction(beta1));
    let _ = parameter.tensor.addcdiv_(&change, &denominator);
}

/// Takes a step. Returns the parameter, the mean and the mean square. All tensors are flat and on libtorch.
pub fn adam_step(
    parameter: Tensor<1>,
    gradient: Tensor<1>,
    mean: Tensor<1>,
    square: Tensor<1>,
    settings: Settings,
) -> (Tensor<1>, Tensor<1>, Tensor<1>) {
    let (parameter, mean, square) = Dispatch::libtorch_adam_step(
        parameter.into_dispatch(),
        gradient.into_dispatch(),
        mean.into_dispatch(),
        square.into_dispatch(),
        settings,
    );
    (Tensor::from_dispatch(parameter), Tensor::from_dispatch(mean), Tensor::from_dispatch(square))
}

#[cfg(test)]
pub(super) mod tests {
    use burn::tensor::DType;

    use super::*;
    use crate::device::DeviceName;

    /// Checks that both implementations take the same step.
    pub(in crate::ops::libtorch) fn assert_both_forms_agree(
        settings: &Settings,
        numbers: impl Fn(usize) -> TensorData,
    ) {
        let device = DeviceName::Libtorch.open().expect("always there");
        let tensor = |salt: usize| {
            let matrix = Tensor::<2>::from_data(numbers(salt), (&device, DType::F64));
            let count = matrix.dims()[1];
            // Mean squares are not negative.
            if salt == 3 { matrix.powi_scalar(2).reshape([count]) } else { matrix.reshape([count]) }
        };
        let (parameter, mean, square) = adam_step(tensor(0), tensor(1), tensor(2), tensor(3), *settings);
        let flat = |tensor: Tensor<1>| tensor.into_data().iter::<f64>().collect::<Vec<_>>();
        let by_kernel = [parameter, mean, square].map(flat);
        let primitive = |salt: usize| {
            let values = flat(tensor(salt));
            let data = TensorData::new(values.clone(), [values.len()]);
            use burn::backend::ops::FloatTensorOps;
            LibTorch::float_from_data(data, &burn_tch::LibTorchDevice::Cpu)
        };
        let mut tensors = [primitive(0), primitive(2), primitive(3)];
        update(&mut tensors, &primitive(1), settings);
        for (by_kernel, tensor) in by_kernel.iter().zip(&tensors) {
            for (a, b) in by_kernel.iter().zip(host::values::<f64>(tensor)) {
                assert!((a - b).abs() < 1e-13, "{a} is not {b}");
            }
        }
    }
}
