//! Samples in others' formats, written by their own libraries, with what these read back, if they are available.

use serde_json::Value;

use super::{Harvest, drain, open_default, shared};
use crate::source::SourceKind;

/// Keys of properties with their names in the table of what is expected.
type Keys<'a> = &'a [(&'a str, &'a str)];

/// Tolerance of lengths in Å and of properties.
const TOLERANCE: f64 = 1e-9;
/// Largest difference of a volume in Å^3: `expected.json` rounds volumes to six decimals.
const VOLUME_TOLERANCE: f64 = 1e-6;

/// Returns the rows that a sample's own library reads.
fn expected(sample: &str) -> Option<Vec<Value>> {
    let text = std::fs::read(shared("foreign-formats/expected.json")?).expect("readable");
    let all: Value = serde_json::from_slice(&text).expect("JSON");
    Some(all[sample]["rows"].as_array().unwrap_or_else(|| panic!("{sample}")).clone())
}

fn is_near(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance * expected.abs().max(1.0)
}

fn volume(lattice: &[[f64; 3]; 3]) -> f64 {
    let [a, b, c] = lattice;
    let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    (cross[0] * c[0] + cross[1] * c[1] + cross[2] * c[2]).abs()
}

/// Reads files with a source, and compares identifiers, sorted atomic numbers, volumes and properties with the rows of
/// `sample` in `expected.json`. `keys` pairs the key of a property in the file with its name in those rows. Returns what
/// was read, or `None` where the samples are missing.
fn compare(kind: SourceKind, sample: &str, paths: &[&str], keys: Keys<'_>) -> Option<Harvest> {
    let rows = expected(sample)?;
    let file = paths.join(", ");
    let paths: Vec<_> =
        paths.iter().map(|path| shared(&format!("foreign-formats/{path}")).expect(path)).collect();
    let paths: Vec<_> = paths.iter().map(|path| path.as_path()).collect();
    let source = open_default(kind, &paths).expect(&file);
    let place = |key: &str| source.properties.iter().position(|column| column.key == key);
    let places: Vec<_> = keys
        .iter()
        .map(|(key, name)| (*name, place(key).unwrap_or_else(|| panic!("{file}: no {key}"))))
        .collect();
    let harvest = drain(source).expect(&file);
    assert!(harvest.rejects.is_empty(), "{file}: {:?}", harvest.rejects);
    assert_eq!(harvest.crystals.len(), rows.len(), "{file}");
    for (found, row) in harvest.crystals.iter().zip(&rows) {
        assert_eq!(row["id"], found.id, "{file}");
        let mut numbers = found.structure.atomic_numbers.clone();
        numbers.sort_unstable();
        assert_eq!(row["atomic_numbers"], serde_json::json!(numbers), "{file} {}", found.id);
        let size = volume(&found.structure.lattice);
        assert!(
            is_near(size, row["volume"].as_f64().expect("a volume"), VOLUME_TOLERANCE),
            "{file} {}",
            found.id
        );
        for (name, at) in &places {
            let (value, wanted) = (found.properties[*at], &row["properties"][*name]);
            let wanted = wanted.as_f64().or(wanted.as_bool().map(|truth| f64::from(u8::from(truth))));
            let same = match (value, wanted) {
                (Some(value), Some(wanted)) => is_near(value, wanted, TOLERANCE),
                (value, wanted) => value == wanted,
            };
            assert!(same, "{file} {}: {name} is {value:?}, not {wanted:?}", found.id);
        }
    }
    Some(harvest)
}

/// Asserts that two samples hold the same crystals, whatever cells they count positions from.
fn assert_same(found: &Harvest, expected: &Harvest, tolerance: f64) {
    for (found, expected) in found.crystals.iter().zip(&expected.crystals) {
        let (found, expected) = (&found.structure, &expected.structure);
        assert_eq!(found.atomic_numbers, expected.atomic_numbers);
        let cells = found.lattice.as_flattened().iter().zip(expected.lattice.as_flattened());
        assert!(cells.into_iter().all(|(a, b)| (a - b).abs() <= TOLERANCE), "{found:?} {expected:?}");
        let places = found.fractional.as_flattened().iter().zip(expected.fractional.as_flattened());
        let near = |(a, b): (&f64, &f64)| ((a - b) - (a - b).round()).abs() <= tolerance;
        assert!(places.into_iter().all(near), "{found:?} {expected:?}");
    }
}

