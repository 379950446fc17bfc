//! Masks of the two views: which atoms each view hides (specification, section 5).

use crate::config::pretrain::Masking;
use crate::data::mask::random_mask;

/// Combined with the seed of the run for the second mask, where both masks are drawn.
const SECOND_VIEW: u64 = 0x5ec0_4d1d_71e3_a5b7;

/// Masks of both views over a batch of N atoms, shape `[N]` each; true for a hidden atom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masks {
    /// The mask M, which hides half of every crystal's atoms, rounded down.
    pub first: Vec<bool>,
    /// The complement of M, or a second independent draw.
    pub second: Vec<bool>,
}

/// Key of a random draw. The same key gives the same masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrawKey {
    /// Seed of the run.
    pub seed: u64,
    /// Index of the epoch, from 0; [`DrawKey::VALIDATION`] for a validation.
    pub epoch: u64,
    /// Index in the epoch of the batch's first crystal, from 0.
    pub first_crystal: u64,
}

impl DrawKey {
    /// Epoch that keys the order and the masks of the validation set. It is the same in every epoch and differs from all
    /// training epochs.
    pub const VALIDATION: u64 = u64::MAX;

    /// Whether the draw is for a validation.
    pub fn is_for_validation(&self) -> bool {
        self.epoch == Self::VALIDATION
    }
}

impl Masks {
    /// Draws the masks of a batch. The atoms of crystal b are `atom_offsets[b]..atom_offsets[b + 1]`.
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
