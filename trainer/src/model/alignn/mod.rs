//! ALIGNN (Choudhary and DeCost 2021, <https://doi.org/10.1038/s41524-021-00650-1>): gated convolutions on the
//! undirected multigraph of a crystal and on its line graph, whose nodes are the edges of the crystal and whose edges
//! are pairs of edges that meet in an atom.
//!
//! ```text
//! emb(a) = SiLU(bn(linear(a)))
//! x = emb(f92)        y = emb(emb(g(d)))        z = emb(emb(g(cos θ)))          atoms, edges, pairs
//! (x, y) ← node_update(x, y; crystal)           (y, z) ← edge_update(y, z; line graph)       in every ALIGNN layer
//! (x, y) ← layer(x, y; crystal)                                                              in every GCN layer
//! ```
//!
//! [`edge_gated`] has the formula of an update.

pub mod edge_gated;
pub mod head;
pub mod memory;
#[cfg(test)]
mod tests;

use burn::prelude::*;

use self::edge_gated::{Connections, EdgeGated};
use super::atom_features::{self, ATOM_FEATURES, LAST_ELEMENT};
use super::encoding::Encoding;
use super::layers::{BatchNorm, Gaussians, Initialiser, Linear, LinearConfig};
use super::{Batch, Pass};
use crate::config::AlignnModelConfig;
use crate::data::Inputs;
use crate::ops::Activation;
use crate::ranks::Rows;

/// Centre of the last Gaussian of a distance, in Å.
const LONGEST_DISTANCE_ANGSTROM: f64 = 8.0;

/// Returns the parts that a batch must have for this encoder.
pub fn inputs() -> Inputs {
    Inputs { line_graph: true, last_element: Some(LAST_ELEMENT), ..Inputs::default() }
}

/// Embeddings of atoms, edges and angles, and their updates.
#[derive(Module, Debug)]
pub struct AlignnEncoder {
    /// Embedding of the 92 features of an element, `92 → width`.
    pub atom_embedding: Embedding,
    /// Embedding of a distance, `edge_gaussians → embedding_width → width`.
    pub edge_embedding: Vec<Embedding>,
    /// Embedding of an angle, `angle_gaussians → embedding_width → width`.
    pub angle_embedding: Vec<Embedding>,
    /// Updates of atoms, edges and angles from first to last.
    pub alignn_layers: Vec<AlignnLayer>,
    /// Updates of atoms and edges from first to last.
    pub gcn_layers: Vec<EdgeGated>,
    #[module(skip)]
    distances: Gaussians,
    #[module(skip)]
    cosines: Gaussians,
}

/// A linear layer with normalisation, `SiLU(bn(x Wᵀ + b))`.
#[derive(Module, Debug)]
pub struct Embedding {
    /// Linear layer.
    pub linear: Linear,
    /// Normalisation over all rows.
    pub norm: BatchNorm,
}

/// An update of the atoms by their edges, then one of the edges by the angles between them.
#[derive(Module, Debug)]
pub struct AlignnLayer {
    /// Convolution on the crystal.
    pub node_update: EdgeGated,
    /// Convolution on the line graph.
    pub edge_update: EdgeGated,
}

impl AlignnEncoder {
    /// Initialises an encoder.
    pub fn init(config: &AlignnModelConfig, initialiser: &mut Initialiser) -> Self {
        let &AlignnModelConfig { width, embedding_width, edge_gaussians, angle_gaussians, .. } = config;
        let mut stack = |widths: [usize; 3]| {
            widths.windows(2).map(|pair| Embedding::init(pair[0], pair[1], initialiser)).collect()
        };
        let edge_embedding = stack([edge_gaussians, embedding_width, width]);
        let angle_embedding = stack([angle_gaussians, embedding_width, width]);
        Self {
            atom_embedding: Embedding::init(ATOM_FEATURES, width, initialiser),
            edge_embedding,
            angle_embedding,
            alignn_layers: (0..config.alignn_layers).map(|_| AlignnLayer::init(width, initialiser)).collect(),
            gcn_layers: (0..config.gcn_layers).map(|_| EdgeGated::init(width, initialiser)).collect(),
            // One over the step and not over its square, as in the published code.
            distances: Gaussians::between(0.0, LONGEST_DISTANCE_ANGSTROM, edge_gaussians, f64::recip),
            cosines: Gaussians::between(-1.0, 1.0, angle_gaussians, f64::recip),
        }
    }

