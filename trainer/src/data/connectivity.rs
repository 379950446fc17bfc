//! Connectivity of a crystal's graph: multigraph, simple graph or undirected multigraph.

use serde::{Deserialize, Serialize};

/// Connectivity of a crystal's atoms. The two forms that MMPT can see are values of a setting; the others belong to a
/// model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Graph {
    /// All edges of the store, including parallel edges and edges from an atom to its own images.
    Multigraph,
    /// Only the nearest image for each pair of different atoms. This is the ablation without PIMG.
    Simple,
    /// All edges of the store and the reverse of each, as ALIGNN has them (K. Choudhary and B. DeCost, npj Comput.
    /// Mater. 7, 185, 2021, doi:10.1038/s41524-021-00650-1). Edges are ordered by target, source and image.
    #[serde(skip)]
    Undirected {
        /// How often an edge from an atom to its own image is listed.
        self_edges: SelfEdges,
    },
    /// The undirected multigraph with edges from every atom to its images along the cell's vectors and the sums of two
    /// of them, as Matformer has them (K. Yan et al., NeurIPS 2022, arXiv:2209.11807). They may be longer than the
    /// cutoff. Self edges are listed as in [`SelfEdges::Twice`].
    #[serde(skip)]
    UndirectedWithLattice,
}

impl Graph {
    /// Returns the name of the form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Multigraph => "multigraph",
            Self::Simple => "simple",
            Self::Undirected { self_edges: SelfEdges::Twice } => "undirected",
            Self::Undirected { self_edges: SelfEdges::Once } => "undirected, self edges once",
            Self::UndirectedWithLattice => "undirected with lattice edges",
        }
    }
}

/// How the undirected multigraph lists *self edges*, which run from an atom to its own image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SelfEdges {
    /// As published: an undirected edge is a pair of atoms with an image, and yields two directed edges. For a self
    /// edge the images k and -k are two pairs, so each of the two directed edges is there twice. No edge meets itself
    /// in the line graph. A cell and its supercell have different graphs.
    #[default]
    Twice,
    /// Each directed edge is there once, and a self edge meets itself in the line graph: it is the straight path from
    /// an atom over its image to the next one. The graph of a supercell is that of the cell, repeated.
    Once,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_forms_of_the_setting_are_read_and_written() {
        for graph in [Graph::Multigraph, Graph::Simple] {
            let text = serde_json::to_string(&graph).expect("a plain name");
            assert_eq!(text, format!("\"{}\"", graph.name()));
            assert_eq!(serde_json::from_str::<Graph>(&text).expect("a name"), graph);
        }
        let undirected = Graph::Undirected { self_edges: SelfEdges::Once };
        for graph in [undirected, Graph::UndirectedWithLattice] {
            assert!(serde_json::to_string(&graph).is_err());
        }
        for text in
            [r#""undirected""#, r#"{"undirected":{"self_edges":"once"}}"#, r#""undirectedwithlattice""#]
        {
            let error = serde_json::from_str::<Graph>(text).expect_err("no value of the setting").to_string();
            assert!(error.contains("`multigraph` or `simple`"), "{error}");
        }
        assert_eq!(serde_json::from_str::<SelfEdges>(r#""once""#).expect("a name"), SelfEdges::Once);
    }
}
