//! Comparison of a structure with the sum formula, Z and site multiplicities in its file. The structure is kept, and a
//! note tells of the first difference. [`super::stated`] compares it with the volume, the density and the labels.
//!
//! [`Contents`] decides between symmetry operations and tolerates what a wrong choice does not explain. Here every
//! element counts. Hydrogen may have fewer sites than the formula says, because many publications leave them out.

use super::error::CONTENTS_DIFFER;
use super::evidence::{Contents, Verdict, parts_of_formula};
use super::lexer::Span;
use super::number::{parse_number, resolution};
use super::reading::{Reading, Remark, excerpt};
use super::site::RawSite;
use super::stated::{of_density, of_labels, of_volume};
use super::tag::Tag;
use crate::element::{SYMBOLS, symbol};
use crate::number::{exact, significant};
use crate::structure::Structure;

/// Atomic number of hydrogen, including deuterium and tritium.
const HYDROGEN: u8 = 1;

/// Relative tolerance of coefficients with decimals, beside half a unit of the last one. It allows for truncated
/// fractions such as `0.66` for 2/3.
const TRUNCATION: f64 = 0.003;

/// Relative tolerance of whole coefficients, for rounding errors of the comparison.
const EXACT: f64 = 1e-9;

/// Numbers of primitive cells in a conventional cell that is centred.
const CELLS: [f64; 3] = [2.0, 3.0, 4.0];

/// Numbers of atoms, indexed by atomic number.
type Atoms = [u32; SYMBOLS.len()];

/// A structure that is kept, and how it was made.
pub(super) struct Kept<'a> {
    /// The structure.
    pub(super) structure: &'a Structure,
    /// Index of the site of every atom, in ascending order.
    pub(super) origins: &'a [u32],
    /// Number of symmetry operations that were applied to the sites.
    pub(super) operations: usize,
    /// Volume of the unit cell in Å³.
    pub(super) volume: f64,
    /// Whether the symmetry is not in doubt. Otherwise Z and multiplicities may be those of another cell or group.
    pub(super) is_settled: bool,
}

impl Kept<'_> {
    fn contents(&self) -> Contents {
        Contents::of_structure(self.structure, self.origins, self.operations)
    }
}

/// An element of a sum formula.
#[derive(Debug, Clone, Copy)]
struct Part {
    number: u8,
    /// Coefficient.
    count: f64,
    /// Largest difference of the coefficient from its exact value.
    slack: f64,
}

impl Part {
    fn tolerance(&self) -> f64 {
        if self.slack == 0.0 { EXACT } else { TRUNCATION }
    }

    /// Returns the smallest and the largest number of formula units that have this number of atoms.
    fn units(&self, atoms: u32) -> (f64, f64) {
        let (atoms, tolerance) = (f64::from(atoms), self.tolerance());
        let least = atoms / (self.count + self.slack) * (1.0 - tolerance);
        let most = if self.count > self.slack {
            atoms / (self.count - self.slack) * (1.0 + tolerance)
        } else {
            f64::INFINITY
        };
        (least, most)
    }

    /// Returns the largest number of atoms of this element that `units` formula units may have, by the precision of its
    /// coefficient.
    fn most_atoms(&self, units: f64) -> f64 {
        units * (self.count + self.slack) * (1.0 + self.tolerance())
    }
}

/// A difference between the formula and the atoms.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Difference {
    /// No site holds this element of the formula.
    Missing(u8),
    /// A site holds this element, which the formula lacks.
    Surplus(u8),
    /// The proportions differ, or there is more hydrogen than the formula has.
    Proportions,
}

/// Finds differences and reuses its buffer.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// The elements of the formula.
    formula: Vec<Part>,
}

