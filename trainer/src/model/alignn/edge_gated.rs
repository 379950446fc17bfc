//! The edge-gated convolution of ALIGNN (<https://doi.org/10.1038/s41524-021-00650-1>), on a graph of nodes x and
//! edges y:
//!
//! ```text
//! m_e = src_gate(x_source) + dst_gate(x_target) + edge_gate(y_e)              σ_e = sigmoid(m_e)
//! h_i = Σ_{e into i} σ_e ⊙ dst_update(x_source) / (Σ_{e into i} σ_e + 1e-6)
//! x_i ← x_i + SiLU(bn_nodes(src_update(x_i) + h_i))
//! y_e ← y_e + SiLU(bn_edges(m_e))
//! ```
//!
//! The names are those of the published code: `src_update` is of the node that receives, `dst_update` of the one that
//! sends.

use burn::prelude::*;

use crate::model::Pass;
use crate::model::layers::{BatchNorm, Initialiser, Linear, LinearConfig};
use crate::ops::{self, Activation, Edges};
use crate::ranks::Rows;

/// The graph of a convolution: a crystal's atoms and edges, or the edges of its line graph and their pairs.
#[derive(Debug)]
pub struct Connections<'a> {
    /// Nodes of the edges.
    pub edges: &'a Edges,
    /// Number of nodes on all ranks.
    pub node_rows: Rows<'a>,
    /// Number of edges on all ranks.
    pub edge_rows: Rows<'a>,
}

/// An edge-gated convolution. All linear layers are `width → width`.
#[derive(Module, Debug)]
pub struct EdgeGated {
    /// Part of the sending node in the gate.
    pub src_gate: Linear,
    /// Part of the receiving node in the gate.
    pub dst_gate: Linear,
    /// Part of the edge in the gate.
    pub edge_gate: Linear,
    /// Normalisation over the edges.
    pub bn_edges: BatchNorm,
    /// Part of the receiving node in its update.
    pub src_update: Linear,
    /// Part of the sending node in the update.
    pub dst_update: Linear,
    /// Normalisation over the nodes.
    pub bn_nodes: BatchNorm,
}

impl EdgeGated {
    /// Initialises a convolution.
    pub fn init(width: usize, initialiser: &mut Initialiser) -> Self {
        let [src_gate, dst_gate, edge_gate, src_update, dst_update] =
            std::array::from_fn(|_| LinearConfig::new(width, width).init(initialiser));
        let [bn_edges, bn_nodes] = std::array::from_fn(|_| BatchNorm::init(width, initialiser));
        Self { src_gate, dst_gate, edge_gate, bn_edges, src_update, dst_update, bn_nodes }
    }

    /// Returns the updated nodes and edges.
    ///
    /// # Shapes
    /// Nodes x `[N, width]`, edges y `[E, width]`, and the same of the outputs.
    pub fn forward(
        &self,
        x: Tensor<2>,
        y: Tensor<2>,
        on: &Connections<'_>,
        pass: &mut Pass,
    ) -> (Tensor<2>, Tensor<2>) {
        let linear = |layer: &Linear, input: &Tensor<2>| layer.forward(input.clone(), Activation::Identity);
        let gates = ops::pair_sum(
            linear(&self.dst_gate, &x),
            linear(&self.src_gate, &x),
            Some(linear(&self.edge_gate, &y)),
            Activation::Identity,
            on.edges,
        );
        let received = ops::gated_mean(gates.clone(), linear(&self.dst_update, &x), on.edges);
        let nodes = self.src_update.forward_onto(x.clone(), received, Activation::Identity);
        let x = self.bn_nodes.forward_activated(nodes, Some(x), Activation::Silu, &on.node_rows, pass);
        let y = self.bn_edges.forward_activated(gates, Some(y), Activation::Silu, &on.edge_rows, pass);
        (x, y)
    }
}
