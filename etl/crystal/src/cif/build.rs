//! Construction of the atoms of a unit cell from the content of a data block.

use super::block::RawBlock;
use super::cell::Cell;
use super::crystal_system::of_crystal_system;
use super::differences::{Differences, Kept};
use super::dummy::Dummies;
use super::error::{CifErrorKind, ERROR_FLAG, SYMMETRY_UNCLEAR};
use super::evidence::{Contents, Verdict};
use super::expand::{Expander, Nearness};
use super::group::{Doubt, Found, GroupReader};
use super::lexer::Span;
use super::overlap::PairSearch;
use super::reading::{BuildError, Reading, Remark, excerpt};
use super::setting::Trial;
use super::statement::{Operations, Statement};
use super::tag::Tag;
use super::whole::is_whole;
use crate::structure::Structure;
use crate::symmetry::{SymmetryOperation, fits_cell};

/// Builds structures. Keeps its buffers and a cache of symmetry operations.
#[derive(Debug, Default)]
pub(super) struct Builder {
    structure: Structure,
    /// Index of the site in the file that each atom is generated from.
    origins: Vec<u32>,
    pub(super) groups: GroupReader,
    pub(super) expander: Expander,
    pairs: PairSearch,
    differences: Differences,
    dummies: Dummies,
    remarks: Vec<Remark>,
}

/// Values of `_cod_error_flag` of entries that must not be trusted.
const FAULTY: [&[u8]; 2] = [b"errors", b"retracted"];

/// The crystal system without symmetry requirements.
const TRICLINIC: &[u8] = b"triclinic";

impl Builder {
    /// Builds the structure of a block.
    pub(super) fn build(&mut self, block: &RawBlock, bytes: &[u8]) -> Result<(), BuildError> {
        self.structure.clear();
        self.origins.clear();
        self.dummies.clear();
        self.remarks.clear();
        let reading = Reading::new(block, bytes);
        check_count(&reading, block.site_count)?;
        reading.check_items()?;
        let cell = reading.cell()?;
        reading.check_occupancies()?;
        reading.check_disorder_groups()?;
        let found = self.groups.operations(&reading, &cell.metric())?;
        self.structure.lattice = cell.lattice;
        let (operations, symbol, doubt) = self.settle(found, &reading, &cell)?;
        match &*operations {
            [_] => self.take_sites(&reading)?,
            operations => self.expand_sites(&reading, operations, &Nearness::of_images(&cell))?,
        }
        if self.structure.atomic_numbers.is_empty() {
            return Err(reading.error(CifErrorKind::NoStructure));
        }
        let is_settled = matches!(doubt, Doubt::None);
        self.check_contents(&reading, &cell, &operations, symbol, doubt)?;
        self.check_pairs(&reading, &Nearness::new(&cell))?;
        self.note_differences(&reading, operations.len(), cell.volume(), is_settled);
        self.remarks.extend(is_settled.then(|| of_crystal_system(&reading, &operations)).flatten());
        self.remarks.extend(of_error_flag(&reading));
        self.remarks.extend(self.dummies.remark(&reading));
        Ok(())
    }

    /// Returns the number of sites that the buffers have room for.
    pub(super) fn site_room(&self) -> usize {
        self.structure.fractional.capacity()
    }

    /// Returns the structure built last.
    pub(super) fn structure(&self) -> &Structure {
        &self.structure
    }

    /// Returns the remarks about the structure built last.
    pub(super) fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// Chooses between origins and settings. Returns the operations, the place of their symbol, and the ambiguity
    /// that remains until the atoms are known.
    fn settle(
        &mut self,
        found: Found,
        reading: &Reading<'_>,
        cell: &Cell,
    ) -> Result<(Operations, Span, Doubt), BuildError> {
        let Found { symbol, operations, doubt } = found;
        let nearness = Nearness::of_images(cell);
        let mut trial =
            Trial { reading, expander: &mut self.expander, nearness: &nearness, volume: cell.volume() };
        match doubt {
            Doubt::Origin(other) => {
                Ok((trial.choose_origin(symbol, operations, other)?, symbol, Doubt::None))
            }
            Doubt::Settings(settings) => {
                let (operations, remark) = trial.choose_setting(symbol, settings)?;
                self.remarks.extend(remark);
                Ok((operations, symbol, Doubt::None))
            }
            doubt => Ok((operations, symbol, doubt)),
        }
    }