/// Reads one sample and returns its identifier, or the reason of its reject.
fn outcome(kind: SourceKind, file: &str) -> Vec<(String, Option<&'static str>)> {
    let path = shared(&format!("foreign-formats/{file}")).expect(file);
    let harvest = open_default(kind, &[&path]).and_then(drain).expect(file);
    let kept = harvest.crystals.iter().map(|found| (found.id.clone(), None));
    let left = harvest
        .rejects
        .iter()
        .map(|reject| (reject.material_id.clone().unwrap_or_default(), Some(reject.reason)));
    kept.chain(left).collect()
}

#[test]
fn extended_xyz_is_read_as_ase_reads_it() {
    let keys =
        [("energy", "energy"), ("band_gap", "band_gap"), ("converged", "converged"), ("steps", "steps")];
    for file in [
        "plain.extxyz",
        "plain.extxyz.gz",
        "plain.extxyz.bz2",
        "plain-two-streams.extxyz.bz2",
        "plain.extxyz.xz",
    ] {
        let path = format!("extxyz/{file}");
        compare(SourceKind::Extxyz, "extxyz/plain.extxyz", &[&path], &keys);
    }
}

#[test]
fn dialects_of_extended_xyz_are_read_or_named() {
    let Some(folder) = shared("foreign-formats/extxyz/dialects") else { return };
    let rejects = [
        ("deuterium", None),
        ("empty_comment", Some("not_periodic")),
        ("nan_position", Some("bad_frame")),
        ("no_lattice", Some("not_periodic")),
        ("pbc_lower_case_words", Some("not_periodic")),
        ("pbc_slab", Some("not_periodic")),
        ("plain_xyz_comment", Some("not_periodic")),
        ("stress_six_numbers", None),
        ("too_few_atoms", Some("bad_frame")),
        ("unknown_element_x", Some("unknown_element")),
    ];
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let name = entry.expect("a file").file_name().to_string_lossy().into_owned();
        let stem = name.trim_end_matches(".xyz");
        let path = format!("extxyz/dialects/{name}");
        if stem == "zero_atoms_then_one" {
            let expected = [("zero_atoms_then_one#2", None), ("zero_atoms_then_one#1", Some("no_sites"))];
            assert_eq!(
                outcome(SourceKind::Extxyz, &path),
                expected.map(|(id, reason)| (id.to_owned(), reason))
            );
        } else if let Some((_, reason)) = rejects.iter().find(|(known, _)| *known == stem) {
            assert_eq!(outcome(SourceKind::Extxyz, &path), [(stem.to_owned(), *reason)]);
        } else {
            compare(SourceKind::Extxyz, &path, &[&path], &[]);
        }
    }
}

#[test]
fn structures_are_read_as_pymatgen_reads_them() {
    let keys = [("band_gap", "band_gap")];
    let sample = "pymatgen/list.json";
    let Some(list) = compare(SourceKind::Pymatgen, sample, &[sample], &keys) else { return };
    for file in ["by_id.json", "lines.jsonl", "lines.jsonl.gz", "records.json"] {
        let found = compare(SourceKind::Pymatgen, sample, &[&format!("pymatgen/{file}")], &keys);
        assert_same(&found.expect(file), &list, 0.0);
    }
    compare(SourceKind::Pymatgen, "pymatgen/one.json", &["pymatgen/one.json"], &[]);
    let found = outcome(SourceKind::Pymatgen, "pymatgen/specials.json");
    let rejects = [
        ("partial_occupancy", "partial_occupancy"),
        ("vacancies", "partial_occupancy"),
        ("slab_pbc", "not_periodic"),
        ("dummy_species", "unknown_element"),
        ("molecule", "missing_field"),
    ];
    for (id, reason) in &found {
        let expected = rejects.iter().find_map(|(known, reason)| (known == id).then_some(*reason));
        assert_eq!(*reason, expected, "{id}");
    }
    assert_eq!(found.len(), 16);
}

