//! Structures that a program holds in memory, in one list with files of them.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crystal::structure::Structure;

use super::atoms::{Coordinates, complete};
use super::identifier::check_identifier;
use super::single::EntryFormat;
use super::species::element_of;
use super::state::InputState;
use super::structures::{self, StructureParser};
use super::{
    MAX_RECORD_BYTES, OpenSource, ParsedCrystal, RawBlock, RawRecord, RecordError, RecordParser,
    RecordReader, Sink, SourceError, SourceOptions, UnreadFiles,
};
use crate::reject::Origin;

/// Name of the list in messages, in the place of a file. No structure file has such a name.
pub const LIST_NAME: &str = "list";
/// Number of bytes that a site counts for in the progress of reading: three coordinates and its atomic number.
const SITE_BYTES: usize = 25;

/// An item of a list of structures.
#[derive(Debug, Clone, PartialEq)]
pub enum ListItem {
    /// A file, folder or archive of CIFs and POSCARs. They are named as in a source of files.
    Path(PathBuf),
    /// The text of an entry.
    Text {
        /// Identifier of the entry. A format with identifiers of its own ignores it.
        material_id: String,
        /// Format of the text.
        format: EntryFormat,
        /// The text.
        text: Vec<u8>,
    },
    /// A cell with its sites.
    Cell {
        /// Identifier of the crystal.
        material_id: String,
        /// The cell.
        cell: ListedCell,
    },
}

/// A cell as other programs hold it. Nothing of it has been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedCell {
    /// Lattice vectors as rows, in Å.
    pub lattice: [[f64; 3]; 3],
    /// Whether the crystal repeats along each lattice vector.
    pub periodic: [bool; 3],
    /// Atomic number of every site, shape `[nsites]`.
    pub atomic_numbers: Vec<i64>,
    /// Position of every site, shape `[nsites, 3]`: fractions of the lattice vectors or Cartesian coordinates in Å.
    pub positions: Vec<[f64; 3]>,
    /// Whether the positions are fractional or Cartesian.
    pub coordinates: Coordinates,
}

impl ListedCell {
    /// Makes the structure of the cell.
    ///
    /// # Errors
    /// Returns a [`RecordError`] if the cell is not periodic in three directions or not a crystal.
    fn structure(&self, structure: &mut Structure) -> Result<(), RecordError> {
        structure.clear();
        if self.periodic != [true; 3] {
            let shown = self.periodic.map(|flag| if flag { "T" } else { "F" });
            return Err(RecordError::NotPeriodic(format!("pbc {}", shown.join(" "))));
        }
        structure.lattice = self.lattice;
        for (at, number) in self.atomic_numbers.iter().enumerate() {
            structure.atomic_numbers.push(element_of(*number as f64, at + 1)?);
        }
        structure.fractional.extend_from_slice(&self.positions);
        complete(structure, self.coordinates)
    }
}

/// Opens a list of structures. Its crystals come in the order of the items; they have no properties.
///
/// # Errors
/// Returns a [`SourceError`] if the list is empty, or a path cannot be opened or holds no structures.
pub fn open_list(items: Arc<[ListItem]>, options: &SourceOptions) -> Result<OpenSource, SourceError> {
    if items.is_empty() {
        return Err(SourceError::NoInput);
    }
    let is_path = |item: &ListItem| matches!(item, ListItem::Path(_));
    let (mut segments, mut states, mut unread) = (VecDeque::new(), Vec::new(), UnreadFiles::default());
    let mut first = 0;
    for run in items.chunk_by(|a, b| is_path(a) == is_path(b)) {
        let paths: Vec<PathBuf> = run.iter().filter_map(ListItem::path).cloned().collect();
        if paths.is_empty() {
            let bytes = run.iter().map(ListItem::bytes).sum();
            states.push(InputState { files: 0, bytes, list: String::new(), in_order: true });
            segments.push_back(Segment::Entries(first..first + run.len()));
        } else {
            let files = structures::open(&paths, options)?;
            states.extend(files.states);
            unread.extend(files.unread);
            segments.push_back(Segment::Files(files.reader));
        }
        first += run.len();
    }
    let reader = ListReader { items: Arc::clone(&items), segments, bytes: 0 };
    let name = options.name.clone().unwrap_or_else(|| structures::NAME.to_owned());
    // What is in memory has no path, so that the list as a whole has no inputs whose hashes could be recorded.
    let parser = move || Box::new(ListParser::new(Arc::clone(&items))) as Box<dyn RecordParser>;
    Ok(OpenSource {
        states,
        unread,
        ..OpenSource::new(name, Vec::new(), Box::new(reader), Arc::new(parser))?
    })
}

