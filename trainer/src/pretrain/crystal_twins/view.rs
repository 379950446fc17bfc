//! The views of Crystal Twins: some atoms without features, and some edges to nowhere.

use rand::Rng;

use crate::config::CrystalTwinsConfig;
use crate::data::random::draw;
use crate::data::{BatchFloat, GraphBatch};

/// Atomic number of a masked atom, which has no features.
const MASKED_ATOM: i32 = 0;
/// Length of a masked edge in Å. All Gaussians of CGCNN end before it.
const MASKED_DISTANCE_ANGSTROM: f64 = 9.0;

/// What a view of a batch hides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// True for a masked atom, `[N]`.
    pub atoms: Vec<bool>,
    /// True for a masked edge, `[E]`.
    pub edges: Vec<bool>,
}

impl Mask {
    /// Draws the mask of a batch, with a generator for each crystal: atoms uniformly without replacement, and then so
    /// the edges that end at each atom.
    pub fn draw<R>(config: &CrystalTwinsConfig, generators: &mut [impl Rng], graph: &GraphBatch<R>) -> Self {
        let mut mask = Self { atoms: vec![false; graph.atom_offsets[graph.crystals()]], edges: Vec::new() };
        mask.edges.resize(graph.target.len(), false);
        let mut items = Vec::new();
        for (generator, atoms) in generators.iter_mut().zip(graph.atom_offsets.windows(2)) {
            items.clear();
            items.extend(atoms[0]..atoms[1]);
            let count = share(config.atom_share, items.len()).max(1);
            draw(generator, &mut items, count).iter().for_each(|&atom| mask.atoms[atom] = true);
            for edges in graph.incoming[atoms[0]..=atoms[1]].windows(2) {
                items.clear();
                items.extend(edges[0] as usize..edges[1] as usize);
                let count = share(config.edge_share, items.len());
                draw(generator, &mut items, count).iter().for_each(|&edge| mask.edges[edge] = true);
            }
        }
        mask
    }

    /// Hides what is masked: an atom loses its features. An edge stays, but begins at the crystal's first atom and is
    /// too long for any Gaussian.
    pub fn apply<R: BatchFloat>(&self, graph: &mut GraphBatch<R>) {
        for (number, _) in graph.atomic_numbers.iter_mut().zip(&self.atoms).filter(|(_, masked)| **masked) {
            *number = MASKED_ATOM;
        }
        for (edge, _) in self.edges.iter().enumerate().filter(|(_, masked)| **masked) {
            let crystal = graph.crystal_of_atom[graph.target[edge] as usize] as usize;
            graph.source[edge] = graph.atom_offsets[crystal] as i32;
            graph.distance[edge] = R::from_f64(MASKED_DISTANCE_ANGSTROM);
        }
        graph.regroup_by_source();
    }
}

/// Returns a share of a number of items, rounded down.
fn share(share: f64, items: usize) -> usize {
    (share * items as f64) as usize
}
