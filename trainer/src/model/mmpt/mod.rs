//! MMPT's encoder: a periodic multigraph network for the atoms and a transformer for the lattice (specification,
//! section 4).
//!
//! MMPT is by Yu et al. (<https://arxiv.org/abs/2306.05344>); "Eq." numbers are those of their paper.
//!
//! * [`structure`]: from atoms and edges to `h_S`, with [`attention`], [`radial`] and [`dimenet`]
//! * [`lattice`]: from lattice parameters to `h_L`
//! * [`head`]: readouts and perceptron of a fine-tuned model
//! * [`memory`]: the memory of a training step

pub mod attention;
pub mod dimenet;
pub mod head;
pub mod lattice;
pub mod memory;
pub mod radial;
pub mod structure;

use burn::prelude::*;

use super::encoding::Encoding;
use super::layers::Initialiser;
use super::{Batch, Pass, Trace};
use crate::config::MmptModelConfig;
use crate::data::{Inputs, LatticeStatistics};
use lattice::LatticeEncoder;
use structure::{StructureEncoder, StructureEncoding};

/// Returns the parts that a batch must have for this encoder.
pub fn inputs() -> Inputs {
    Inputs { bases: true, ..Inputs::default() }
}

/// The encodings of a batch of B crystals.
#[derive(Debug, Clone)]
pub struct MmptEncoding {
    /// Vectors `h_S` of the N atoms, shape `[N, structure_width]`, and radial basis of the E edges, shape `[E, 6]`.
    pub structure: StructureEncoding,
    /// Vectors `h_L` of the lattices of the crystals, shape `[B, 2 · lattice_width]` (specification, section 4.4).
    pub lattice: Tensor<2>,
    /// Lattice parameters in standard deviations from their means over the training set, shape `[B, 6]`.
    pub parameters: Tensor<2>,
}

impl From<MmptEncoding> for Encoding {
    fn from(MmptEncoding { structure, lattice, .. }: MmptEncoding) -> Self {
        Self { atoms: structure.structure, crystals: Some(lattice) }
    }
}

/// The structure encoder and the lattice encoder.
#[derive(Module, Debug)]
pub struct MmptEncoder {
    /// Structure encoder, from atoms and edges to `h_S`.
    pub structure: StructureEncoder,
    /// Lattice encoder, from lattice parameters to `h_L`.
    pub lattice: LatticeEncoder,
}

impl MmptEncoder {
    /// Initialises both encoders. `statistics` are the lattice statistics of the training set.
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

    /// Returns `h_S` of every atom and `h_L` of every crystal, without masking.
    ///
    /// # Shapes
    /// Atoms `[N, structure_width]`, crystals `[B, 2 · lattice_width]`.
    pub fn encode(&self, batch: &Batch, pass: &mut Pass) -> Encoding {
        self.encode_all(batch, &mut pass.trace).into()
    }

    /// Encodes a batch without masking, for the decoders of a pre-training.
    pub fn encode_all(&self, batch: &Batch, trace: &mut Trace) -> MmptEncoding {
        let structure = self.structure.forward(batch, trace);
        let parameters = self.lattice.standardise(batch.lattice_parameters.clone());
        let lattice = self.lattice.forward(parameters.clone());
        trace.record("h_L", || lattice.clone());
        MmptEncoding { structure, lattice, parameters }
    }
}

/// Returns the name of a parameter in a weights file. `path` is its path below the encoder. The PyTorch names have no
/// container for the embedding block, and a projection is called `W`.
pub(super) fn rename(path: &[String]) -> Vec<String> {
    let parts = path.iter().filter(|part| *part != "messages");
    parts.map(|part| if part == "w" { "W".to_owned() } else { part.clone() }).collect()
}
