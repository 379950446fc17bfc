//! The edges of a crystal's periodic multigraph, as columns.

/// Edges as parallel columns, all of shape `[nedges]`, sorted by target and then in the order of
/// section 2.3 of the specification.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edges {
    /// Site index of the neighbour j.
    pub source: Vec<u32>,
    /// Site index of the centre atom i, which is always in the home cell.
    pub target: Vec<u32>,
    /// Cell `k = (k1, k2, k3)` of the neighbour, one column for each component.
    pub image: [Vec<i16>; 3],
    /// `|x_j + k · L - x_i|` in Å.
    pub distance: Vec<f64>,
    /// Direction class of the image, 0..27, 13 in the home cell (specification, section 2.4, `dir27`).
    pub direction: Vec<u8>,
    /// Whether the neighbour is in the home cell (specification, section 2.4, `unit2`).
    pub same_cell: Vec<bool>,
    /// Direction class with the home cell around the centre atom, 0..27 (specification, section 2.4, `dir27c`).
    pub direction_centred: Vec<u8>,
    /// Whether the neighbour is in the cell around the centre atom (specification, section 2.4, `unit2c`).
    pub same_cell_centred: Vec<bool>,
}

impl Edges {
    /// Number of edges.
    pub fn len(&self) -> usize {
        self.source.len()
    }

    /// Whether there is no edge.
    pub fn is_empty(&self) -> bool {
        self.source.is_empty()
    }

    /// Image of one edge, or `None` beyond the last.
    pub fn image_of(&self, edge: usize) -> Option<[i16; 3]> {
        let [first, second, third] = &self.image;
        Some([*first.get(edge)?, *second.get(edge)?, *third.get(edge)?])
    }

    /// Removes all edges and keeps the allocations.
    pub(crate) fn clear(&mut self) {
        self.source.clear();
        self.target.clear();
        self.image.iter_mut().for_each(Vec::clear);
        self.distance.clear();
        self.direction.clear();
        self.same_cell.clear();
        self.direction_centred.clear();
        self.same_cell_centred.clear();
    }
}
