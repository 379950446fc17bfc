//! MEGNet (Chen et al. 2019, <https://doi.org/10.1021/acs.chemmater.9b01294>): blocks that update edges, atoms and a
//! global state of every crystal in turn.
//!
//! ```text
//! v = node_in(embedding(Z)), e = edge_in(g(d)), u = state_in(0)
//! each block, see [`Block`]: v, e, u ← v + v', e + e', u + u'
//! crystal = [s2s_node(v) ‖ s2s_edge(e) ‖ u]
//! ```

mod block;
pub mod head;
pub mod memory;
#[cfg(test)]
mod tests;

use burn::prelude::*;

use super::encoding::Encoding;
use super::layers::{Embedding, Gaussians, Initial, Initialiser, Mlp, Set2Set, Set2SetConfig};
use super::{Batch, Pass};
use crate::config::MegnetModelConfig;
use crate::config::model::MegnetStyle;
use crate::data::Inputs;
use crate::ops::Activation;
use crate::ops::composed::sum_by;
pub use block::Block;
use block::{Counts, Features};

/// Bound of the first vectors of the elements, as in Keras.
const EMBEDDING_BOUND: f64 = 0.05;
/// Width of the Gaussians of the style "lstm" in Å: `γ = 1/width²`.
const GAUSSIAN_WIDTH: f64 = 0.5;

/// Returns the parts that a batch must have for this encoder.
pub fn inputs() -> Inputs {
    Inputs::default()
}

/// Features of atoms, edges and crystals, and their readouts.
#[derive(Module, Debug)]
pub struct MegnetEncoder {
    /// Vectors of the elements.
    pub embedding: Embedding,
    /// Layers of the atoms, `embedding_width → inner_width → width`.
    pub node_in: Mlp,
    /// Layers of the edges, `gaussians → inner_width → width`.
    pub edge_in: Mlp,
    /// Layers of the state, `state_width → inner_width → width`.
    pub state_in: Mlp,
    /// Blocks from first to last.
    pub blocks: Vec<Block>,
    /// Readout of a crystal's atoms, `width → 2 readout_width`.
    pub s2s_node: Set2Set,
    /// Readout of a crystal's edges, `width → 2 readout_width`.
    pub s2s_edge: Set2Set,
    #[module(skip)]
    gaussians: Gaussians,
    #[module(skip)]
    state_width: usize,
}

impl MegnetEncoder {
    /// Initialises an encoder: Xavier-uniform weights, biases of 0, and vectors of the elements from `U(±0.05)`.
    pub fn init(config: &MegnetModelConfig, initialiser: &mut Initialiser) -> Self {
        let MegnetModelConfig { width, inner_width, gaussians: count, state_width, .. } = *config;
        let gaussians = match config.style {
            MegnetStyle::Kgcnn => Gaussians::kgcnn(count),
            MegnetStyle::Lstm => Gaussians::between(0.0, config.gaussians_end, count, |_| {
                1.0 / (GAUSSIAN_WIDTH * GAUSSIAN_WIDTH)
            }),
        };
        let readout = Set2SetConfig {
            inputs: width,
            width: config.readout_width,
            steps: config.readout_steps,
            has_memory: config.style == MegnetStyle::Lstm,
        };
        let embedding = Embedding::uniform(config.embedding_width, EMBEDDING_BOUND, initialiser);
        let [node_in, edge_in, state_in] = [config.embedding_width, count, state_width]
            .map(|inputs| activated(&[inputs, inner_width, width], initialiser));
        let block = |index| Block::init(config, index > 0, initialiser);
        let blocks = (0..config.blocks).map(block).collect();
        let [s2s_node, s2s_edge] = [readout; 2].map(|readout| readout.init(initialiser));
        Self { embedding, node_in, edge_in, state_in, blocks, s2s_node, s2s_edge, gaussians, state_width }
    }

    /// Returns the features of the atoms after the last block and, of every crystal, the readouts of its atoms and
    /// edges with its state. The trace records the features `v`, `e` and `u` of atoms, edges and crystals before the
    /// first block (`v_in`) and after every one (`v<l>`), and both readouts.
    ///
    /// # Shapes
    /// Atoms `[N, width]`, crystals `[B, 4 readout_width + width]`.
    pub fn encode(&self, batch: &Batch, pass: &mut Pass) -> Encoding {
        let Batch { crystals, crystal_of_atom, .. } = batch;
        let embedded = self.embedding.forward(&batch.atomic_numbers);
        let state = Tensor::zeros([*crystals, self.state_width], (&embedded.device(), embedded.dtype()));
        let mut features = Features {
            v: self.node_in.forward(embedded),
            e: self.edge_in.forward(self.gaussians.expand(batch.distances.clone())),
            u: self.state_in.forward(state),
        };
        features.record("_in", pass);
        let counts = Counts {
            incoming: batch.degrees.clone().clamp_min(1.0),
            edges: sum_by(*crystals, crystal_of_atom, batch.degrees.clone()).clamp_min(1.0),
        };
        for (index, block) in self.blocks.iter().enumerate() {
            features = block.forward(features, &counts, batch);
            features.record(&index.to_string(), pass);
        }
        let Features { v, e, u } = features;
        let crystal_of_edge = crystal_of_atom.clone().select(0, batch.edges.target.clone());
        let of_atoms = self.s2s_node.forward(v.clone(), crystal_of_atom, *crystals);
        pass.trace.record("s2s_node", || of_atoms.clone());
        let of_edges = self.s2s_edge.forward(e, &crystal_of_edge, *crystals);
        pass.trace.record("s2s_edge", || of_edges.clone());
        Encoding { atoms: v, crystals: Some(Tensor::cat(vec![of_atoms, of_edges, u], 1)) }
    }
}

/// Initialises a perceptron with shifted softplus between its layers and none after the last.
fn perceptron(widths: &[usize], initialiser: &mut Initialiser) -> Mlp {
    Mlp::init_with(widths, Initial::XavierUniform, initialiser).with_activation(Activation::ShiftedSoftplus)
}

/// Initialises a perceptron with shifted softplus after every layer.
fn activated(widths: &[usize], initialiser: &mut Initialiser) -> Mlp {
    perceptron(widths, initialiser).with_last_activation(Activation::ShiftedSoftplus)
}
