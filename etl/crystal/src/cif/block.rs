//! What a data block states about its structure, as numbers and byte ranges.

use super::error::JoinFault;
use super::lexer::{Form, Span, Value, says_nothing};
use super::number::parse_number;
use super::operation_list::OperationList;
use super::site::{BadNumber, COORDINATES, JoinedLoop, RawSite};
use super::tag::{LISTS, ListTag, TAGS, Tag};
use crate::structure::FARTHEST_CELL;

/// Largest number of atoms in a unit cell.
pub(super) const MAX_SITES: usize = 1_000_000;

/// Number of rows of atom-site loops without coordinates that are kept for each site. Such loops have one row per
/// site, for example with anisotropic displacement parameters.
const JOINED_ROWS_PER_SITE: usize = 8;

/// The value of every [`Tag`]; `None` if the block does not have it.
#[derive(Debug)]
struct Items([Option<Value>; TAGS]);

impl Default for Items {
    fn default() -> Self {
        Self([None; TAGS])
    }
}

/// The content of a data block as far as it concerns a structure. Reused from block to block.
#[derive(Debug, Default)]
pub(super) struct RawBlock {
    /// Block code, the name after `data_`.
    pub(super) name: Span,
    /// Byte offset of the data heading.
    pub(super) offset: usize,
    /// Values of items outside loops, indexed by [`Tag`].
    items: Items,
    /// Items with two different values, each with the data name of its first repetition. That is an error only if the
    /// structure depends on the item.
    contradicted: Vec<(Tag, Span)>,
    /// Lists of operations, indexed by [`ListTag`].
    lists: [OperationList; LISTS],
    /// Largest number of sites in a unit cell. Clearing the block does not change it.
    pub(super) max_sites: usize,
    /// Atom sites in file order, at most `max_sites`.
    pub(super) sites: Vec<RawSite>,
    /// Number of atom sites in the file.
    pub(super) site_count: usize,
    /// Items that are given for these sites, as bits by [`Tag`].
    pub(super) site_columns: u64,
    /// Rows of all atom-site loops without coordinates, at most [`JOINED_ROWS_PER_SITE`] times `max_sites`.
    pub(super) joined: Vec<RawSite>,
    /// Whether there are more such rows.
    pub(super) has_more_joined: bool,
    /// The loops that these rows come from, in file order.
    pub(super) joined_loops: Vec<JoinedLoop>,
    /// The first error of joining these loops to the sites by label, and its place.
    pub(super) join_fault: Option<(JoinFault, Span)>,
    /// Numeric values of sites that cannot be parsed.
    pub(super) bad_numbers: Vec<BadNumber>,
    /// Whether the block has fractional coordinates, even in a loop without rows.
    pub(super) has_fractional: bool,
    /// Whether the block has Cartesian coordinates.
    pub(super) has_cartesian: bool,
    /// Place of the data name of a duplicate item.
    pub(super) duplicate: Option<Span>,
}

impl RawBlock {
    /// Removes the content and keeps the allocated memory.
    pub(super) fn clear(&mut self) {
        let Self { items, contradicted, lists, sites, joined, joined_loops, bad_numbers, .. } = self;
        *items = Items::default();
        contradicted.clear();
        for list in lists {
            list.clear();
        }
        sites.clear();
        joined.clear();
        joined_loops.clear();
        bad_numbers.clear();
        self.site_count = 0;
        self.has_more_joined = false;
        self.site_columns = 0;
        self.join_fault = None;
        self.name = Span::default();
        self.offset = 0;
        self.has_fractional = false;
        self.has_cartesian = false;
        self.duplicate = None;
    }

    /// Appends an atom site, unless the largest number of sites is reached.
    pub(super) fn push_site(&mut self, site: RawSite) {
        self.site_count += 1;
        if self.sites.len() < self.max_sites {
            self.sites.push(site);
        }
    }

    /// Appends a row of an atom-site loop without coordinates, unless there are too many.
    pub(super) fn push_joined(&mut self, site: RawSite) {
        if self.joined.len() < self.max_sites.saturating_mul(JOINED_ROWS_PER_SITE) {
            self.joined.push(site);
        } else {
            self.has_more_joined = true;
        }
    }

    /// Returns the number of sites that the buffers have room for.
    pub(super) fn site_room(&self) -> usize {
        self.sites.capacity().max(self.joined.capacity())
    }

