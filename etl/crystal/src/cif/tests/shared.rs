//! Comparison with published files, if they are available.
//!
//! `cif-cases` holds the common results of two independent readers for 423 data blocks, and 202 files in which
//! neither finds a structure. `mirror` holds 36,002 unit cells in one dialect and a few in another.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::cif::expand::Nearness;
use crate::cif::reading::Reading;
use crate::cif::species::Species;
use crate::element::atomic_number;
use crate::symmetry::SymmetryOperation;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");

/// Returns a shared file or folder, if it is available.
fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(SHARED).join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared is not here");
    None
}

/// Blocks that are refused or read differently, although both readers accept them as they are.
///
/// For all but the last two, the content of the file is read alike, as [`cells_and_contents_agree`] tests.
const DIFFERENT: [(&str, &str, &str); 21] = [
    // The list of atoms goes on with images of atoms listed before: every one of them would be there twice. The
    // formula, C16 H44 Co Nd2 O26 with Z = 1, has them once.
    ("codcif/inputs/2000000.cif", "2000000", "cif_sites_overlap"),
    ("inputs/2000000-no-symops.cif", "2000000", "cif_sites_overlap"),
    ("formula2/2000000-OK.cif", "2000000", "cif_sites_overlap"),
    // x and -x are listed, and the group has an inversion centre.
    ("inputs/9000079.cif", "9000079", "cif_sites_overlap"),
    // A fragment of a polymer, with atoms many cells apart that are images of each other.
    ("polymers/1523050.cif", "1523050_molecule_0", "cif_sites_overlap"),
    ("polymers/1523050.cif", "1523050_molecule_1", "cif_sites_overlap"),
    ("polymers/1523050.cif", "1523050_molecule_2", "cif_sites_overlap"),
    ("polymers/1523050.cif", "1523050_molecule_3", "cif_sites_overlap"),
    // Up to four elements on one position: a solid solution whose occupancies were taken out of the file.
    ("inputs/9000087-no-occupancies.cif", "9000087", "cif_disorder"),
    // Groups 1 and 2 of one disorder assembly exclude each other; the file has no occupancies.
    ("cif_distances/disorder-group-dot.cif", "1506182", "cif_disorder"),
    ("cif_distances/disorder-group-underscore.cif", "1506182", "cif_disorder"),
    ("cif_select/disorder-group-dot.cif", "1506182", "cif_disorder"),
    // The hydrogen site is flagged as a dummy whose coordinates mean nothing, with an occupancy of 2.
    ("inputs/1010246.cif", "1010246", "S:2 O:10 Li:4"),
    // `I 2/c 1 1` has its axis along a; in this cell beta is 117°, so its axis is b.
    ("inputs/2000318-r91933.cif", "2000318", "cif_bad_symmetry"),
    // `x,y,z` alone beside `-P 2yn`: 4 formula units C14 H14 N2 O2 are four times the atoms listed, which are the
    // asymmetric unit.
    ("inputs/2001925.cif", "2001925", "cif_bad_symmetry"),
    // Hydrogen atoms attached to oxygen, nitrogen and carbon, without sites.
    ("inputs/9000251.cif", "9000251", "hidden_atoms"),
    ("marked/C2_H8_Cl3_Cu_N.cif", "C2_H8_Cl3_Cu_N-with-attached-H", "hidden_atoms"),
    // Modulated structures in superspace: the average that both readers take is not the crystal.
    ("inputs/sn5033sup1.cif", "_alpha1-Cr2P2O7_superspace", "cif_modulated"),
    ("inputs/sn5100-superspacegroup.cif", "0000055", "cif_modulated"),
    // `F m -3 m` under `_space_group_name_H-M_ref`, a name neither reader knows: nickel with 1 atom in a cube of
    // 3.562 Å would weigh 2.2 g/cm3; it weighs 8.9, with 4.
    ("testdata/Ni_ref.cif", "2102245", "Ni:4"),
    // `C2:b1` is group 5 with unique axis b and cell choice 1 in the notation of the tables; as a whole cell its
    // 12 atoms would have 41 Å3 each, three times too much for an oxide.
    ("testdata/badspacegroup.cif", "1100106", "Al:4 Mg:2 Si:8 K:2 O:24"),
];

