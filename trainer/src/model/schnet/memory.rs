//! Estimate of the memory of a training step with SchNet, without the weights:
//!
//! ```text
//! 4 bytes * (edges * (2 * gaussians + filter_width * (4 * interactions + 8))
//!            + atoms * wider * (8 * interactions + 16))
//! ```
//!
//! `wider` is the largest width of an atom's layers. An interaction keeps, for every edge, the slope and the output of
//! the filter's hidden layer, the filter, and the filter times the envelope. The terms without the number of
//! interactions are the gradients of one interaction and the head.

use crate::config::SchnetModelConfig;
use crate::data::size::Size;

/// Numbers per edge and channel of the filters that an interaction keeps.
const KEPT_BY_EDGES: f64 = 4.0;
/// Numbers per edge and channel of the gradients of one interaction.
const GRADIENTS_OF_EDGES: f64 = 8.0;
/// Numbers per atom and channel that an interaction keeps.
const KEPT_BY_ATOMS: f64 = 8.0;
/// Numbers per atom and channel of the gradients of one interaction, and of the head.
const GRADIENTS_OF_ATOMS: f64 = 16.0;
/// Numbers per edge and Gaussian.
const EXPANSION: f64 = 2.0;
/// Bytes of a number.
const NUMBER: f64 = 4.0;

/// Estimates the memory of a training step on a batch in bytes, without the weights.
pub fn step_bytes(config: &SchnetModelConfig, size: &Size) -> f64 {
    let [filters, gaussians, interactions] =
        [config.filter_width, config.gaussians, config.interactions].map(|count| count as f64);
    let widths = [config.atom_width, config.filter_width, config.embedding_width];
    let wider = widths.into_iter().chain(config.head_widths.iter().copied()).max().unwrap_or(0) as f64;
    let an_edge = EXPANSION * gaussians + filters * (KEPT_BY_EDGES * interactions + GRADIENTS_OF_EDGES);
    let an_atom = wider * (KEPT_BY_ATOMS * interactions + GRADIENTS_OF_ATOMS);
    NUMBER * (size.edges as f64 * an_edge + size.atoms as f64 * an_atom)
}
