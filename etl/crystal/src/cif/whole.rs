//! Recognition of lists that hold all atoms of the unit cell, so that every image of an atom is in the list.
//!
//! Programs that export all atoms under P 1 often keep the space-group symbol of the original.

use super::expand::{Nearness, wrapped};
use crate::structure::Structure;
use crate::symmetry::SymmetryOperation;

/// Largest number of comparisons. If it is exceeded, the list counts as incomplete.
const MAX_COMPARISONS: usize = 20_000_000;

/// Whether the operations map every atom onto an atom of the same element.
pub(super) fn is_whole(structure: &Structure, operations: &[SymmetryOperation], nearness: &Nearness) -> bool {
    let atoms = structure.fractional.iter().zip(&structure.atomic_numbers);
    let mut sorted: Vec<([f64; 3], u8)> =
        atoms.map(|(position, &number)| (position.map(wrapped), number)).collect();
    sorted.sort_by(|(first, _), (second, _)| first[0].total_cmp(&second[0]));
    let reach = nearness.reach[0];
    let mut comparisons = 0;
    operations.iter().all(|operation| {
        sorted.iter().all(|(position, number)| {
            let image = operation.apply(position).map(wrapped);
            // The image is also compared across the faces of the unit cell.
            [0.0, 1.0, -1.0].iter().any(|shift| {
                let from = image[0] + shift - reach;
                let start = sorted.partition_point(|(other, _)| other[0] < from);
                let near = sorted.get(start..).unwrap_or_default().iter();
                near.take_while(|(other, _)| other[0] <= from + 2.0 * reach).any(|(other, kind)| {
                    comparisons += 1;
                    comparisons <= MAX_COMPARISONS
                        && kind == number
                        && nearness.distance(&image, other).is_some()
                })
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cif::cell::Cell;
    use crate::symmetry::operations_of_hall_symbol;

    #[test]
    fn halite_is_whole_and_its_asymmetric_unit_is_not() {
        let cell = Cell::from_parameters([5.64, 5.64, 5.64, 90.0, 90.0, 90.0]).expect("a cell");
        let nearness = Nearness::of_images(&cell);
        let operations = operations_of_hall_symbol("-F 4 2 3").expect("a group");
        let corners = [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 1.0 - 1e-4]];
        let halves = [[0.5, 0.5, 0.5], [0.5, 0.0, 0.0], [0.0, 0.5, 0.0], [1e-4, 0.0, 0.5]];
        let all = Structure {
            lattice: cell.lattice,
            fractional: [corners, halves].concat(),
            atomic_numbers: [[11; 4], [17; 4]].concat(),
        };
        assert!(is_whole(&all, &operations, &nearness));
        let part = Structure {
            fractional: vec![corners[0], halves[0]],
            atomic_numbers: vec![11, 17],
            ..all.clone()
        };
        assert!(!is_whole(&part, &operations, &nearness));
        let mixed = Structure { atomic_numbers: [[11, 11, 11, 17], [17; 4]].concat(), ..all };
        assert!(!is_whole(&mixed, &operations, &nearness));
    }
}
