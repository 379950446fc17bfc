//! Which of a crystal's edges a model sees.

use serde::{Deserialize, Serialize};

/// How the atoms of one crystal are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Graph {
    /// Every edge of the store: parallel edges and edges from an atom to its own images stay.
    Multigraph,
    /// For each pair of different atoms the nearest image alone (the ablation without PIMG).
    Simple,
}
