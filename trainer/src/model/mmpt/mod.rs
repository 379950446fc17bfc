//! MMPT's encoder: a periodic multigraph network for the atoms, a transformer for the lattice (specification, section 4).
//!
//! MMPT is by Yu et al. (<https://arxiv.org/abs/2306.05344>); "Eq." is an equation of theirs.
//!
//! * [`structure`]: atoms and edges to `h_S`, by [`attention`], [`radial`] and [`dimenet`]
//! * [`lattice`]: lattice parameters to `h_L`
//! * [`memory`]: what a training step takes

pub mod attention;
pub mod dimenet;
pub mod lattice;
pub mod memory;
pub mod radial;
pub mod structure;

use burn::prelude::*;

use super::encoding::{Encoding, Widths};
use super::layers::Initialiser;
use super::{Batch, Trace};
use crate::config::MmptModelConfig;
use crate::config::model::LATTICE_TOKENS;
use crate::data::{Inputs, LatticeStatistics};
use lattice::LatticeEncoder;
use structure::StructureEncoder;

/// What the encoders take.
pub fn inputs() -> Inputs {
    Inputs { bases: true, ..Inputs::default() }
}

/// Both encoders.
#[derive(Module, Debug)]
pub struct MmptEncoder {
    /// Atoms and edges to `h_S`.
    pub structure: StructureEncoder,
    /// Lattice parameters to `h_L`.
    pub lattice: LatticeEncoder,
}

impl MmptEncoder {
    /// Fresh encoders for a training set's lattice statistics.
    pub fn init(
        config: &MmptModelConfig,
        statistics: &LatticeStatistics,
        initialiser: &mut Initialiser,
    ) -> Self {
        Self {
            structure: StructureEncoder::init(config, initialiser),
            lattice: LatticeEncoder::init(config, statistics, initialiser),
        }
    }

    /// Widths of `h_S` and `h_L`.
    pub fn widths(config: &MmptModelConfig) -> Widths {
        Widths { atoms: config.structure_width, crystals: Some(LATTICE_TOKENS * config.lattice_width) }
    }

    /// `h_S` of every atom and `h_L` of every crystal, without masking anything.
    ///
    /// # Shapes
    /// Atoms `[N, structure_width]`, crystals `[B, 2 · lattice_width]`.
    pub fn encode(&self, batch: &Batch) -> Encoding {
        let standardised = self.lattice.standardise(batch.lattice_parameters.clone());
        Encoding {
            atoms: self.structure.forward(batch, &mut Trace::off()).structure,
            crystals: Some(self.lattice.forward(standardised)),
        }
    }
}

/// The name of a parameter in a weights file from its path below the encoder: PyTorch has no container for the first
/// messages, and calls a projection `W`.
pub(super) fn rename(path: &[String]) -> Vec<String> {
    let parts = path.iter().filter(|part| *part != "messages");
    parts.map(|part| if part == "w" { "W".to_owned() } else { part.clone() }).collect()
}
