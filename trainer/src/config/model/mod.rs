//! Choice of the encoder, and its sizes. The numbers of radial and spherical functions are constants of
//! `crate::data::basis`.
//!
//! * [`mmpt`], [`cgcnn`], [`schnet`], [`megnet`], [`alignn`], [`matformer`]: the encoders
//!
//! Every kind has a section that is named like it.

pub mod alignn;
pub mod cgcnn;
pub mod matformer;
pub mod megnet;
pub mod mmpt;
pub mod schnet;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, Faults};
use super::section::{Setting, section};
use crate::data::{Extraction, Graph};

pub use alignn::AlignnModelConfig;
pub use cgcnn::{CgcnnModelConfig, CgcnnOutput};
pub use matformer::MatformerModelConfig;
pub use megnet::{MegnetModelConfig, MegnetStyle};
pub use mmpt::{AttentionValues, MmptModelConfig};
pub use schnet::{SchnetModelConfig, SchnetStyle};

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

/// Maximum number of weights of an encoder: 2 GB in single precision. The gradient and each moment take as much.
const MAX_NUMBERS: f64 = 5e8;

impl Setting for Graph {}

/// The encoders there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// DimeNet++ with attention over parallel edges, and a transformer of the lattice.
    Mmpt,
    /// Crystal graph convolutions.
    Cgcnn,
    /// Continuous-filter convolutions.
    Schnet,
    /// Graph networks with a global state.
    Megnet,
    /// Gated convolutions on the graph and its line graph.
    Alignn,
    /// Attention over a multigraph with the cell's own edges.
    Matformer,
}

impl Setting for ModelKind {}

impl ModelKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Mmpt, Self::Cgcnn, Self::Schnet, Self::Megnet, Self::Alignn, Self::Matformer];

    /// Returns the name for texts.
    pub fn title(self) -> &'static str {
        match self {
            Self::Mmpt => "MMPT",
            Self::Cgcnn => "CGCNN",
            Self::Schnet => "SchNet",
            Self::Megnet => "MEGNet",
            Self::Alignn => "ALIGNN",
            Self::Matformer => "Matformer",
        }
    }

    /// Returns the word for it in a configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mmpt => "mmpt",
            Self::Cgcnn => "cgcnn",
            Self::Schnet => "schnet",
            Self::Megnet => "megnet",
            Self::Alignn => "alignn",
            Self::Matformer => "matformer",
        }
    }

    /// Returns a description in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Mmpt => "a periodic multigraph network and a lattice encoder",
            Self::Cgcnn => "a crystal graph convolutional network",
            Self::Schnet => "a network of continuous-filter convolutions",
            Self::Megnet => "a graph network of atoms, bonds and a global state",
            Self::Alignn => "a network of gated convolutions on the crystal's graph and its line graph",
            Self::Matformer => "a transformer on the crystal's graph with the edges of its cell",
        }
    }
}

section! {
    /// The encoder and its sizes.
    pub struct ModelConfig {
        /// The encoder: "mmpt", "cgcnn", "schnet", "megnet", "alignn" or "matformer". Sections of other encoders have
        /// no effect.
        pub kind: ModelKind = ModelKind::Mmpt;
        /// Sizes and variants of MMPT's encoders. The defaults are the paper's.
        pub mmpt: MmptModelConfig = MmptModelConfig::default();
        /// Sizes and variants of CGCNN.
        pub cgcnn: CgcnnModelConfig = CgcnnModelConfig::default();
        /// Sizes and variants of SchNet.
        pub schnet: SchnetModelConfig = SchnetModelConfig::default();
        /// Sizes and variants of MEGNet.
        pub megnet: MegnetModelConfig = MegnetModelConfig::default();
        /// Sizes and variants of ALIGNN.
        pub alignn: AlignnModelConfig = AlignnModelConfig::default();
        /// Sizes of Matformer.
        pub matformer: MatformerModelConfig = MatformerModelConfig::default();
    }
}

