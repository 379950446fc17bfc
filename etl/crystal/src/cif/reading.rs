//! Interpretation of a block's values: unit cell, elements, occupancies, and the errors in them.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use super::block::RawBlock;
use super::cell::Cell;
use super::error::CifErrorKind;
use super::lexer::Span;
use super::molecule::{series_of, spells_molecule};
use super::number::{parse_number, resolution};
use super::site::RawSite;
use super::species::{self, Elements, Species};
use super::tag::Tag;

/// A site with at least this occupancy is fully occupied. Occupancies are printed with three or more decimals.
const FULL_OCCUPANCY: f64 = 0.9995;

/// Coordinates that are a multiple of 1/8, such as `0.5` and `.25`, are exact, regardless of their number of digits.
const EXACT_PARTS: f64 = 8.0;

/// Longest number whose digits are counted, in bytes.
const LONGEST_NUMBER: usize = 64;

/// Longest text quoted in an error, in characters.
const QUOTED: usize = 60;

/// An error with its byte offset, if it has one.
#[derive(Debug)]
pub(super) struct BuildError {
    /// What is wrong.
    pub(super) kind: CifErrorKind,
    /// Byte offset.
    pub(super) offset: Option<usize>,
}

/// A remark about a structure that is accepted, before its line is known. See [`super::CifNote`].
#[derive(Debug)]
pub(super) struct Remark {
    /// Kind of remark.
    pub(super) code: &'static str,
    /// Place of the value that the remark is about.
    pub(super) at: Span,
    /// The remark, with the values it is about.
    pub(super) message: String,
}

/// A block and the bytes that its ranges refer to.
pub(super) struct Reading<'a> {
    /// The content of the block.
    pub(super) block: &'a RawBlock,
    /// The bytes of the whole file.
    pub(super) bytes: &'a [u8],
    formula: OnceCell<Elements>,
    /// The series of all labels that do not spell a molecule.
    series: OnceCell<HashSet<Vec<u8>>>,
}

impl<'a> Reading<'a> {
    /// Creates a reading of a block in a file.
    pub(super) fn new(block: &'a RawBlock, bytes: &'a [u8]) -> Self {
        Self { block, bytes, formula: OnceCell::new(), series: OnceCell::new() }
    }

    /// Returns an error of the block as a whole.
    pub(super) fn error(&self, kind: CifErrorKind) -> BuildError {
        BuildError { kind, offset: Some(self.block.offset) }
    }

    /// Returns an error of a value.
    pub(super) fn error_at(&self, kind: CifErrorKind, span: Span) -> BuildError {
        BuildError { kind, offset: Some(span.start as usize) }
    }

    /// Returns an error of a site.
    pub(super) fn error_of(&self, site: &RawSite, kind: CifErrorKind) -> BuildError {
        BuildError { kind, offset: Some(site.offset as usize) }
    }

    /// Returns a site's label, or its type symbol if it has no label.
    pub(super) fn label(&self, site: &RawSite) -> String {
        let label = if site.label.is_empty() { site.type_symbol } else { site.label };
        excerpt(label.of(self.bytes))
    }

    /// Checks that the block has fractional coordinates, no required item twice and no error of joining its sites.
    pub(super) fn check_items(&self) -> Result<(), BuildError> {
        if let Some(name) = self.block.duplicate {
            return Err(
                self.error_at(CifErrorKind::DuplicateItem { item: excerpt(name.of(self.bytes)) }, name)
            );
        }
        if !self.block.has_fractional {
            return Err(self.error(CifErrorKind::CartesianSites));
        }
        if let Some((fault, label)) = self.block.join_fault {
            let site = excerpt(label.of(self.bytes));
            return Err(self.error_at(CifErrorKind::UnmatchedLabel { site, fault }, label));
        }
        self.check_formula()
    }

    /// Checks that `_chemical_formula_sum` has a single value if site labels need it to be interpreted.
    fn check_formula(&self) -> Result<(), BuildError> {
        let Some(name) = self.block.contradicted(Tag::FormulaSum) else { return Ok(()) };
        let needs_formula =
            |site: &RawSite| site.type_symbol.is_empty() && species::needs_formula(site.label.of(self.bytes));
        if !self.block.sites.iter().any(needs_formula) {
            return Ok(());
        }
        Err(self.error_at(CifErrorKind::DuplicateItem { item: "_chemical_formula_sum".to_owned() }, name))
    }

