//! A reader for crystal structures in the Crystallographic Information File format, CIF 1.1 and 2.0.
//!
//! It reads the cell, the symmetry (operations, else a symbol or number) and the atom sites, which it expands to the
//! full cell. It refuses what would need a guess, above all partial occupancy and disorder.
//! The grammar is that of Hall, Allen & Brown (1991), Acta Cryst. A47, 655-685, and of Bernstein et al. (2016),
//! J. Appl. Cryst. 49, 277-284.

mod block;
mod build;
mod cell;
mod document;
mod error;
mod evidence;
mod expand;
mod group;
mod join;
mod lexer;
mod magnetic;
mod mass;
mod number;
mod overlap;
mod reading;
mod setting;
mod species;
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
use block::{MAX_SITES, RawBlock};
use build::Builder;
use document::Document;
use lexer::SyntaxError;
use reading::{BuildError, Remark};
use tag::Tag;

/// Largest file that is read, bytes: offsets have 32 bits.
const MAX_BYTES: usize = u32::MAX as usize;

/// Sites of which the buffers are kept from file to file: several times those of the largest usual crystal.
const KEPT_SITES: usize = 1 << 16;

/// Reads CIFs; one per thread. Buffers are kept from file to file, but for what a rare large one left behind.
#[derive(Debug)]
pub struct CifReader {
    blocks: [RawBlock; 2],
    columns: Vec<Tag>,
    builder: Builder,
}

/// Which data block a result belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CifBlock<'a> {
    /// Name after `data_`; empty for an error of the whole file.
    pub name: Cow<'a, str>,
    /// Count of the blocks with a structure before this one.
    pub index: usize,
    /// Line of its heading, from 1; 0 for an error of the whole file.
    pub line: u32,
    /// Whether the file has several results, so that the block's name has to tell them apart.
    pub is_one_of_several: bool,
    /// Name of the block that is unique in the file: its name, its position from 1 if that is empty, `name#2` for the
    /// second block of a name.
    pub identifier: Cow<'a, str>,
    /// Remarks about a structure that is kept; none with an error.
    pub notes: Vec<CifNote>,
}

impl CifBlock<'_> {
    /// Name of the crystal in a file called `stem`: `stem`, or `stem#identifier` if the file has several results.
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
    /// A reader with empty buffers, of cells of up to a million atoms.
    pub fn new() -> Self {
        let mut reader =
            Self { blocks: Default::default(), columns: Vec::new(), builder: Builder::default() };
        reader.limit_sites(MAX_SITES);
        reader
    }

    /// Refuses cells of more than `max_sites` atoms from now on, and reads no more sites of a file. A million stay
    /// the most.
    pub fn limit_sites(&mut self, max_sites: usize) {
        for block in &mut self.blocks {
            block.max_sites = max_sites.min(MAX_SITES);
        }
    }

    /// Calls `found` once for every data block that holds a structure, or should: with it or with what is wrong.
    ///
    /// A block should hold a structure if it names coordinates of atom sites. A file without such a block gets one
    /// call with an error. Unreadable syntax ends the file: blocks before it are good.
    ///
    /// The lattice has l1 along x and l2 in the xy-plane. Sites of a cell that is given whole keep their coordinates
    /// as written; images of an asymmetric unit follow their site, with coordinates in [0, 1).
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

    /// Most sites that the buffers have room for.
    fn kept_sites(&self) -> usize {
        self.blocks
            .iter()
            .map(RawBlock::site_room)
            .chain([self.builder.site_room()])
            .max()
            .unwrap_or_default()
    }
}

/// Identifier of a block, see [`CifBlock::identifier`]. `taken` holds those of the blocks before it, and the last
/// number tried behind each of them.
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

/// What a scan of a file hands over.
enum Scanned<'a> {
    /// A block that bears a structure.
    Block(&'a RawBlock),
    /// The block where the syntax broke.
    Syntax(&'a RawBlock, SyntaxError),
    /// What is wrong with the file as a whole.
    File(CifErrorKind),
}

/// Reads block by block and hands over those that bear a structure, one late: only then is it known whether there
/// are several, which is the second argument of `emit`.
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
    if is_wide_text(bytes) {
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

/// Whether the text is UTF-16 or UTF-32, by its byte order mark or its zero bytes.
fn is_wide_text(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || bytes.get(..4).is_some_and(|head| head.contains(&0))
}

/// Lines of offsets that mostly grow, without counting from the start each time.
struct LineCounter<'a> {
    bytes: &'a [u8],
    offset: usize,
    line: u32,
}

impl<'a> LineCounter<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0, line: 1 }
    }

    /// Line of an offset, from 1. A line ends with LF, CR LF or CR.
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
