//! Gaussian expansions of distances and angles.

use burn::prelude::*;

use crate::ops;

/// Upper end of [`Gaussians::kgcnn`] in Å.
const KGCNN_END: f64 = 5.0;
/// Width of [`Gaussians::kgcnn`] in Å.
const KGCNN_WIDTH: f64 = 0.4;

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

    /// Returns functions of distances in Å as kgcnn has them for SchNet and MEGNet: a width of 0.4 Å and centres from 0
    /// up to, but without, 5 Å.
    pub fn kgcnn(count: usize) -> Self {
        let gamma = 1.0 / (2.0 * KGCNN_WIDTH * KGCNN_WIDTH);
        Self { first: 0.0, step: KGCNN_END / count as f64, count, gamma }
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
