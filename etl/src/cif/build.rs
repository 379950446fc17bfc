//! From what a block says to the atoms of its full cell.

use super::block::{MAX_SITES, RawBlock};
use super::error::CifErrorKind;
use super::expand::{Expander, Nearness};
use super::group::GroupReader;
use super::origin::choose_origin;
use super::overlap::PairSearch;
use super::reading::{BuildError, Reading};
use crate::structure::Structure;
use crate::symmetry::SymmetryOperation;

/// Builds structures; keeps its buffers and the operations it has met.
#[derive(Debug, Default)]
pub(super) struct Builder {
    structure: Structure,
    /// Index of the file's site behind every atom.
    origins: Vec<u32>,
    groups: GroupReader,
    expander: Expander,
    pairs: PairSearch,
}

impl Builder {
    /// The structure of a block.
    pub(super) fn build(&mut self, block: &RawBlock, bytes: &[u8]) -> Result<&Structure, BuildError> {
        self.structure.clear();
        self.origins.clear();
        let reading = Reading::new(block, bytes);
        reading.check_items()?;
        let cell = reading.cell()?;
        reading.check_occupancies()?;
        reading.check_disorder_groups()?;
        let found = self.groups.operations(&reading, &cell.metric())?;
        self.structure.lattice = cell.lattice;
        let nearness = Nearness::new(&cell);
        let operations = match found {
            Some(found) => Some(choose_origin(found, &reading, &mut self.expander, &nearness)?),
            None => None,
        };
        match operations.as_deref() {
            None | Some([_]) => self.take_sites(&reading)?,
            Some(operations) => self.expand_sites(&reading, operations, &nearness)?,
        }
        if self.structure.atomic_numbers.is_empty() {
            return Err(reading.error(CifErrorKind::NoStructure));
        }
        self.check_pairs(&reading, &nearness)?;
        Ok(&self.structure)
    }

    /// Sites of a cell that is given whole.
    fn take_sites(&mut self, reading: &Reading<'_>) -> Result<(), BuildError> {
        for (site, index) in reading.block.sites.iter().zip(0u32..) {
            let Some(number) = reading.element(index, site)? else { continue };
            self.structure.fractional.push(site.fractional);
            self.structure.atomic_numbers.push(number);
            self.origins.push(index);
        }
        self.check_count(reading)
    }

    /// Sites of an asymmetric unit and their images.
    fn expand_sites(
        &mut self,
        reading: &Reading<'_>,
        operations: &[SymmetryOperation],
        nearness: &Nearness,
    ) -> Result<(), BuildError> {
        for (site, index) in reading.block.sites.iter().zip(0u32..) {
            let Some(number) = reading.element(index, site)? else { continue };
            let images =
                self.expander.images(&site.fractional, operations, nearness).map_err(|ambiguous| {
                    let label = reading.label(site);
                    let distance = ambiguous.distance;
                    reading.error_of(
                        site,
                        CifErrorKind::SitesOverlap { first: label.clone(), second: label, distance },
                    )
                })?;
            self.structure.fractional.extend_from_slice(images);
            let count = self.structure.fractional.len();
            self.structure.atomic_numbers.resize(count, number);
            self.origins.resize(count, index);
            self.check_count(reading)?;
        }
        Ok(())
    }

    fn check_count(&self, reading: &Reading<'_>) -> Result<(), BuildError> {
        let count = self.structure.atomic_numbers.len();
        let limit = MAX_SITES;
        if count > limit { Err(reading.error(CifErrorKind::TooManySites { count, limit })) } else { Ok(()) }
    }

    /// No two atoms at one place.
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

    /// Cell parameters and number of atoms of each element in the cell, weighted by occupancy, even of a block that
    /// is refused for partial occupancy, overlap or its space group; element 0 stands for unknown ones.
    #[cfg(test)]
    pub(super) fn contents(
        &mut self,
        block: &RawBlock,
        bytes: &[u8],
    ) -> Result<([f64; 6], std::collections::BTreeMap<u8, f64>), BuildError> {
        use super::species::Species;
        let reading = Reading::new(block, bytes);
        reading.check_items()?;
        let cell = reading.cell()?;
        let found = self.groups.find(&reading, &cell.metric()).unwrap_or(None);
        let operations = found.as_ref().map_or(&[SymmetryOperation::IDENTITY][..], |found| &found.operations);
        let nearness = Nearness::new(&cell);
        let mut atoms = std::collections::BTreeMap::new();
        for site in &block.sites {
            let number = match reading.species(site) {
                Species::Element(number) => number,
                Species::Dummy | Species::Unknown => 0,
            };
            let images = self.expander.images(&site.fractional, operations, &nearness);
            let images = images.map_err(|_| reading.error(CifErrorKind::NoStructure))?;
            *atoms.entry(number).or_default() += images.len() as f64 * site.occupancy;
        }
        Ok((reading.cell_parameters()?, atoms))
    }
}
