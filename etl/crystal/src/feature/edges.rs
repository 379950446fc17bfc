//! The edges of the periodic multigraph of a crystal, as columns.

/// Edges as parallel columns of shape `[nedges]`, sorted by target and then as in the specification, section 2.3.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edges {
    /// Index of the neighbouring site j.
    pub source: Vec<u32>,
    /// Index of the centre site i, which is in the home cell.
    pub target: Vec<u32>,
    /// Periodic image `k = (k1, k2, k3)` of the neighbour, one column per component.
    pub image: [Vec<i16>; 3],
    /// Length `|x_j + k · L - x_i|` of the edge vector in Å.
    pub distance: Vec<f64>,
    /// Direction label of the image, 0..=26; 13 is the home cell (specification, section 2.4, `dir27`).
    pub direction: Vec<u8>,
    /// Whether the image is the home cell (specification, section 2.4, `unit2`).
    pub same_cell: Vec<bool>,
    /// Direction label relative to a home cell centred on the centre site, 0..=26 (specification, section 2.4,
    /// `dir27c`).
    pub direction_centred: Vec<u8>,
    /// Whether the neighbour is in the cell centred on the centre site (specification, section 2.4, `unit2c`).
    pub same_cell_centred: Vec<bool>,
}

impl Edges {
    /// Returns the number of edges.
    pub fn len(&self) -> usize {
        self.source.len()
    }

    /// Whether there are no edges.
    pub fn is_empty(&self) -> bool {
        self.source.is_empty()
    }

    /// Returns the periodic image of an edge, or `None` if the index is out of range.
    pub fn image_of(&self, edge: usize) -> Option<[i16; 3]> {
        let [first, second, third] = &self.image;
        Some([*first.get(edge)?, *second.get(edge)?, *third.get(edge)?])
    }

    /// Removes all edges and keeps the allocated memory.
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
