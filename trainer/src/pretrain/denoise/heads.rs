//! Heads on MMPT's encoder that predict the noise on a crystal and the hidden types of atoms.

use burn::prelude::*;

use crate::config::Config;
use crate::config::model::{ATOM_TYPES, LATTICE_TOKENS};
use crate::data::bessel::RADIAL;
use crate::model::Batch;
use crate::model::head::mean;
use crate::model::layers::{Initialiser, Mlp};
use crate::model::mmpt::MmptEncoding;
use crate::ops::{self, Activation};

/// Rows and columns of the elements xx, yy, zz, yz, xz and xy.
const ELEMENTS: [(usize, usize); 6] = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)];

/// Heads for noise and types. Two are on the edges of a crystal. With the unit vector `û_e` of an edge, from its centre
/// atom to its neighbour, the predicted noise of an atom is the vector `Σ_{e into i} a_e û_e`. The predicted strain of a
/// cell is the tensor `mean_i Σ_{e into i} b_e û_e û_eᵀ`. The numbers `a_e` and `b_e` are those of perceptrons of both
/// atoms and the radial basis of the edge, `b_e` also of `h_L`. Both predictions turn with the crystal. A third head, on
/// the atoms, predicts their types where these are hidden.
#[derive(Module, Debug)]
pub struct NoiseHeads {
    /// Perceptron `2 structure_width + 6 → head_width → 1` of an edge, a.
    pub displacement: Mlp,
    /// Perceptron `2 structure_width + 6 + 2 lattice_width → head_width → 1` of an edge, b.
    pub strain: Mlp,
    /// Perceptron `structure_width → head_width → 119` of an atom, if types are hidden.
    pub types: Option<Mlp>,
}

/// The predictions for a batch, in standard deviations of the noise.
#[derive(Debug, Clone)]
pub struct PredictedNoise {
    /// Displacement of every atom along the Cartesian axes x, y and z, in standard deviations, shape `[N, 3]`.
    pub displacements: Tensor<2>,
    /// Strain of every cell: xx, yy, zz, yz, xz and xy, shape `[B, 6]`.
    pub strains: Tensor<2>,
    /// Logits of the types of the atoms, shape `[N, 119]`.
    pub types: Option<Tensor<2>>,
}

impl NoiseHeads {
    /// Makes the heads by an initialiser.
    pub fn build(config: &Config, initialiser: &mut Initialiser) -> Self {
        let (model, hidden) = (&config.model.mmpt, config.pretrain.denoise.head_width);
        let edge = 2 * model.structure_width + RADIAL;
        let mut head = |inputs, outputs| {
            Mlp::init(&[inputs, hidden, outputs], initialiser).with_activation(Activation::Silu)
        };
        Self {
            displacement: head(edge, 1),
            strain: head(edge + LATTICE_TOKENS * model.lattice_width, 1),
            types: config.pretrain.denoise.hides_types().then(|| head(model.structure_width, ATOM_TYPES)),
        }
    }

    /// Predicts the noise on the crystals of a batch, which must have been built with the vectors of its edges.
    ///
    /// # Shapes
    /// Output of N atoms `[N, 3]` and of B cells `[B, 6]`; see [`PredictedNoise`].
    pub fn forward(&self, encoding: &MmptEncoding, batch: &Batch) -> PredictedNoise {
        let (atoms, radial) = (&encoding.structure.structure, &encoding.structure.radial);
        let edges = &batch.edges;
        let at_edges = |head: &Mlp, extra: Tensor<2>| {
            let activation = head.activation_after(0);
            let hidden = head.layers[0].forward_pairs(atoms.clone(), Some(extra), activation, edges);
            head.forward_from(1, hidden)
        };
        let crystal_of_edge = batch.crystal_of_atom.clone().select(0, edges.target.clone());
        let cells = encoding.lattice.clone().select(0, crystal_of_edge);
        let a = at_edges(&self.displacement, radial.clone());
        let b = at_edges(&self.strain, Tensor::cat(vec![radial.clone(), cells], 1));
        let unit = batch.vectors().clone() / batch.distances.clone().unsqueeze_dim(1);
        let axis = |axis: usize| unit.clone().narrow(1, axis, 1);
        let products = Tensor::cat(ELEMENTS.map(|(row, column)| axis(row) * axis(column)).into(), 1);
        PredictedNoise {
            displacements: ops::edge_sum(unit * a, edges),
            strains: mean(ops::edge_sum(products * b, edges), batch),
            types: self.types.as_ref().map(|head| head.forward(atoms.clone())),
        }
    }
}
