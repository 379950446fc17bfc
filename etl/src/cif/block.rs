//! What a data block says about its structure, as numbers and byte ranges.

use super::lexer::{Form, Span, Value};
use super::number::parse_number;
use super::tag::{TAGS, Tag};
use crate::structure::FARTHEST_CELL;

/// Most atoms a cell may hold.
pub(super) const MAX_SITES: usize = 1_000_000;

/// Most operations a list may have: those of a group in a cell of several primitive cells.
pub(super) const MAX_OPERATIONS_LISTED: usize = 1024;

/// Names of the fractional coordinates.
const COORDINATES: [&str; 3] = ["_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z"];

/// Bits of [`RawSite::problems`]: the value is absent, `?` or `.`.
const MISSING: [u8; 3] = [1, 2, 4];

/// Bit of [`RawSite::problems`]: a coordinate or the occupancy is no number, see [`RawBlock::bad_numbers`].
const MALFORMED: u8 = 8;

/// An atom site as the file gives it.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawSite {
    /// Label; empty where there is none.
    pub(super) label: Span,
    /// Type symbol; empty where there is none, or `?` or `.`.
    pub(super) type_symbol: Span,
    /// Calculation flag; empty where there is none.
    pub(super) calc_flag: Span,
    /// Disorder group; empty where there is none, or `?` or `.`.
    pub(super) disorder_group: Span,
    /// Disorder assembly; empty where there is none, or `?` or `.`.
    pub(super) disorder_assembly: Span,
    /// Number of its images in the cell; empty where there is none.
    pub(super) multiplicity: Span,
    /// Fractional coordinates; 0 where missing or malformed.
    pub(super) fractional: [f64; 3],
    /// Occupancy; 1 where it is not given.
    pub(super) occupancy: f64,
    /// Where the site's first value stands, in bytes.
    pub(super) offset: u32,
    problems: u8,
}

impl RawSite {
    /// A site that starts at this offset and of which nothing is known yet.
    pub(super) fn starting_at(offset: u32) -> Self {
        Self {
            label: Span::default(),
            type_symbol: Span::default(),
            calc_flag: Span::default(),
            disorder_group: Span::default(),
            disorder_assembly: Span::default(),
            multiplicity: Span::default(),
            fractional: [0.0; 3],
            occupancy: 1.0,
            offset,
            problems: MISSING[0] | MISSING[1] | MISSING[2],
        }
    }

    /// Whether all coordinates are there and all numbers are numbers.
    #[inline]
    pub(super) fn is_sound(&self) -> bool {
        self.problems == 0
    }

    /// First coordinate that is missing.
    pub(super) fn missing_coordinate(&self) -> Option<&'static str> {
        COORDINATES
            .into_iter()
            .zip(MISSING)
            .find_map(|(item, bit)| (self.problems & bit != 0).then_some(item))
    }
}

/// A number of a site that cannot be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct BadNumber {
    /// Index of the site.
    pub(super) site: usize,
    /// Data name.
    pub(super) item: &'static str,
    /// The value.
    pub(super) value: Span,
}

/// What a data block says about a structure. Reused from block to block.
#[derive(Debug, Default)]
pub(super) struct RawBlock {
    /// Name after `data_`.
    pub(super) name: Span,
    /// Offset of the heading.
    pub(super) offset: usize,
    /// Single values, indexed by [`Tag`].
    items: [Option<Value>; TAGS],
    /// Symmetry operations as listed, the first [`MAX_OPERATIONS_LISTED`] and one more.
    pub(super) operations: Vec<Span>,
    /// From the first to behind the last operation of the list, with all between; empty without a list.
    pub(super) operation_list: Span,
    operations_are_new: bool,
    /// Atom sites in file order, the first [`MAX_SITES`] and one more.
    pub(super) sites: Vec<RawSite>,
    /// Numbers of sites that are none.
    pub(super) bad_numbers: Vec<BadNumber>,
    /// Whether fractional coordinates are given, even without rows.
    pub(super) has_fractional: bool,
    /// Whether Cartesian coordinates are given.
    pub(super) has_cartesian: bool,
    /// Offset and name of an item given twice.
    pub(super) duplicate: Option<Span>,
}

