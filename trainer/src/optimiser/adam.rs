//! Adam and AdamW on flat tensors, with PyTorch's formulas (specification, section 6).

use burn::prelude::*;
use kernels::adam::Settings;

use crate::device::{self, Operations};
use crate::ops::fused;
#[cfg(feature = "tch")]
use crate::ops::libtorch;

/// Takes the step
/// `m ← β1 m + (1 − β1) g`, `v ← β2 v + (1 − β2) g²`, `w ← w − lr · decay · w − lr · m̂ / (√v̂ + ε)`
/// with `m̂ = m/(1 − β1ᵗ)` and `v̂ = v/(1 − β2ᵗ)`. Returns w, m and v.
pub(super) fn step(
    parameter: Tensor<1>,
    gradient: Tensor<1>,
    first: Tensor<1>,
    second: Tensor<1>,
    settings: Settings,
) -> (Tensor<1>, Tensor<1>, Tensor<1>) {
    match device::operations(&parameter.device()) {
        Operations::Fused => fused::adam_step(parameter, gradient, first, second, settings),
        #[cfg(feature = "tch")]
        Operations::Libtorch => libtorch::adam_step(parameter, gradient, first, second, settings),
        Operations::Composed => composed_step(parameter, gradient, first, second, settings),
    }
}

/// Takes the step with tensor operations alone. Returns the parameter and its moments.
fn composed_step(
    parameter: Tensor<1>,
    gradient: Tensor<1>,
    first: Tensor<1>,
    second: Tensor<1>,
    settings: Settings,
) -> (Tensor<1>, Tensor<1>, Tensor<1>) {
    let Settings { learning_rate, beta1, beta2, epsilon, weight_decay, step } = settings;
    let correction = |beta: f64| 1.0 - beta.powf(f64::from(step));
    let (first_correction, second_correction) = (correction(beta1), correction(beta2));
    let first = first * beta1 + gradient.clone() * (1.0 - beta1);
    let second = second * beta2 + gradient.powi_scalar(2) * (1.0 - beta2);
    let denominator = second.clone().sqrt() / second_correction.sqrt() + epsilon;
    let decayed = match weight_decay == 0.0 {
        true => parameter,
        false => parameter * (1.0 - learning_rate * weight_decay),
    };
    let change = first.clone() / denominator * (learning_rate / first_correction);
    (decayed - change, first, second)
}