    /// Compares the atoms of an ambiguous block with the formula, the density and the site multiplicities. Too few
    /// atoms are an error, because an asymmetric unit was not expanded. If nothing can be compared, a remark is made.
    fn check_contents(
        &mut self,
        reading: &Reading<'_>,
        cell: &Cell,
        operations: &[SymmetryOperation],
        symbol: Span,
        doubt: Doubt,
    ) -> Result<(), BuildError> {
        if matches!(doubt, Doubt::None) {
            return Ok(());
        }
        let used = match operations.len() {
            1 => "1 operation is used".to_owned(),
            count => format!("{count} operations are used"),
        };
        let (at, stated, other) = match &doubt {
            Doubt::Statement(Statement { text, at, operations: other }) => {
                let has = match other.len() {
                    count if count == operations.len() => "as many others".to_owned(),
                    count => count.to_string(),
                };
                let stated = format!(
                    "{used}, {text} has {has}: list all operations of the group, or all atoms under P 1"
                );
                (*at, stated, Some(other))
            }
            Doubt::Magnetic => (symbol, format!("{used}, of a magnetic group"), None),
            Doubt::Bare => {
                (symbol, "the only operation is x,y,z, and no space group is named".to_owned(), None)
            }
            Doubt::Unnamed => (symbol, "no symmetry is named".to_owned(), None),
            _ => return Ok(()),
        };
        let nearness = Nearness::of_images(cell);
        // A space group that does not fit the cell refers to another cell, such as the conventional one.
        let fits = other.is_none_or(|other| fits_cell(other, &cell.metric()));
        // The atoms always have the symmetry of every subgroup of the operations that generated them.
        let holds = other.is_some_and(|other| other.iter().all(|one| operations.contains(one)));
        if let Some(other) = other
            && fits
            && !holds
            && is_whole(&self.structure, other, &nearness)
        {
            return Ok(());
        }
        let contents = Contents::of_structure(&self.structure, &self.origins, operations.len());
        let message = match contents.judge(reading, cell.volume(), fits) {
            // If there are too many atoms, more operations do not help: the cell is a multiple one. Programs that
            // write all atoms under the identity may keep the formula or Z of another cell.
            Verdict::Contradicts { evidence, are_more }
                if (!are_more || holds) && !matches!(doubt, Doubt::Bare) =>
            {
                return Err(reading.error_at(CifErrorKind::Contradiction { evidence, stated }, at));
            }
            Verdict::Contradicts { evidence, .. } => format!("{evidence}; {stated}"),
            Verdict::Silent if matches!(doubt, Doubt::Statement(_)) && fits => stated,
            Verdict::Silent if matches!(doubt, Doubt::Unnamed) && asks_for_symmetry(symbol, reading) => {
                let system = excerpt(symbol.of(reading.bytes));
                format!(
                    "{stated} beside the crystal system {system:?}: the sites are taken for all of the cell"
                )
            }
            _ => return Ok(()),
        };
        self.remarks.push(Remark { code: SYMMETRY_UNCLEAR, at, message });
        Ok(())
    }

    /// Makes a remark if the structure contradicts the formula, Z, volume, density, a multiplicity or a label of its
    /// block, unless there is one that the symmetry is unclear.
    fn note_differences(&mut self, reading: &Reading<'_>, operations: usize, volume: f64, is_settled: bool) {
        if self.remarks.iter().any(|remark| remark.code == SYMMETRY_UNCLEAR) {
            return;
        }
        let kept =
            Kept { structure: &self.structure, origins: &self.origins, operations, volume, is_settled };
        let remark = self.differences.find(reading, &kept);
        self.remarks.extend(remark);
    }

