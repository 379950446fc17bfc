//! Estimate of the memory of a training step with MMPT's encoder and decoders, without the weights:
//!
//! ```text
//! edges * (24576 * wider + 336 * hidden) * (blocks + 1) / 5 bytes
//! ```
//!
//! `wider` is the largest ratio of a width other than `hidden` to its default, and at least 1.

use crate::config::{MmptModelConfig, MmptPretrainConfig};
use crate::data::size::Size;

/// Bytes per edge and message channel of a training step with four interaction blocks: the messages, slopes and
/// gradients of every layer. Measured in batches of 2,300 and 6,300 edges as bytes per edge: 66,000 with the default
/// model, 45,000 with half the channels, 40,000 with two blocks.
const STEP_A_CHANNEL: f64 = 336.0;
/// Bytes per edge of a training step that do not depend on the message channels, with four interaction blocks and
/// default widths.
const STEP_AN_EDGE: f64 = 24.0 * 1024.0;
/// Number of interaction blocks for which the two constants above were measured.
const MEASURED_BLOCKS: f64 = 4.0;
/// Estimates the memory of a training step on a batch in bytes, without the weights.
pub fn step_bytes(model: &MmptModelConfig, pretrain: &MmptPretrainConfig, size: &Size) -> f64 {
    let usual = MmptModelConfig::default();
    let wider = [
        (model.structure_width, usual.structure_width),
        (model.interaction_width, usual.interaction_width),
        (model.output_width, usual.output_width),
        (pretrain.decoder_width, MmptPretrainConfig::default().decoder_width),
    ];
    let wider = wider.map(|(width, usual)| width as f64 / usual as f64).into_iter().fold(1.0, f64::max);
    let blocks = (model.interaction_blocks as f64 + 1.0) / (MEASURED_BLOCKS + 1.0);
    let an_edge = STEP_AN_EDGE * wider + STEP_A_CHANNEL * model.hidden as f64;
    size.edges as f64 * an_edge * blocks
}
