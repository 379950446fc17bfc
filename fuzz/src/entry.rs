//! What is done with arbitrary bytes, and what must hold whatever they are.
//!
//! The fuzz targets and the corpus test of the `etl` crate share this file.

use std::io::Write;
use std::{fs, mem};

use crystal::cif::CifReader;
use crystal::contact::{ContactError, ContactLimit};
use crystal::feature::{FeatureOptions, Featuriser};
use crystal::structure::Structure;
use crystal::symmetry::{
    MAX_OPERATIONS, Metric, SymmetryOperation, operations_of_hall_symbol,
    operations_of_hermann_mauguin_symbol, operations_of_number,
};
use etl::labels::{IdRule, LabelInputs, load};
use etl::reject::{Note, Origin, Reject};
use etl::source::{
    EmbeddedLabels, OpenSource, ParsedCrystal, PropertyValues, RawBlock, Sink, SourceKind, SourceOptions,
    open,
};
use schemas::layout::StorePaths;
use schemas::manifest::Manifest;
use schemas::seal;

/// One way to feed bytes to the program.
pub type Entry = fn(&[u8]);

/// Every entry point by the name of its target.
pub const ENTRIES: [(&str, Entry); 18] = [
    ("alexandria", alexandria),
    ("archive", archive),
    ("aselmdb", aselmdb),
    ("cif", cif),
    ("cif_file", cif_file),
    ("extxyz", extxyz),
    ("feature", feature),
    ("jarvis", jarvis),
    ("labels", labels),
    ("manifest", manifest),
    ("matbench", matbench),
    ("optimade", optimade),
    ("oqmd", oqmd),
    ("poscar", poscar),
    ("poscar_json", poscar_json),
    ("pymatgen", pymatgen),
    ("symmetry", symmetry),
    ("table", table),
];

/// Largest atomic number.
const HEAVIEST: u8 = 118;

/// The CIF reader alone, twice with the same buffers: what a file gives does not depend on the
/// file before it.
pub fn cif(bytes: &[u8]) {
    let mut reader = CifReader::new();
    let once = read_cif(&mut reader, bytes);
    assert!(!once.is_empty(), "a file gives a crystal or a fault");
    assert_eq!(once, read_cif(&mut reader, bytes));
}

fn read_cif(reader: &mut CifReader, bytes: &[u8]) -> Vec<(String, Result<Structure, String>)> {
    let mut results = Vec::new();
    reader.read(bytes, &mut |block, result| {
        let result = match result {
            Ok(structure) => {
                check_structure(structure);
                Ok(structure.clone())
            }
            Err(error) => {
                check_reason(error.reason_code());
                Err(error.to_string())
            }
        };
        results.push((block.name.into_owned(), result));
    });
    results
}

/// A CIF as a file of its own.
pub fn cif_file(bytes: &[u8]) {
    read_source(SourceKind::Cif, ".cif", bytes);
}

/// An archive of CIFs, a tar unless the bytes start like a zip.
pub fn archive(bytes: &[u8]) {
    let is_zip = bytes.starts_with(b"PK");
    read_source(SourceKind::Cif, if is_zip { ".zip" } else { ".tar" }, bytes);
}

/// A POSCAR as a file of its own.
pub fn poscar(bytes: &[u8]) {
    read_source(SourceKind::Poscar, ".vasp", bytes);
}

/// AtomGen's JSON file of POSCARs.
pub fn poscar_json(bytes: &[u8]) {
    read_source(SourceKind::Poscar, ".json", bytes);
}

/// OQMD's JSON array.
pub fn oqmd(bytes: &[u8]) {
    read_source(SourceKind::Oqmd, ".json", bytes);
}

/// JARVIS's JSON array.
pub fn jarvis(bytes: &[u8]) {
    read_source(SourceKind::Jarvis, ".json", bytes);
}

/// A MatBench task.
pub fn matbench(bytes: &[u8]) {
    read_source(SourceKind::Matbench, ".json", bytes);
}

/// A CSV with a column of CIFs.
pub fn table(bytes: &[u8]) {
    read_source(SourceKind::Table, ".csv", bytes);
}

/// Frames of extended XYZ.
pub fn extxyz(bytes: &[u8]) {
    read_source(SourceKind::Extxyz, ".extxyz", bytes);
}