impl Differences {
    /// Compares a structure with its block. Returns a remark if they differ.
    pub(super) fn find(&mut self, reading: &Reading<'_>, kept: &Kept<'_>) -> Option<Remark> {
        let mut found: Vec<(Span, String)> = self.of_formula(reading, kept).into_iter().collect();
        if kept.is_settled {
            found.extend(of_multiplicities(reading, kept));
        }
        found.extend(of_volume(reading, kept.volume));
        found.extend(of_labels(reading, &kept.structure.atomic_numbers, kept.origins));
        // Another volume or other atoms have another density, too.
        if kept.is_settled && found.is_empty() {
            found.extend(of_density(reading, &kept.contents(), kept.volume));
        }
        let (at, _) = *found.first()?;
        let message = found.into_iter().map(|(_, message)| message).collect::<Vec<_>>().join("; ");
        Some(Remark { code: CONTENTS_DIFFER, at, message })
    }

    /// Compares the atoms with the formula, and with Z if the symmetry is settled. A formula that cannot be read says
    /// nothing.
    fn of_formula(&mut self, reading: &Reading<'_>, kept: &Kept<'_>) -> Option<(Span, String)> {
        let text = reading.text(Tag::FormulaSum)?;
        self.read(text)?;
        let numbers = &kept.structure.atomic_numbers;
        let mut atoms: Atoms = [0; SYMBOLS.len()];
        for &number in numbers {
            if let Some(place) = atoms.get_mut(usize::from(number)) {
                *place += 1;
            }
        }
        let tag = |tag: Tag| Some(reading.block.item(tag, reading.bytes)?.span);
        let held = || kept.contents().composition();
        match self.compare(&atoms, numbers.len()) {
            Ok(range) => {
                let units = reading.text(Tag::FormulaUnits).filter(|_| kept.is_settled)?;
                let units = parse_number(units).filter(|units| *units > 0.0)?;
                if self.may_be(units, range) {
                    return None;
                }
                let heavy = numbers.iter().filter(|number| **number != HYDROGEN).count();
                let in_unit: f64 =
                    self.formula.iter().filter(|part| part.number != HYDROGEN).map(|part| part.count).sum();
                let message = format!(
                    "the cell holds {heavy} atoms beside hydrogen, {} formula units {:?} have {}",
                    exact(units),
                    excerpt(text),
                    significant(units * in_unit)
                );
                Some((tag(Tag::FormulaUnits)?, message))
            }
            Err(difference) => {
                let written = excerpt(text);
                let message = match difference {
                    Difference::Missing(number) => {
                        let element = symbol(number);
                        format!(
                            "the formula {written:?} has {element}, which no site holds: the cell holds {}",
                            held()
                        )
                    }
                    Difference::Surplus(number) => {
                        format!("the formula {written:?} lacks {}: the cell holds {}", symbol(number), held())
                    }
                    Difference::Proportions => {
                        format!("the formula is {written:?}, the cell holds {}", held())
                    }
                };
                Some((tag(Tag::FormulaSum)?, message))
            }
        }
    }

    /// Reads a formula. Returns `None` if it cannot be read or names no element.
    fn read(&mut self, formula: &[u8]) -> Option<()> {
        self.formula.clear();
        for part in parts_of_formula(formula) {
            let (number, written) = part?;
            let (count, slack) =
                if written.is_empty() { (1.0, 0.0) } else { (parse_number(written)?, slack_of(written)) };
            if count < 0.0 {
                return None;
            }
            match self.formula.iter_mut().find(|known| known.number == number) {
                Some(known) => {
                    known.count += count;
                    known.slack += slack;
                }
                None => self.formula.push(Part { number, count, slack }),
            }
        }
        self.formula.retain(|part| part.count > 0.0);
        if self.formula.is_empty() { None } else { Some(()) }
    }

