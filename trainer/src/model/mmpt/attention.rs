//! Attention over the edges of the multigraph (specification, section 4.1, Eq. 6).

use burn::module::Param;
use burn::prelude::*;

use crate::config::model::{AttentionValues, MmptModelConfig};
use crate::model::Batch;
use crate::model::Trace;
use crate::model::layers::{Initial, Initialiser};
use crate::model::layers::{Linear, LinearConfig};
use crate::ops::{self, Activation};

/// Attention that mixes the embeddings a of an atom's neighbours. For an edge e into atom i:
///
/// * score `r_e = att_t · W a_i + att_s · W a_src(e)`
/// * weight `ε_e = softmax(LeakyReLU(r_e))` over the edges that end at i
/// * output `â_i = FC(Σ_e ε_e a_src(e))`
#[derive(Module, Debug)]
pub struct MultigraphAttention {
    /// Attention vector att_t of the target, shape `[hidden]`.
    pub a_tgt: Param<Tensor<1>>,
    /// Attention vector att_s of the source, shape `[hidden]`.
    pub a_src: Param<Tensor<1>>,
    /// Projection W, `hidden → hidden` without bias.
    pub w: Linear,
    /// Output layer FC, `hidden → hidden`.
    pub fc: Linear,
    #[module(skip)]
    values: AttentionValues,
    #[module(skip)]
    mixing: bool,
}

impl MultigraphAttention {
    /// Initialises the layer.
    pub fn init(config: &MmptModelConfig, initialiser: &mut Initialiser) -> Self {
        let width = config.hidden;
        // Xavier's bound of a [2 · width, 1] matrix: both vectors act as one on the pair.
        let bound = (6.0 / (2.0 * width as f64)).sqrt();
        Self {
            w: LinearConfig::new(width, width)
                .without_bias()
                .with_initial(Initial::XavierUniform)
                .init(initialiser),
            a_tgt: initialiser.uniform([width], bound),
            a_src: initialiser.uniform([width], bound),
            fc: LinearConfig::new(width, width).init(initialiser),
            values: config.attention_values,
            mixing: config.attention,
        }
    }

    /// Returns `â_i = FC(Σ_e ε_e a_src(e))`. The sum runs over `W a_src(e)` for projected values, and without
    /// attention the layer is `FC(a_i)`.
    ///
    /// # Shapes
    /// Input a `[N, hidden]`, output â `[N, hidden]`.
    pub fn forward(&self, embedding: Tensor<2>, batch: &Batch, trace: &mut Trace) -> Tensor<2> {
        if !self.mixing {
            return self.fc.forward(embedding, Activation::Identity);
        }
        let projected = self.w.forward(embedding.clone(), Activation::Identity);
        let score = |vector: &Param<Tensor<1>>| {
            let width = projected.dims()[1];
            ops::dense(projected.clone(), vector.val().reshape([1, width]), None, None, Activation::Identity)
                .reshape([batch.atoms])
        };
        let (at_target, at_source) = (score(&self.a_tgt), score(&self.a_src));
        trace.record("attn_eps", || {
            ops::composed::attention_weights(at_target.clone(), at_source.clone(), &batch.edges)
        });
        let values = match self.values {
            AttentionValues::Raw => embedding,
            AttentionValues::Projected => projected.clone(),
        };
        let mixed = ops::attention(at_target, at_source, values, &batch.edges);
        self.fc.forward(mixed, Activation::Identity)
    }
}