    /// Returns the trimmed text of an item outside loops, or `None` if it is missing or has two different values.
    pub(super) fn text(&self, tag: Tag) -> Option<&'a [u8]> {
        if self.block.contradicted(tag).is_some() {
            return None;
        }
        Some(self.block.item(tag, self.bytes)?.span.of(self.bytes).trim_ascii())
    }

    /// Returns the uncertainty of a site's fractional coordinates from their last digits. See [`resolution`].
    pub(super) fn uncertainty(&self, site: &RawSite) -> [f64; 3] {
        [0, 1, 2].map(|axis| {
            if (site.fractional[axis] * EXACT_PARTS).fract() == 0.0 {
                return 0.0;
            }
            let text = self.bytes.get(site.digits[axis] as usize..).unwrap_or_default();
            resolution(text.get(..LONGEST_NUMBER).unwrap_or(text))
        })
    }

    /// Returns the unit cell of the block.
    pub(super) fn cell(&self) -> Result<Cell, BuildError> {
        let parameters = self.cell_parameters()?;
        Cell::from_parameters(parameters).ok_or_else(|| self.error(CifErrorKind::BadCell { parameters }))
    }

    /// Returns a, b, c in Å and alpha, beta, gamma in degrees.
    pub(super) fn cell_parameters(&self) -> Result<[f64; 6], BuildError> {
        const ITEMS: [(Tag, &str); 6] = [
            (Tag::LengthA, "_cell_length_a"),
            (Tag::LengthB, "_cell_length_b"),
            (Tag::LengthC, "_cell_length_c"),
            (Tag::AngleAlpha, "_cell_angle_alpha"),
            (Tag::AngleBeta, "_cell_angle_beta"),
            (Tag::AngleGamma, "_cell_angle_gamma"),
        ];
        let mut parameters = [0.0; 6];
        for (parameter, (tag, item)) in parameters.iter_mut().zip(ITEMS) {
            let value = self.block.item(tag, self.bytes);
            let value = value.ok_or_else(|| self.error(CifErrorKind::MissingCell { item }))?;
            let text = value.span.of(self.bytes);
            *parameter = parse_number(text).ok_or_else(|| {
                self.error_at(CifErrorKind::BadNumber { item, value: excerpt(text) }, value.span)
            })?;
        }
        Ok(parameters)
    }

    /// Checks that every site that is an atom is fully occupied.
    pub(super) fn check_occupancies(&self) -> Result<(), BuildError> {
        for site in &self.block.sites {
            if (FULL_OCCUPANCY..=2.0 - FULL_OCCUPANCY).contains(&site.occupancy) || self.is_dummy(site) {
                continue;
            }
            let kind = CifErrorKind::PartialOccupancy { site: self.label(site), occupancy: site.occupancy };
            return Err(self.error_of(site, kind));
        }
        Ok(())
    }

    /// Checks that no disorder assembly has two groups, and that no site is disordered about a symmetry element
    /// (`-1`).
    ///
    /// Groups are numbers in practice, or letters of a named assembly. Letters without an assembly are refinement flags
    /// that old files have in the wrong column.
    pub(super) fn check_disorder_groups(&self) -> Result<(), BuildError> {
        let mut groups: Option<HashMap<&[u8], &[u8]>> = None;
        for site in self.block.sites.iter().filter(|site| !site.disorder_group.is_empty()) {
            let group = site.disorder_group.of(self.bytes);
            if !is_group(group, !site.disorder_assembly.is_empty()) {
                continue;
            }
            let detail = if group.starts_with(b"-") {
                Some("its group excludes the images of its own sites".to_owned())
            } else {
                let groups = groups.get_or_insert_default();
                let first = groups.entry(site.disorder_assembly.of(self.bytes)).or_insert(group);
                (*first != group)
                    .then(|| format!("its group excludes group {} of its assembly", excerpt(first)))
            };
            if let Some(detail) = detail {
                return Err(self.error_of(site, CifErrorKind::Disorder { site: self.label(site), detail }));
            }
        }
        Ok(())
    }

    fn is_dummy(&self, site: &RawSite) -> bool {
        self.is_flagged_dummy(site) || self.species(site) == Species::Dummy
    }

    /// Whether the file flags the site as a dummy.
    pub(super) fn is_flagged_dummy(&self, site: &RawSite) -> bool {
        site.calc_flag.of(self.bytes).eq_ignore_ascii_case(b"dum")
    }

    /// Returns the species of a site from its type symbol, or from its label if it has none.
    pub(super) fn species(&self, site: &RawSite) -> Species {
        if !site.type_symbol.is_empty() {
            let symbol = site.type_symbol.of(self.bytes);
            if species::is_group(symbol, site.label.of(self.bytes)) {
                return Species::Unknown;
            }
            return species::of_type_symbol(symbol);
        }
        let formula = *self
            .formula
            .get_or_init(|| self.text(Tag::FormulaSum).map(Elements::of_formula).unwrap_or_default());
        let label = site.label.of(self.bytes);
        if spells_molecule(label) && !species::is_of_two_letters(label, formula) && !self.is_in_series(label)
        {
            return Species::Unknown;
        }
        species::of_label(label, formula)
    }

    /// Whether another label differs from this one by its numbers alone and spells no molecule. `CO3` beside `CO1` is the
    /// third of a series of atoms.
    fn is_in_series(&self, label: &[u8]) -> bool {
        let series = self.series.get_or_init(|| {
            let labels = self.block.sites.iter().map(|site| site.label.of(self.bytes));
            labels.filter(|label| !spells_molecule(label)).map(series_of).collect()
        });
        series.contains(&series_of(label))
    }

    /// Returns the atomic number of a site, or `None` if the site is not an atom.
    #[inline]
    pub(super) fn element(&self, index: u32, site: &RawSite) -> Result<Option<u8>, BuildError> {
        if !site.calc_flag.is_empty() && self.is_dummy(site) {
            return Ok(None);
        }
        match self.species(site) {
            Species::Dummy => Ok(None),
            Species::Element(number) if site.is_sound() => Ok(Some(number)),
            Species::Element(_) => Err(self.unsound(index, site)),
            Species::Unknown if site.type_symbol.is_empty() && spells_molecule(site.label.of(self.bytes)) => {
                Err(self.error_of(site, CifErrorKind::MoleculeLabel { site: self.label(site) }))
            }
            Species::Unknown => {
                let span = if site.type_symbol.is_empty() { site.label } else { site.type_symbol };
                let symbol = excerpt(span.of(self.bytes));
                Err(self.error_of(site, CifErrorKind::UnknownElement { site: self.label(site), symbol }))
            }
        }
    }

    #[cold]
    fn unsound(&self, index: u32, site: &RawSite) -> BuildError {
        let site_label = self.label(site);
        if let Some(item) = site.missing_coordinate() {
            return self.error_of(site, CifErrorKind::MissingCoordinate { site: site_label, item });
        }
        match self.block.bad_numbers.iter().find(|bad| bad.site == index as usize) {
            Some(bad) => {
                let value = excerpt(bad.value.of(self.bytes));
                self.error_at(CifErrorKind::BadNumber { item: bad.item, value }, bad.value)
            }
            None if site.attached_hydrogens > 0.0 => {
                let count = f64::from(site.attached_hydrogens);
                self.error_of(site, CifErrorKind::AttachedHydrogens { site: site_label, count })
            }
            None => self.error_of(site, CifErrorKind::NoStructure),
        }
    }
}

/// Whether the value of `_atom_site_disorder_group` is a group. Zero is none, and neither are letters alone without an
/// assembly.
fn is_group(group: &[u8], has_assembly: bool) -> bool {
    match parse_number(group) {
        Some(number) => number != 0.0,
        None if has_assembly => group.iter().any(u8::is_ascii_alphanumeric),
        None => group.iter().any(u8::is_ascii_digit),
    }
}

/// Returns the beginning of a text of the file for an error.
pub(super) fn excerpt(text: &[u8]) -> String {
    let text = text.get(..4 * QUOTED).unwrap_or(text);
    String::from_utf8_lossy(text).chars().take(QUOTED).collect()
}
