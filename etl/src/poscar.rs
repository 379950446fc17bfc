//! A reader for VASP's POSCAR, the crystal format of JARVIS's and AtomGen's downloads.
//!
//! Layout as the VASP manual gives it: comment; scale (one factor, three factors, or the cell's
//! volume as a negative number); three cell vectors; symbols (since VASP 5); counts; optionally
//! `Selective dynamics`; `Direct` or `Cartesian`; one position a line. What follows (velocities) is
//! not read. A symbol may be a potential's name (`Ge_d`, `Pt/1a2b`) and may come twice.
//!
//! Without the line of symbols (VASP 4) they are taken from the ends of the position lines if each
//! has one, else from the comment if that is as many symbols as there are counts.

use thiserror::Error;

use crate::cartesian::{CartesianError, to_fractional};
use crate::element::atomic_number_of;
use crate::math::determinant;
use crate::structure::Structure;

/// A value in a message has at most this many bytes.
const EXCERPT_BYTES: usize = 60;

/// The start of a value as a message shows it: a line of a damaged file may be all of it.
fn excerpt(value: &[u8]) -> String {
    String::from_utf8_lossy(&value[..value.len().min(EXCERPT_BYTES)]).into_owned()
}

/// A POSCAR that gives no crystal; lines count from 1.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PoscarError {
    /// The text ends before the part named here.
    #[error("line {line}: the text ends before {missing}")]
    TooShort {
        /// First line that is not there.
        line: u32,
        /// What should stand there.
        missing: &'static str,
    },
    /// A value that is not the finite number it should be.
    #[error("line {line}: {field} is {value:?}, not a number")]
    BadNumber {
        /// Line.
        line: u32,
        /// What should stand there.
        field: &'static str,
        /// What stands there.
        value: String,
    },
    /// One factor, three factors, or a volume that make no scale.
    #[error("line {line}: {value:?} is no scale")]
    BadScale {
        /// Line.
        line: u32,
        /// The line.
        value: String,
    },
    /// A symbol that is no element.
    #[error("line {line}: {symbol:?} is no element")]
    UnknownElement {
        /// Line.
        line: u32,
        /// The symbol.
        symbol: String,
    },
    /// Neither a line of symbols nor symbols elsewhere.
    #[error("no element symbols: neither a line of them, nor behind every position, nor in the comment")]
    NoSymbols,
    /// Symbols and counts do not pair up.
    #[error("line {line}: {counts} counts for {symbols} symbols")]
    CountMismatch {
        /// Line of the counts.
        line: u32,
        /// Number of counts.
        counts: usize,
        /// Number of symbols.
        symbols: usize,
    },
    /// The counts add up to nothing.
    #[error("no sites")]
    NoSites,
    /// A cell without volume, or Cartesian positions too far away for it.
    #[error(transparent)]
    Cartesian(#[from] CartesianError),
    /// The scale takes a cell vector or position beyond every number.
    #[error("scaled, a cell vector or position is no finite number")]
    Overflow,
}

impl PoscarError {
    /// Stable code for the rejects table.
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "poscar_too_short",
            Self::BadNumber { .. } => "poscar_bad_number",
            Self::BadScale { .. } => "poscar_bad_scale",
            Self::UnknownElement { .. } => "unknown_element",
            Self::NoSymbols => "poscar_no_symbols",
            Self::CountMismatch { .. } => "poscar_count_mismatch",
            Self::NoSites => "no_sites",
            Self::Cartesian(error) => error.reason_code(),
            Self::Overflow => "not_finite",
        }
    }

    /// Line of the fault, where it has one.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::TooShort { line, .. }
            | Self::BadNumber { line, .. }
            | Self::BadScale { line, .. }
            | Self::UnknownElement { line, .. }
            | Self::CountMismatch { line, .. } => Some(*line),
            Self::NoSymbols | Self::NoSites | Self::Cartesian(_) | Self::Overflow => None,
        }
    }
}

/// Reads POSCARs; its buffers are kept from one to the next.
#[derive(Debug, Default)]
pub struct PoscarReader {
    species: Vec<u8>,
    counts: Vec<usize>,
    /// Element behind each position, 0 where there is none.
    trailing: Vec<u8>,
}