impl RawBlock {
    /// Forgets all and keeps the allocations.
    pub(super) fn clear(&mut self) {
        let Self { items, operations, sites, bad_numbers, .. } = self;
        *items = [None; TAGS];
        operations.clear();
        sites.clear();
        bad_numbers.clear();
        self.name = Span::default();
        self.offset = 0;
        self.operation_list = Span::default();
        self.operations_are_new = false;
        self.has_fractional = false;
        self.has_cartesian = false;
        self.duplicate = None;
    }

    /// Value of a single item; `None` where absent, `?` or `.`.
    pub(super) fn item(&self, tag: Tag, bytes: &[u8]) -> Option<Value> {
        self.items.get(tag as usize).copied().flatten().filter(|value| !value.is_missing(bytes))
    }

    /// Whether the block holds a structure, or should.
    pub(super) fn bears_structure(&self) -> bool {
        self.has_fractional || self.has_cartesian
    }

    /// Takes a single value.
    pub(super) fn set_item(&mut self, tag: Tag, name: Span, value: Value) {
        if let Some(place) = self.items.get_mut(tag as usize) {
            if place.is_some() {
                self.duplicate.get_or_insert(name);
            }
            *place = Some(value);
        }
    }

    /// Whether the list of this item is the one to use: the new name before the old one.
    pub(super) fn takes_operations(&mut self, tag: Tag, name: Span) -> bool {
        let is_new = tag == Tag::Operation;
        if !self.operations.is_empty() {
            if self.operations_are_new == is_new {
                self.duplicate.get_or_insert(name);
                return false;
            }
            if !is_new {
                return false;
            }
            self.operations.clear();
        }
        self.operations_are_new = is_new;
        true
    }

    /// Notes that the block names coordinates.
    pub(super) fn mark_coordinates(&mut self, tag: Tag) {
        match tag {
            Tag::FractionalX | Tag::FractionalY | Tag::FractionalZ => self.has_fractional = true,
            Tag::CartesianX => self.has_cartesian = true,
            _ => {}
        }
    }

    /// Takes a value of a site's row; `index` is the site's.
    #[inline(always)]
    pub(super) fn set_site(
        &mut self,
        site: &mut RawSite,
        index: usize,
        tag: Tag,
        value: Value,
        bytes: &[u8],
    ) {
        let known = |value: Value| if value.is_missing(bytes) { Span::default() } else { value.span };
        let axis = match tag {
            Tag::FractionalX => 0,
            Tag::FractionalY => 1,
            Tag::FractionalZ => 2,
            Tag::Label => return site.label = value.span,
            Tag::TypeSymbol => return site.type_symbol = known(value),
            Tag::CalcFlag => return site.calc_flag = value.span,
            Tag::DisorderGroup => return site.disorder_group = known(value),
            Tag::Multiplicity => return site.multiplicity = value.span,
            Tag::DisorderAssembly => return site.disorder_assembly = known(value),
            Tag::Occupancy => {
                return match number(value, bytes) {
                    Some(occupancy) => site.occupancy = occupancy,
                    None if value.is_missing(bytes) => {}
                    None => self.malformed(site, index, "_atom_site_occupancy", value),
                };
            }
            _ => return,
        };
        match number(value, bytes).filter(|coordinate| coordinate.abs() <= FARTHEST_CELL) {
            Some(coordinate) => {
                site.fractional[axis] = coordinate;
                site.problems &= !MISSING[axis];
            }
            None if value.is_missing(bytes) => {}
            None => {
                site.problems &= !MISSING[axis];
                self.malformed(site, index, COORDINATES[axis], value);
            }
        }
    }

    #[cold]
    fn malformed(&mut self, site: &mut RawSite, index: usize, item: &'static str, value: Value) {
        site.problems |= MALFORMED;
        if index <= MAX_SITES {
            self.bad_numbers.push(BadNumber { site: index, item, value: value.span });
        }
    }
}

#[inline]
fn number(value: Value, bytes: &[u8]) -> Option<f64> {
    if value.form == Form::Container { None } else { parse_number(value.span.of(bytes)) }
}
