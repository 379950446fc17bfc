//! Estimate of the memory of a training step, without the weights.

use crate::config::CgcnnModelConfig;
use crate::data::size::Size;

/// Numbers per edge, channel and layer that a training step keeps.
const NUMBERS: f64 = 24.0;
/// Bytes of a number.
const NUMBER: f64 = 4.0;

/// Estimates the memory of a training step on a batch in bytes, without the weights.
pub fn step_bytes(config: &CgcnnModelConfig, size: &Size) -> f64 {
    let (width, layers) = (config.atom_width, config.convolutions);
    size.edges as f64 * width as f64 * (layers + 1) as f64 * NUMBERS * NUMBER
}
