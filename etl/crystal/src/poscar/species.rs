//! The elements of the positions: the lines of symbols and counts, and the symbols elsewhere in files of VASP 4.

use super::PoscarError;
use super::lines::{Lines, excerpt, fields};
use crate::element::atomic_number_of_ion;

/// Number of coordinates at the start of a position line.
const COORDINATES: usize = 3;
/// Number of flags of selective dynamics on a position line, one for each direction.
const FLAGS: usize = 3;
/// A flag that is also the symbol of tritium.
const TRUE: &[u8] = b"T";

/// Returns the atomic number of a symbol, an ion (`Mg2+`) or the name of a potential (`Ge_d`, `Pt/1a2b`).
pub(super) fn element(name: &[u8]) -> Option<u8> {
    let symbol = name.split(|&byte| matches!(byte, b'_' | b'/')).next()?;
    atomic_number_of_ion(symbol)
}

/// Whether a field is a Fortran logical value: `T`, `F`, `.TRUE.`, `.false.`.
fn is_flag(field: &[u8]) -> bool {
    let word = field.strip_prefix(b".").and_then(|word| word.strip_suffix(b".")).unwrap_or(field);
    [b"t".as_slice(), b"f", b"true", b"false"].iter().any(|flag| word.eq_ignore_ascii_case(flag))
}

/// Returns the atomic number of the symbol after a position, or `None` if there is no symbol.
///
/// Flags are skipped: three in a row, or any number of them if the file has `Selective dynamics`. The symbol is the
/// first field after the flags, or else the last field, as in `# Na`.
pub(super) fn trailing_element(line: &[u8], is_selective: bool) -> Option<u8> {
    let behind = || fields(line).skip(COORDINATES);
    let flags = behind().take(FLAGS).take_while(|field| is_flag(field)).count();
    let skipped = if is_selective || flags == FLAGS { flags } else { 0 };
    let mut rest = behind().skip(skipped);
    // A `T` after the flags is another flag: the first of the three may have been a symbol.
    let first = rest.next().filter(|field| skipped == 0 || !field.eq_ignore_ascii_case(TRUE))?;
    element(first).or_else(|| rest.last().filter(|last| !is_flag(last)).and_then(element))
}

/// Reads the line of symbols, if there is one, and the counts into empty lists. Both may continue on further lines.
///
/// # Errors
/// Returns a [`PoscarError`] if a symbol is not that of an element, if a count is not a number, or if the numbers of
/// counts and symbols differ.
pub(super) fn read_species(
    lines: &mut Lines<'_>,
    species: &mut Vec<u8>,
    counts: &mut Vec<usize>,
) -> Result<(), PoscarError> {
    let mut line = lines.next("the element symbols")?;
    let has_symbols = line.first().is_some_and(|byte| !byte.is_ascii_digit());
    let mut goes_on = has_symbols;
    while goes_on {
        for symbol in fields(line) {
            let number = element(symbol)
                .ok_or_else(|| PoscarError::UnknownElement { line: lines.number, symbol: excerpt(symbol) })?;
            species.push(number);
        }
        line = lines.next("the counts")?;
        goes_on = line.first().is_some_and(u8::is_ascii_alphabetic);
    }
    loop {
        for field in fields(line) {
            let Some(count) = count(field) else {
                // A comment may follow the counts.
                if !counts.is_empty() && (!has_symbols || counts.len() == species.len()) {
                    return Ok(());
                }
                let value = excerpt(field);
                return Err(PoscarError::BadNumber { line: lines.number, field: "a count", value });
            };
            counts.push(count);
        }
        let is_short = !has_symbols || counts.len() < species.len();
        let first = lines.number;
        match lines.next_if(|line| is_short && is_line_of_counts(line)) {
            Some(next) => line = next,
            None if has_symbols && counts.len() != species.len() => {
                let (counts, symbols) = (counts.len(), species.len());
                return Err(PoscarError::CountMismatch { line: first, counts, symbols });
            }
            None => return Ok(()),
        }
    }
}

fn count(field: &[u8]) -> Option<usize> {
    std::str::from_utf8(field).ok().and_then(|count| count.parse().ok())
}

/// Whether a line consists of counts alone.
fn is_line_of_counts(line: &[u8]) -> bool {
    !line.is_empty() && fields(line).all(|field| count(field).is_some())
}
