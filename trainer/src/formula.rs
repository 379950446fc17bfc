//! What the crystals of a batch consist of, for tables.

use etl::composition::conventional_formula;

use crate::data::GraphBatch;

/// The formula of every crystal as chemists write it, `[B]`.
pub(crate) fn formulas<R>(graph: &GraphBatch<R>) -> Vec<String> {
    let elements = graph.elements();
    let crystals = graph.atom_offsets.windows(2);
    crystals.map(|atoms| conventional_formula(elements.get(atoms[0]..atoms[1]).unwrap_or_default())).collect()
}
