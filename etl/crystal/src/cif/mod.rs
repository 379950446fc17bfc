//! A reader for crystal structures in the Crystallographic Information File format (CIF 1.1 and 2.0).
//!
//! It reads the unit cell, the symmetry (a list of operations, or else a space-group symbol or number) and the atom
//! sites, and expands the asymmetric unit to the complete unit cell. Files that would require a guess are refused,
//! above all those with partial occupancy or disorder. The grammars are those of Hall, Allen & Brown (1991), Acta
//! Cryst. A47, 655-685 (CIF 1.1), and Bernstein et al. (2016), J. Appl. Cryst. 49, 277-284 (CIF 2.0).

mod block;
mod build;
mod cell;
mod crystal_system;
mod differences;
mod document;
mod dummy;
mod error;
mod evidence;
mod expand;
mod group;
mod join;
mod lexer;
mod magnetic;
mod mass;
mod molecule;
mod number;
mod operation_list;
mod overlap;
mod reading;
mod setting;
mod site;
mod species;
mod stated;
mod statement;
mod symmetry_name;
mod tag;
#[cfg(test)]
mod tests;
mod whole;

use std::borrow::Cow;
use std::collections::HashMap;

use memchr::memchr_iter;

pub use error::{CifError, CifErrorKind, CifNote, JoinFault, SymmetryProblem, SyntaxProblem};

use crate::structure::Structure;
use crate::text::is_wide;
use block::{MAX_SITES, RawBlock};
use build::Builder;
use document::Document;
use lexer::SyntaxError;
use reading::{BuildError, Remark};
use tag::Tag;

/// Largest file that is read, in bytes. Offsets have 32 bits.
const MAX_BYTES: usize = u32::MAX as usize;

/// Number of sites for which buffers are kept from file to file. It is several times that of the largest common
/// crystals.
const KEPT_SITES: usize = 1 << 16;

/// Reads CIFs. Create one for each thread. Buffers are reused, but those grown by an unusually large file are freed.
#[derive(Debug)]
pub struct CifReader {
    blocks: [RawBlock; 2],
    columns: Vec<Tag>,
    builder: Builder,
}

/// The data block that a result belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CifBlock<'a> {
    /// Block code, the name after `data_`; empty for an error of the whole file.
    pub name: Cow<'a, str>,
    /// Number of data blocks with a structure before this one.
    pub index: usize,
    /// Line of the data heading, counted from 1; 0 for an error of the whole file.
    pub line: u32,
    /// Whether the file has several results, which their block codes have to distinguish.
    pub is_one_of_several: bool,
    /// A name of the block that is unique in the file: its block code, its position counted from 1 if the code is
    /// empty, or `name#2` for the second block with the same code.
    pub identifier: Cow<'a, str>,
    /// Remarks about a structure that is accepted. Empty for an error.
    pub notes: Vec<CifNote>,
}

impl CifBlock<'_> {
    /// Returns the name of the crystal in a file called `stem`: `stem`, or `stem#identifier` if the file has several
    /// results.
    pub fn entry_name<'s>(&self, stem: &'s str) -> Cow<'s, str> {
        if self.is_one_of_several { format!("{stem}#{}", self.identifier).into() } else { stem.into() }
    }
}

impl Default for CifReader {
    fn default() -> Self {
        Self::new()
    }
}

impl CifReader {
    /// Creates a reader for unit cells of at most a million atoms.
    pub fn new() -> Self {
        let mut reader =
            Self { blocks: Default::default(), columns: Vec::new(), builder: Builder::default() };
        reader.limit_sites(MAX_SITES);
        reader
    }

    /// Sets the largest number of atoms in a unit cell, at most a million. A cell with more is refused, and no more
    /// sites of it are read.
    pub fn limit_sites(&mut self, max_sites: usize) {
        for block in &mut self.blocks {
            block.max_sites = max_sites.min(MAX_SITES);
        }
    }

