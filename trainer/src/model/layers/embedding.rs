//! Vectors of the elements.

use burn::module::Param;
use burn::prelude::*;

use super::Initialiser;
use crate::config::model::ATOM_TYPES;

/// A vector for every element.
#[derive(Module, Debug)]
pub struct Embedding {
    /// The vectors by atomic number, shape `[119, width]`. The first one belongs to no element.
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    /// Initialises the vectors from `U(±bound)`.
    pub fn uniform(width: usize, bound: f64, initialiser: &mut Initialiser) -> Self {
        Self { weight: initialiser.uniform([ATOM_TYPES, width], bound) }
    }

    /// Initialises the vectors from `N(0, 1)`, the default of PyTorch's embedding layer.
    pub fn normal(width: usize, initialiser: &mut Initialiser) -> Self {
        Self { weight: initialiser.normal([ATOM_TYPES, width], 1.0) }
    }

    /// Returns the vectors of the elements.
    ///
    /// # Shapes
    /// `atomic_numbers [N]`, output `[N, width]`.
    pub fn forward(&self, atomic_numbers: &Tensor<1, Int>) -> Tensor<2> {
        self.weight.val().select(0, atomic_numbers.clone())
    }
}