    /// Takes over the sites of a cell that is given completely.
    fn take_sites(&mut self, reading: &Reading<'_>) -> Result<(), BuildError> {
        for (site, index) in reading.block.sites.iter().zip(0u32..) {
            let Some(number) = reading.element(index, site)? else {
                self.dummies.add(index, reading.is_flagged_dummy(site));
                continue;
            };
            self.structure.fractional.push(site.fractional);
            self.structure.atomic_numbers.push(number);
            self.origins.push(index);
        }
        Ok(())
    }

    /// Expands the sites of an asymmetric unit by the symmetry operations.
    fn expand_sites(
        &mut self,
        reading: &Reading<'_>,
        operations: &[SymmetryOperation],
        nearness: &Nearness,
    ) -> Result<(), BuildError> {
        for (site, index) in reading.block.sites.iter().zip(0u32..) {
            let Some(number) = reading.element(index, site)? else {
                self.dummies.add(index, reading.is_flagged_dummy(site));
                continue;
            };
            let uncertainty = || reading.uncertainty(site);
            let images = self.expander.images(&site.fractional, operations, nearness, uncertainty);
            let images = images.map_err(|ambiguous| {
                let label = reading.label(site);
                let distance = ambiguous.distance;
                let kind = CifErrorKind::SitesOverlap { first: label.clone(), second: label, distance };
                reading.error_of(site, kind)
            })?;
            self.structure.fractional.extend_from_slice(images);
            let count = self.structure.fractional.len();
            self.structure.atomic_numbers.resize(count, number);
            self.origins.resize(count, index);
            check_count(reading, count)?;
        }
        Ok(())
    }

    /// Checks that no two atoms coincide.
    fn check_pairs(&mut self, reading: &Reading<'_>, nearness: &Nearness) -> Result<(), BuildError> {
        let Some(pair) = self.pairs.find(&self.structure.fractional, nearness) else { return Ok(()) };
        let site = |atom: usize| reading.block.sites.get(*self.origins.get(atom)? as usize);
        let (Some(first), Some(second)) = (site(pair.first), site(pair.second)) else { return Ok(()) };
        let numbers = &self.structure.atomic_numbers;
        let (first_label, second_label) = (reading.label(first), reading.label(second));
        let kind = if numbers.get(pair.first) == numbers.get(pair.second) {
            CifErrorKind::SitesOverlap { first: first_label, second: second_label, distance: pair.distance }
        } else {
            CifErrorKind::Disorder {
                site: second_label,
                detail: format!("another element, of site {first_label:?}, is at the same place"),
            }
        };
        Err(reading.error_of(second, kind))
    }
}

/// Checks that the number of atoms does not exceed the limit of the reader.
fn check_count(reading: &Reading<'_>, count: usize) -> Result<(), BuildError> {
    let limit = reading.block.max_sites;
    if count > limit { Err(reading.error(CifErrorKind::TooManySites { count, limit })) } else { Ok(()) }
}

/// Returns a remark if the Crystallography Open Database flags the block as wrong or retracted. Its warnings concern
/// other items.
fn of_error_flag(reading: &Reading<'_>) -> Option<Remark> {
    let at = reading.block.item(Tag::ErrorFlag, reading.bytes)?.span;
    let flag = at.of(reading.bytes).trim_ascii();
    let message = format!("_cod_error_flag is {:?}", excerpt(flag));
    let is_serious = FAULTY.iter().any(|word| flag.eq_ignore_ascii_case(word));
    is_serious.then_some(Remark { code: ERROR_FLAG, at, message })
}

/// Whether the value names a crystal system other than triclinic.
fn asks_for_symmetry(system: Span, reading: &Reading<'_>) -> bool {
    let system = system.of(reading.bytes).trim_ascii();
    !system.is_empty() && !system.eq_ignore_ascii_case(TRICLINIC)
}
