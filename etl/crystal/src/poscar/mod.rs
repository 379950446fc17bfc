//! A reader for VASP's POSCAR, the crystal format of JARVIS's and AtomGen's downloads.
//!
//! Layout as the VASP manual gives it: comment; scale (one factor, three factors, or the cell's
//! volume as a negative number); three cell vectors; symbols (since VASP 5); counts; optionally
//! `Selective dynamics`; `Direct` or `Cartesian`; one position a line. What follows (velocities) is
//! not read. A symbol may be an ion (`Mg2+`) or the name of a potential (`Ge_d`, `Pt/1a2b`), and may be
//! repeated. Symbols and counts may continue on further lines, as VASP writes them beyond 20 groups.
//!
//! Without a line of symbols (VASP 4) they are read from the ends of the position lines if each of these
//! has one, else from the comment if it consists of as many symbols as there are counts. The flags of
//! selective dynamics are never read as symbols.

mod error;
mod lines;
mod scale;
mod species;

#[cfg(test)]
mod tests;

use crate::cartesian::to_fractional;
use crate::structure::Structure;

pub use error::PoscarError;
use lines::{Lines, fields, triple};
use scale::read_scale;
use species::{element, read_species, trailing_element};

/// Reads POSCARs; its buffers are kept from one to the next.
#[derive(Debug, Default)]
pub struct PoscarReader {
    species: Vec<u8>,
    counts: Vec<usize>,
    /// Element behind each position, 0 where there is none.
    trailing: Vec<u8>,
    named_by_comment: bool,
}

impl PoscarReader {
    /// A reader with empty buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns whether the elements of the POSCAR read last come from its comment alone, whose words may
    /// be symbols by chance.
    pub fn is_named_by_comment(&self) -> bool {
        self.named_by_comment
    }

    /// Reads one POSCAR into `structure`: cell vectors in Å, positions as fractions, not wrapped.
    ///
    /// # Errors
    /// [`PoscarError`]; `structure` is then of no use.
    pub fn read(&mut self, text: &[u8], structure: &mut Structure) -> Result<(), PoscarError> {
        structure.clear();
        self.named_by_comment = false;
        let mut lines = Lines::new(text);
        let comment = lines.next("the comment")?;
        let scale = read_scale(&mut lines)?;
        for vector in &mut structure.lattice {
            *vector = triple(lines.next("the cell vectors")?, lines.number, "a cell vector")?;
        }
        let scale = scale.factors(&structure.lattice)?;
        for vector in &mut structure.lattice {
            *vector = [0, 1, 2].map(|axis| vector[axis] * scale[axis]);
        }
        if !structure.lattice.as_flattened().iter().all(|component| component.is_finite()) {
            return Err(PoscarError::Overflow);
        }
        self.species.clear();
        self.counts.clear();
        read_species(&mut lines, &mut self.species, &mut self.counts)?;
        let mut mode = lines.next("Direct or Cartesian")?;
        let is_selective = matches!(mode.first(), Some(b'S' | b's'));
        if is_selective {
            mode = lines.next("Direct or Cartesian")?;
        }
        let is_cartesian = matches!(mode.first(), Some(b'C' | b'c' | b'K' | b'k'));
        self.read_positions(&mut lines, is_selective, structure)?;
        self.assign_elements(comment, structure)?;
        if is_cartesian {
            for position in &mut structure.fractional {
                *position = [0, 1, 2].map(|axis| position[axis] * scale[axis]);
            }
            if !structure.fractional.as_flattened().iter().all(|component| component.is_finite()) {
                return Err(PoscarError::Overflow);
            }
            to_fractional(structure)?;
        }
        Ok(())
    }

    /// Reads the positions without scaling them, and the symbols behind them if there was no line of symbols.
    fn read_positions(
        &mut self,
        lines: &mut Lines<'_>,
        is_selective: bool,
        structure: &mut Structure,
    ) -> Result<(), PoscarError> {
        self.trailing.clear();
        for _ in 0..self.counts.iter().fold(0usize, |sum, &count| sum.saturating_add(count)) {
            let line = lines.next("the last position")?;
            structure.fractional.push(triple(line, lines.number, "a position")?);
            if self.species.is_empty() {
                self.trailing.push(trailing_element(line, is_selective).unwrap_or_default());
            }
        }
        if structure.fractional.is_empty() { Err(PoscarError::NoSites) } else { Ok(()) }
    }

    /// Gives every position its element.
    fn assign_elements(&mut self, comment: &[u8], structure: &mut Structure) -> Result<(), PoscarError> {
        if self.species.is_empty() && self.trailing.iter().all(|&number| number != 0) {
            structure.atomic_numbers.extend_from_slice(&self.trailing);
            return Ok(());
        }
        if self.species.is_empty() {
            for word in fields(comment) {
                self.species.push(element(word).ok_or(PoscarError::NoSymbols)?);
            }
            if self.species.len() != self.counts.len() {
                return Err(PoscarError::NoSymbols);
            }
            self.named_by_comment = true;
        }
        for (&number, &count) in self.species.iter().zip(&self.counts) {
            structure.atomic_numbers.extend(std::iter::repeat_n(number, count));
        }
        Ok(())
    }
}
