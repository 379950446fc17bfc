//! Hidden types of atoms in a batch.

use rand::RngExt;

use crate::data::GraphBatch;
use crate::data::random::{Purpose, keyed};
use crate::model::mask::DrawKey;

/// Atomic number of an atom whose type is hidden. No element has it (specification, section 7, row 9).
const HIDDEN: i32 = 0;

/// Hides the types of a share of a batch's atoms, each with the same probability, and returns the atomic numbers of the
/// hidden ones, 0 for the others, `[N]`. The draws for a crystal depend only on the seed, the epoch and its place in the
/// epoch.
pub fn hide_types<R>(graph: &mut GraphBatch<R>, share: f64, key: DrawKey) -> Vec<i32> {
    let mut numbers = vec![HIDDEN; graph.atomic_numbers.len()];
    for (atoms, place) in graph.atom_offsets.windows(2).zip(key.first_crystal..) {
        let mut generator = keyed(Purpose::HiddenTypes, key.seed, key.epoch, place);
        let atoms = atoms[0]..atoms[1];
        for (number, seen) in numbers[atoms.clone()].iter_mut().zip(&mut graph.atomic_numbers[atoms]) {
            if generator.random::<f64>() < share {
                *number = std::mem::replace(seen, HIDDEN);
            }
        }
    }
    numbers
}
