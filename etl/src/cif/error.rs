//! Why a CIF, or a block of it, gives no structure.

use thiserror::Error;

use crate::number::exact;
use crate::symmetry::OperationError;

/// Why a block or a whole file gives no structure.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{}{kind}", place(*.line))]
pub struct CifError {
    /// What is wrong.
    pub kind: CifErrorKind,
    /// Line of the file where it shows, from 1; 0 where no line can be named.
    pub line: u32,
}

fn place(line: u32) -> String {
    if line == 0 { String::new() } else { format!("line {line}: ") }
}

impl CifError {
    /// Short, stable name of the reason, for the table of rejects.
    pub fn reason_code(&self) -> &'static str {
        self.kind.reason_code()
    }
}

/// What is wrong with a CIF.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum CifErrorKind {
    /// The grammar of CIF does not allow what stands there.
    #[error(transparent)]
    Syntax(#[from] SyntaxProblem),
    /// The file is UTF-16 or UTF-32 text, or no text.
    #[error("the file is not in an encoding that extends ASCII")]
    Encoding,
    /// The file has more bytes than offsets of 32 bits reach.
    #[error("the file has {size} bytes, more than the {limit} a CIF may have here")]
    TooLarge {
        /// Bytes of the file.
        size: usize,
        /// Most that are read.
        limit: usize,
    },
    /// The file is empty, or has comments alone.
    #[error("the file has no data block")]
    NoDataBlock,
    /// No block holds the coordinates of atoms.
    #[error("no data block holds atom sites")]
    NoStructure,
    /// An item of the cell is absent, `?` or `.`.
    #[error("no value for {item}")]
    MissingCell {
        /// Data name.
        item: &'static str,
    },
    /// The six parameters make no cell.
    #[error(
        "a cell of {} x {} x {} Å with angles {}, {} and {}° is not possible",
        exact(.parameters[0]), exact(.parameters[1]), exact(.parameters[2]),
        exact(.parameters[3]), exact(.parameters[4]), exact(.parameters[5])
    )]
    BadCell {
        /// a, b, c in Å and alpha, beta, gamma in degrees.
        parameters: [f64; 6],
    },
    /// A value that has to be a number is none.
    #[error("{value:?} is not a number for {item}")]
    BadNumber {
        /// Data name.
        item: &'static str,
        /// The value as written.
        value: String,
    },
    /// An item that can be given once is given twice in a block.
    #[error("{item} is given twice in one block")]
    DuplicateItem {
        /// Data name.
        item: String,
    },
    /// A site has no fractional coordinates.
    #[error("site {site:?} has no value for {item}")]
    MissingCoordinate {
        /// The site's label.
        site: String,
        /// Data name.
        item: &'static str,
    },
    /// The sites have Cartesian coordinates only.
    #[error("the atom sites have Cartesian coordinates only")]
    CartesianSites,
    /// No chemical element has the site's symbol.
    #[error("site {site:?} has symbol {symbol:?}, which is no element")]
    UnknownElement {
        /// The site's label.
        site: String,
        /// Its symbol, or the label where it has none.
        symbol: String,
    },
    /// A site is occupied in part only.
    #[error("site {site:?} has occupancy {}", exact(*.occupancy))]
    PartialOccupancy {
        /// The site's label.
        site: String,
        /// Its occupancy.
        occupancy: f64,
    },
    /// Sites exclude each other: they belong to different disorder groups, or two species share a position.
    #[error("site {site:?} is disordered: {detail}")]
    Disorder {
        /// The site's label.
        site: String,
        /// What shows the disorder.
        detail: String,
    },
    /// A symmetry operation cannot be read, or the operations are not those of a space group.
    #[error("symmetry operation {operation:?}: {problem}")]
    BadSymmetry {
        /// The operation as written; the last of the list where the list as a whole is meant.
        operation: String,
        /// What is wrong with it.
        problem: SymmetryProblem,
    },
    /// The cell has not the shape that the space group asks for.
    #[error("the cell does not have the symmetry of {symbol:?}")]
    SymmetryMisfit {
        /// Symbol, number or last operation as written.
        symbol: String,
    },
    /// What is said of the contents of the cell does not agree with the atoms that the symmetry makes.
    #[error("{evidence}; {stated}")]
    Contradiction {
        /// The two numbers that do not agree.
        evidence: String,
        /// What the file says of its symmetry.
        stated: String,
    },
    /// The structure is modulated: it has no three-dimensional cell.
    #[error("{item} {value:?}: the structure is modulated, a cell of it alone is not the crystal")]
    Modulated {
        /// What shows it.
        item: &'static str,
        /// The value as written.
        value: String,
    },
    /// A row of a second loop of atom sites does not belong to a site.
    #[error("site {site:?} of a second loop of atom sites: {fault}")]
    UnmatchedLabel {
        /// The label of the row; empty where the loop has none.
        site: String,
        /// What is wrong with it.
        fault: JoinFault,
    },
    /// No space group has the symbol or number given.
    #[error("{symbol:?} is no known space group")]
    UnknownSpaceGroup {
        /// Symbol or number as written.
        symbol: String,
    },
    /// The Hermann-Mauguin symbol leaves two origins open.
    #[error("{symbol:?} has two origins, and nothing in the file tells which is meant")]
    AmbiguousOrigin {
        /// Symbol as written.
        symbol: String,
    },
    /// The number of the group leaves several settings open, and the standard one is not meant.
    #[error("number {number} has several settings, and nothing in the file tells which is meant")]
    AmbiguousSetting {
        /// The number as written.
        number: String,
    },
    /// The cell would hold too many atoms.
    #[error("the cell holds {count} atoms or more, {limit} is the most")]
    TooManySites {
        /// Atoms so far.
        count: usize,
        /// Most that are kept.
        limit: usize,
    },
    /// Two sites of one species, or a site and its own image, nearly coincide.
    #[error("sites {first:?} and {second:?} are {distance:.3} Å apart")]
    SitesOverlap {
        /// Label of one site.
        first: String,
        /// Label of the other.
        second: String,
        /// Their distance in Å.
        distance: f64,
    },
}