impl ListItem {
    /// Returns the path of files.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Path(path) => Some(path),
            _ => None,
        }
    }

    /// Returns what the item counts for in the progress of reading, in bytes.
    fn bytes(&self) -> u64 {
        match self {
            Self::Path(_) => 0,
            Self::Text { text, .. } => text.len() as u64,
            Self::Cell { cell, .. } => (SITE_BYTES * cell.atomic_numbers.len()) as u64,
        }
    }
}

/// Consecutive items that are read in the same way.
enum Segment {
    /// Files, folders and archives.
    Files(Box<dyn RecordReader>),
    /// Entries in memory, by their indices in the list.
    Entries(Range<usize>),
}

/// Reads the items in order.
struct ListReader {
    items: Arc<[ListItem]>,
    segments: VecDeque<Segment>,
    /// Bytes of the items that were read. Those of files count once all files of their segment were read.
    bytes: u64,
}

impl RecordReader for ListReader {
    fn read_block(&mut self, block: &mut RawBlock) -> Result<bool, SourceError> {
        while !block.is_full() {
            let more = match self.segments.front_mut() {
                None => return Ok(false),
                Some(Segment::Files(reader)) => {
                    let more = reader.read_block(block)?;
                    if !more {
                        self.bytes += reader.bytes_read();
                    }
                    more
                }
                Some(Segment::Entries(range)) => match range.next() {
                    None => false,
                    Some(at) => {
                        if let Some(item) = self.items.get(at) {
                            self.bytes += item.bytes();
                            push(item, at, block);
                        }
                        true
                    }
                },
            };
            if !more {
                self.segments.pop_front();
            }
        }
        Ok(true)
    }

    fn bytes_read(&self) -> u64 {
        let current = match self.segments.front() {
            Some(Segment::Files(reader)) => reader.bytes_read(),
            _ => 0,
        };
        self.bytes + current
    }
}

/// Appends an entry in memory to a block, or its reject.
fn push(item: &ListItem, at: usize, block: &mut RawBlock) {
    let origin = Origin { file: LIST_NAME.into(), record: at as u64 + 1, line: None };
    let (material_id, text) = match item {
        ListItem::Path(_) => return,
        ListItem::Text { material_id, text, .. } => (material_id, text.as_slice()),
        ListItem::Cell { material_id, .. } => (material_id, [].as_slice()),
    };
    let checked = check_identifier(material_id).and(match text.len() > MAX_RECORD_BYTES {
        true => Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES }),
        false => Ok(()),
    });
    match checked {
        Ok(()) => block.push(origin, material_id.as_bytes(), text),
        Err(error) => {
            let id = (!material_id.is_empty()).then(|| material_id.clone());
            block.push_reject(error.reject(id, origin));
        }
    }
}

/// A parser of the items: files by their names, entries in memory by their place in the list.
struct ListParser {
    items: Arc<[ListItem]>,
    files: StructureParser,
    /// Parsers of texts, each made when it is needed first.
    texts: Vec<(EntryFormat, Box<dyn RecordParser>)>,
    structure: Structure,
}

impl ListParser {
    fn new(items: Arc<[ListItem]>) -> Self {
        Self { items, files: StructureParser::default(), texts: Vec::new(), structure: Structure::default() }
    }

    /// Returns the parser of texts in a format.
    fn of_texts(&mut self, format: EntryFormat) -> &mut dyn RecordParser {
        let at = self.texts.iter().position(|(known, _)| *known == format).unwrap_or_else(|| {
            self.texts.push((format, format.parser()()));
            self.texts.len() - 1
        });
        self.texts[at].1.as_mut()
    }
}

