//! Compares the atoms that a choice of symmetry operations generates with what the file says of the contents of the
//! cell: multiplicities of the sites, sum formula with the number of formula units Z, and density.

use super::expand::{Expander, Nearness};
use super::mass::atomic_weight;
use super::number::parse_number;
use super::reading::{Reading, excerpt};
use super::species::Species;
use super::tag::Tag;
use crate::element::{SYMBOLS, atomic_number_of};
use crate::number::{exact, significant};
use crate::structure::Structure;
use crate::symmetry::SymmetryOperation;

/// Numbers of atoms, indexed by atomic number.
type Counts = [f64; SYMBOLS.len()];

/// Atomic number of hydrogen, which is often in the formula without being among the sites.
const HYDROGEN: usize = 1;

/// Relative tolerance of counts of atoms against a formula, whose numbers may be rounded.
const COUNT_TOLERANCE: f64 = 0.01;

/// Largest ratio of two densities that agree. The sites may lack the hydrogen.
const SAME_DENSITY: f64 = 1.15;

/// Smallest ratio of two densities that contradict each other.
const OTHER_DENSITY: f64 = 1.4;

/// Density in g/cm³ of one g/mol in one Å³.
const DENSITY_UNIT: f64 = 1.660_539;

/// Densities above this many g/cm³ are taken for kg/m³. That of osmium, the densest element, is 22.6 g/cm³.
const HIGHEST_DENSITY: f64 = 100.0;

/// Numbers of atoms in the cell, by element and by site.
pub(super) struct Contents {
    /// Atoms of every element.
    atoms: Counts,
    /// Index of every site that is an atom, and the number of its positions in the cell.
    positions: Vec<(usize, usize)>,
    /// Number of operations that generated the atoms.
    operations: usize,
}

/// Result of comparing the atoms of the cell with what the file says of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// They agree in a quantity that depends on the symmetry.
    Agrees,
    /// The file gives no such quantity, or its quantities disagree with each other.
    Silent,
    /// They disagree.
    Contradicts {
        /// The quantity, with its value in the cell and in the file.
        evidence: String,
        /// Whether the cell has more atoms than the file says.
        are_more: bool,
    },
}

impl Verdict {
    /// Returns whether the file does not contradict the atoms.
    pub(super) fn is_possible(&self) -> bool {
        !matches!(self, Self::Contradicts { .. })
    }
}

impl Contents {
    /// Counts the atoms of a structure that so many operations generated. `origins` holds the index of the site
    /// behind every atom, and is ascending.
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

    /// Counts the images of all sites. `None` if an image of a site is near it without being on it.
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

    /// Compares these atoms, in a cell of this volume in Å³, with what the block says of its contents.
    ///
    /// Formula and density describe the whole cell: where one of them agrees, no other quantity can contradict the
    /// atoms. Z is not used without `counts_units`; it is then that of another cell.
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

    /// Compares the positions of every site with its multiplicity.
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
        // Some programs write the order of the site's symmetry group instead.
        if sites().all(|(_, count, given)| count * given == self.operations as f64) {
            return Verdict::Silent;
        }
        let label = reading.label(site);
        let evidence = format!(
            "site {label:?} has {count} positions in the cell, its multiplicity is given as {}",
            exact(given)
        );
        Verdict::Contradicts { evidence, are_more: count > given }
    }

    /// Compares the atoms other than hydrogen with the sum formula and Z, or the proportions alone without Z.
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
                    "the cell holds {atoms} atoms beside hydrogen, {} formula units {written:?} have {}",
                    exact(units),
                    significant(expected)
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

    /// Compares the density of the cell with the one given, or with that of Z formula units.
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
                "the atoms of the cell have a density of {} g/cm3, the file gives {} g/cm3",
                significant(found),
                significant(given)
            );
            Verdict::Contradicts { evidence, are_more: found > given }
        }
    }
}

/// Atoms of the cell as text, in order of atomic number: `Na 1, Cl 1`.
fn composition(atoms: &Counts) -> String {
    let present = SYMBOLS.iter().zip(atoms).filter(|(_, count)| **count > 0.0);
    present.map(|(symbol, count)| format!("{symbol} {count}")).collect::<Vec<_>>().join(", ")
}

/// Returns whether the formula may be that of the whole cell with so many units. Some programs write it so beside Z.
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
