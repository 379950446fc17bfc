//! Estimate of the memory of a training step with ALIGNN, without the weights:
//!
//! ```text
//! 4 bytes * width * (8 * (edges * (alignn_layers + gcn_layers) + pairs * alignn_layers) + 10 * (edges + pairs))
//! ```
//!
//! Edges and pairs are those of the undirected multigraph; there are some twelve times more pairs. A convolution keeps
//! the gates, their sigmoids, the senders' values, and what the normalisation and its activation need. The last term
//! is that of the embeddings and of the gradients of one convolution.

use crate::config::AlignnModelConfig;
use crate::data::size::Size;

/// Numbers per edge or pair and channel that a convolution keeps. Measured with operations composed of those of
/// tensors, as the next constant: 0.37 GB for 1,000 edges and 15,600 pairs of 128 channels with 4 + 4 layers, 2.65 GB
/// for twice as many of 256 channels with 8 + 8.
const KEPT: f64 = 8.0;
/// Numbers per edge or pair and channel of the embeddings and of the gradients of one convolution.
const ONCE: f64 = 10.0;
/// Bytes of a number.
const NUMBER: f64 = 4.0;

/// Estimates the memory of a training step on a batch in bytes, without the weights.
pub fn step_bytes(config: &AlignnModelConfig, size: &Size) -> f64 {
    let [edges, pairs] = [size.edges, size.pairs].map(|count| count as f64);
    let [width, alignn, gcn] =
        [config.width, config.alignn_layers, config.gcn_layers].map(|count| count as f64);
    let rows = edges * (alignn + gcn) + pairs * alignn;
    NUMBER * width * (KEPT * rows + ONCE * (edges + pairs))
}