    /// Compares `total` atoms with the formula. Returns the smallest and the largest number of formula units that they
    /// may be.
    fn compare(&self, atoms: &Atoms, total: usize) -> Result<(f64, f64), Difference> {
        let held = |part: &Part| atoms.get(usize::from(part.number)).copied().unwrap_or(0);
        let (mut least, mut most) = (0.0_f64, f64::INFINITY);
        let mut known = 0;
        for part in &self.formula {
            let count = held(part);
            known += count as usize;
            if part.number == HYDROGEN {
                continue;
            }
            if count == 0 {
                return Err(Difference::Missing(part.number));
            }
            let (from, to) = part.units(count);
            least = least.max(from);
            most = most.min(to);
        }
        if known < total {
            let is_known = |number: u8| self.formula.iter().any(|part| part.number == number);
            let other = (0u8..).zip(atoms).find(|(number, count)| **count > 0 && !is_known(*number));
            if let Some((number, _)) = other {
                return Err(Difference::Surplus(number));
            }
        }
        let hydrogen = self.formula.iter().find(|part| part.number == HYDROGEN);
        let has_more_hydrogen = hydrogen.is_some_and(|part| f64::from(held(part)) > part.most_atoms(most));
        if least > most || has_more_hydrogen { Err(Difference::Proportions) } else { Ok((least, most)) }
    }

    /// Whether a file may say that its cell has Z = `units` formula units, if the atoms in the cell are between
    /// `least` and `most` formula units. Some programs write Z beside a formula of all atoms in the cell; that agrees,
    /// too.
    fn may_be(&self, units: f64, (least, most): (f64, f64)) -> bool {
        let is_of_cell = |part: &Part| (part.count / units).fract() == 0.0;
        (least..=most).contains(&units)
            || (units > 1.0 && (least..=most).contains(&1.0) && self.formula.iter().all(is_of_cell))
    }
}

/// Returns how far a coefficient may be from its exact value: half a unit of its last decimal, or its standard
/// uncertainty. Whole numbers are exact.
fn slack_of(coefficient: &[u8]) -> f64 {
    if !coefficient.contains(&b'.') {
        return 0.0;
    }
    let unit = resolution(coefficient);
    if coefficient.contains(&b'(') { unit } else { unit / 2.0 }
}

/// Compares the number of positions of every site with its multiplicity. Returns the place of the first one that
/// differs, and a message.
///
/// A file without a column of multiplicities may have Wyckoff symbols, whose digits are multiplicities: 4 in `4a`. They
/// count positions in the conventional cell, and say nothing here of two kinds of cells: of those whose only operation
/// is the identity, and of primitive or rhombohedral ones, where every multiplicity is the same 2, 3 or 4 times the
/// number of positions.
fn of_multiplicities(reading: &Reading<'_>, kept: &Kept<'_>) -> Option<(Span, String)> {
    let has = |tag: Tag| reading.block.site_columns & (1 << tag as u64) != 0;
    let place: fn(&RawSite) -> Span = match has(Tag::Multiplicity) {
        true => |site: &RawSite| site.multiplicity,
        false if has(Tag::Wyckoff) && kept.operations > 1 => |site: &RawSite| site.wyckoff,
        false => return None,
    };
    let given = |site: &RawSite| {
        let text = place(site).of(reading.bytes);
        if has(Tag::Multiplicity) { parse_number(text) } else { multiplicity_of_wyckoff(text) }
    };
    let sites = || kept.origins.chunk_by(|first, second| first == second);
    if !has(Tag::Multiplicity) {
        let mut ratios = sites().filter_map(|positions| {
            let site = reading.block.sites.get(*positions.first()? as usize)?;
            given(site).map(|given| given / positions.len() as f64)
        });
        let ratio = ratios.next();
        if ratio.is_some_and(|ratio| CELLS.contains(&ratio) && ratios.all(|other| other == ratio)) {
            return None;
        }
    }
    let at = sites().find_map(|positions| {
        let site = reading.block.sites.get(*positions.first()? as usize)?;
        // Most files of whole cells give 1.
        if positions.len() == 1 && place(site).of(reading.bytes) == b"1" {
            return None;
        }
        let count = positions.len() as f64;
        given(site).filter(|given| *given != count).map(|_| place(site))
    })?;
    match kept.contents().multiplicities_by(reading, given) {
        Verdict::Contradicts { evidence, .. } => Some((at, evidence)),
        Verdict::Agrees | Verdict::Silent => None,
    }
}

