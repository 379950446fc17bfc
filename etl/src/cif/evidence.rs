//! What a file says of its contents, against the atoms that a reading of its symmetry makes: multiplicities of the
//! sites, sum formula and number of formula units, density.

use super::expand::{Expander, Nearness};
use super::mass::atomic_weight;
use super::number::parse_number;
use super::reading::{Reading, excerpt};
use super::species::Species;
use super::tag::Tag;
use crate::element::{SYMBOLS, atomic_number_of};
use crate::structure::Structure;
use crate::symmetry::SymmetryOperation;

/// Numbers of atoms, indexed by atomic number.
type Counts = [f64; SYMBOLS.len()];

/// Hydrogen is often in the formula without being among the sites.
const HYDROGEN: usize = 1;

/// How far counts of atoms may be off a formula: formulas are rounded.
const COUNT_TOLERANCE: f64 = 0.01;

/// Ratio of two densities up to which they agree: the sites may lack the hydrogen.
const SAME_DENSITY: f64 = 1.15;

/// Ratio of two densities from which on they contradict each other.
const OTHER_DENSITY: f64 = 1.4;

/// Density in g/cm³ of one g/mol in one Å³.
const DENSITY_UNIT: f64 = 1.660_539;

/// Densities above this many g/cm³ are kg/m³; none is near it.
const HIGHEST_DENSITY: f64 = 100.0;

/// Atoms of a cell: of each element, and of each site.
pub(super) struct Contents {
    atoms: Counts,
    /// Index of every site that is an atom, and the number of its positions.
    positions: Vec<(usize, usize)>,
    /// Number of operations that made them.
    operations: usize,
}

/// What the file says of the contents, against them.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// They agree with something that depends on the symmetry.
    Agrees,
    /// There is nothing that tells, or there are things that tell the opposite.
    Silent,
    /// They do not agree.
    Contradicts {
        /// The two numbers.
        evidence: String,
        /// Whether there are more atoms than the file says.
        are_more: bool,
    },
}

impl Verdict {
    /// Whether nothing speaks against the contents.
    pub(super) fn is_possible(&self) -> bool {
        !matches!(self, Self::Contradicts { .. })
    }
}

impl Contents {
    /// Of atoms with the index of the site behind each, made by so many operations.
    pub(super) fn of_structure(structure: &Structure, origins: &[u32], operations: usize) -> Self {
        let mut contents = Self { atoms: [0.0; SYMBOLS.len()], positions: Vec::new(), operations };
        for (&number, &origin) in structure.atomic_numbers.iter().zip(origins) {
            contents.add(number, 1);
            match contents.positions.last_mut() {
                Some((site, count)) if *site == origin as usize => *count += 1,
                _ => contents.positions.push((origin as usize, 1)),
            }
        }
        contents
    }

    /// Of the sites and their images; `None` where those are neither together nor apart.
    pub(super) fn of_sites(
        operations: &[SymmetryOperation],
        reading: &Reading<'_>,
        expander: &mut Expander,
        nearness: &Nearness,
    ) -> Option<Self> {
        let mut contents =
            Self { atoms: [0.0; SYMBOLS.len()], positions: Vec::new(), operations: operations.len() };
        for (index, site) in reading.block.sites.iter().enumerate() {
            let Species::Element(number) = reading.species(site) else { continue };
            let images =
                expander.images(&site.fractional, operations, nearness, || reading.uncertainty(site)).ok()?;
            contents.add(number, images.len());
            contents.positions.push((index, images.len()));
        }
        Some(contents)
    }

    fn add(&mut self, number: u8, count: usize) {
        if let Some(place) = self.atoms.get_mut(usize::from(number)) {
            *place += count as f64;
        }
    }

    /// What the block says of its contents, against these, in a cell of this volume in Å³.
    ///
    /// The number of formula units and the density speak for the whole cell, and go before what a list of sites
    /// says of itself. Without `counts_units` the number of formula units is that of another cell.
    pub(super) fn judge(&self, reading: &Reading<'_>, volume: f64, counts_units: bool) -> Verdict {
        let formula = self.formula(reading, counts_units);
        let density = self.density(reading, volume, counts_units);
        let multiplicity = self.multiplicities(reading);
        let agrees = |verdict: &Verdict| *verdict == Verdict::Agrees;
        let cell_agrees = agrees(&formula) || agrees(&density);
        let all = [formula, density, multiplicity];
        let agreeing = all.iter().any(agrees);
        match all.into_iter().find(|verdict| !verdict.is_possible()) {
            Some(_) if cell_agrees => Verdict::Silent,
            Some(contradiction) => contradiction,
            None if agreeing => Verdict::Agrees,
            None => Verdict::Silent,
        }
    }