    /// Returns the embeddings of the atoms after the last layer.
    ///
    /// # Shapes
    /// Atoms `[N, width]`; there are no crystals.
    pub fn encode(&self, batch: &Batch, pass: &mut Pass) -> Encoding {
        let (line, global) = (batch.line_graph(), &batch.global);
        let crystal =
            Connections { edges: &batch.edges, node_rows: global.atom_rows(), edge_rows: global.edge_rows() };
        let angles = Connections {
            edges: &line.edges,
            node_rows: global.edge_rows(),
            edge_rows: Rows { count: global.line_pairs(), ranks: global.ranks() },
        };

        let x = atom_features::embed(&self.atom_embedding.linear, &batch.atomic_numbers);
        let mut x = self.atom_embedding.normalise(x, &crystal.node_rows, pass);
        let y = self.distances.expand(batch.distances.clone());
        let mut y = embed(&self.edge_embedding, y, &crystal.edge_rows, pass);
        let z = self.cosines.expand(line.cosine.clone());
        let mut z = embed(&self.angle_embedding, z, &angles.edge_rows, pass);
        pass.trace.record("x_in", || x.clone());
        pass.trace.record("y_in", || y.clone());
        pass.trace.record("z_in", || z.clone());
        for (index, layer) in self.alignn_layers.iter().enumerate() {
            (x, y) = layer.node_update.forward(x, y, &crystal, pass);
            (y, z) = layer.edge_update.forward(y, z, &angles, pass);
            pass.trace.record(&format!("x_alignn{index}"), || x.clone());
            pass.trace.record(&format!("y_alignn{index}"), || y.clone());
            pass.trace.record(&format!("z_alignn{index}"), || z.clone());
        }
        for (index, layer) in self.gcn_layers.iter().enumerate() {
            (x, y) = layer.forward(x, y, &crystal, pass);
            pass.trace.record(&format!("x_gcn{index}"), || x.clone());
            pass.trace.record(&format!("y_gcn{index}"), || y.clone());
        }
        Encoding { atoms: x, crystals: None }
    }
}

impl Embedding {
    fn init(inputs: usize, outputs: usize, initialiser: &mut Initialiser) -> Self {
        Self {
            linear: LinearConfig::new(inputs, outputs).init(initialiser),
            norm: BatchNorm::init(outputs, initialiser),
        }
    }

    /// Returns `SiLU(bn(x))` of the linear layer's output.
    ///
    /// # Shapes
    /// Input and output `[rows, outputs]`.
    fn normalise(&self, x: Tensor<2>, rows: &Rows<'_>, pass: &mut Pass) -> Tensor<2> {
        self.norm.forward_activated(x, None, Activation::Silu, rows, pass)
    }
}

impl AlignnLayer {
    fn init(width: usize, initialiser: &mut Initialiser) -> Self {
        Self {
            node_update: EdgeGated::init(width, initialiser),
            edge_update: EdgeGated::init(width, initialiser),
        }
    }
}

/// Applies embeddings from first to last.
///
/// # Shapes
/// Input `[rows, inputs of the first]`, output `[rows, outputs of the last]`.
fn embed(layers: &[Embedding], x: Tensor<2>, rows: &Rows<'_>, pass: &mut Pass) -> Tensor<2> {
    layers.iter().fold(x, |x, layer| {
        let x = layer.linear.forward(x, Activation::Identity);
        layer.normalise(x, rows, pass)
    })
}

/// Returns the name of a parameter in a weights file. `path` is its path below the encoder. The parts of an embedding
/// are numbered there.
pub(super) fn rename(path: &[String]) -> Vec<String> {
    let number = |part: &String| match part.as_str() {
        "linear" => "0".to_owned(),
        "norm" => "1".to_owned(),
        _ => part.clone(),
    };
    path.iter().map(number).collect()
}