/// Files by path.
type Files = HashMap<String, Vec<u8>>;

/// Returns the test files and the rows about them.
fn cases() -> Option<(Files, Vec<Value>)> {
    let archive = File::open(shared("cif-cases/cases.tar.zst")?).unwrap();
    let mut files = HashMap::new();
    for entry in tar::Archive::new(zstd::Decoder::new(archive).unwrap()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().trim_start_matches("./").to_owned();
        let path = path.strip_prefix("cif-cases/").unwrap_or(&path).to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(path, bytes);
    }
    let rows = std::fs::read_to_string(shared("cif-cases/truth.jsonl")?).unwrap();
    Some((files, rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect()))
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap()
}

fn expected_atoms(row: &Value) -> BTreeMap<u8, f64> {
    let mut atoms = BTreeMap::new();
    for (symbol, count) in row["atoms"].as_object().unwrap() {
        *atoms.entry(atomic_number(symbol).unwrap_or(0)).or_default() += count.as_f64().unwrap();
    }
    atoms
}

#[test]
fn structures_agree_with_two_readers() {
    let Some((files, rows)) = cases() else { return };
    let (mut agreeing, mut partial, mut different) = (0, 0, 0);
    for row in rows.iter().filter(|row| !row["block"].is_null()) {
        let (file, block) = (text(row, "file"), text(row, "block"));
        let found = read(&files[file]).into_iter().find(|found| found.block == block).expect(file);
        let exception = DIFFERENT.iter().find(|(path, name, _)| file.ends_with(path) && block == *name);
        match (found.result, exception) {
            (Err(error), _) if row["partial"] == true => {
                assert_eq!(error.reason_code(), "cif_partial_occupancy", "{file} {error}");
                partial += 1;
            }
            (Err(error), Some((.., code))) => {
                assert_eq!(error.reason_code(), *code, "{file} {error}");
                different += 1;
            }
            (Ok(structure), Some((.., expected))) => {
                assert_eq!(atoms(&structure), counts(expected), "{file}");
                different += 1;
            }
            (Ok(structure), None) => {
                assert_eq!(row["partial"], false, "{file}");
                let mut atoms = BTreeMap::new();
                for &number in &structure.atomic_numbers {
                    *atoms.entry(number).or_insert(0.0) += 1.0;
                }
                assert_eq!(atoms, expected_atoms(row), "{file} {block}");
                agreeing += 1;
            }
            (Err(error), None) => panic!("{file} {block}: {error}"),
        }
    }
    assert_eq!((agreeing, partial, different), (271, 131, DIFFERENT.len()));
}

impl Builder {
    /// Returns the cell parameters and the number of atoms of each element in the unit cell, weighted by occupancy.
    /// This also works for a block that is refused for partial occupancy, overlapping sites or its space group.
    /// Element 0 counts the unknown ones.
    fn contents(
        &mut self,
        block: &RawBlock,
        bytes: &[u8],
    ) -> Result<([f64; 6], BTreeMap<u8, f64>), BuildError> {
        let reading = Reading::new(block, bytes);
        reading.check_items()?;
        let cell = reading.cell()?;
        let found = self.groups.find(&reading, &cell.metric()).ok();
        let operations = found.as_ref().map_or(&[SymmetryOperation::IDENTITY][..], |found| &found.operations);
        // Images of a disordered site that are near it may be distinct atoms.
        let nearness = Nearness::new(&cell);
        let mut atoms = BTreeMap::new();
        for site in &block.sites {
            let number = match reading.species(site) {
                Species::Element(number) => number,
                Species::Dummy | Species::Unknown => 0,
            };
            let uncertainty = || reading.uncertainty(site);
            let images = self.expander.images(&site.fractional, operations, &nearness, uncertainty);
            let images = images.map_err(|_| reading.error(CifErrorKind::NoStructure))?;
            *atoms.entry(number).or_default() += images.len() as f64 * site.occupancy;
        }
        Ok((reading.cell_parameters()?, atoms))
    }
}