#[test]
fn every_format_gives_the_same_crystals() {
    let sample = "pymatgen/list.json";
    let Some(list) = compare(SourceKind::Pymatgen, sample, &[sample], &[]) else { return };
    let alexandria = "alexandria/alexandria_000.json.bz2";
    let lemat = ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"];
    let lemat = lemat.map(|file| format!("lemat/compatible_pbe/{file}"));
    let cases: [(SourceKind, &str, &[&str], Keys<'_>); 9] = [
        (SourceKind::Extxyz, "extxyz/plain.extxyz", &["extxyz/plain.extxyz"], &[]),
        (
            SourceKind::Optimade,
            "optimade/page.json",
            &["optimade/page.json"],
            &[("_toy_energy", "energy"), ("_toy_band_gap", "band_gap")],
        ),
        (
            SourceKind::Optimade,
            "optimade/page.json",
            &["optimade/structures.jsonl"],
            &[("_toy_energy", "energy")],
        ),
        (
            SourceKind::Alexandria,
            alexandria,
            &[alexandria],
            &[
                ("energy", "energy"),
                ("e_form", "e_form"),
                ("band_gap_ind", "band_gap_ind"),
                ("band_gap_dir", "band_gap_dir"),
                ("spg", "spg"),
                ("dos_ef", "dos_ef"),
            ],
        ),
        (SourceKind::Pymatgen, alexandria, &["pymatgen/entries.json"], &[("energy", "energy")]),
        (
            SourceKind::Lemat,
            "lemat/compatible_pbe",
            &[&lemat[0], &lemat[1]],
            &[("energy", "energy"), ("dos_ef", "dos_ef"), ("total_magnetization", "total_magnetization")],
        ),
        (
            SourceKind::Aselmdb,
            "aselmdb/toy.aselmdb",
            &["aselmdb/toy.aselmdb"],
            &[("energy", "energy"), ("band_gap", "band_gap"), ("relaxed", "relaxed")],
        ),
        (SourceKind::Aselmdb, "aselmdb/folder", &["aselmdb/folder"], &[("energy", "energy")]),
        (
            SourceKind::Aselmdb,
            "aselmdb/folder",
            &["aselmdb/folder/data0000.aselmdb", "aselmdb/folder/data0001.aselmdb"],
            &[],
        ),
    ];
    for (kind, sample, files, keys) in cases {
        let found = compare(kind, sample, files, keys).expect("the samples are there");
        // Extended XYZ has eight decimals.
        assert_same(&found, &list, if kind == SourceKind::Extxyz { 1e-8 } else { TOLERANCE });
    }
    compare(SourceKind::Optimade, "optimade/single.json", &["optimade/single.json"], &[]);
    let plain = "aselmdb/plain-lists.aselmdb";
    compare(SourceKind::Aselmdb, plain, &[plain], &[("energy", "energy")]);
}

#[test]
fn tables_of_colabfit_are_read_in_both_layouts() {
    let sample = "colabfit/DS_toytextbook_0/co";
    let Some(mut rows) = expected(sample) else { return };
    let slab = rows.remove(18);
    let files: [&[&str]; 2] = [
        &["colabfit/DS_toytextbook_0/co/co_0.parquet", "colabfit/DS_toytextbook_0/co/co_1.parquet"],
        &["colabfit/old-text-columns.parquet"],
    ];
    let read = files.map(|files| {
        let paths: Vec<_> =
            files.iter().map(|file| shared(&format!("foreign-formats/{file}")).expect(file)).collect();
        let paths: Vec<_> = paths.iter().map(|path| path.as_path()).collect();
        let source = open_default(SourceKind::Colabfit, &paths).expect("a source");
        let energy = source.properties.iter().position(|column| column.key == "energy").expect("energies");
        let harvest = drain(source).expect("readable");
        assert_eq!(harvest.reasons(), [("not_periodic", slab["id"].as_str())]);
        for (found, row) in harvest.crystals.iter().zip(&rows) {
            assert_eq!(row["id"], found.id);
            assert_eq!(row["properties"]["energy"].as_f64(), found.properties[energy]);
            assert!(is_near(
                volume(&found.structure.lattice),
                row["volume"].as_f64().expect("one"),
                VOLUME_TOLERANCE
            ));
        }
        harvest
    });
    assert_eq!(read[0].crystals.len(), 19);
    assert_same(&read[1], &read[0], 0.0);
}

#[test]
fn what_is_no_crystal_in_optimade_is_named() {
    if shared("foreign-formats").is_none() {
        return;
    }
    let mut found = outcome(SourceKind::Optimade, "optimade/specials.jsonl");
    found.sort();
    let expected = [
        ("alloy", Some("partial_occupancy")),
        ("attached-hydrogen", Some("hidden_atoms")),
        ("molecule", Some("not_periodic")),
        ("no-positions", Some("missing_field")),
        ("no-species", None),
        ("renamed-species", None),
        ("slab", Some("not_periodic")),
        ("slab-without-third-vector", Some("not_periodic")),
        ("unknown-element", Some("hidden_atoms")),
        ("vacancies", Some("partial_occupancy")),
    ];
    assert_eq!(found, expected.map(|(id, reason)| (id.to_owned(), reason)));
}
