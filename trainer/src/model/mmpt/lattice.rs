//! The lattice encoder: from six Niggli parameters to `h_L` (specification, section 4.4).

use burn::module::Param;
use burn::prelude::*;
use burn::tensor::activation;

use crate::config::model::{LATTICE_PARAMETERS, LATTICE_TOKENS, MmptModelConfig};
use crate::data::LatticeStatistics;
use crate::model::layers::{Initialiser, LayerNorm, Linear, LinearConfig};
use crate::ops::Activation;

/// Number of parameters of a token: three lengths or three angles.
const TOKEN_PARAMETERS: usize = LATTICE_PARAMETERS / LATTICE_TOKENS;

/// A transformer block over two tokens, one of the lengths and one of the angles. `h_L` is the concatenation of the
/// two resulting tokens.
#[derive(Module, Debug)]
pub struct LatticeEncoder {
    /// Means over the training set, shape `[6]`. They are not trained.
    pub mean: Param<Tensor<1>>,
    /// Standard deviations over the training set, shape `[6]`. They are not trained.
    pub std: Param<Tensor<1>>,
    /// Embedding of the lengths, `3 → width`.
    pub len_emb: Linear,
    /// Embedding of the angles, `3 → width`.
    pub ang_emb: Linear,
    /// The transformer block.
    pub block: Block,
}

/// A transformer block with pre-normalisation: `t ← t + proj(MHA(LN t))`, then `t ← t + fc2(GELU(fc1(LN t)))`.
#[derive(Module, Debug)]
pub struct Block {
    /// Layer normalisation before the attention.
    pub norm1: LayerNorm,
    /// Multi-head self-attention.
    pub attn: SelfAttention,
    /// Layer normalisation before the feed-forward layer.
    pub norm2: LayerNorm,
    /// The feed-forward layer.
    pub mlp: FeedForward,
}

/// Multi-head self-attention `softmax(q kᵀ/√head_width) v`. The rows of `qkv` are `[q | k | v]`.
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// Projection to queries, keys and values, `width → 3 · width` without bias.
    pub qkv: Linear,
    /// Output projection, `width → width`.
    pub proj: Linear,
    #[module(skip)]
    heads: usize,
}

/// A feed-forward layer `fc2(GELU(fc1(t)))`.
#[derive(Module, Debug)]
pub struct FeedForward {
    /// First layer, `width → feed_forward`.
    pub fc1: Linear,
    /// Second layer, `feed_forward → width`.
    pub fc2: Linear,
}

impl SelfAttention {
    /// Returns `proj(softmax(q kᵀ/√head_width) v)` over the two tokens of each crystal.
    ///
    /// # Shapes
    /// Input and output `[B · 2, width]`; the two tokens of a crystal are consecutive rows.
    fn forward(&self, tokens: Tensor<2>) -> Tensor<2> {
        let [rows, width] = tokens.dims();
        let (crystals, head_width) = (rows / LATTICE_TOKENS, width / self.heads);
        // [B, 2, 3, heads, head_width] -> [3, B, heads, 2, head_width]
        let parts = self
            .qkv
            .forward(tokens, Activation::Identity)
            .reshape([crystals, LATTICE_TOKENS, 3, self.heads, head_width])
            .permute([2, 0, 3, 1, 4]);
        let part = |index: usize| {
            let part = parts.clone().narrow(0, index, 1);
            part.reshape([crystals, self.heads, LATTICE_TOKENS, head_width])
        };
        let scores = part(0).matmul(part(1).swap_dims(2, 3)) / (head_width as f64).sqrt();
        let mixed = activation::softmax(scores, 3).matmul(part(2));
        self.proj.forward(mixed.swap_dims(1, 2).reshape([rows, width]), Activation::Identity)
    }
}

impl LatticeEncoder {
    /// Initialises the encoder with the lattice statistics of a training set.
    pub fn init(
        config: &MmptModelConfig,
        statistics: &LatticeStatistics,
        initialiser: &mut Initialiser,
    ) -> Self {
        let width = config.lattice_width;
        let mut constants = |values: &[f64; LATTICE_PARAMETERS]| {
            let values = values.iter().map(|&value| value as f32).collect();
            initialiser.values(values, [LATTICE_PARAMETERS]).set_require_grad(false)
        };
        let (mean, std) = (constants(&statistics.mean), constants(&statistics.std));
        Self {
            mean,
            std,
            len_emb: LinearConfig::new(TOKEN_PARAMETERS, width).init(initialiser),
            ang_emb: LinearConfig::new(TOKEN_PARAMETERS, width).init(initialiser),
            block: Block {
                norm1: LayerNorm::init(width, initialiser),
                attn: SelfAttention {
                    qkv: LinearConfig::new(width, 3 * width).without_bias().init(initialiser),
                    proj: LinearConfig::new(width, width).init(initialiser),
                    heads: config.lattice_heads,
                },
                norm2: LayerNorm::init(width, initialiser),
                mlp: FeedForward {
                    fc1: LinearConfig::new(width, config.lattice_feed_forward).init(initialiser),
                    fc2: LinearConfig::new(config.lattice_feed_forward, width).init(initialiser),
                },
            },
        }
    }

    /// Returns `(parameters − mean)/std`.
    ///
    /// # Shapes
    /// Input and output `[B, 6]`.
    pub fn standardise(&self, parameters: Tensor<2>) -> Tensor<2> {
        let row = |constant: &Param<Tensor<1>>| constant.val().reshape([1, LATTICE_PARAMETERS]);
        (parameters - row(&self.mean)) / row(&self.std)
    }

    /// Encodes standardised lattice parameters: `h_L = [t_lengths ‖ t_angles]` after the transformer block.
    ///
    /// # Shapes
    /// Input `[B, 6]`, output `[B, 2 · width]`.
    pub fn forward(&self, standardised: Tensor<2>) -> Tensor<2> {
        let crystals = standardised.dims()[0];
        let part = |from: usize| standardised.clone().slice([0..crystals, from..from + TOKEN_PARAMETERS]);
        let lengths = self.len_emb.forward(part(0), Activation::Identity);
        let angles = self.ang_emb.forward(part(TOKEN_PARAMETERS), Activation::Identity);
        let width = lengths.dims()[1];
        let (rows, joined) = ([LATTICE_TOKENS * crystals, width], [crystals, LATTICE_TOKENS * width]);
        let tokens = Tensor::cat(vec![lengths, angles], 1).reshape(rows);
        let attended = self.block.attn.forward(self.block.norm1.forward(tokens.clone()));
        let tokens = tokens + attended;
        let hidden =
            self.block.mlp.fc1.forward(self.block.norm2.forward(tokens.clone()), Activation::Identity);
        let fed = self.block.mlp.fc2.forward(activation::gelu(hidden), Activation::Identity);
        (tokens + fed).reshape(joined)
    }
}
