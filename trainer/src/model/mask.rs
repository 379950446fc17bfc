//! Mutex masks (specification, section 5): which atoms each of the two views hides.

use burn::prelude::*;

use crate::config::pretrain::Masking;
use crate::data::mask::random_mask;

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
    /// [`crate::ranks::GlobalSizes::per_hidden`] where hidden, else 0, shape `[N]`: alone, a weighted sum is the
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
}
