//! Choice of the encoder, and its sizes. The numbers of radial and spherical functions are constants of
//! `crate::data::basis`.
//!
//! * [`mmpt`]: the encoder of MMPT
//!
//! Every kind has a section that is named like it.

pub mod mmpt;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, Faults};
use super::section::{Setting, section};
use crate::data::Graph;

pub use mmpt::{AttentionValues, MmptModelConfig};

/// Number of classes of the atom-type prediction. The class is the atomic number; class 0 is unused (specification,
/// section 7, row 9).
pub const ATOM_TYPES: usize = 119;
/// Number of classes of the same-cell label (specification, section 2.4).
pub const SAME_CELL_CLASSES: usize = 2;
/// Width between the two linear maps of each basis. It is a constant, because the kernel of the sum over triplets is
/// compiled for it.
pub const BASIS_WIDTH: usize = kernels::triplet::BASIS;
/// Number of lattice parameters of a crystal: three lengths and three angles.
pub const LATTICE_PARAMETERS: usize = 6;
/// Number of tokens of the lattice encoder: one for the lengths, one for the angles (specification, section 4.4).
pub const LATTICE_TOKENS: usize = 2;

impl Setting for Graph {}

/// The encoders there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// DimeNet++ with attention over parallel edges, and a transformer of the lattice.
    Mmpt,
}

impl Setting for ModelKind {}

impl ModelKind {
    /// All kinds.
    pub const ALL: [Self; 1] = [Self::Mmpt];

    /// Returns the name for texts.
    pub fn title(self) -> &'static str {
        match self {
            Self::Mmpt => "MMPT",
        }
    }

    /// Returns a description in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Mmpt => "a periodic multigraph network and a lattice encoder",
        }
    }
}

section! {
    /// The encoder and its sizes.
    pub struct ModelConfig {
        /// The encoder: "mmpt". Sections of other encoders have no effect.
        pub kind: ModelKind = ModelKind::Mmpt;
        /// Sizes and variants of MMPT's encoders. The defaults are the paper's.
        pub mmpt: MmptModelConfig = MmptModelConfig::default();
    }
}

impl From<MmptModelConfig> for ModelConfig {
    fn from(mmpt: MmptModelConfig) -> Self {
        Self { kind: ModelKind::Mmpt, mmpt }
    }
}

/// Widths of an encoder's embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Widths {
    /// Width of an atom's embedding.
    pub atoms: usize,
    /// Width of a crystal's own embedding; `None` for encoders without one.
    pub crystals: Option<usize>,
}

impl ModelConfig {
    /// Returns the widths of the encoder's embeddings.
    pub fn widths(&self) -> Widths {
        match self.kind {
            ModelKind::Mmpt => self.mmpt.widths(),
        }
    }

    /// Returns which edges the encoder sees.
    pub fn graph(&self) -> Graph {
        match self.kind {
            ModelKind::Mmpt => self.mmpt.graph,
        }
    }

    /// Returns a lower bound of the number of the encoder's weights.
    pub(crate) fn least_numbers(&self) -> f64 {
        match self.kind {
            ModelKind::Mmpt => self.mmpt.encoder_numbers(),
        }
    }

    /// Returns the first size out of its range, as `key = value: must be <needed>`.
    pub(crate) fn fault(&self) -> Option<String> {
        let mut faults = Faults::default();
        self.check("model", &mut faults);
        self.check_relations(&mut faults);
        faults.0.as_ref().map(Fault::to_string)
    }

    /// Records the first size that does not fit the others.
    pub(super) fn check_relations(&self, faults: &mut Faults) {
        match self.kind {
            ModelKind::Mmpt => self.mmpt.check_relations(faults),
        }
    }
}
