//! What a record states about its sites beside them: their number, their elements and their formula.

use std::collections::{BTreeMap, BTreeSet};

use crystal::element::atomic_number_of;
use crystal::structure::Structure;
use schemas::count::counted;

use super::RecordError;
use super::json::Cursor;
use super::quote::shown;

/// The statements, as written in JSON.
#[derive(Debug, Default)]
pub(super) struct StatedSites<'a> {
    /// Number of sites.
    pub(super) nsites: Option<&'a [u8]>,
    /// Symbols of the elements at the sites.
    pub(super) elements: Option<&'a [u8]>,
    /// Formula of the sites, with or without quotes.
    pub(super) formula: Option<&'a [u8]>,
    /// Key of the formula, if it is another one than that of OPTIMADE.
    pub(super) formula_key: Option<&'static str>,
}

/// Key of the formula in OPTIMADE.
pub(super) const FORMULA: &str = "chemical_formula_reduced";

impl StatedSites<'_> {
    /// Checks number, elements and formula of the sites, if these are given. One that cannot be read says nothing.
    ///
    /// # Errors
    /// Returns [`RecordError::PropertyValue`] for one that contradicts the sites.
    pub(super) fn check(&self, structure: &Structure) -> Result<(), RecordError> {
        let contradicts = |key: &str, raw: &[u8], wanted: &'static str| {
            Err(RecordError::PropertyValue { key: key.to_owned(), value: shown(raw), wanted })
        };
        let mut atoms: BTreeMap<u8, u64> = BTreeMap::new();
        for number in &structure.atomic_numbers {
            *atoms.entry(*number).or_default() += 1;
        }
        let sites = structure.atomic_numbers.len();
        if let Some(raw) = self.nsites {
            let number = Cursor::new(raw).number().ok().filter(|number| number.is_finite());
            if number.is_some_and(|number| number != sites as f64) {
                let found = format!("{} for {}", String::from_utf8_lossy(raw), counted(sites, "position"));
                return contradicts("nsites", found.as_bytes(), "count of them");
            }
        }
        if let Some(raw) = self.elements {
            let is_other =
                |listed: BTreeSet<Option<u8>>| listed.into_iter().ne(atoms.keys().copied().map(Some));
            if read_elements(raw).is_ok_and(is_other) {
                return contradicts("elements", raw, "list of the elements at the sites");
            }
        }
        if let Some(raw) = self.formula {
            let text = raw.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(raw);
            if read_formula(text).is_some_and(|formula| !is_proportional(&formula, &atoms)) {
                return contradicts(self.formula_key.unwrap_or(FORMULA), raw, "formula of the sites");
            }
        }
        Ok(())
    }
}

/// Returns the elements in an array of symbols, and `None` for a symbol of no element.
fn read_elements(raw: &[u8]) -> Result<BTreeSet<Option<u8>>, RecordError> {
    let (mut cursor, mut first, mut elements) = (Cursor::new(raw), true, BTreeSet::new());
    cursor.expect(b'[', "an array of symbols")?;
    while cursor.next_element(&mut first)? {
        elements.insert(atomic_number_of(cursor.string()?.raw));
    }
    Ok(elements)
}

/// Returns the number of atoms of each element in a formula such as `H2O`. Returns `None` for any other text.
fn read_formula(mut text: &[u8]) -> Option<BTreeMap<u8, u64>> {
    let mut atoms: BTreeMap<u8, u64> = BTreeMap::new();
    while !text.is_empty() {
        let letters = 1 + text.iter().skip(1).take_while(|byte| byte.is_ascii_lowercase()).count();
        let (symbol, rest) = text.split_at_checked(letters)?;
        let (digits, rest) =
            rest.split_at_checked(rest.iter().take_while(|byte| byte.is_ascii_digit()).count())?;
        let count: u64 =
            if digits.is_empty() { 1 } else { std::str::from_utf8(digits).ok()?.parse().ok()? };
        let total = atoms.entry(atomic_number_of(symbol)?).or_default();
        *total = total.checked_add(count)?;
        text = rest;
    }
    (!atoms.is_empty()).then_some(atoms)
}

/// Whether two formulas have the same elements in the same proportions.
fn is_proportional(a: &BTreeMap<u8, u64>, b: &BTreeMap<u8, u64>) -> bool {
    let (Some(first), Some(other)) = (a.values().next(), b.values().next()) else { return false };
    let product = |a: &u64, b: &u64| u128::from(*a) * u128::from(*b);
    a.keys().eq(b.keys()) && a.values().zip(b.values()).all(|(a, b)| product(a, other) == product(b, first))
}
