//! Which of two origins a file means whose space-group symbol leaves that open.
//!
//! Twenty-four groups are tabulated from two origins, and a symbol such as `F d -3 m` belongs to both. Readers take
//! one or the other; here the file has to show which: by the multiplicities of its sites or by its sum formula.

use super::error::CifErrorKind;
use super::expand::{Expander, Nearness};
use super::group::{Found, Operations};
use super::number::parse_number;
use super::reading::{BuildError, Reading, excerpt};
use super::species::Species;
use super::tag::Tag;
use crate::element::{SYMBOLS, atomic_number_of};
use crate::symmetry::SymmetryOperation;

/// Numbers of atoms, indexed by atomic number.
type Counts = [f64; SYMBOLS.len()];

/// Hydrogen is often in the formula without being among the sites.
const HYDROGEN: usize = 1;

/// How far counts of atoms may be off a formula: formulas are rounded.
const COUNT_TOLERANCE: f64 = 0.01;

/// The operations of the group found, from the origin the file means.
pub(super) fn choose_origin(
    found: Found,
    reading: &Reading<'_>,
    expander: &mut Expander,
    nearness: &Nearness,
) -> Result<Operations, BuildError> {
    let Some(other) = found.other_origin else { return Ok(found.operations) };
    let mut agrees = |operations: &[SymmetryOperation]| agrees(operations, reading, expander, nearness);
    match (agrees(&found.operations), agrees(&other)) {
        (true, false) => Ok(found.operations),
        (false, true) => Ok(other),
        _ => {
            let symbol = excerpt(found.symbol.of(reading.bytes));
            Err(reading.error_at(CifErrorKind::AmbiguousOrigin { symbol }, found.symbol))
        }
    }
}

/// Whether the sites have the multiplicities the file gives, and the cell a whole number of its formula units.
fn agrees(
    operations: &[SymmetryOperation],
    reading: &Reading<'_>,
    expander: &mut Expander,
    nearness: &Nearness,
) -> bool {
    let mut atoms: Counts = [0.0; SYMBOLS.len()];
    for site in &reading.block.sites {
        let Species::Element(number) = reading.species(site) else { continue };
        let Ok(images) = expander.images(&site.fractional, operations, nearness) else { return false };
        let given = parse_number(site.multiplicity.of(reading.bytes));
        if given.is_some_and(|given| given != images.len() as f64) {
            return false;
        }
        if let Some(count) = atoms.get_mut(usize::from(number)) {
            *count += images.len() as f64;
        }
    }
    let text = |tag: Tag| reading.block.item(tag, reading.bytes).map(|value| value.span.of(reading.bytes));
    let Some(formula) = text(Tag::FormulaSum).and_then(counts_of_formula) else { return true };
    let heavy = || atoms.iter().zip(formula).skip(HYDROGEN + 1);
    let ratio = heavy().map(|(atoms, _)| atoms).sum::<f64>() / heavy().map(|(_, units)| units).sum::<f64>();
    let units = text(Tag::FormulaUnits).and_then(parse_number).unwrap_or(ratio);
    heavy().all(|(&atoms, in_unit)| (atoms - units * in_unit).abs() <= COUNT_TOLERANCE * atoms)
}

/// Atoms of a sum formula such as `C10 H24 Br Cl2`; `None` where it cannot be read.
fn counts_of_formula(formula: &[u8]) -> Option<Counts> {
    let mut counts = [0.0; SYMBOLS.len()];
    for part in formula.split(u8::is_ascii_whitespace).filter(|part| !part.is_empty()) {
        let letters = part.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(part.len());
        let (symbol, count) = part.split_at(letters);
        let count = if count.is_empty() { 1.0 } else { parse_number(count)? };
        *counts.get_mut(usize::from(atomic_number_of(symbol)?))? += count;
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::counts_of_formula;

    #[test]
    fn formulas() {
        let counts = counts_of_formula(b"C10 H24 Br Cl2 O0.5\n C").expect("a formula");
        assert_eq!(
            [counts[6], counts[1], counts[35], counts[17], counts[8], counts[26]],
            [11.0, 24.0, 1.0, 2.0, 0.5, 0.0]
        );
        for formula in ["Xx2", "C10-x", "(C10 H2)2", "10"] {
            assert!(counts_of_formula(formula.as_bytes()).is_none(), "{formula}");
        }
    }
}