#[test]
fn cells_and_contents_agree() {
    let Some((files, rows)) = cases() else { return };
    let mut agreeing = 0;
    for row in rows.iter().filter(|row| !row["block"].is_null()) {
        let (file, block) = (text(row, "file"), text(row, "block"));
        if DIFFERENT[19..].iter().any(|(path, ..)| file.ends_with(path)) {
            continue;
        }
        let bytes = &files[file];
        let CifReader { blocks, columns, builder } = &mut CifReader::new();
        scan(bytes, blocks, columns, &mut |scanned, _| {
            let Scanned::Block(raw) = scanned else { return };
            if String::from_utf8_lossy(raw.name.of(bytes)) != block {
                return;
            }
            let (cell, atoms) = builder.contents(raw, bytes).unwrap();
            for (found, expected) in cell.iter().zip(row["cell"].as_array().unwrap()) {
                assert!((found - expected.as_f64().unwrap()).abs() < 5.1e-5, "{file} {cell:?}");
            }
            let expected = expected_atoms(row);
            assert!(atoms.keys().eq(expected.keys()), "{file} {atoms:?} {expected:?}");
            for (found, expected) in atoms.values().zip(expected.values()) {
                assert!((found - expected).abs() < 1e-3, "{file} {atoms:?} {expected}");
            }
            agreeing += 1;
        });
    }
    assert_eq!(agreeing, 421);
}

#[test]
fn files_in_which_others_find_nothing() {
    let Some((files, rows)) = cases() else { return };
    let (mut refused, mut structures) = (0, 0);
    for row in rows.iter().filter(|row| row["block"].is_null()) {
        for found in read(&files[text(row, "file")]) {
            match found.result {
                Ok(structure) => {
                    // One molecular crystal in seven descriptions, and graphite.
                    assert!(matches!(structure.fractional.len(), 4 | 40), "{row}");
                    structures += 1;
                }
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    refused += 1;
                }
            }
        }
    }
    assert_eq!((structures, refused), (8, 198));
}

#[test]
fn every_file_of_the_cases_is_answered() {
    let Some((files, _)) = cases() else { return };
    for (path, bytes) in files {
        assert!(!read(&bytes).is_empty(), "{path}");
    }
}

#[test]
fn cells_of_one_dialect_have_as_many_atoms_as_rows() {
    let Some(path) = shared("mirror/mp36k.tar.zst") else { return };
    let archive = zstd::Decoder::new(File::open(path).unwrap()).unwrap();
    let mut reader = CifReader::new();
    let (mut files, mut bytes) = (0, Vec::new());
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        if path.extension().is_none_or(|extension| extension != "cif") {
            continue;
        }
        bytes.clear();
        entry.read_to_end(&mut bytes).unwrap();
        let (_, rows) = std::str::from_utf8(&bytes).unwrap().rsplit_once("_atom_site_").unwrap();
        let rows = rows.lines().skip(1).filter(|row| !row.trim().is_empty()).count();
        reader.read(&bytes, &mut |block, result| {
            assert_eq!(result.unwrap().fractional.len(), rows, "{path:?}");
            assert!(!block.is_one_of_several);
            files += 1;
        });
    }
    assert_eq!(files, 36_002);
}

#[test]
fn cells_of_the_quantum_materials_database() {
    let Some(folder) = shared("mirror/oqmd/cif") else { return };
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let rows = text.rsplit_once("_atom_site_").unwrap().1.lines().skip(1);
        assert_eq!(structure(&bytes).fractional.len(), rows.filter(|row| !row.trim().is_empty()).count());
        files += 1;
    }
    assert_eq!(files, 7);
}