/// Returns the multiplicity in a Wyckoff symbol such as `4a`, or `None` if it has none.
fn multiplicity_of_wyckoff(symbol: &[u8]) -> Option<f64> {
    let digits = symbol.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, letter) = symbol.split_at_checked(digits)?;
    parse_number(number).filter(|_| matches!(letter, [first] if first.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares sodium, chlorine and hydrogen atoms with a formula.
    fn compare(formula: &str, [sodium, chlorine, hydrogen]: [u32; 3]) -> Option<Difference> {
        let mut differences = Differences::default();
        differences.read(formula.as_bytes())?;
        let mut atoms: Atoms = [0; SYMBOLS.len()];
        (atoms[11], atoms[17], atoms[1]) = (sodium, chlorine, hydrogen);
        differences.compare(&atoms, (sodium + chlorine + hydrogen) as usize).err()
    }

    #[test]
    fn formulas_that_agree() {
        for (formula, atoms) in [
            ("Na Cl", [4, 4, 0]),
            ("Cl4 Na4", [1, 1, 0]),
            ("Na0.5 Cl0.5", [1, 1, 0]),
            ("Na1.00 Cl1.00", [1, 1, 0]),
            ("Na0.67 Cl", [2, 3, 0]),
            ("Na0.66 Cl", [2, 3, 0]),
            ("Na0.7 Cl", [2, 3, 0]),
            ("Na0.98(2) Cl", [1, 1, 0]),
            ("Na Na Cl2", [1, 1, 0]),
            ("Na Cl K0", [1, 1, 0]),
            // Hydrogen sites are left out, all or some of them.
            ("Na Cl H2", [1, 1, 0]),
            ("Na Cl H2", [1, 1, 1]),
            ("Na Cl D2", [1, 1, 2]),
            ("Na Cl H D", [2, 2, 4]),
            ("D2", [0, 0, 4]),
            // Nothing that can be read.
            ("NaCl", [1, 0, 0]),
            ("(Na Cl)2", [1, 0, 0]),
            ("Na0", [1, 1, 0]),
            ("Na-1 Cl", [1, 0, 0]),
        ] {
            assert_eq!(compare(formula, atoms), None, "{formula} {atoms:?}");
        }
    }

    #[test]
    fn formulas_that_differ() {
        for (formula, atoms, difference) in [
            ("Na K Cl", [1, 1, 0], Difference::Missing(19)),
            ("Na0.5 K0.5 Cl", [4, 4, 0], Difference::Missing(19)),
            ("Na0.99 K0.01 Cl", [4, 4, 0], Difference::Missing(19)),
            ("Na H", [0, 0, 1], Difference::Missing(11)),
            ("Na", [1, 1, 0], Difference::Surplus(17)),
            ("Na Cl", [1, 1, 1], Difference::Surplus(1)),
            ("H2", [1, 0, 2], Difference::Surplus(11)),
            ("Na Cl2", [4, 4, 0], Difference::Proportions),
            ("Na0.9 Cl", [1, 1, 0], Difference::Proportions),
            ("Na0.99 Cl", [1, 1, 0], Difference::Proportions),
            ("Na200 Cl200", [199, 200, 0], Difference::Proportions),
            ("Na Cl H2", [1, 1, 3], Difference::Proportions),
        ] {
            assert_eq!(compare(formula, atoms), Some(difference), "{formula} {atoms:?}");
        }
    }

    #[test]
    fn numbers_of_formula_units() {
        let mut differences = Differences::default();
        let mut may_be = |formula: &str, units: f64, range: (f64, f64)| {
            differences.read(formula.as_bytes()).expect("a formula");
            differences.may_be(units, range)
        };
        assert!(may_be("Na Cl", 4.0, (4.0, 4.0)));
        assert!(!may_be("Na Cl", 4.0, (1.0, 1.0)));
        // The formula of the whole cell.
        assert!(may_be("Na4 Cl4", 4.0, (1.0, 1.0)));
        assert!(!may_be("Na4 Cl4", 3.0, (1.0, 1.0)));
        assert!(!may_be("Na4 Cl4", 4.0, (2.0, 2.0)));
    }
}
