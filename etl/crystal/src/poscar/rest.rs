//! What stands behind the positions.

use super::PoscarError;
use super::lines::{Lines, fields, number, triple};
use super::species::read_species;

/// Beginning of the lines between the structures of an `XDATCAR`.
const CONFIGURATION: &[u8] = b"direct configuration";
/// Beginning of the line before VASP's velocities of the cell, which look like the head of a structure.
const CELL_VELOCITIES: &[u8] = b"lattice";
/// Number of cell vectors.
const VECTORS: usize = 3;

/// Checks that neither another position nor another structure follows the positions. Velocities, charge densities and
/// comments may.
///
/// # Errors
/// Returns a [`PoscarError`] if one does.
pub(super) fn check_rest(mut lines: Lines<'_>, positions: usize) -> Result<(), PoscarError> {
    // Velocities stand behind an empty line or one that names their coordinates.
    if lines.clone().next("").is_ok_and(|line| triple(line, 0, "").is_ok()) {
        return Err(PoscarError::PositionCount { line: lines.number + 1, positions });
    }
    while let Ok(line) = lines.next("") {
        let begins =
            |word: &[u8]| line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        if begins(CONFIGURATION) || (!begins(CELL_VELOCITIES) && is_head(lines.clone())) {
            return Err(PoscarError::SeveralStructures { line: lines.number });
        }
    }
    Ok(())
}

/// Whether the lines are the head of a structure without its comment: one number, three vectors, symbols or counts.
fn is_head(mut lines: Lines<'_>) -> bool {
    let is_scale = |line: &[u8]| {
        let mut values = fields(line).map(number);
        values.next().flatten().is_some() && values.next().flatten().is_none()
    };
    let mut counts = Vec::new();
    lines.next("").is_ok_and(is_scale)
        && (0..VECTORS).all(|_| lines.next("").is_ok_and(|line| triple(line, 0, "").is_ok()))
        && read_species(&mut lines, &mut Vec::new(), &mut counts).is_ok()
        && counts.iter().any(|&count| count > 0)
}