impl CifErrorKind {
    /// Short, stable name of the reason, for the table of rejects.
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "cif_syntax",
            Self::Encoding => "cif_encoding",
            Self::TooLarge { .. } => "cif_too_large",
            Self::NoDataBlock => "cif_no_data_block",
            Self::NoStructure => "cif_no_structure",
            Self::MissingCell { .. } => "cif_missing_cell",
            Self::BadCell { .. } => "cif_bad_cell",
            Self::BadNumber { .. } => "cif_bad_number",
            Self::DuplicateItem { .. } => "cif_duplicate_item",
            Self::MissingCoordinate { .. } => "cif_missing_coordinate",
            Self::CartesianSites => "cif_cartesian_sites",
            Self::UnknownElement { .. } => "cif_unknown_element",
            Self::PartialOccupancy { .. } => "cif_partial_occupancy",
            Self::Disorder { .. } => "cif_disorder",
            Self::BadSymmetry { .. } | Self::SymmetryMisfit { .. } | Self::Contradiction { .. } => {
                "cif_bad_symmetry"
            }
            Self::Modulated { .. } => "cif_modulated",
            Self::UnmatchedLabel { .. } => "cif_unmatched_label",
            Self::UnknownSpaceGroup { .. } => "cif_unknown_space_group",
            Self::AmbiguousOrigin { .. } | Self::AmbiguousSetting { .. } => "cif_ambiguous_origin",
            Self::TooManySites { .. } => "cif_too_many_sites",
            Self::SitesOverlap { .. } => "cif_sites_overlap",
        }
    }
}

/// Why a row of a second loop of atom sites does not belong to a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JoinFault {
    /// The loop has no labels.
    #[error("the loop has no _atom_site_label to join it by")]
    NoLabels,
    /// No site with coordinates has the label.
    #[error("no site with coordinates has this label")]
    NoSite,
    /// More than one site with coordinates has the label.
    #[error("several sites with coordinates have this label")]
    SeveralSites,
    /// Two rows of the loop have the label.
    #[error("the label stands there twice")]
    Twice,
    /// Both loops have an item, with two values.
    #[error("both loops give one item, with different values")]
    Contradiction,
}

/// A remark about a structure that is kept: what its file leaves open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CifNote {
    /// Short, stable name of the kind of remark.
    pub code: &'static str,
    /// Line of the file where it shows, from 1.
    pub line: u32,
    /// What there is to say.
    pub message: String,
}

/// Code of a note: statements of the symmetry contradict each other, and nothing tells which is right.
pub(super) const SYMMETRY_UNCLEAR: &str = "cif_symmetry_unclear";

/// Code of a note: the number of a group stands alone, and nothing tells its origin or axes.
pub(super) const SETTING_ASSUMED: &str = "cif_setting_assumed";

/// Why listed operations are no space group of the cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SymmetryProblem {
    /// One of them cannot be read.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// Some products of them are not in the list.
    #[error("the operations listed up to it are not a group")]
    NotAGroup,
    /// More than any space group has, even in a cell of several primitive ones.
    #[error("too many operations are listed up to it")]
    TooMany,
}

/// What the grammar of CIF does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SyntaxProblem {
    /// A quote without its end on the same line.
    #[error("a quoted value does not end on its line")]
    UnterminatedQuote,
    /// A text field without its closing `;`.
    #[error("a text field does not end")]
    UnterminatedText,
    /// A list or table without its closing bracket.
    #[error("a list or table does not end")]
    UnterminatedContainer,
    /// A value that belongs to no data name.
    #[error("a value without a data name")]
    StrayValue,
    /// A data name without a value.
    #[error("a data name without a value")]
    MissingValue,
    /// `loop_` without data names.
    #[error("a loop without data names")]
    EmptyLoop,
    /// A loop whose last row is not full.
    #[error("a loop whose number of values is no multiple of its number of data names")]
    UnevenLoop,
    /// Something before the first `data_`.
    #[error("no data_ heading before the first item")]
    NoBlock,
    /// A word reserved in STAR files.
    #[error("a reserved word")]
    ReservedWord,
}
