//! Crystals for tests.

use super::Structure;

/// Returns caesium chloride with a cell edge of 4 Å.
pub(in crate::report) fn caesium_chloride(material_id: &str) -> Structure {
    Structure {
        material_id: material_id.to_owned(),
        lattice: [[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0]],
        atomic_numbers: vec![55, 17],
        fractional: vec![[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]],
    }
}