    /// Returns the value of an item outside loops, or `None` if it is absent, empty, `?` or `.`, with or without
    /// quotes.
    pub(super) fn item(&self, tag: Tag, bytes: &[u8]) -> Option<Value> {
        self.items.0.get(tag as usize).copied().flatten().filter(|value| !says_nothing(value.span.of(bytes)))
    }

    /// Returns the data name of an item's repetition with another value, if there is one.
    pub(super) fn contradicted(&self, tag: Tag) -> Option<Span> {
        self.contradicted.iter().find(|(other, _)| *other == tag).map(|(_, name)| *name)
    }

    /// Returns a list of operations.
    pub(super) fn list(&self, tag: ListTag) -> &OperationList {
        &self.lists[tag as usize]
    }

    /// Whether the block has no known item.
    pub(super) fn is_empty(&self) -> bool {
        self.items.0.iter().all(Option::is_none)
            && self.lists.iter().all(|list| list.operations.is_empty())
            && self.sites.is_empty()
            && self.joined.is_empty()
            && !self.bears_structure()
    }

    /// Whether the block names coordinates of atom sites and so is expected to hold a structure.
    pub(super) fn bears_structure(&self) -> bool {
        self.has_fractional || self.has_cartesian
    }

    /// Stores the value of an item outside loops.
    ///
    /// A second value that is empty, `?` or `.` is ignored, because archives write formulas and symbols that way. Any
    /// other second value of a cell parameter or site is an error. For other items, a different second value is
    /// recorded as a contradiction.
    pub(super) fn set_item(&mut self, tag: Tag, name: Span, value: Value, bytes: &[u8]) {
        let Some(place) = self.items.0.get_mut(tag as usize) else { return };
        let text = |value: Value| value.span.of(bytes).trim_ascii();
        match *place {
            Some(_) if says_nothing(text(value)) => {}
            Some(known) if !says_nothing(text(known)) => {
                if tag.is_of_cell() || tag.is_of_site() {
                    self.duplicate.get_or_insert(name);
                } else if text(known) != text(value)
                    && self.contradicted.iter().all(|(other, _)| *other != tag)
                {
                    self.contradicted.push((tag, name));
                }
            }
            _ => *place = Some(value),
        }
    }

    /// Whether to read a list of operations with this tag. Only the first list is read; another one is recorded as a
    /// duplicate.
    pub(super) fn takes_operations(&mut self, tag: ListTag, name: Span) -> bool {
        let is_first = self.list(tag).operations.is_empty();
        if !is_first {
            self.duplicate.get_or_insert(name);
        }
        is_first
    }

    /// Appends an operation to a list.
    pub(super) fn push_operation(&mut self, tag: ListTag, operation: Span) {
        self.lists[tag as usize].push(operation);
    }

    /// Records that the block names coordinates.
    pub(super) fn mark_coordinates(&mut self, tag: Tag) {
        match tag {
            Tag::FractionalX | Tag::FractionalY | Tag::FractionalZ => self.has_fractional = true,
            Tag::CartesianX => self.has_cartesian = true,
            _ => {}
        }
    }

    /// Stores a value of a site's row; `index` is that of the site.
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
            Tag::CalcFlag => return site.calc_flag = known(value),
            Tag::DisorderGroup => return site.disorder_group = known(value),
            Tag::Multiplicity => return site.multiplicity = known(value),
            Tag::Wyckoff => return site.wyckoff = known(value),
            Tag::DisorderAssembly => return site.disorder_assembly = known(value),
            Tag::AttachedHydrogens => {
                return site.attach_hydrogens(number(value, bytes).unwrap_or_default() as f32);
            }
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
                site.digits[axis] = value.span.start;
                site.set_given(axis);
            }
            None if value.is_missing(bytes) => {}
            None => {
                site.set_given(axis);
                self.malformed(site, index, COORDINATES[axis], value);
            }
        }
    }

    #[cold]
    fn malformed(&mut self, site: &mut RawSite, index: usize, item: &'static str, value: Value) {
        site.set_malformed();
        if self.bad_numbers.len() <= MAX_SITES {
            self.bad_numbers.push(BadNumber { site: index, item, value: value.span });
        }
    }
}

#[inline]
fn number(value: Value, bytes: &[u8]) -> Option<f64> {
    if value.form == Form::Container { None } else { parse_number(value.span.of(bytes)) }
}