    /// Reads all data blocks of a file. Calls `found` with the structure or the error of every block that names
    /// coordinates of atom sites.
    ///
    /// A file without such a block gives one call with an error. A syntax error ends the reading; the blocks before
    /// it are valid.
    ///
    /// The lattice vector l1 is along x, and l2 is in the xy-plane. Sites of a cell that is given completely keep
    /// their coordinates as written. Otherwise each site of the asymmetric unit is followed by its images, with
    /// fractional coordinates in [0, 1).
    pub fn read(&mut self, bytes: &[u8], found: &mut dyn FnMut(CifBlock<'_>, Result<&Structure, CifError>)) {
        let builder = &mut self.builder;
        let mut lines = LineCounter::new(bytes);
        let mut index = 0;
        let mut identifiers = HashMap::new();
        let mut emit = |scanned: Scanned<'_>, is_one_of_several: bool| {
            let (raw, result) = match scanned {
                Scanned::Block(raw) => (Some(raw), builder.build(raw, bytes)),
                Scanned::Syntax(raw, error) => {
                    (Some(raw), Err(BuildError { kind: error.problem.into(), offset: Some(error.offset) }))
                }
                Scanned::File(kind) => (None, Err(BuildError { kind, offset: None })),
            };
            let heading = raw.filter(|raw| raw.offset > 0);
            let name = heading.map(|raw| String::from_utf8_lossy(raw.name.of(bytes))).unwrap_or_default();
            let line = heading.map_or(0, |raw| lines.line(raw.offset));
            let identifier = if is_one_of_several {
                Cow::Owned(distinct(&name, index, &mut identifiers))
            } else {
                name.clone()
            };
            let remarks = if result.is_ok() { builder.remarks() } else { &[] };
            let note = |remark: &Remark| CifNote {
                code: remark.code,
                line: lines.line(remark.at.start as usize),
                message: remark.message.clone(),
            };
            let notes = remarks.iter().map(note).collect();
            let block = CifBlock { name, index, line, is_one_of_several, identifier, notes };
            index += 1;
            let result = result.map(|()| builder.structure()).map_err(|error| CifError {
                kind: error.kind,
                line: error.offset.map_or(0, |offset| lines.line(offset)),
            });
            found(block, result);
        };
        scan(bytes, &mut self.blocks, &mut self.columns, &mut emit);
        if self.kept_sites() > KEPT_SITES {
            let [RawBlock { max_sites, .. }, _] = self.blocks;
            *self = Self::new();
            self.limit_sites(max_sites);
        }
    }

    /// Returns the largest number of sites that a buffer has room for.
    fn kept_sites(&self) -> usize {
        self.blocks
            .iter()
            .map(RawBlock::site_room)
            .chain([self.builder.site_room()])
            .max()
            .unwrap_or_default()
    }
}

/// Returns the identifier of a block, see [`CifBlock::identifier`]. `taken` maps the identifiers of the previous
/// blocks to the last number tried after each of them.
fn distinct(name: &str, index: usize, taken: &mut HashMap<String, usize>) -> String {
    let first = if name.is_empty() { (index + 1).to_string() } else { name.to_owned() };
    let mut count = taken.get(&first).copied().unwrap_or_default();
    let mut identifier = first.clone();
    while taken.contains_key(&identifier) {
        count += 1;
        identifier = format!("{first}#{count}");
    }
    taken.insert(identifier.clone(), 1);
    taken.insert(first, count.max(1));
    identifier
}

/// A result of scanning a file.
enum Scanned<'a> {
    /// A block with a structure.
    Block(&'a RawBlock),
    /// A syntax error, and the block that it is in.
    Syntax(&'a RawBlock, SyntaxError),
    /// An error of the whole file.
    File(CifErrorKind),
}

/// Scans a file and passes the blocks with a structure to `emit`. Each block is passed on only when the next one is
/// known, because the second argument of `emit` states whether there are several.
fn scan(
    bytes: &[u8],
    blocks: &mut [RawBlock; 2],
    columns: &mut Vec<Tag>,
    emit: &mut dyn FnMut(Scanned<'_>, bool),
) {
    if bytes.len() > MAX_BYTES {
        let kind = CifErrorKind::TooLarge { size: bytes.len(), limit: MAX_BYTES };
        return emit(Scanned::File(kind), false);
    }
    if is_wide(bytes) {
        return emit(Scanned::File(CifErrorKind::Encoding), false);
    }
    let [held, current] = blocks;
    let mut document = Document::new(bytes);
    let mut is_holding = false;
    let mut are_several = false;
    let mut has_blocks = false;
    loop {
        match document.next_block(current, columns) {
            Ok(true) => {
                has_blocks = true;
                if !current.bears_structure() {
                    continue;
                }
                if is_holding {
                    are_several = true;
                    emit(Scanned::Block(held), true);
                }
                std::mem::swap(held, current);
                is_holding = true;
            }
            Ok(false) => {
                return if is_holding {
                    emit(Scanned::Block(held), are_several);
                } else {
                    let kind = if has_blocks { CifErrorKind::NoStructure } else { CifErrorKind::NoDataBlock };
                    emit(Scanned::File(kind), false);
                };
            }
            Err(error) => {
                if is_holding {
                    emit(Scanned::Block(held), true);
                }
                return emit(Scanned::Syntax(current, error), is_holding);
            }
        }
    }
}

/// Converts offsets to lines. Ascending offsets are not counted from the start each time.
struct LineCounter<'a> {
    bytes: &'a [u8],
    offset: usize,
    line: u32,
}

impl<'a> LineCounter<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0, line: 1 }
    }

    /// Returns the line of an offset, counted from 1. A line ends with LF, CR LF or CR.
    fn line(&mut self, offset: usize) -> u32 {
        if offset < self.offset {
            self.offset = 0;
            self.line = 1;
        }
        let between = self.bytes.get(self.offset..offset).unwrap_or_default();
        let mut ends = memchr_iter(b'\n', between).count();
        ends += memchr_iter(b'\r', between)
            .filter(|at| self.bytes.get(self.offset + at + 1) != Some(&b'\n'))
            .count();
        self.offset = offset;
        self.line = self.line.saturating_add(u32::try_from(ends).unwrap_or(u32::MAX));
        self.line
    }
}
