//! The space group of a crystal as stores and statistics have it (specification, section 2.7).

use crystal::structure::Structure;
use crystal::symmetry::{SpaceGroup, space_group_of};
use schemas::guard::{DecoderPanic, guarded};

/// Largest number of sites of a crystal whose space group is looked for. The time grows with their square.
pub const MOST_SITES: usize = 200;
/// Largest distance in Å by which an atom may be off its symmetric place.
pub const TOLERANCE_ANGSTROM: f64 = 0.01;

/// Returns the space group of a crystal; `None` for one of more than [`MOST_SITES`] and where none is found.
pub fn space_group(structure: &Structure) -> Option<SpaceGroup> {
    if structure.atomic_numbers.len() > MOST_SITES {
        return None;
    }
    let search = || Ok::<_, DecoderPanic>(space_group_of(structure, TOLERANCE_ANGSTROM));
    // The search panics on some degenerate cells.
    guarded(search).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degenerate_cells_have_no_space_group() {
        let flat = Structure {
            lattice: [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
            fractional: vec![[0.0; 3]],
            atomic_numbers: vec![1],
        };
        assert_eq!(space_group(&flat), None);
        let large = Structure {
            lattice: [[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]],
            fractional: (0..=MOST_SITES).map(|site| [site as f64 / 500.0, 0.0, 0.0]).collect(),
            atomic_numbers: vec![6; MOST_SITES + 1],
        };
        assert_eq!(space_group(&large), None);
    }
}