impl From<MmptModelConfig> for ModelConfig {
    fn from(mmpt: MmptModelConfig) -> Self {
        Self { kind: ModelKind::Mmpt, mmpt, ..Self::default() }
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
            ModelKind::Cgcnn => self.cgcnn.widths(),
            ModelKind::Schnet => self.schnet.widths(),
            ModelKind::Megnet => self.megnet.widths(),
            ModelKind::Alignn => self.alignn.widths(),
            ModelKind::Matformer => self.matformer.widths(),
        }
    }

    /// Returns which edges the encoder sees.
    pub fn graph(&self) -> Graph {
        match self.kind {
            ModelKind::Mmpt => self.mmpt.graph,
            ModelKind::Cgcnn | ModelKind::Schnet | ModelKind::Megnet => Graph::Multigraph,
            ModelKind::Alignn => Graph::Undirected { self_edges: self.alignn.self_edges },
            ModelKind::Matformer => Graph::UndirectedWithLattice,
        }
    }

    /// Returns the edges that the stores must hold; `None` for an encoder that takes those of any store.
    pub fn edges(&self) -> Option<Extraction> {
        match self.kind {
            ModelKind::Mmpt => None,
            ModelKind::Cgcnn => Some(self.cgcnn.edges),
            ModelKind::Schnet => Some(self.schnet.edges),
            ModelKind::Megnet => Some(self.megnet.edges),
            ModelKind::Alignn => Some(self.alignn.edges),
            ModelKind::Matformer => Some(self.matformer.edges),
        }
    }

    /// Returns the settings of the head, which the weights of an encoder leave open, as keys inside this section.
    pub(crate) fn head_settings(&self) -> &'static [&'static str] {
        match self.kind {
            ModelKind::Cgcnn => &["cgcnn.hidden_layers", "cgcnn.output"],
            ModelKind::Mmpt
            | ModelKind::Schnet
            | ModelKind::Megnet
            | ModelKind::Alignn
            | ModelKind::Matformer => &[],
        }
    }

    /// Returns this model with the values that another one has for some keys inside this section.
    pub(crate) fn with_settings_of(&self, other: &Self, keys: &[&str]) -> Self {
        const TREE: &str = "a section is a tree of settings";
        let tree = |model: &Self| serde_json::to_value(model).expect(TREE);
        let (mut own, other) = (tree(self), tree(other));
        for pointer in keys.iter().map(|key| format!("/{}", key.replace('.', "/"))) {
            if let (Some(own), Some(other)) = (own.pointer_mut(&pointer), other.pointer(&pointer)) {
                own.clone_from(other);
            }
        }
        serde_json::from_value(own).expect(TREE)
    }

    /// Returns a lower bound of the number of the encoder's weights.
    pub(crate) fn least_numbers(&self) -> f64 {
        match self.kind {
            ModelKind::Mmpt => self.mmpt.encoder_numbers(),
            ModelKind::Cgcnn => self.cgcnn.encoder_numbers(),
            ModelKind::Schnet => self.schnet.encoder_numbers(),
            ModelKind::Megnet => self.megnet.encoder_numbers(),
            ModelKind::Alignn => self.alignn.encoder_numbers(),
            ModelKind::Matformer => self.matformer.encoder_numbers(),
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
        let (key, width) = match self.kind {
            ModelKind::Mmpt => ("model.mmpt.hidden", self.mmpt.hidden),
            ModelKind::Cgcnn => ("model.cgcnn.atom_width", self.cgcnn.atom_width),
            ModelKind::Schnet => ("model.schnet.atom_width", self.schnet.atom_width),
            ModelKind::Megnet => ("model.megnet.width", self.megnet.width),
            ModelKind::Alignn => ("model.alignn.width", self.alignn.width),
            ModelKind::Matformer => ("model.matformer.width", self.matformer.width),
        };
        faults.unless(
            self.least_numbers() <= MAX_NUMBERS,
            key,
            width,
            "smaller with so many layers of these widths: the model has more than 500,000,000 numbers",
        );
        match self.kind {
            ModelKind::Mmpt => self.mmpt.check_relations(faults),
            ModelKind::Schnet => self.schnet.check_relations(faults),
            ModelKind::Megnet => self.megnet.check_relations(faults),
            ModelKind::Cgcnn | ModelKind::Alignn | ModelKind::Matformer => {}
        }
    }
}