/// The lines of a text, counted.
struct Lines<'a> {
    rest: Option<&'a [u8]>,
    number: u32,
}

impl<'a> Lines<'a> {
    fn next(&mut self, missing: &'static str) -> Result<&'a [u8], PoscarError> {
        let Some(rest) = self.rest.filter(|rest| !rest.is_empty()) else {
            return Err(PoscarError::TooShort { line: self.number + 1, missing });
        };
        self.number = self.number.saturating_add(1);
        let (line, rest) = match memchr::memchr(b'\n', rest) {
            Some(at) => (&rest[..at], rest.get(at + 1..)),
            None => (rest, None),
        };
        self.rest = rest;
        Ok(line.trim_ascii())
    }
}

/// Fields of a line.
fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty())
}

/// A finite number, possibly with Fortran's exponent letter `d`.
fn number(field: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(field).ok()?;
    // The standard library also knows the words `inf` and `nan`, which are not finite.
    let number = text.parse::<f64>().ok().or_else(|| text.replace(['d', 'D'], "e").parse().ok())?;
    number.is_finite().then_some(number)
}

/// Three numbers at the start of a line.
fn triple(line: &[u8], number_of_line: u32, field: &'static str) -> Result<[f64; 3], PoscarError> {
    let mut found = fields(line);
    let mut triple = [0.0; 3];
    for value in &mut triple {
        let text = found.next().unwrap_or_default();
        *value = number(text).ok_or_else(|| PoscarError::BadNumber {
            line: number_of_line,
            field,
            value: excerpt(text),
        })?;
    }
    Ok(triple)
}

/// Atomic number of a symbol or of a potential's name.
fn element(name: &[u8]) -> Option<u8> {
    let symbol = name.split(|&byte| matches!(byte, b'_' | b'/')).next()?;
    atomic_number_of(symbol)
}

