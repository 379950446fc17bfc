use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crystal::cif::CifReader;
use crystal::niggli::parameters;
use crystal::poscar::PoscarReader;
use crystal::structure::Structure;
use proptest::prelude::*;
use schemas::sites::SiteView;

use super::label::{Labels, Value};
use super::*;
use crate::source::read_pymatgen;
use crate::test_store;

/// Largest difference of a length in Å, an angle in degrees or a fractional coordinate.
const TOLERANCE: f64 = 1e-9;

/// Cells in any orientation with up to 64 sites, no two of them together.
fn structures() -> impl Strategy<Value = Structure> {
    let cell = (proptest::array::uniform3(3.0..15.0_f64), proptest::array::uniform6(-1.0..1.0_f64));
    let sites = proptest::collection::btree_map(
        proptest::array::uniform3(0..4_u8),
        (1..=118_u8, proptest::array::uniform3(-0.1..0.1_f64)),
        1..64,
    );
    (cell, sites).prop_map(|(([a, b, c], [p, q, r, s, t, u]), sites)| Structure {
        lattice: [[a, p, q], [r, b, s], [t, u, c]],
        fractional: sites
            .iter()
            .map(|(place, (_, shift))| [0, 1, 2].map(|axis| f64::from(place[axis]) / 4.0 + shift[axis]))
            .collect(),
        atomic_numbers: sites.values().map(|(number, _)| *number).collect(),
    })
}

