//! Gaussian expansions of distances and angles.

use burn::prelude::*;

use crate::ops;

/// The functions `g_n(d) = exp(−γ (d − c_n)²)` with evenly spaced centres c_n. They have no parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gaussians {
    /// The first centre, in the unit of d.
    pub first: f64,
    /// Distance between two centres, in the unit of d.
    pub step: f64,
    /// Number of functions.
    pub count: usize,
    /// γ, in the inverse square of the unit of d.
    pub gamma: f64,
}

impl Gaussians {
    /// Returns functions with centres from `first` to `last`, both included.
    ///
    /// # Panics
    /// If `count` is less than 2.
    pub fn between(first: f64, last: f64, count: usize, gamma: impl FnOnce(f64) -> f64) -> Self {
        assert!(count > 1, "an expansion has two centres at least");
        let step = (last - first) / (count - 1) as f64;
        Self { first, step, count, gamma: gamma(step) }
    }

    /// Expands numbers without a gradient.
    ///
    /// # Shapes
    /// Input `[rows]`, output `[rows, count]`.
    pub fn expand(&self, values: Tensor<1>) -> Tensor<2> {
        let Self { first, step, count, gamma } = *self;
        ops::gaussians(values, first, step, count, gamma)
    }
}