    fn multiplicities(&self, reading: &Reading<'_>) -> Verdict {
        let given = |site: usize| {
            let site = reading.block.sites.get(site)?;
            parse_number(site.multiplicity.of(reading.bytes)).map(|given| (site, given))
        };
        let sites = || {
            self.positions
                .iter()
                .filter_map(|&(site, count)| given(site).map(|(site, given)| (site, count as f64, given)))
        };
        let Some((site, count, given)) = sites().find(|(_, count, given)| count != given) else {
            return if sites().next().is_some() { Verdict::Agrees } else { Verdict::Silent };
        };
        // A program has written the order of the site's symmetry there.
        if sites().all(|(_, count, given)| count * given == self.operations as f64) {
            return Verdict::Silent;
        }
        let label = reading.label(site);
        let evidence =
            format!("site {label:?} has {count} positions in the cell, its multiplicity is given as {given}");
        Verdict::Contradicts { evidence, are_more: count > given }
    }

    fn formula(&self, reading: &Reading<'_>, counts_units: bool) -> Verdict {
        let Some(text) = reading.text(Tag::FormulaSum) else { return Verdict::Silent };
        let Some(formula) = counts_of_formula(text) else { return Verdict::Silent };
        let heavy = || self.atoms.iter().zip(formula).skip(HYDROGEN + 1);
        let atoms: f64 = heavy().map(|(atoms, _)| atoms).sum();
        let in_unit: f64 = heavy().map(|(_, in_unit)| in_unit).sum();
        if atoms == 0.0 || in_unit == 0.0 {
            return Verdict::Silent;
        }
        let agrees = |units: f64| {
            heavy().all(|(&atoms, in_unit)| (atoms - units * in_unit).abs() <= COUNT_TOLERANCE * atoms)
        };
        let given = reading.text(Tag::FormulaUnits).filter(|_| counts_units).and_then(parse_number);
        let written = excerpt(text);
        match given.filter(|units| *units > 0.0) {
            Some(units) if agrees(units) || (is_of_units(&formula, units) && agrees(1.0)) => Verdict::Agrees,
            Some(units) => {
                let expected = units * in_unit;
                let evidence = format!(
                    "the cell holds {atoms} atoms beside hydrogen, {units} formula units {written:?} have {expected}"
                );
                Verdict::Contradicts { evidence, are_more: atoms > expected }
            }
            None if agrees(atoms / in_unit) && atoms / in_unit >= 1.0 - COUNT_TOLERANCE => Verdict::Silent,
            None => {
                let atoms = composition(&self.atoms);
                let evidence = format!("the cell holds {atoms}, the formula is {written:?}");
                Verdict::Contradicts { evidence, are_more: false }
            }
        }
    }

    fn density(&self, reading: &Reading<'_>, volume: f64, counts_units: bool) -> Verdict {
        let number = |tag: Tag| reading.text(tag).and_then(parse_number).filter(|number| *number > 0.0);
        let density =
            number(Tag::Density).map(|given| if given > HIGHEST_DENSITY { given / 1e3 } else { given });
        let units = number(Tag::FormulaUnits).filter(|_| counts_units);
        let by_mass = || Some(DENSITY_UNIT * number(Tag::FormulaWeight)? * units? / volume);
        let Some(given) = density.or_else(by_mass) else { return Verdict::Silent };
        let mass: f64 =
            self.atoms.iter().enumerate().map(|(number, count)| count * atomic_weight(number)).sum();
        let found = DENSITY_UNIT * mass / volume;
        let ratio = (found / given).max(given / found);
        if ratio <= SAME_DENSITY {
            Verdict::Agrees
        } else if ratio < OTHER_DENSITY {
            Verdict::Silent
        } else {
            let evidence = format!(
                "the atoms of the cell have a density of {found:.3} g/cm3, the file gives {given:.3} g/cm3"
            );
            Verdict::Contradicts { evidence, are_more: found > given }
        }
    }
}

/// `Na 1, Cl 1`.
fn composition(atoms: &Counts) -> String {
    let present = SYMBOLS.iter().zip(atoms).filter(|(_, count)| **count > 0.0);
    present.map(|(symbol, count)| format!("{symbol} {count}")).collect::<Vec<_>>().join(", ")
}

/// Whether a formula may be that of so many units together, as some programs write it beside their number.
fn is_of_units(formula: &Counts, units: f64) -> bool {
    units > 1.0 && formula.iter().all(|count| (count / units).fract() == 0.0)
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
    use super::*;

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
        let whole_cell = counts_of_formula(b"Na4 Cl4").expect("a formula");
        assert!(is_of_units(&whole_cell, 4.0) && is_of_units(&whole_cell, 2.0));
        assert!(!is_of_units(&whole_cell, 3.0) && !is_of_units(&whole_cell, 1.0));
    }
}