fn view(structure: &Structure) -> SiteView<'_> {
    SiteView {
        material_id: "x-1",
        lattice_vectors: structure.lattice,
        parameters: parameters(&structure.lattice),
        atomic_numbers: &structure.atomic_numbers,
        fractional: &structure.fractional,
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Vec<u8> {
    let mut text = Vec::new();
    write(&mut text).expect("in memory");
    text
}

/// A frame of extended XYZ without its labels: the cell, and the symbol and Cartesian position of every atom.
type Frame = ([[f64; 3]; 3], Vec<(String, [f64; 3])>);

fn read_frame(text: &[u8]) -> Frame {
    let text = std::str::from_utf8(text).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    let numbers = |text: &str| -> Vec<f64> {
        text.split(' ').map(|number| number.parse().expect("a number")).collect()
    };
    let cell = lines[1].split('"').nth(1).expect("the cell");
    let cell = numbers(cell);
    let atoms = lines[2..].iter().map(|line| {
        let (symbol, position) = line.split_once(' ').expect("symbol and position");
        (symbol.to_owned(), numbers(position).try_into().expect("three"))
    });
    assert_eq!(lines[0].parse(), Ok(lines.len() - 2));
    ([0, 1, 2].map(|row| [0, 1, 2].map(|axis| cell[3 * row + axis])), atoms.collect())
}

#[test]
fn numbers_of_the_sites_are_properties_of_the_atoms() {
    let structure = Structure {
        lattice: [[3.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 3.0]],
        fractional: vec![[0.0; 3], [0.5; 3]],
        atomic_numbers: vec![55, 17],
    };
    let labels: &Labels<'_> = &[("site_charge", Some(Value::Sites(&[1.0, -1.5]))), ("site_spin", None)];
    let frame = written(|out| extxyz::write(&view(&structure), labels, out));
    let frame = String::from_utf8(frame).expect("UTF-8");
    assert!(frame.contains("Properties=species:S:1:pos:R:3:site_charge:R:1 pbc"), "{frame}");
    assert!(frame.ends_with("\nCs 0.0 0.0 0.0 1.0\nCl 1.5 1.5 1.5 -1.5\n"), "{frame}");
    let record = written(|out| pymatgen::write(&view(&structure), labels, out));
    let record: serde_json::Value = serde_json::from_slice(&record).expect("JSON");
    assert_eq!(record["structure"]["sites"][1]["properties"]["site_charge"], -1.5);
    assert!(record.get("site_charge").is_none() && record["site_spin"].is_null());
}

proptest! {
    #[test]
    fn a_cif_reads_back(structure in structures()) {
        let text = written(|out| cif::write(&view(&structure), "x-1", out));
        let mut found = Vec::new();
        CifReader::new().read(&text, &mut |_, result| found.push(result.cloned()));
        let read = found.remove(0).expect("a structure");
        prop_assert!(found.is_empty());
        prop_assert_eq!(&read.atomic_numbers, &structure.atomic_numbers);
        prop_assert_eq!(&read.fractional, &structure.fractional);
        for (read, of_cell) in parameters(&read.lattice).iter().zip(parameters(&structure.lattice)) {
            prop_assert!((read - of_cell).abs() < TOLERANCE, "{read} {of_cell}");
        }
    }

    #[test]
    fn a_poscar_reads_back_exactly(structure in structures()) {
        let text = written(|out| poscar::write(&view(&structure), out));
        let mut read = Structure::default();
        PoscarReader::new().read(&text, &mut read).expect("a POSCAR");
        prop_assert_eq!(read, structure);
    }

    #[test]
    fn a_structure_of_pymatgen_reads_back_exactly(structure in structures()) {
        let labels: &Labels<'_> = &[("band_gap_ev", Some(Value::Number(0.1))), ("fold", None)];
        let text = written(|out| pymatgen::write(&view(&structure), labels, out));
        let record: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        prop_assert_eq!(&record["material_id"], "x-1");
        prop_assert_eq!(&record["band_gap_ev"], 0.1);
        prop_assert!(record["fold"].is_null());
        let read = read_pymatgen(record["structure"].to_string().as_bytes()).expect("a structure");
        prop_assert_eq!(read, structure);
    }

    #[test]
    fn a_frame_has_the_cell_exactly_and_its_atoms(structure in structures()) {
        let text = written(|out| extxyz::write(&view(&structure), &[], out));
        let (cell, atoms) = read_frame(&text);
        prop_assert_eq!(cell, structure.lattice);
        prop_assert_eq!(atoms.len(), structure.atomic_numbers.len());
        let mut read = Structure {
            fractional: atoms.iter().map(|(_, position)| *position).collect(),
            ..structure.clone()
        };
        crystal::cartesian::to_fractional(&mut read).expect("a cell with a volume");
        for (found, given) in read.fractional.as_flattened().iter().zip(structure.fractional.as_flattened()) {
            prop_assert!((found - given).abs() < TOLERANCE, "{found} {given}");
        }
        for ((symbol, _), number) in atoms.iter().zip(&structure.atomic_numbers) {
            prop_assert_eq!(symbol.as_str(), crystal::element::symbol(*number));
        }
    }
}

#[test]
fn texts_of_others_end_no_frame() {
    let structure = test_store::cubic("x", 5.64, 11, 17, 0.5).structure;
    let crystal = SiteView { material_id: "a\"b\\c\n2\r\u{202e}", ..view(&structure) };
    let labels: &Labels<'_> = &[
        ("band_gap_ev", Some(Value::Number(2.0))),
        ("fold", Some(Value::Fold(3))),
        ("split_x", Some(Value::Part("a b"))),
        ("none", None),
    ];
    let text = String::from_utf8(written(|out| extxyz::write(&crystal, labels, out))).expect("UTF-8");
    let line = text.lines().nth(1).expect("a comment");
    let end = " pbc=\"T T T\" material_id=\"a\\\"b\\\\c\\\\n2\\\\r\\\\u{202e}\" band_gap_ev=2.0 fold=3 split_x=\"a b\"";
    assert!(line.ends_with(end), "{line}");
    let text = String::from_utf8(written(|out| poscar::write(&crystal, out))).expect("UTF-8");
    assert!(text.starts_with("NaCl a\"b\\c\\n2\\r\\u{202e}\n1.0\n5.64 0 0\n0 5.64 0\n"), "{text}");
    assert!(text.contains("\nNa Cl\n4 4\nDirect\n0 0 0\n"), "{text}");
}

/// Exports a store of three shards with five crystals.
fn exported(
    format: ExportFormat,
    choice: Choice,
    cancel: bool,
    then: impl FnOnce(&Path, &Path, Result<ExportSummary, ExportError>),
) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = folder.path().join("store");
    test_store::write(&store, &test_store::crystals(), 2);
    let out = folder.path().join("out");
    let request = ExportRequest { store, choice, format, out: out.clone() };
    let result = export(&request, &AtomicBool::new(cancel));
    let failed = result.is_err();
    then(folder.path(), &out, result);
    // The two folders of the store, and what was exported.
    let left: Vec<_> = fs::read_dir(folder.path()).expect("the folder").collect();
    assert_eq!(left.len(), if failed { 2 } else { 3 }, "{left:?}");
}

fn ids(ids: &[&str]) -> Choice {
    Choice::Identifiers(ids.iter().map(|id| (*id).to_owned()).collect())
}

fn filters(filters: &[&str]) -> Choice {
    Choice::Filters(filters.iter().map(|filter| (*filter).to_owned()).collect())
}

