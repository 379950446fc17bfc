//! A layer of Matformer (<https://arxiv.org/abs/2209.11807>) of atoms x and edges w, with heads of full width:
//!
//! ```text
//! q, k, v = lin_query(x), lin_key(x), lin_value(x)        ε = lin_edge(w)
//! α_e = [q_target ⊙ k_target ‖ q_target ⊙ k_source ‖ q_target ⊙ ε_e] / √(3 width)
//! μ_e = msg_layer(lin_msg_update([v_target ‖ v_source ‖ ε_e]) ⊙ sigmoid(layer_norm(α_e)))
//! x_i ← SiLU(bn(lin_concate(Σ_{e into i} μ_e))) + lin_skip(x_i)
//! ```
//!
//! Letters in shapes: h heads, C the width of x, of w and of each head.

use burn::prelude::*;

use crate::model::layers::{BatchNorm, Initialiser, LayerNorm, Linear, LinearConfig};
use crate::model::{Batch, Pass};
use crate::ops::{self, Activation, Edges};

/// Parts of a message: the atom that receives, the one that sends, and the edge.
const PARTS: usize = 3;

/// A layer. `lin_msg_update`, `msg_layer` and `layer_norm` are shared by the heads.
#[derive(Module, Debug)]
pub struct Attention {
    /// Queries, `C → h C`.
    pub lin_query: Linear,
    /// Keys, `C → h C`.
    pub lin_key: Linear,
    /// Values, `C → h C`.
    pub lin_value: Linear,
    /// Keys and values of the edges, `C → h C` without a bias.
    pub lin_edge: Linear,
    /// Normalisation of the attention.
    pub layer_norm: LayerNorm,
    /// Layer of a message's parts, `3 C → 3 C`.
    pub lin_msg_update: Linear,
    /// Layer of a gated message, `3 C → C`.
    pub msg_layer: MessageLayer,
    /// Layer of the heads' sums, `h C → C`.
    pub lin_concate: Linear,
    /// Normalisation over the atoms.
    pub bn: BatchNorm,
    /// Layer of the atom itself, `C → C`.
    pub lin_skip: Linear,
    #[module(skip)]
    heads: usize,
}

/// A linear layer with normalisation of the rows.
#[derive(Module, Debug)]
pub struct MessageLayer {
    /// Linear layer.
    pub linear: Linear,
    /// Normalisation.
    pub norm: LayerNorm,
}

impl Attention {
    /// Initialises a layer.
    pub fn init(width: usize, heads: usize, initialiser: &mut Initialiser) -> Self {
        let linear = LinearConfig::new;
        let (all_heads, all_parts) = (heads * width, PARTS * width);
        let [lin_query, lin_key, lin_value] =
            std::array::from_fn(|_| linear(width, all_heads).init(initialiser));
        Self {
            lin_query,
            lin_key,
            lin_value,
            lin_edge: linear(width, all_heads).without_bias().init(initialiser),
            layer_norm: LayerNorm::init(all_parts, initialiser),
            lin_msg_update: linear(all_parts, all_parts).init(initialiser),
            msg_layer: MessageLayer {
                linear: linear(all_parts, width).init(initialiser),
                norm: LayerNorm::init(width, initialiser),
            },
            lin_concate: linear(all_heads, width).init(initialiser),
            bn: BatchNorm::init(width, initialiser),
            lin_skip: linear(width, width).init(initialiser),
            heads,
        }
    }

    /// Returns the updated embeddings of the atoms.
    ///
    /// # Shapes
    /// x and output `[N, C]`, w `[E, C]`.
    pub fn forward(&self, x: Tensor<2>, w: Tensor<2>, batch: &Batch, pass: &mut Pass) -> Tensor<2> {
        let edge = self.lin_edge.forward(w, Activation::Identity);
        let attention = self.attention(&x, edge.clone(), &batch.edges);
        let messages = self.layer_norm.gate(self.messages(&x, edge, &batch.edges), attention);
        let messages = self.msg_layer.linear.forward(messages, Activation::Identity);
        let messages = self.msg_layer.norm.forward(messages);
        let sums = ops::edge_sum(self.join_heads(messages), &batch.edges);
        let sums = self.lin_concate.forward(sums, Activation::Identity);
        let skipped = self.lin_skip.forward(x, Activation::Identity);
        self.bn.forward_activated(sums, Some(skipped), Activation::Silu, &batch.global.atom_rows(), pass)
    }

    /// Returns the attention α of every edge and head.
    ///
    /// # Shapes
    /// x `[N, C]`, edge (ε) `[E, h C]`, output `[E h, 3 C]`.
    fn attention(&self, x: &Tensor<2>, edge: Tensor<2>, edges: &Edges) -> Tensor<2> {
        let width = x.dims()[1];
        // Scaled at the atoms, which are fewer than the edges.
        let query = self.lin_query.forward(x.clone(), Activation::Identity) / ((PARTS * width) as f64).sqrt();
        let key = self.lin_key.forward(x.clone(), Activation::Identity);
        let at_target = (query.clone() * key.clone()).select(0, edges.target.clone());
        let query = query.select(0, edges.target.clone());
        let at_source = query.clone() * key.select(0, edges.source.clone());
        let parts = [at_target, at_source, query * edge].map(|part| self.split_heads(part));
        Tensor::cat(parts.into(), 1)
    }

    /// Returns `lin_msg_update([v_target ‖ v_source ‖ ε_e])` of every edge and head. The layer of the concatenation
    /// is applied in parts, those of the values at the atoms.
    ///
    /// # Shapes
    /// x `[N, C]`, edge (ε) `[E, h C]`, output `[E h, 3 C]`.
    fn messages(&self, x: &Tensor<2>, edge: Tensor<2>, edges: &Edges) -> Tensor<2> {
        let width = x.dims()[1];
        let value = self.split_heads(self.lin_value.forward(x.clone(), Activation::Identity));
        let part = |input: Tensor<2>, index: usize, with_bias: bool| {
            let (from, to) = (index * width, (index + 1) * width);
            self.join_heads(self.lin_msg_update.forward_columns(input, from, to, with_bias))
        };
        let at_target = part(value.clone(), 0, true);
        let at_source = part(value, 1, false);
        let at_edge = part(self.split_heads(edge), 2, false);
        self.split_heads(ops::pair_sum(at_target, at_source, Some(at_edge), Activation::Identity, edges))
    }

    /// Gives every head a row of its own: `[rows, h columns]` to `[rows h, columns]`.
    fn split_heads(&self, x: Tensor<2>) -> Tensor<2> {
        let [rows, columns] = x.dims();
        x.reshape([rows * self.heads, columns / self.heads])
    }

    /// Gives all heads one row: `[rows h, columns]` to `[rows, h columns]`.
    fn join_heads(&self, x: Tensor<2>) -> Tensor<2> {
        let [rows, columns] = x.dims();
        x.reshape([rows / self.heads, columns * self.heads])
    }
}
