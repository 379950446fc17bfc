//! Radial basis with learnable frequencies (specification, section 3).

use burn::module::Param;
use burn::prelude::*;

use crate::data::bessel::RADIAL;
use crate::model::Batch;
use crate::model::layers::Initialiser;

/// `rbf[e, n] = u(x) sin(ω_n x)`, ω_n = nπ at the start.
#[derive(Module, Debug)]
pub struct RadialBasis {
    /// ω, shape `[6]`.
    pub freq: Param<Tensor<1>>,
}

impl RadialBasis {
    /// The basis at its starting frequencies.
    pub fn init(initialiser: &mut Initialiser) -> Self {
        let frequencies = (1..=RADIAL).map(|n| (n as f64 * std::f64::consts::PI) as f32).collect();
        Self { freq: initialiser.values(frequencies, [RADIAL]) }
    }

    /// The basis of every edge, shape `[E, 6]`.
    pub fn forward(&self, batch: &Batch) -> Tensor<2> {
        let phases = batch.bases().scaled_distances.clone() * self.freq.val().reshape([1, RADIAL]);
        phases.sin() * batch.bases().envelope.clone()
    }
}
