//! Atom sites as a data block gives them.

use super::lexer::Span;
use super::tag::Tag;

/// Data names of the fractional coordinates.
pub(super) const COORDINATES: [&str; 3] = ["_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z"];

/// Bits of [`RawSite::problems`]: the x, y or z coordinate is absent, `?` or `.`.
const MISSING: [u8; 3] = [1, 2, 4];

/// Bit of [`RawSite::problems`]: a coordinate or the occupancy is not a number, see [`BadNumber`].
const MALFORMED: u8 = 8;

/// Bit of [`RawSite::problems`]: hydrogen atoms are attached, see [`RawSite::attached_hydrogens`].
const ATTACHED: u8 = 16;

/// An atom site as given in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawSite {
    /// Label; empty if absent.
    pub(super) label: Span,
    /// Type symbol; empty if absent, `?` or `.`.
    pub(super) type_symbol: Span,
    /// Calculation flag; empty if absent.
    pub(super) calc_flag: Span,
    /// Disorder group; empty if absent, `?` or `.`.
    pub(super) disorder_group: Span,
    /// Disorder assembly; empty if absent, `?` or `.`.
    pub(super) disorder_assembly: Span,
    /// Site multiplicity; empty if absent.
    pub(super) multiplicity: Span,
    /// Wyckoff symbol; empty if absent.
    pub(super) wyckoff: Span,
    /// Fractional coordinates; 0 if missing or malformed.
    pub(super) fractional: [f64; 3],
    /// Byte offset of the text of each coordinate.
    pub(super) digits: [u32; 3],
    /// Occupancy; 1 if absent.
    pub(super) occupancy: f64,
    /// Byte offset of the first value of the site.
    pub(super) offset: u32,
    /// Number of hydrogen atoms that belong to the site and have no coordinates; 0 if absent. Single precision keeps
    /// sites small.
    pub(super) attached_hydrogens: f32,
    problems: u8,
}

impl RawSite {
    /// Creates a site at this offset without any values.
    pub(super) fn starting_at(offset: u32) -> Self {
        Self {
            label: Span::default(),
            type_symbol: Span::default(),
            calc_flag: Span::default(),
            disorder_group: Span::default(),
            disorder_assembly: Span::default(),
            multiplicity: Span::default(),
            wyckoff: Span::default(),
            fractional: [0.0; 3],
            digits: [0; 3],
            occupancy: 1.0,
            offset,
            attached_hydrogens: 0.0,
            problems: MISSING[0] | MISSING[1] | MISSING[2],
        }
    }

    /// Whether every coordinate is given, every number is valid, and no site has hydrogen atoms attached to it that have no
    /// coordinates of their own.
    #[inline]
    pub(super) fn is_sound(&self) -> bool {
        self.problems == 0
    }

    /// Whether a numeric value is invalid.
    pub(super) fn is_malformed(&self) -> bool {
        self.problems & MALFORMED != 0
    }

    /// Records that a numeric value is invalid.
    pub(super) fn set_malformed(&mut self) {
        self.problems |= MALFORMED;
    }

    /// Records that the file gives the coordinate on an axis, 0 to 2.
    #[inline]
    pub(super) fn set_given(&mut self, axis: usize) {
        self.problems &= !MISSING[axis];
    }

    /// Records the number of hydrogen atoms attached to the site, if there are any.
    pub(super) fn attach_hydrogens(&mut self, count: f32) {
        if count > 0.0 {
            self.attached_hydrogens = count;
            self.problems |= ATTACHED;
        }
    }

    /// Returns the data name of the first coordinate that is missing.
    pub(super) fn missing_coordinate(&self) -> Option<&'static str> {
        COORDINATES
            .into_iter()
            .zip(MISSING)
            .find_map(|(item, bit)| (self.problems & bit != 0).then_some(item))
    }
}

/// A numeric value of a site that cannot be parsed.
#[derive(Debug, Clone, Copy)]
pub(super) struct BadNumber {
    /// Index of the site.
    pub(super) site: usize,
    /// Data name.
    pub(super) item: &'static str,
    /// The value as written.
    pub(super) value: Span,
}

/// An atom-site loop without coordinates.
#[derive(Debug, Clone, Copy)]
pub(super) struct JoinedLoop {
    /// Its items, as bits by [`Tag`].
    pub(super) columns: u64,
    /// Index of its first row among the rows of all such loops.
    pub(super) first_row: usize,
}

impl JoinedLoop {
    /// Returns the index of a row for [`BadNumber::site`]. It is above the indices of all sites with coordinates.
    pub(super) fn index(row: usize) -> usize {
        usize::MAX / 2 + row
    }

    /// Whether the loop has an item.
    pub(super) fn has(self, tag: Tag) -> bool {
        self.columns & (1 << tag as u64) != 0
    }
}