impl PoscarReader {
    /// A reader with empty buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one POSCAR into `structure`: cell vectors in Å, positions as fractions, not wrapped.
    ///
    /// # Errors
    /// [`PoscarError`]; `structure` is then of no use.
    pub fn read(&mut self, text: &[u8], structure: &mut Structure) -> Result<(), PoscarError> {
        structure.clear();
        let mut lines = Lines { rest: Some(text), number: 0 };
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
        self.read_species(&mut lines)?;
        let mut mode = lines.next("Direct or Cartesian")?;
        if matches!(mode.first(), Some(b'S' | b's')) {
            mode = lines.next("Direct or Cartesian")?;
        }
        let cartesian = matches!(mode.first(), Some(b'C' | b'c' | b'K' | b'k'));
        self.trailing.clear();
        for _ in 0..self.counts.iter().fold(0usize, |sum, &count| sum.saturating_add(count)) {
            let line = lines.next("the last position")?;
            let position = triple(line, lines.number, "a position")?;
            structure.fractional.push(position);
            let last = fields(line).skip(3).last().and_then(element);
            self.trailing.push(last.unwrap_or_default());
        }
        if structure.fractional.is_empty() {
            return Err(PoscarError::NoSites);
        }
        self.assign_elements(comment, structure)?;
        if cartesian {
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

    /// Reads the symbols, if there are any, and the counts.
    fn read_species(&mut self, lines: &mut Lines<'_>) -> Result<(), PoscarError> {
        self.species.clear();
        self.counts.clear();
        let mut line = lines.next("the element symbols")?;
        let has_symbols = line.first().is_some_and(|byte| !byte.is_ascii_digit());
        if has_symbols {
            for symbol in fields(line) {
                let number = element(symbol).ok_or_else(|| PoscarError::UnknownElement {
                    line: lines.number,
                    symbol: excerpt(symbol),
                })?;
                self.species.push(number);
            }
            line = lines.next("the counts")?;
        }
        for field in fields(line) {
            let Some(count) = std::str::from_utf8(field).ok().and_then(|count| count.parse().ok()) else {
                // A comment may stand behind the counts.
                if !self.counts.is_empty() && (!has_symbols || self.counts.len() == self.species.len()) {
                    break;
                }
                let value = excerpt(field);
                return Err(PoscarError::BadNumber { line: lines.number, field: "a count", value });
            };
            self.counts.push(count);
        }
        if has_symbols && self.counts.len() != self.species.len() {
            let (counts, symbols) = (self.counts.len(), self.species.len());
            return Err(PoscarError::CountMismatch { line: lines.number, counts, symbols });
        }
        Ok(())
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
        }
        for (&number, &count) in self.species.iter().zip(&self.counts) {
            structure.atomic_numbers.extend(std::iter::repeat_n(number, count));
        }
        Ok(())
    }
}

/// The second line.
enum Scale {
    Factors([f64; 3]),
    Volume(f64),
}

fn read_scale(lines: &mut Lines<'_>) -> Result<Scale, PoscarError> {
    let line = lines.next("the scale")?;
    let bad = || PoscarError::BadScale { line: lines.number, value: excerpt(line) };
    let mut values = [0.0; 3];
    let mut count = 0;
    // Whatever stands behind the numbers is a comment.
    for (slot, value) in values.iter_mut().zip(fields(line).map_while(number)) {
        *slot = value;
        count += 1;
    }
    match (count, values) {
        (3, factors) if factors.iter().all(|&factor| factor > 0.0) => Ok(Scale::Factors(factors)),
        (1, [factor, ..]) if factor > 0.0 => Ok(Scale::Factors([factor; 3])),
        (1, [volume, ..]) if volume < 0.0 => Ok(Scale::Volume(-volume)),
        _ => Err(bad()),
    }
}

impl Scale {
    /// Factor for each Cartesian axis.
    fn factors(&self, lattice: &[[f64; 3]; 3]) -> Result<[f64; 3], PoscarError> {
        match *self {
            Self::Factors(factors) => Ok(factors),
            Self::Volume(volume) => {
                let factor = (volume / determinant(lattice).abs()).cbrt();
                if factor.is_finite() { Ok([factor; 3]) } else { Err(CartesianError::SingularLattice.into()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Structure, PoscarError> {
        let mut structure = Structure::default();
        PoscarReader::new().read(text.as_bytes(), &mut structure).map(|()| structure)
    }

    const ROCKSALT: &str =
        "Na Cl\n1.0\n0 2.8 2.8\n2.8 0 2.8\n2.8 2.8 0\nNa Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n";

    #[test]
    fn symbols_come_from_their_line() {
        let structure = read(ROCKSALT).expect("a crystal");
        assert_eq!(structure.atomic_numbers, [11, 17]);
        assert_eq!(structure.fractional, [[0.0; 3], [0.5; 3]]);
        assert_eq!(read(&ROCKSALT.replace('\n', "\r\n")), Ok(structure.clone()));
        assert_eq!(read(ROCKSALT.trim_end()), Ok(structure.clone()));
        assert_eq!(read(&ROCKSALT.replace("\nNa Cl\n", "\nNa_pv Cl/4f2\n")), Ok(structure));
    }

    #[test]
    fn what_a_scale_takes_beyond_every_number_is_refused() {
        assert_eq!(read(&ROCKSALT.replace("1.0", "1e308")), Err(PoscarError::Overflow));
        let far = ROCKSALT
            .replace("Direct", "Cartesian")
            .replace("1.0", "1e10")
            .replace("0.5 0.5 0.5", "1e300 0 0");
        assert_eq!(read(&far), Err(PoscarError::Overflow));
    }

    #[test]
    fn a_message_quotes_no_more_than_the_start_of_a_value() {
        let error = read(&ROCKSALT.replace("1.0", &"x".repeat(1 << 20))).expect_err("no scale");
        assert!(error.to_string().len() < 200);
    }

    #[test]
    fn vasp_4_symbols_come_from_positions_or_the_comment() {
        let old = ROCKSALT.replace("\nNa Cl\n1 1", "\n1 1");
        assert_eq!(read(&old).map(|structure| structure.atomic_numbers), Ok(vec![11, 17]));
        let named =
            old.replace("Na Cl", "rock salt").replace("0 0 0\n", "0 0 0 K\n").replace("0.5\n", "0.5 F\n");
        assert_eq!(read(&named).map(|structure| structure.atomic_numbers), Ok(vec![19, 9]));
        assert_eq!(read(&old.replace("Na Cl", "rock salt")), Err(PoscarError::NoSymbols));
        assert_eq!(read(&old.replace("Na Cl", "Na")), Err(PoscarError::NoSymbols));
    }

    #[test]
    fn the_scale_is_a_factor_three_factors_or_a_volume() {
        let lattice = |scale: &str| read(&ROCKSALT.replace("1.0", scale)).map(|structure| structure.lattice);
        assert_eq!(lattice("2.0").map(|lattice| lattice[0]), Ok([0.0, 5.6, 5.6]));
        assert_eq!(lattice("1 2 3").map(|lattice| lattice[0]), Ok([0.0, 5.6, 2.8 * 3.0]));
        let volume = lattice("-100.0").map(|lattice| determinant(&lattice).abs()).expect("a crystal");
        assert!((volume - 100.0).abs() < 1e-9, "{volume}");
        for scale in ["0", "x", "", "1 2", "nan", "1 -1 1"] {
            assert!(matches!(lattice(scale), Err(PoscarError::BadScale { line: 2, .. })), "{scale}");
        }
    }

    #[test]
    fn cartesian_positions_are_scaled() {
        let text = ROCKSALT.replace("Direct", "Selective dynamics\nCartesian").replace("1.0", "2.0");
        let text = text.replace("0 0 0\n", "0 0 0 T T F\n").replace("0.5 0.5 0.5", "2.8 2.8 2.8 T T T");
        let structure = read(&text).expect("a crystal");
        for value in structure.fractional[1] {
            assert!((value - 0.5).abs() < 1e-15, "{value}");
        }
        assert_eq!(structure.atomic_numbers, [11, 17]);
    }

    #[test]
    fn one_symbol_may_come_twice() {
        let text = ROCKSALT.replace("\nNa Cl\n1 1", "\nNa Cl Na\n1 0 1");
        assert_eq!(read(&text).map(|structure| structure.atomic_numbers), Ok(vec![11, 11]));
    }

    #[test]
    fn faults_name_their_lines() {
        let fault = |from: &str, to: &str| {
            assert!(ROCKSALT.contains(from), "{from}");
            read(&ROCKSALT.replacen(from, to, 1)).map_err(|error| (error.reason_code(), error.line()))
        };
        assert_eq!(fault("0 2.8 2.8", "0 2.8"), Err(("poscar_bad_number", Some(3))));
        assert_eq!(fault("0 2.8 2.8", "0 2.8 inf"), Err(("poscar_bad_number", Some(3))));
        assert_eq!(fault("\nNa Cl\n", "\nNa Cx\n"), Err(("unknown_element", Some(6))));
        assert_eq!(fault("\n1 1\n", "\n1\n"), Err(("poscar_count_mismatch", Some(7))));
        assert_eq!(fault("\n1 1\n", "\n1 -1\n"), Err(("poscar_bad_number", Some(7))));
        assert_eq!(fault("\n1 1\n", "\n1 2\n"), Err(("poscar_too_short", Some(11))));
        assert_eq!(fault("\n1 1\n", "\n1 18446744073709551615\n"), Err(("poscar_too_short", Some(11))));
        assert_eq!(fault("\n1 1\n", "\n0 0\n"), Err(("no_sites", None)));
        assert_eq!(read(""), Err(PoscarError::TooShort { line: 1, missing: "the comment" }));
    }

    proptest! {
        #[test]
        fn any_text_ends_without_panic(text in "[NaCl0-9 .\\-\n]{0,200}") {
            let _ = read(&text);
        }

        #[test]
        fn any_damage_ends_without_panic(at in 0..ROCKSALT.len(), byte in any::<u8>()) {
            let mut text = ROCKSALT.as_bytes().to_vec();
            text[at] = byte;
            let _ = PoscarReader::new().read(&text, &mut Structure::default());
        }
    }
}