impl RecordParser for ListParser {
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink) {
        if &*record.origin.file != LIST_NAME {
            return self.files.parse(bytes, record, sink);
        }
        let items = Arc::clone(&self.items);
        match usize::try_from(record.origin.record - 1).ok().and_then(|at| items.get(at)) {
            Some(ListItem::Text { format, .. }) => self.of_texts(*format).parse(bytes, record, sink),
            Some(ListItem::Cell { material_id, cell }) => match cell.structure(&mut self.structure) {
                Ok(()) => sink.crystal(&record.origin, ParsedCrystal::bare(material_id, &self.structure)),
                Err(error) => sink.reject(error.reject(Some(material_id.clone()), record.origin.clone())),
            },
            Some(ListItem::Path(_)) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Bounds;
    use crate::pipeline::featurise::featurise_source;

    const POSCAR: &str = "CsCl\n1\n4 0 0\n0 4 0\n0 0 4\nCs Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n";

    fn caesium_chloride(material_id: &str) -> (String, ListedCell) {
        let cell = ListedCell {
            lattice: [[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0]],
            periodic: [true; 3],
            atomic_numbers: vec![55, 17],
            positions: vec![[0.0; 3], [2.0; 3]],
            coordinates: Coordinates::Cartesian,
        };
        (material_id.to_owned(), cell)
    }

    fn cell(material_id: &str, change: impl FnOnce(&mut ListedCell)) -> ListItem {
        let (material_id, mut cell) = caesium_chloride(material_id);
        change(&mut cell);
        ListItem::Cell { material_id, cell }
    }

    fn text(material_id: &str, format: EntryFormat, text: &str) -> ListItem {
        ListItem::Text { material_id: material_id.to_owned(), format, text: text.as_bytes().to_vec() }
    }

    /// Identifiers of the crystals, and identifiers with reasons of the rejects.
    fn read(items: Vec<ListItem>, threads: usize) -> (Vec<String>, Vec<String>) {
        let source = open_list(items.into(), &SourceOptions::default()).expect("a list");
        let (mut ids, mut rejects) = (Vec::new(), Vec::new());
        for block in
            featurise_source(source, &Default::default(), Bounds::default(), threads).expect("threads")
        {
            let block = block.expect("readable");
            for batch in &block.crystals {
                ids.extend((0..batch.len()).map(|row| batch.row(row).expect("a row").material_id.to_owned()));
            }
            rejects.extend(block.rejects.iter().map(|reject| {
                format!("{} {}", reject.material_id.clone().unwrap_or_default(), reject.reason)
            }));
        }
        (ids, rejects)
    }

    #[test]
    fn memory_and_files_come_in_the_order_of_the_list() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("on-disk.vasp");
        std::fs::write(&path, POSCAR).expect("a file");
        let items = vec![
            cell("first", |_| ()),
            text("second", EntryFormat::Poscar, POSCAR),
            ListItem::Path(path.clone()),
            cell("last", |_| ()),
            cell("first", |_| ()),
        ];
        for threads in [1, 3] {
            let (ids, rejects) = read(items.clone(), threads);
            assert_eq!(ids, ["first", "second", "on-disk", "last"]);
            assert_eq!(rejects, ["first duplicate_id"]);
        }
        let source = open_list(items.into(), &SourceOptions::default()).expect("a list");
        assert!(source.total_bytes() > 2 * POSCAR.len() as u64);
        assert_eq!(source.name, "structures");
    }

    #[test]
    fn what_is_no_crystal_is_a_reject_with_its_reason() {
        let items = vec![
            cell("slab", |cell| cell.periodic[2] = false),
            cell("vacancy", |cell| cell.atomic_numbers[1] = 0),
            cell("short", |cell| cell.positions.truncate(1)),
            cell("odd", |cell| cell.positions[1][0] = f64::NAN),
            cell("flat", |cell| cell.lattice[2] = [0.0; 3]),
            cell("", |_| ()),
            text("broken", EntryFormat::Cif, "no CIF"),
        ];
        let (ids, rejects) = read(items, 1);
        assert!(ids.is_empty());
        let reasons: Vec<_> =
            rejects.iter().map(|reject| reject.split(' ').next_back().expect("a reason")).collect();
        let expected =
            ["not_periodic", "unknown_element", "site_count_mismatch", "not_finite", "singular_lattice"];
        assert_eq!(reasons[..5], expected, "{rejects:?}");
        assert_eq!(rejects.len(), 7, "{rejects:?}");
    }

    #[test]
    fn an_empty_list_and_a_missing_path_are_errors() {
        let open = |items: Vec<ListItem>| open_list(items.into(), &SourceOptions::default()).map(drop);
        assert!(matches!(open(vec![]), Err(SourceError::NoInput)));
        let error =
            open(vec![cell("a", |_| ()), ListItem::Path("/no/such.cif".into())]).expect_err("missing");
        assert!(error.to_string().starts_with("/no/such.cif: "), "{error}");
    }
}
