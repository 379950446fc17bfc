//! Estimate of the memory of a training step with MEGNet, without the weights:
//!
//! ```text
//! 4 bytes * ((edges + atoms) * (3 * channels * (blocks + 1) + readout_steps * (3 * readout_width + 8))
//!            + edges * 2 * gaussians)
//! channels = inner_width + 4 * width + the sum of block_widths
//! ```
//!
//! Every layer of an edge keeps its output and its slope; the third number of a channel stands for the gradients, and
//! one block more than there are for the first layers and the features. Atoms have the same
//! layers, and crystals are few.

use crate::config::MegnetModelConfig;
use crate::data::size::Size;

/// Numbers per channel and layer.
const NUMBERS: f64 = 3.0;
/// Numbers per edge and Gaussian.
const EXPANSION: f64 = 2.0;
/// Numbers per row and step of a readout: scores, their exponentials, weights and gradients.
const SCORES: f64 = 8.0;
/// Numbers per row, channel and step of a readout: the queries, and both products with the rows.
const READOUT: f64 = 3.0;
/// Bytes of a number.
const NUMBER: f64 = 4.0;

/// Estimates the memory of a training step on a batch in bytes, without the weights.
pub fn step_bytes(config: &MegnetModelConfig, size: &Size) -> f64 {
    let channels = config.inner_width + 4 * config.width + config.block_widths.iter().sum::<usize>();
    let [channels, gaussians, blocks, steps, readout] =
        [channels, config.gaussians, config.blocks, config.readout_steps, config.readout_width]
            .map(|count| count as f64);
    let a_row = NUMBERS * channels * (blocks + 1.0) + steps * (READOUT * readout + SCORES);
    NUMBER * ((size.edges + size.atoms) as f64 * a_row + size.edges as f64 * EXPANSION * gaussians)
}
