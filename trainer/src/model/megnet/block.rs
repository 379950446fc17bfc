//! The blocks of MEGNet.

use burn::prelude::*;

use super::{activated, perceptron};
use crate::config::MegnetModelConfig;
use crate::model::head::mean;
use crate::model::layers::{Initialiser, Mlp};
use crate::model::{Batch, Pass};
use crate::ops;
use crate::ops::composed::sum_by;

/// Features of a batch.
#[derive(Debug, Clone)]
pub(super) struct Features {
    /// Atoms, shape `[N, width]`.
    pub(super) v: Tensor<2>,
    /// Edges, shape `[E, width]`.
    pub(super) e: Tensor<2>,
    /// States of the crystals, shape `[B, width]`.
    pub(super) u: Tensor<2>,
}

impl Features {
    /// Records the features under their letters with a suffix.
    pub(super) fn record(&self, suffix: &str, pass: &mut Pass) {
        for (letter, features) in [("v", &self.v), ("e", &self.e), ("u", &self.u)] {
            pass.trace.record(&format!("{letter}{suffix}"), || features.clone());
        }
    }
}

/// Divisors of means over edges: their number, but 1 where there is none, so that the mean is 0.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// Edges into every atom, shape `[N, 1]`.
    pub(super) incoming: Tensor<2>,
    /// Edges of every crystal, shape `[B, 1]`.
    pub(super) edges: Tensor<2>,
}

/// A block: from the features v, e and u, fed forward in all blocks but the first,
///
/// ```text
/// e' = phi_e([v_target ‖ v_source ‖ e ‖ u])
/// v' = phi_v([mean_{e into i} e' ‖ v ‖ u])
/// u' = phi_u([mean over the crystal's edges of e' ‖ mean over its atoms of v' ‖ u])
/// ```
///
/// to v + v', e + e' and u + u', with the features before they are fed forward.
#[derive(Module, Debug)]
pub struct Block {
    /// Layers that feed the atoms forward, `width → inner_width → width`; absent in the first block.
    pub node_ff: Option<Mlp>,
    /// Layers that feed the edges forward.
    pub edge_ff: Option<Mlp>,
    /// Layers that feed the states forward.
    pub state_ff: Option<Mlp>,
    /// Update of the edges, `4 width → block_widths`.
    pub phi_e: Mlp,
    /// Update of the atoms, `3 width → block_widths`.
    pub phi_v: Mlp,
    /// Update of the states, `3 width → block_widths`.
    pub phi_u: Mlp,
}

impl Block {
    /// Initialises a block.
    pub(super) fn init(
        config: &MegnetModelConfig,
        feeds_forward: bool,
        initialiser: &mut Initialiser,
    ) -> Self {
        let width = config.width;
        let [node_ff, edge_ff, state_ff] = [(); 3]
            .map(|()| feeds_forward.then(|| activated(&[width, config.inner_width, width], initialiser)));
        let [phi_e, phi_v, phi_u] = [4, 3, 3]
            .map(|parts| perceptron(&[&[parts * width], &*config.block_widths].concat(), initialiser));
        Self { node_ff, edge_ff, state_ff, phi_e, phi_v, phi_u }
    }

    /// Returns the updated features.
    pub(super) fn forward(&self, before: Features, counts: &Counts, batch: &Batch) -> Features {
        let Features { v, e, u } = before.clone();
        let feed = |layers: &Option<Mlp>, x: Tensor<2>| match layers {
            Some(layers) => layers.forward(x),
            None => x,
        };
        let (v, e, u) = (feed(&self.node_ff, v), feed(&self.edge_ff, e), feed(&self.state_ff, u));
        let at_atom = |of_crystals: Tensor<2>| of_crystals.select(0, batch.crystal_of_atom.clone());

        let e = self.update_edges(v.clone(), e, u.clone(), batch);
        let sums = ops::edge_sum(e.clone(), &batch.edges);
        let mean_of_edges =
            sum_by(batch.crystals, &batch.crystal_of_atom, sums.clone()) / counts.edges.clone();
        let v = Tensor::cat(vec![sums / counts.incoming.clone(), v, at_atom(u.clone())], 1);
        let v = self.phi_v.forward(v);
        let u = self.phi_u.forward(Tensor::cat(vec![mean_of_edges, mean(v.clone(), batch), u], 1));
        Features { v: before.v + v, e: before.e + e, u: before.u + u }
    }

    /// Returns e'.
    fn update_edges(&self, v: Tensor<2>, e: Tensor<2>, u: Tensor<2>, batch: &Batch) -> Tensor<2> {
        let width = e.dims()[1];
        let first = &self.phi_e.layers[0];
        let part = |x: Tensor<2>, index: usize| {
            first.forward_columns(x, index * width, (index + 1) * width, index == 0)
        };
        // The layer of the concatenation, in parts: atoms have fewer rows than edges, crystals fewer than atoms.
        let of_crystal = part(u, 3).select(0, batch.crystal_of_atom.clone());
        let at_target = part(v.clone(), 0) + of_crystal;
        let hidden = ops::pair_sum(
            at_target,
            part(v, 1),
            Some(part(e, 2)),
            self.phi_e.activation_after(0),
            &batch.edges,
        );
        self.phi_e.forward_from(1, hidden)
    }
}
