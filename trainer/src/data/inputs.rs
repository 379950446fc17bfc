//! Optional parts of a batch.

use std::ops::BitOr;

/// Parts of a batch besides atoms, edges, distances and lattice parameters. A model and its training method each name
/// the parts they need; `a | b` has the parts of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inputs {
    /// Envelope, spherical and angular functions (specification, section 3) and triplets, for DimeNet++:
    /// [`GraphBatch::bases`](crate::data::GraphBatch::bases).
    pub bases: bool,
    /// Pairs of edges that meet in an atom, with their angles, for models that update edges by edges:
    /// [`GraphBatch::line_graph`](crate::data::GraphBatch::line_graph).
    pub line_graph: bool,
    /// Periodic labels of the edges (specification, section 2.4):
    /// [`GraphBatch::labels`](crate::data::GraphBatch::labels).
    pub labels: bool,
    /// Cell image k of every edge's neighbour: [`GraphBatch::images`](crate::data::GraphBatch::images).
    pub images: bool,
    /// Displacement v of every edge: [`GraphBatch::vectors`](crate::data::GraphBatch::vectors).
    pub vectors: bool,
    /// Positions of the atoms and lattice vectors in double precision, for augmentations that find neighbours anew:
    /// [`GraphBatch::positions`](crate::data::GraphBatch::positions).
    pub positions: bool,
    /// Last atomic number of which the model has features; `None` for a model of all elements. A stream refuses crystals with
    /// others.
    pub last_element: Option<u8>,
}

impl Inputs {
    /// All parts.
    #[cfg(test)]
    pub(crate) const ALL: Self = Self {
        bases: true,
        line_graph: true,
        labels: true,
        images: true,
        vectors: true,
        positions: true,
        last_element: None,
    };

    /// Whether any part depends on the angles between edges. Triplets are counted only in that case.
    pub fn angles(self) -> bool {
        self.bases || self.line_graph
    }
}

impl BitOr for Inputs {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            bases: self.bases || other.bases,
            line_graph: self.line_graph || other.line_graph,
            labels: self.labels || other.labels,
            images: self.images || other.images,
            vectors: self.vectors || other.vectors,
            positions: self.positions || other.positions,
            last_element: [self.last_element, other.last_element].into_iter().flatten().min(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_inputs_have_what_either_has() {
        let none = Inputs::default();
        let parts: [fn(&mut Inputs) -> &mut bool; 6] = [
            |inputs| &mut inputs.bases,
            |inputs| &mut inputs.line_graph,
            |inputs| &mut inputs.labels,
            |inputs| &mut inputs.images,
            |inputs| &mut inputs.vectors,
            |inputs| &mut inputs.positions,
        ];
        let mut all = none;
        for part in parts {
            let mut one = none;
            *part(&mut one) = true;
            assert_eq!([one | none, none | one, one | one], [one; 3]);
            assert_ne!(all | one, all);
            all = all | one;
        }
        assert_eq!(all, Inputs::ALL);
        let last = |last_element| Inputs { last_element, ..none };
        assert_eq!(last(Some(100)) | none, last(Some(100)));
        assert_eq!(none | last(Some(100)), last(Some(100)));
        assert_eq!(last(Some(100)) | last(Some(92)), last(Some(92)));
    }

    #[test]
    fn angles_are_those_of_bases_and_the_line_graph() {
        assert!(!Inputs { bases: false, line_graph: false, ..Inputs::ALL }.angles());
        assert!(Inputs { bases: true, ..Inputs::default() }.angles());
        assert!(Inputs { line_graph: true, ..Inputs::default() }.angles());
    }
}