/// Structures of pymatgen, alone or in records.
pub fn pymatgen(bytes: &[u8]) {
    read_source(SourceKind::Pymatgen, ".json", bytes);
}

/// Structures of OPTIMADE.
pub fn optimade(bytes: &[u8]) {
    read_source(SourceKind::Optimade, ".json", bytes);
}

/// Entries of Alexandria.
pub fn alexandria(bytes: &[u8]) {
    read_source(SourceKind::Alexandria, ".json", bytes);
}

/// A database of ASE in LMDB.
pub fn aselmdb(bytes: &[u8]) {
    read_source(SourceKind::Aselmdb, ".aselmdb", bytes);
}

/// Label tables. The first byte says in which layout, whether in one table or in two, each in a folder of
/// its own, and how their identifiers are read.
pub fn labels(bytes: &[u8]) {
    let (&kind, csv) = bytes.split_first().unwrap_or((&0, &[]));
    let name = if kind & 1 == 0 { "id_prop.csv" } else { "labels.csv" };
    let halves = if kind & 2 == 0 { (csv, &[][..]) } else { csv.split_at(csv.len() / 2) };
    let table = |folder: &str, csv: &[u8]| EmbeddedLabels {
        file: format!("{folder}/{name}"),
        folder: folder.to_owned(),
        csv: csv.to_vec(),
    };
    let mut embedded = vec![table("a", halves.0)];
    if !halves.1.is_empty() {
        embedded.push(table("b", halves.1));
    }
    let id_rule = [IdRule::AsIs, IdRule::CifName, IdRule::PoscarName][usize::from(kind >> 2) % 3];
    let labels = match load(&LabelInputs { embedded, id_rule, ..LabelInputs::default() }) {
        Ok(labels) => labels,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(labels.joined(|_| true).iter().all(|table| table.joined == 0 && table.met == 0));
    for id in labels.unmatched_identifiers() {
        match labels.row(id) {
            Ok(row) => {
                let row = row.expect("a row is found by its own name");
                let mut values = (0..labels.properties.len()).filter_map(|at| row.property(at));
                assert!(values.all(f64::is_finite));
            }
            Err(error) => assert!(error.to_string().contains("different folders"), "{error}"),
        }
    }
}

/// What a record gave.
#[derive(Debug, PartialEq)]
enum Outcome {
    Crystal { material_id: String, structure: Structure, properties: Vec<Option<f64>>, lists: Vec<Vec<f64>> },
    Reject(Reject),
    Note(Note),
}

/// Checks and keeps what a parser finds.
struct Keep {
    outcomes: Vec<Outcome>,
    property_count: usize,
}

impl Sink for Keep {
    fn crystal(&mut self, _: &Origin, crystal: ParsedCrystal<'_>) {
        let ParsedCrystal { material_id, structure, properties, .. } = crystal;
        assert!(!material_id.is_empty(), "a crystal has an identifier");
        let PropertyValues { values, lists } = properties;
        assert_eq!(values.len(), self.property_count, "a value for each property");
        let numbers = values.iter().flatten().chain(lists.iter().flatten());
        assert!(numbers.into_iter().all(|value| value.is_finite()), "{properties:?}");
        check_structure(structure);
        self.outcomes.push(Outcome::Crystal {
            material_id: material_id.to_owned(),
            structure: structure.clone(),
            properties: values.to_vec(),
            lists: lists.to_vec(),
        });
    }

    fn reject(&mut self, reject: Reject) {
        check_reject(&reject);
        self.outcomes.push(Outcome::Reject(reject));
    }

    fn note(&mut self, note: Note) {
        check_reason(note.code);
        assert!(!note.message.is_empty() && note.origin.record > 0);
        self.outcomes.push(Outcome::Note(note));
    }
}

/// Reads a file that holds `bytes` and whose name has the given ending, as `etl build` does.
pub(crate) fn read_source(kind: SourceKind, ending: &str, bytes: &[u8]) {
    let file = tempfile::Builder::new().prefix("matbench_").suffix(ending).tempfile();
    let mut file = file.expect("a temporary file can be made");
    file.write_all(bytes).expect("the temporary file can be written");
    match open(kind, &[file.path().to_path_buf()], &SourceOptions::default()) {
        Ok(source) => drain(source),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Reads every record of a source, by two parsers and in two orders: each gives something, and what
/// it gives does not depend on the records before it.
fn drain(mut source: OpenSource) {
    let keep = || Keep { outcomes: Vec::new(), property_count: source.properties.len() };
    let (mut onward, mut backward) = (keep(), keep());
    let (mut parser, mut other_parser) = ((source.parser)(), (source.parser)());
    let mut block = RawBlock::default();
    let mut more = true;
    while more {
        block.clear();
        more = source.reader.read_block(&mut block).unwrap_or_default();
        block.rejects.iter().for_each(|(_, reject)| check_reject(reject));
        let outcomes: Vec<Vec<Outcome>> = block
            .records
            .iter()
            .map(|record| {
                parser.parse(&block.bytes, record, &mut onward);
                mem::take(&mut onward.outcomes)
            })
            .collect();
        for (record, outcomes) in block.records.iter().zip(&outcomes).rev() {
            assert!(!outcomes.is_empty(), "a record gives a crystal or a fault");
            other_parser.parse(&block.bytes, record, &mut backward);
            assert_eq!(&mem::take(&mut backward.outcomes), outcomes);
        }
    }
}

/// What a reader hands on can be trusted.
fn check_structure(structure: &Structure) {
    assert!(!structure.atomic_numbers.is_empty(), "a crystal has sites");
    assert_eq!(structure.atomic_numbers.len(), structure.fractional.len());
    assert!(structure.atomic_numbers.iter().all(|number| (1..=HEAVIEST).contains(number)));
    let numbers = structure.lattice.as_flattened().iter().chain(structure.fractional.as_flattened());
    assert!(numbers.copied().all(f64::is_finite), "{structure:?}");
}

fn check_reject(reject: &Reject) {
    check_reason(reject.reason);
    assert!(!reject.message.is_empty());
    assert!(reject.origin.record > 0);
}

/// Reasons are keys of the summary's counts: words in snake_case.
fn check_reason(reason: &str) {
    assert!(
        !reason.is_empty() && reason.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase()),
        "{reason}"
    );
}

/// Symmetry operations and symbols of space groups, each line as one of them and as all.
pub fn symmetry(bytes: &[u8]) {
    const CUBIC: Metric = [[25.0, 0.0, 0.0], [0.0, 25.0, 0.0], [0.0, 0.0, 25.0]];
    const HEXAGONAL: Metric = [[9.0, -4.5, 0.0], [-4.5, 9.0, 0.0], [0.0, 0.0, 25.0]];
    for line in bytes.split(|&byte| byte == b'\n') {
        if let Ok(operation) = SymmetryOperation::parse(line) {
            assert!(operation.translation.iter().all(|part| (0.0..1.0).contains(part)), "{operation:?}");
        }
        let Ok(symbol) = str::from_utf8(line) else { continue };
        let number = symbol.parse().unwrap_or_default();
        let groups = [
            operations_of_hall_symbol(symbol),
            operations_of_hermann_mauguin_symbol(symbol, &CUBIC),
            operations_of_hermann_mauguin_symbol(symbol, &HEXAGONAL),
            operations_of_number(number, &CUBIC),
        ];
        for operations in groups.iter().flatten() {
            assert!(operations.contains(&SymmetryOperation::IDENTITY), "{symbol}");
            assert!(operations.len() <= MAX_OPERATIONS, "{symbol}");
        }
    }
}

/// The manifest of a store, in the layout of either format version. One that is understood is written and read back to the
/// same; a seal opens to what was sealed.
pub fn manifest(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (store, former) = (folder.path().join("x"), folder.path().join("y"));
    for paths in [StorePaths::new(&store), StorePaths::former(&former)] {
        for folder in [paths.shards(), paths.records()] {
            fs::create_dir_all(folder).expect("a folder can be made");
        }
        fs::write(paths.manifest(), bytes).expect("the manifest can be written");
        match Manifest::read(paths.shards()) {
            Ok(manifest) => {
                fs::write(paths.manifest(), manifest.to_json()).expect("the manifest can be written");
                assert_eq!(Manifest::read(paths.shards()).expect("as it was written"), manifest);
            }
            Err(error) => {
                assert!(error.to_string().starts_with(&paths.shards().display().to_string()), "{error}");
            }
        }
    }
    if let Ok(text) = str::from_utf8(bytes)
        && seal::seal(text.to_owned()).len() > text.len() + 1
    {
        let opened = seal::open(&seal::seal(text.to_owned())).expect("sealed a moment ago");
        assert_eq!(opened.trim_end_matches('\n'), text.trim_end_matches('\n'));
    }
}

/// Longest message about a structure in bytes: numbers in it are never written out in hundreds of digits.
const LONGEST_MESSAGE: usize = 300;

/// Features of a small structure, and its contacts.
pub fn feature(bytes: &[u8]) {
    let structure = decode_structure(bytes);
    let options = FeatureOptions::default();
    let mut featuriser = Featuriser::new(&options);
    let room = ContactLimit::default().check_room(&structure);
    if let Err(error) = &room {
        check_contact(error);
    }
    let features = match featuriser.featurise(&structure) {
        Ok(features) => features,
        Err(error) => {
            check_reason(error.reason_code());
            let message = error.to_string();
            assert!(!message.is_empty() && message.len() < LONGEST_MESSAGE, "{message}");
            return;
        }
    };
    match ContactLimit::default().check(&structure.atomic_numbers, features, &options) {
        Ok(()) => assert!(room.is_ok(), "{room:?} without a contact below the limit"),
        Err(error) => check_contact(&error),
    }
    let edges = &features.edges;
    assert!(ContactLimit::NONE.check(&structure.atomic_numbers, features, &options).is_ok());
    assert!(features.volume > 0.0 && features.volume.is_finite());
    assert!(features.parameters.iter().all(|parameter| *parameter > 0.0 && parameter.is_finite()));
    assert_eq!(features.fractional.len(), structure.fractional.len());
    let wrapped = -options.wrap_tolerance..1.0;
    assert!(features.fractional.as_flattened().iter().all(|part| wrapped.contains(part)));
    let sites = structure.fractional.len() as u32;
    assert!(edges.target.is_sorted() && edges.source.iter().all(|&source| source < sites));
    let mut centres = edges.target.clone();
    centres.dedup();
    centres.extend(&features.isolated);
    centres.sort_unstable();
    assert!(centres.into_iter().eq(0..sites), "every site is the centre of an edge or isolated");
    for (edge, &distance) in edges.distance.iter().enumerate() {
        // A distance that rounding has put beyond the cutoff is at it.
        assert!(distance > 0.0 && distance <= options.cutoff_angstrom + 1e-9, "edge {edge}: {distance}");
        assert!(edges.image_of(edge).is_some());
    }
    let labels = edges.direction.iter().chain(&edges.direction_centred);
    assert!(labels.copied().all(|label| label < 27));
    let first = features.clone();
    assert_eq!(featuriser.featurise(&structure), Ok(&first));
}

/// A contact that is refused says so in a message of reasonable length.
fn check_contact(error: &ContactError) {
    check_reason(error.reason_code());
    let message = error.to_string();
    // Distances that cannot be searched are the other reason.
    let is_of_radii = message.contains("covalent radii") || matches!(error, ContactError::Search(_));
    assert!(is_of_radii && message.len() < LONGEST_MESSAGE, "{message}");
}

/// A structure out of any bytes. The lowest bit of the first one says how numbers are written: as
/// multiples of 2⁻⁹ Å and 2⁻¹² of a cell vector in 16 bits each, which gives likely crystals, or as
/// doubles; its other bits, from which element on the sites count. The nine numbers of the lattice
/// follow, then the sites.
fn decode_structure(bytes: &[u8]) -> Structure {
    let mut structure = Structure::default();
    let (mode, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let width = if mode & 1 == 0 { 2 } else { 8 };
    let mut numbers = bytes.chunks_exact(width).map(|chunk| match chunk {
        &[low, high] => f64::from(i16::from_le_bytes([low, high])),
        _ => chunk.try_into().map(f64::from_le_bytes).unwrap_or_default(),
    });
    let scale = |number: f64, bits: i32| if width == 2 { number * 2f64.powi(-bits) } else { number };
    for component in structure.lattice.as_flattened_mut() {
        *component = scale(numbers.next().unwrap_or_default(), 9);
    }
    while let (Some(x), Some(y), Some(z)) = (numbers.next(), numbers.next(), numbers.next()) {
        structure.fractional.push([x, y, z].map(|part| scale(part, 12)));
        let number = (usize::from(mode / 2) + structure.atomic_numbers.len()) % usize::from(HEAVIEST);
        structure.atomic_numbers.push(number as u8 + 1);
    }
    structure
}
