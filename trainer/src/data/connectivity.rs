//! Connectivity of a crystal's graph: multigraph or simple graph.

use serde::{Deserialize, Serialize};

/// Connectivity of a crystal's atoms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Graph {
    /// All edges of the store, including parallel edges and edges from an atom to its own images.
    Multigraph,
    /// Only the nearest image for each pair of different atoms. This is the ablation without PIMG.
    Simple,
}
