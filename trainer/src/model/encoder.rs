//! Encoders: from a batch of crystals to vectors of its atoms and crystals.

use burn::prelude::*;

use super::alignn::{self, AlignnEncoder};
use super::cgcnn::{self, CgcnnEncoder};
use super::encoding::Encoding;
use super::layers::Initialiser;
use super::matformer::{self, MatformerEncoder};
use super::megnet::{self, MegnetEncoder};
use super::mmpt::{self, MmptEncoder};
use super::schnet::{self, SchnetEncoder};
use super::{Batch, Pass};
use crate::config::ModelConfig;
use crate::config::model::ModelKind;
use crate::data::{Inputs, LatticeStatistics};

#[allow(clippy::large_enum_variant, reason = "a run has one encoder")]
/// The encoder of a model. Each variant is one kind of `model.kind`; its layers are in a folder of that name.
#[derive(Module, Debug)]
pub enum Encoder {
    /// MMPT: the periodic multigraph network and the lattice encoder.
    Mmpt(MmptEncoder),
    /// CGCNN: gated convolutions.
    Cgcnn(CgcnnEncoder),
    /// SchNet: continuous-filter convolutions.
    Schnet(SchnetEncoder),
    /// MEGNet: updates of edges, atoms and a global state.
    Megnet(MegnetEncoder),
    /// ALIGNN: gated convolutions on the graph and its line graph.
    Alignn(AlignnEncoder),
    /// Matformer: attention over a multigraph with lattice edges.
    Matformer(MatformerEncoder),
}

impl Encoder {
    /// Name of the field that holds the encoder in every model. It tells the encoder's parameters from those of
    /// decoders and heads.
    pub(super) const FIELD: &str = "encoder";

    /// Initialises an encoder of the configured kind. `statistics` are the lattice statistics of the training set.
    pub fn init(config: &ModelConfig, statistics: &LatticeStatistics, initialiser: &mut Initialiser) -> Self {
        match config.kind {
            ModelKind::Mmpt => Self::Mmpt(MmptEncoder::init(&config.mmpt, statistics, initialiser)),
            ModelKind::Cgcnn => Self::Cgcnn(CgcnnEncoder::init(&config.cgcnn, initialiser)),
            ModelKind::Schnet => Self::Schnet(SchnetEncoder::init(&config.schnet, initialiser)),
            ModelKind::Megnet => Self::Megnet(MegnetEncoder::init(&config.megnet, initialiser)),
            ModelKind::Alignn => Self::Alignn(AlignnEncoder::init(&config.alignn, initialiser)),
            ModelKind::Matformer => Self::Matformer(MatformerEncoder::init(&config.matformer, initialiser)),
        }
    }

    /// Returns the parts that a batch must have for the configured kind.
    pub fn inputs(config: &ModelConfig) -> Inputs {
        match config.kind {
            ModelKind::Mmpt => mmpt::inputs(),
            ModelKind::Cgcnn => cgcnn::inputs(),
            ModelKind::Schnet => schnet::inputs(),
            ModelKind::Megnet => megnet::inputs(),
            ModelKind::Alignn => alignn::inputs(),
            ModelKind::Matformer => matformer::inputs(),
        }
    }

    /// Whether an encoder of the configured kind can be trained on a batch. No batch normalisation can have a single
    /// row, which has no variance; one without any rows does nothing.
    pub fn trains_on(config: &ModelConfig, batch: &Batch) -> bool {
        let (global, can_vary) = (&batch.global, |rows: usize| rows != 1);
        let atoms = can_vary(global.atom_rows().count);
        let edges = can_vary(global.edge_rows().count);
        match config.kind {
            ModelKind::Mmpt | ModelKind::Schnet | ModelKind::Megnet => true,
            ModelKind::Cgcnn => config.cgcnn.convolutions == 0 || (atoms && edges),
            ModelKind::Alignn => atoms && edges && can_vary(global.line_pairs()),
            ModelKind::Matformer => config.matformer.layers == 0 || atoms,
        }
    }

    /// Encodes a batch for a head alone: nothing of the encoder is trained, but for the layer that embeds crystals if
    /// `has_fresh_crystals`.
    ///
    /// # Shapes
    /// See [`Encoding`].
    pub fn encode_frozen(&self, batch: &Batch, has_fresh_crystals: bool) -> Encoding {
        let pass = &mut Pass::evaluation();
        match self {
            Self::Cgcnn(encoder) if has_fresh_crystals => {
                let atoms = encoder.atoms(batch, pass).detach();
                Encoding { crystals: encoder.crystals(&atoms, batch, pass), atoms }
            }
            _ => self.encode(batch, pass).detach(),
        }
    }

    /// Encodes a batch without masking. The trace of the pass records intermediate tensors.
    ///
    /// # Shapes
    /// See [`Encoding`].
    pub fn encode(&self, batch: &Batch, pass: &mut Pass) -> Encoding {
        match self {
            Self::Mmpt(encoder) => encoder.encode(batch, pass),
            Self::Cgcnn(encoder) => encoder.encode(batch, pass),
            Self::Schnet(encoder) => encoder.encode(batch, pass),
            Self::Megnet(encoder) => encoder.encode(batch, pass),
            Self::Alignn(encoder) => encoder.encode(batch, pass),
            Self::Matformer(encoder) => encoder.encode(batch, pass),
        }
    }

    /// Returns the name of a parameter in a weights file. `path` is its path below [`Encoder::FIELD`] and begins with
    /// the name of the variant.
    pub(super) fn rename(path: &[String]) -> Vec<String> {
        match path.split_first() {
            Some((variant, rest)) if variant == "Mmpt" => mmpt::rename(rest),
            Some((variant, rest)) if variant == "Alignn" => alignn::rename(rest),
            Some((variant, rest)) if variant == "Matformer" => matformer::rename(rest),
            Some((_, rest)) => rest.to_vec(),
            None => Vec::new(),
        }
    }
}
