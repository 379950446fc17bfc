//! An encoder that embeds batches of crystals.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use burn::prelude::*;
use schemas::settings::FeatureSettings;

use super::table::{Embeddings, Shape};
use crate::config::DataConfig;
use crate::config::model::Widths;
use crate::data::{GraphBatch, StreamSettings};
use crate::device::{self, DeviceName};
use crate::error::TrainError;
use crate::model::cgcnn::CgcnnEncoder;
use crate::model::head::{Pooled, pool};
use crate::model::{Batch, Encoder, Encoding, Pass};
use crate::pretrain::load::{LoadedEncoder, load_encoder};

/// The encoder of a weights file on its device.
pub struct Embedder {
    weights: PathBuf,
    loaded: LoadedEncoder,
    device: Device,
}

impl Embedder {
    /// Loads the encoder of a weights file or checkpoint.
    ///
    /// # Errors
    /// [`TrainError`] for a device that cannot be opened, and weights that cannot be read.
    pub fn load(weights: &Path, device: DeviceName) -> Result<Self, TrainError> {
        let device = device.open()?;
        let loaded = load_encoder(weights, &device.clone().autodiff())?;
        Ok(Self { weights: weights.to_owned(), loaded, device })
    }

    /// Whether the weights have a description. The defaults apply otherwise.
    pub fn described(&self) -> bool {
        self.loaded.described
    }

    /// Settings of the features that the encoder needs.
    pub fn features(&self) -> &FeatureSettings {
        &self.loaded.description.features
    }

    /// Returns the settings of a stream of batches for the encoder.
    pub fn settings(&self, data: &DataConfig) -> StreamSettings {
        let model = &self.loaded.description.model;
        StreamSettings {
            graph: model.graph(),
            inputs: Encoder::inputs(model),
            bases_on_device: !device::computes_on_host(&self.device),
            ..data.in_order()
        }
    }

    /// Returns the SHA-256 of the weights file.
    ///
    /// # Errors
    /// [`TrainError::Read`].
    pub fn sha256(&self) -> Result<String, TrainError> {
        TrainError::sha256_of(&self.weights)
    }

    /// Returns the widths of the embeddings.
    pub(super) fn shape(&self, per_atom: bool) -> Shape {
        let Widths { atoms, crystals } = self.loaded.description.model.widths();
        let lattice = match &self.loaded.encoder {
            // Pre-trained on atoms alone, as InfoGraph does.
            Encoder::Cgcnn(CgcnnEncoder { conv_to_fc: None, .. }) => 0,
            _ => crystals.unwrap_or(0),
        };
        Shape { structure: atoms, lattice, per_atom }
    }

    /// Returns the width of a vector; 0 if the encoder has none of the kind.
    pub fn width(&self, vector: Vector) -> usize {
        let Shape { structure, lattice, .. } = self.shape(false);
        if vector == Vector::Lattice { lattice } else { structure }
    }

    /// Returns a vector of every crystal of a batch, `[B, width]`, row-major. `cutoff` is that of the edges, in Å.
    pub fn vectors(&self, graph: GraphBatch<f32>, cutoff: f64, vector: Vector) -> Vec<f32> {
        let Embeddings { lattice, mean, max, .. } = self.embeddings(graph, cutoff);
        match vector {
            Vector::Mean => mean,
            Vector::Max => max,
            Vector::Lattice => lattice,
        }
    }

    /// Returns the embeddings of a batch.
    pub(super) fn embeddings(&self, graph: GraphBatch<f32>, cutoff: f64) -> Embeddings {
        let offsets = graph.atom_offsets.clone();
        let identifiers = graph.material_ids.clone();
        let batch = Batch::new(graph, None, cutoff, &self.device);
        let Encoding { atoms, crystals } = self.loaded.encoder.encode(&batch, &mut Pass::evaluation());
        let Pooled { mean, max } = pool(atoms.clone(), &batch);
        let numbers = |tensor: Tensor<2>| tensor.into_data().iter::<f32>().collect::<Vec<_>>();
        Embeddings {
            identifiers,
            offsets,
            lattice: crystals.map(numbers).unwrap_or_default(),
            mean: numbers(mean),
            max: numbers(max),
            atoms: numbers(atoms),
        }
    }
}

/// A vector of a crystal, by its column in the table of embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Vector {
    /// The mean over the atoms of their embeddings: the same for a cell and its supercells.
    #[default]
    Mean,
    /// The maximum over the atoms of their embeddings.
    Max,
    /// The embedding of the lattice.
    Lattice,
}

impl Vector {
    /// All vectors.
    pub const ALL: [Self; 3] = [Self::Mean, Self::Max, Self::Lattice];

    /// Returns the name of the column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "h_s_mean",
            Self::Max => "h_s_max",
            Self::Lattice => "h_l",
        }
    }

    /// Returns the names of all, for people.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A text that names no vector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {}", Vector::names())]
pub struct NotAVector;

impl FromStr for Vector {
    type Err = NotAVector;

    fn from_str(text: &str) -> Result<Self, NotAVector> {
        Self::ALL.into_iter().find(|vector| vector.name() == text).ok_or(NotAVector)
    }
}
