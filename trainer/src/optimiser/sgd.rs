//! Stochastic gradient descent with momentum on flat tensors, with PyTorch's formula.

use burn::prelude::*;

/// Settings of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Settings {
    /// Learning rate.
    pub(super) learning_rate: f64,
    /// Share μ of the velocity that each step keeps.
    pub(super) momentum: f64,
}

/// Takes the step `v ← μ v + g`, `w ← w − lr · v`. Returns w and v.
pub(super) fn step(
    parameter: Tensor<1>,
    gradient: Tensor<1>,
    velocity: Tensor<1>,
    settings: Settings,
) -> (Tensor<1>, Tensor<1>) {
    let velocity = velocity * settings.momentum + gradient;
    (parameter - velocity.clone() * settings.learning_rate, velocity)
}
