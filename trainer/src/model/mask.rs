//! Mutex masks (specification, section 5): which atoms each of the two views hides.

use burn::module::Param;
use burn::prelude::*;

use super::parameter::Initialiser;
use crate::config::model::Masking;
use crate::data::mask::random_mask;

/// Standard deviation of the initial `[MASK]` token.
const TOKEN_DEVIATION: f64 = 0.02;

/// Distinguishes the seed of the second view from that of the first where both are drawn.
const SECOND_VIEW: u64 = 0x5ec0_4d1d_71e3_a5b7;

/// Hidden atoms of both views over a batch's atoms, shape `[N]` each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masks {
    /// M: half of every crystal's atoms, rounded down.
    pub first: Vec<bool>,
    /// The complement of M, or a second draw.
    pub second: Vec<bool>,
}

/// One view's mask.
#[derive(Debug, Clone)]
pub struct View {
    /// True where the view shows `[MASK]`, shape `[N]`.
    pub hidden: Tensor<1, Bool>,
    /// [`crate::ranks::Whole::per_hidden`] where hidden, else 0, shape `[N]`: alone, a weighted sum is the
    /// mean over the hidden atoms of the batch, 0 if there are none.
    pub weights: Tensor<1>,
}

/// Which draw of a run a pair of masks is: the same key gives the same masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrawKey {
    /// Seed of the run.
    pub seed: u64,
    /// Epoch, from 0.
    pub epoch: u64,
    /// Position in the epoch of the batch's first crystal, from 0.
    pub first_crystal: u64,
}

impl Masks {
    /// The masks of a batch; atoms `atom_offsets[b]..atom_offsets[b + 1]` belong to crystal b.
    pub fn draw(masking: Masking, key: DrawKey, atom_offsets: &[usize]) -> Self {
        let DrawKey { seed, epoch, first_crystal } = key;
        let first = random_mask(atom_offsets, seed, epoch, first_crystal);
        let second = match masking {
            Masking::Mutex => first.iter().map(|&hidden| !hidden).collect(),
            Masking::Independent => random_mask(atom_offsets, seed ^ SECOND_VIEW, epoch, first_crystal),
        };
        Self { first, second }
    }

    /// Masks that hide nothing, for encoding alone.
    pub fn none(atoms: usize) -> Self {
        Self { first: vec![false; atoms], second: vec![false; atoms] }
    }
}

/// The learnable token that stands for a hidden atom (Eq. 5).
pub fn token(width: usize, initialiser: &mut Initialiser) -> Param<Tensor<1>> {
    initialiser.normal([width], TOKEN_DEVIATION)
}

/// `g_i = [MASK]` where the view hides atom i, else `h_S^i`; shape `[N, width]`.
pub fn hide(structure: Tensor<2>, token: Tensor<1>, view: &View) -> Tensor<2> {
    let [atoms, width] = structure.dims();
    let hidden = view.hidden.clone().reshape([atoms, 1]).expand([atoms, width]);
    structure.mask_where(hidden, token.reshape([1, width]).expand([atoms, width]))
}
