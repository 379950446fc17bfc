//! A reader for POSCAR files of VASP, the format of the structures in downloads of JARVIS and AtomGen.
//!
//! The layout is that of the VASP manual: a comment; the scale (one factor, three factors, or the volume of the unit
//! cell as a negative number); three lattice vectors; the symbols (since VASP 5); the counts; optionally
//! `Selective dynamics`; the kind of the coordinates; and one position per line. Of the kind the first letter counts, in
//! either case: C or K for Cartesian coordinates, D, F, R or an empty line for fractional ones. Velocities and charge
//! densities after the positions are ignored. A further position or a second structure is an error. A symbol may be an ion (`Mg2+`) or the name of a potential (`Ge_d`, `Pt/1a2b`), and may be repeated.
//! Symbols and counts may continue on further lines, as VASP writes them for more than 20 groups.
//!
//! A file of VASP 4 has no line of symbols. The symbols are then taken from the ends of the position lines if each of
//! them has one, or else from the comment if it consists of as many symbols as there are counts. Flags of selective
//! dynamics are never read as symbols.

mod error;
mod lines;
mod rest;
mod scale;
mod species;

#[cfg(test)]
mod tests;

use crate::cartesian::to_fractional;
use crate::element::symbol;
use crate::structure::Structure;
use crate::text::is_wide;

pub use error::PoscarError;
use lines::{Lines, excerpt, fields, triple};
use rest::check_rest;
use scale::read_scale;
use species::{element, read_species, trailing_element};

/// Reads POSCAR files and reuses its buffers.
#[derive(Debug, Default)]
pub struct PoscarReader {
    species: Vec<u8>,
    counts: Vec<usize>,
    /// Atomic number of the symbol after each position; 0 if there is none.
    trailing: Vec<u8>,
    named_by_comment: bool,
    /// Index of the first position whose symbol is not that of the line of symbols.
    other_symbol: Option<usize>,
}

impl PoscarReader {
    /// Creates a reader with empty buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the elements of the last POSCAR come from its comment alone. Words of a comment may be element symbols
    /// by chance.
    pub fn is_named_by_comment(&self) -> bool {
        self.named_by_comment
    }

    /// Returns a remark if the symbols behind the positions of the last POSCAR, whose `structure` was read, contradict
    /// its line of symbols, which counts.
    pub fn contradiction(&self, structure: &Structure) -> Option<String> {
        let at = self.other_symbol?;
        let (behind, stated) = (*self.trailing.get(at)?, *structure.atomic_numbers.get(at)?);
        Some(format!(
            "{} stands behind position {}, which is {} by the line of symbols: that line counts",
            symbol(behind),
            at + 1,
            symbol(stated)
        ))
    }

    /// Reads one POSCAR into `structure`: lattice vectors in Å and fractional coordinates, which are not wrapped.
    ///
    /// # Errors
    /// Returns a [`PoscarError`] if the text is not a valid POSCAR. The content of `structure` is then unspecified.
    pub fn read(&mut self, text: &[u8], structure: &mut Structure) -> Result<(), PoscarError> {
        structure.clear();
        self.named_by_comment = false;
        self.other_symbol = None;
        if is_wide(text) {
            return Err(PoscarError::Encoding);
        }
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
        let is_cartesian = match mode.first() {
            Some(b'C' | b'c' | b'K' | b'k') => true,
            Some(b'D' | b'd' | b'F' | b'f' | b'R' | b'r') | None => false,
            Some(b'0'..=b'9' | b'+' | b'-' | b'.') => {
                return Err(PoscarError::NoMode { line: lines.number, value: excerpt(mode) });
            }
            Some(_) => return Err(PoscarError::BadMode { line: lines.number, value: excerpt(mode) }),
        };
        self.read_positions(&mut lines, is_selective, structure)?;
        check_rest(lines, structure.fractional.len())?;
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

    /// Reads the positions without scaling them, and the symbols after them.
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
            self.trailing.push(trailing_element(line, is_selective).unwrap_or_default());
        }
        if structure.fractional.is_empty() { Err(PoscarError::NoSites) } else { Ok(()) }
    }

    /// Assigns an element to every position.
    fn assign_elements(&mut self, comment: &[u8], structure: &mut Structure) -> Result<(), PoscarError> {
        let are_named = self.trailing.iter().all(|&number| number != 0);
        if self.species.is_empty() && are_named {
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
        if are_named {
            let mut pairs = self.trailing.iter().zip(&structure.atomic_numbers);
            self.other_symbol = pairs.position(|(behind, stated)| behind != stated);
        }
        Ok(())
    }
}
