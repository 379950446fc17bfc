//! Optional parts of a batch.

use std::ops::BitOr;

/// Parts of a batch besides atoms, edges, distances and lattice parameters. A model and its training method each name
/// the parts they need; `a | b` has the parts of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inputs {
    /// Envelope, spherical and angular functions (specification, section 3) and triplets, for DimeNet++:
    /// [`GraphBatch::bases`](crate::data::GraphBatch::bases).
    pub bases: bool,
    /// `cos θ` of every pair of edges that meet in an atom, for models with other functions of the angle:
    /// [`GraphBatch::cosines`](crate::data::GraphBatch::cosines).
    pub cosines: bool,
    /// Periodic labels of the edges (specification, section 2.4):
    /// [`GraphBatch::labels`](crate::data::GraphBatch::labels).
    pub labels: bool,
    /// Cell image k of every edge's neighbour: [`GraphBatch::images`](crate::data::GraphBatch::images).
    pub images: bool,
    /// Displacement v of every edge: [`GraphBatch::vectors`](crate::data::GraphBatch::vectors).
    pub vectors: bool,
}

impl Inputs {
    /// Whether any part depends on the angles between edges. Triplets are counted only in that case.
    pub fn angles(self) -> bool {
        self.bases || self.cosines
    }
}

impl BitOr for Inputs {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            bases: self.bases || other.bases,
            cosines: self.cosines || other.cosines,
            labels: self.labels || other.labels,
            images: self.images || other.images,
            vectors: self.vectors || other.vectors,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_inputs_have_what_either_has() {
        let none = Inputs::default();
        let parts: [fn(&mut Inputs) -> &mut bool; 5] = [
            |inputs| &mut inputs.bases,
            |inputs| &mut inputs.cosines,
            |inputs| &mut inputs.labels,
            |inputs| &mut inputs.images,
            |inputs| &mut inputs.vectors,
        ];
        let mut all = none;
        for part in parts {
            let mut one = none;
            *part(&mut one) = true;
            assert_eq!([one | none, none | one, one | one], [one; 3]);
            assert_ne!(all | one, all);
            all = all | one;
        }
        assert_eq!(all, Inputs { bases: true, cosines: true, labels: true, images: true, vectors: true });
    }

    #[test]
    fn angles_are_those_of_bases_and_cosines() {
        assert!(!Inputs { labels: true, images: true, vectors: true, ..Inputs::default() }.angles());
        assert!(Inputs { bases: true, ..Inputs::default() }.angles());
        assert!(Inputs { cosines: true, ..Inputs::default() }.angles());
    }
}
