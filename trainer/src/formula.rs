//! What the crystals of a batch consist of, for tables.

use etl::composition::Composition;

use crate::data::GraphBatch;

/// The reduced formula of every crystal, `[B]`.
pub(crate) fn formulas<R>(graph: &GraphBatch<R>) -> Vec<String> {
    let mut composition = Composition::default();
    let mut atomic_numbers: Vec<u8> = Vec::new();
    let crystals = graph.atom_offsets.windows(2);
    crystals
        .map(|atoms| {
            let numbers = graph.atomic_numbers.get(atoms[0]..atoms[1]).unwrap_or_default();
            atomic_numbers.clear();
            atomic_numbers.extend(numbers.iter().filter_map(|&number| u8::try_from(number).ok()));
            composition.count(&atomic_numbers);
            let mut formula = String::new();
            composition.write_reduced_formula(&mut formula);
            formula
        })
        .collect()
}