#[test]
fn a_folder_has_a_file_for_each_crystal_and_the_labels() {
    exported(ExportFormat::Cif, filters(&[]), false, |_, out, result| {
        let summary = result.expect("a good store");
        assert_eq!((summary.crystals, summary.files), (5, 5));
        assert_eq!(summary.labels, ["fold", "split_official", "band_gap_ev", "is_metal", "lattice_type"]);
        let table = fs::read_to_string(out.join("labels.csv")).expect("the labels");
        let expected = "material_id,fold,split_official,band_gap_ev,is_metal,lattice_type\n\
                        NaCl,0,train,8.5,false,cubic\nMgO,1,train,7.8,false,other\n\
                        ZnS,0,val,3.7,false,cubic\nGaAs,1,test,1.43,false,other\nSi,0,,,,cubic\n";
        assert_eq!(table, expected);
        let files = fs::read_dir(out).expect("the folder").map(|file| file.expect("a file"));
        let bytes: u64 = files.map(|file| file.metadata().expect("a file").len()).sum();
        assert_eq!(summary.bytes, bytes);
        let text = fs::read_to_string(out.join("ZnS.cif")).expect("a CIF");
        assert!(text.starts_with("data_ZnS\n_audit_creation_method 'etl export'\n_chemical_formula_sum 'S Zn'\n_cell_formula_units_Z 4\n"), "{text}");
    });
}

#[test]
fn chosen_crystals_come_in_the_order_of_the_store() {
    exported(ExportFormat::PymatgenJson, ids(&["Si", "MgO", "Si"]), false, |_, out, result| {
        let summary = result.expect("a good store");
        assert_eq!((summary.crystals, summary.files), (2, 1));
        let text = fs::read_to_string(out).expect("a file");
        let records: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&records[0]["material_id"], &records[1]["material_id"]), (&"MgO".into(), &"Si".into()));
        assert_eq!((&records[0]["band_gap_ev"], &records[1]["fold"]), (&7.8.into(), &0.into()));
        assert_eq!(
            (&records[0]["is_metal"], &records[1]["is_metal"]),
            (&false.into(), &serde_json::Value::Null)
        );
        assert_eq!(text.lines().count(), 4);
    });
    let choice = filters(&["band_gap_ev < 8 AND elements HAS ANY O, S", "split_official != val"]);
    exported(ExportFormat::Extxyz, choice, false, |_, out, result| {
        let summary = result.expect("a good store");
        assert_eq!(summary.crystals, 1);
        let text = fs::read_to_string(out).expect("a file");
        assert!(
            text.contains("material_id=\"MgO\" fold=1 split_official=\"train\" band_gap_ev=7.8 is_metal=F lattice_type=\"other\"\n"),
            "{text}"
        );
    });
    // Of silicon the fold and its kind of lattice alone are known.
    exported(ExportFormat::Poscar, ids(&["Si"]), false, |_, out, result| {
        assert_eq!(result.expect("a good store").labels, ["fold", "lattice_type"]);
        assert!(out.join("POSCAR-Si.vasp").exists());
    });
}

#[test]
fn faults_leave_nothing_behind() {
    let fault = |format, choice, cancel, expected: &str| {
        exported(format, choice, cancel, |_, _, result| {
            let error = result.expect_err("a fault").to_string();
            assert!(error.contains(expected), "{error}");
        });
    };
    for format in ExportFormat::ALL {
        fault(format, filters(&[]), true, "out: interrupted, nothing is written");
        fault(format, filters(&["nsites > 100"]), false, "store: no crystal passes the filter");
        fault(format, filters(&["bandgap > 1"]), false, "no field 'bandgap', but band_gap_ev; there are ");
        fault(format, ids(&["Si", "GaAS", "x"]), false, "'GaAS' is not among its 5 crystals; similar: GaAs");
    }
}

#[test]
fn what_is_there_stays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = folder.path().join("store");
    test_store::write(&store, &test_store::crystals(), 2);
    let run = |format, out: &str| {
        let (store, choice, out) = (store.clone(), filters(&[]), folder.path().join(out));
        export(&ExportRequest { store, choice, format, out }, &AtomicBool::new(false))
            .map_err(|e| e.to_string())
    };
    fs::create_dir(folder.path().join("empty")).expect("a folder");
    assert!(run(ExportFormat::Extxyz, "empty").expect_err("a folder").contains("is there already"));
    run(ExportFormat::Cif, "empty").expect("an empty folder");
    for format in ExportFormat::ALL {
        assert!(
            run(format, "empty")
                .expect_err("full by now")
                .ends_with("empty: is there already, and not replaced")
        );
        assert!(run(format, "store/x").expect_err("in the store").contains("lies in the store"));
        assert!(run(format, "no/x").expect_err("no folder").contains("cannot write"));
    }
}
