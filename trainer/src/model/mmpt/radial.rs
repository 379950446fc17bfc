//! Radial basis with learnable frequencies (specification, section 3).

use burn::module::Param;
use burn::prelude::*;

use crate::data::bessel::RADIAL;
use crate::model::Batch;
use crate::model::layers::Initialiser;

/// Radial basis `rbf[e, n] = u(x_e) sin(ω_n x_e)` with the trainable frequencies ω, initialised to `ω_n = nπ`.
#[derive(Module, Debug)]
pub struct RadialBasis {
    /// Frequencies ω, shape `[6]`.
    pub freq: Param<Tensor<1>>,
}

impl RadialBasis {
    /// Initialises the frequencies.
    pub fn init(initialiser: &mut Initialiser) -> Self {
        let frequencies = (1..=RADIAL).map(|n| (n as f64 * std::f64::consts::PI) as f32).collect();
        Self { freq: initialiser.values(frequencies, [RADIAL]) }
    }

    /// Returns `rbf[e, n] = u(x_e) sin(ω_n x_e)` of every edge.
    ///
    /// # Shapes
    /// Output `[E, 6]`.
    pub fn forward(&self, batch: &Batch) -> Tensor<2> {
        let phases = batch.bases().scaled_distances.clone() * self.freq.val().reshape([1, RADIAL]);
        phases.sin() * batch.bases().envelope.clone()
    }
}
