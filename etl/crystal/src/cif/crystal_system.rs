//! Comparison of the crystal system that a block names with its symmetry operations, for a note.

use super::error::SYMMETRY_UNCLEAR;
use super::reading::{Reading, Remark, excerpt};
use super::tag::{ListTag, Tag};
use crate::symmetry::SymmetryOperation;

/// A crystal family, which the rotations of a group determine whatever its axes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Triclinic,
    Monoclinic,
    Orthorhombic,
    Tetragonal,
    /// The trigonal and the hexagonal system. Files name them after the group or after the axes.
    Hexagonal,
    Cubic,
}

impl Family {
    /// Returns the family of a crystal system, or `None` for any other word.
    fn named(system: &[u8]) -> Option<Self> {
        Some(match system.to_ascii_lowercase().as_slice() {
            b"triclinic" => Self::Triclinic,
            b"monoclinic" => Self::Monoclinic,
            b"orthorhombic" => Self::Orthorhombic,
            b"tetragonal" => Self::Tetragonal,
            b"trigonal" | b"rhombohedral" | b"hexagonal" => Self::Hexagonal,
            b"cubic" => Self::Cubic,
            _ => return None,
        })
    }

    /// Returns the family of a group.
    fn of(operations: &[SymmetryOperation]) -> Self {
        let mut rotations: Vec<[[i8; 3]; 3]> = Vec::new();
        for operation in operations {
            let rotation = proper(operation.rotation);
            if !rotations.contains(&rotation) {
                rotations.push(rotation);
            }
        }
        // The trace of a rotation of order 2, 3, 4 or 6 is -1, 0, 1 or 2.
        let count = |trace: i8| {
            let is_of_trace = |[a, b, c]: &&[[i8; 3]; 3]| a[0] + b[1] + c[2] == trace;
            rotations.iter().filter(is_of_trace).count()
        };
        match (count(0), count(1), count(2), count(-1)) {
            (8, ..) => Self::Cubic,
            (1.., ..) | (_, _, 1.., _) => Self::Hexagonal,
            (_, 1.., ..) => Self::Tetragonal,
            (.., 2..) => Self::Orthorhombic,
            (.., 1) => Self::Monoclinic,
            _ => Self::Triclinic,
        }
    }
}

/// Returns a rotation, or a rotoinversion without its inversion.
fn proper(rotation: [[i8; 3]; 3]) -> [[i8; 3]; 3] {
    let [[a, b, c], [d, e, f], [g, h, i]] = rotation.map(|row| row.map(i32::from));
    let determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
    if determinant < 0 { rotation.map(|row| row.map(|value| -value)) } else { rotation }
}

/// Returns a remark if a block names another crystal system than that of its operations. Under translations alone, as in
/// `P 1` and `F 1`, the system may be that of the crystal whose cell is written out, and magnetic operations may be fewer
/// than those of the crystal.
pub(super) fn of_crystal_system(reading: &Reading<'_>, operations: &[SymmetryOperation]) -> Option<Remark> {
    let system = reading.text(Tag::CrystalSystem)?;
    let family = Family::named(system)?;
    let is_magnetic = !reading.block.list(ListTag::MagneticOperation).operations.is_empty();
    let identity = SymmetryOperation::IDENTITY.rotation;
    let is_written_out = operations.iter().all(|operation| operation.rotation == identity);
    if is_written_out || is_magnetic || family == Family::of(operations) {
        return None;
    }
    let at = reading.block.item(Tag::CrystalSystem, reading.bytes)?.span;
    let message = format!(
        "the crystal system is given as {:?}, the {} operations that are used are those of another",
        excerpt(system),
        operations.len()
    );
    Some(Remark { code: SYMMETRY_UNCLEAR, at, message })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symmetry::operations_of_hall_symbol;

    #[test]
    fn groups_have_the_families_of_their_systems() {
        for (hall, system) in [
            ("P 1", "triclinic"),
            ("-P 1", "Triclinic"),
            ("P 2yb", "monoclinic"),
            ("-C 2yc", "monoclinic"),
            ("C 2c -2", "orthorhombic"),
            ("-P 2 2", "orthorhombic"),
            ("I -4", "tetragonal"),
            ("-I 4bd 2", "tetragonal"),
            ("P 3", "trigonal"),
            ("-R 3 2\"", "rhombohedral"),
            ("P -6 2", "hexagonal"),
            ("-P 6c 2c", "hexagonal"),
            ("P 2 2 3", "cubic"),
            ("-F 4 2 3", "CUBIC"),
        ] {
            let operations = operations_of_hall_symbol(hall).expect("a known symbol");
            assert_eq!(Some(Family::of(&operations)), Family::named(system.as_bytes()), "{hall}");
        }
        assert_eq!(Family::named(b"mpnoclinic"), None);
    }
}
