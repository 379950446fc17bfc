//! `etl export`: crystals out of a store and into another.

use std::fs;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::Float64Type;
use std::sync::Arc;

use crate::support::*;
use crate::worker::{read, stream, work};

/// Largest difference of a length in Å, an angle in degrees or a fractional coordinate.
const TOLERANCE: f64 = 1e-9;

/// A store of 200 entries of OQMD, and a split and folds of some.
fn store(folder: &Path) -> std::path::PathBuf {
    let labels = folder.join("parts.csv");
    let rows = "id,mine_split,fold,E (meV)\noqmd-1039868,train,0,3\noqmd-860787,test,4,0.1\n";
    fs::write(&labels, rows).expect("a file");
    let store = folder.join("store");
    let more = ["--labels", text(&labels), "--allow-rejects", "--quiet"];
    build("oqmd", &root().join("data/mirror/oqmd/all_oqmd.json.zip"), &store, &more, 0);
    store
}

fn export(store: &Path, out: &Path, more: &[&str], status: i32) -> std::process::Output {
    let mut arguments = vec!["export", text(store), "--out", text(out)];
    arguments.extend(more);
    let output = etl(&arguments);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}\n{}", said(&output));
    output
}

/// The doubles of a column, also of lists.
fn numbers(column: &ArrayRef) -> Float64Array {
    let values = match column.data_type() {
        arrow::datatypes::DataType::List(_) => column.as_list::<i32>().values(),
        arrow::datatypes::DataType::FixedSizeList(..) => column.as_fixed_size_list().values(),
        _ => column,
    };
    values.as_primitive::<Float64Type>().clone()
}

/// Asserts that the crystals of two stores are the same, in the same order, but for the name of the source.
fn assert_alike(found: &RecordBatch, expected: &RecordBatch, columns: &[&str], what: &str) {
    assert_eq!(found.num_rows(), expected.num_rows(), "{what}");
    for name in columns {
        let (found, expected) = (&found[*name], &expected[*name]);
        let is_real = matches!(*name, "lattice_vectors" | "fractional_site_positions")
            || expected.data_type() == &arrow::datatypes::DataType::Float64;
        if !is_real {
            assert!(found.to_data() == expected.to_data(), "{what}: {name} differs");
            continue;
        }
        let (found, expected) = (numbers(found), numbers(expected));
        assert_eq!(found.len(), expected.len(), "{what}: {name}");
        for (found, expected) in found.iter().zip(&expected) {
            match (found, expected) {
                (Some(found), Some(expected)) => {
                    assert!((found - expected).abs() < TOLERANCE, "{what}: {name}: {found} {expected}");
                }
                (found, expected) => assert_eq!(found, expected, "{what}: {name}"),
            }
        }
    }
}

/// Columns of the crystal itself. The orientation of the cell, `lattice_vectors`, is not among them.
const CRYSTAL: [&str; 10] = [
    "material_id",
    "chemical_formula_reduced",
    "a",
    "b",
    "c",
    "alpha",
    "beta",
    "gamma",
    "atomic_numbers",
    "fractional_site_positions",
];

#[test]
fn files_make_the_store_that_they_came_from() {
    let folder = folder();
    let store = store(folder.path());
    let expected = sorted_rows(&store);
    let labels = ["split_mine", "fold", "e_mev", "formation_energy_ev_per_atom", "band_gap_ev"];
    for format in ["cif", "poscar"] {
        let out = folder.path().join(format);
        let told = said(&export(&store, &out, &["--format", format], 0));
        let count = expected.num_rows();
        assert!(told.contains(&format!("{format}: {count} crystals in {count} files, ")), "{told}");
        assert!(told.contains("\n  with fold, split_mine, "), "{told}");
        assert_eq!(fs::read_dir(&out).expect("a folder").count(), count + 1);
        let again = folder.path().join(format!("{format}-store"));
        build(format, &out, &again, &["--quiet"], 0);
        let found = sorted_rows(&again);
        assert_alike(&found, &expected, &[&CRYSTAL[..], &labels].concat(), format);
        if format == "poscar" {
            assert_alike(&found, &expected, &["lattice_vectors"], format);
        }
        let edges = |rows: &RecordBatch| rows["edge_distance"].as_list::<i32>().values().len();
        assert_eq!(edges(&found), edges(&expected), "{format}");
    }
}

#[test]
fn structures_of_pymatgen_make_the_rows_that_they_came_from() {
    let folder = folder();
    let store = store(folder.path());
    let out = folder.path().join("crystals.json");
    export(&store, &out, &["--format", "pymatgen-json"], 0);
    let json = fs::read_to_string(&out).expect("a file");
    let records: Vec<serde_json::Value> = serde_json::from_str(&json).expect("JSON");
    let ids = records.iter().map(|record| record["material_id"].as_str().expect("an identifier"));
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
    let texts = records.iter().map(|record| record["structure"].to_string());
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    let gaps: Float64Array = records.iter().map(|record| record["band_gap_ev"].as_f64()).collect();
    let batch = RecordBatch::try_from_iter([
        ("id", ids),
        ("text", texts),
        ("band_gap_ev", Arc::new(gaps) as ArrayRef),
    ]);
    let output = work(&["--format", "pymatgen"], &stream(&[batch.expect("three columns")]));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let rows = rows(&store);
    let expected = arrow::compute::concat_batches(&rows[0].schema(), &rows).expect("one schema");
    let columns = [&CRYSTAL[..], &["lattice_vectors", "band_gap_ev"]].concat();
    assert_alike(&read(&output.stdout), &expected, &columns, "pymatgen-json");
}

#[test]
fn frames_have_the_atoms_and_properties_of_their_crystals() {
    let folder = folder();
    let store = store(folder.path());
    let out = folder.path().join("crystals.extxyz");
    export(&store, &out, &["--format", "extxyz"], 0);
    let frames = fs::read_to_string(&out).expect("a file");
    let mut lines = frames.lines();
    let rows = rows(&store);
    let expected = arrow::compute::concat_batches(&rows[0].schema(), &rows).expect("one schema");
    let gaps = expected["band_gap_ev"].as_primitive::<Float64Type>();
    for row in 0..expected.num_rows() {
        let sites = expected["atomic_numbers"].as_list::<i32>().value(row).len();
        assert_eq!(lines.next(), Some(sites.to_string().as_str()));
        let comment = lines.next().expect("a comment");
        let id = expected["material_id"].as_string::<i32>().value(row);
        assert!(comment.contains(&format!(" material_id=\"{id}\" ")), "{comment}");
        let gap = comment.split(" band_gap_ev=").nth(1).and_then(|rest| rest.split(' ').next());
        let gap: Option<f64> = gap.map(|gap| gap.parse().expect("a number"));
        assert_eq!(gap, gaps.is_valid(row).then(|| gaps.value(row)), "{comment}");
        let cell = expected["lattice_vectors"].as_fixed_size_list().value(row);
        let cell = cell.as_primitive::<Float64Type>().values().to_vec();
        let shown = cell.iter().map(|number| format!("{number:?}")).collect::<Vec<_>>().join(" ");
        assert!(comment.starts_with(&format!("Lattice=\"{shown}\" ")), "{comment}");
        let fractions = expected["fractional_site_positions"].as_list::<i32>().value(row);
        for fraction in fractions.as_primitive::<Float64Type>().values().chunks(3) {
            let atom: Vec<&str> = lines.next().expect("an atom").split(' ').collect();
            for axis in 0..3 {
                let x: f64 = (0..3).map(|vector| fraction[vector] * cell[3 * vector + axis]).sum();
                let written: f64 = atom[1 + axis].parse().expect("a number");
                assert!((x - written).abs() < TOLERANCE, "{id}: {x} {written}");
            }
        }
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn some_crystals_are_chosen_by_filter_or_by_name() {
    let folder = folder();
    let store = store(folder.path());
    let out = folder.path().join("gap");
    let more =
        ["--format", "cif", "--filter", "band_gap_ev > 2 and nsites <= 20", "--filter", "volume < 300"];
    export(&store, &out, &more, 0);
    let again = folder.path().join("again");
    build("cif", &out, &again, &["--quiet"], 0);
    let gaps = doubles(&rows(&again), "band_gap_ev");
    let all = rows(&store);
    let columns = doubles(&all, "band_gap_ev").into_iter().zip(doubles(&all, "volume"));
    let kept = columns.filter(|(gap, volume)| *gap > Some(2.0) && *volume < Some(300.0)).count();
    assert!(kept > 0 && gaps.len() <= kept && gaps.iter().all(|gap| *gap > Some(2.0)), "{gaps:?}");
    let out = folder.path().join("two.json");
    let more = ["oqmd-860787", "oqmd-1039868", "--format", "pymatgen-json", "--quiet"];
    assert_eq!(said(&export(&store, &out, &more, 0)), "");
    let records: Vec<serde_json::Value> =
        serde_json::from_str(&fs::read_to_string(&out).expect("a file")).expect("JSON");
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record["split_mine"].is_string() && record["fold"].is_i64()));
}

#[test]
fn refusals_say_what_is_wrong_and_write_nothing() {
    let folder = folder();
    let store = store(folder.path());
    let before = tree(folder.path());
    let refuse = |out: &str, more: &[&str], expected: &str| {
        let line = complaint(&export(&store, &folder.path().join(out), more, 2));
        assert!(line.contains(expected), "{line}");
    };
    let cif = ["--format", "cif"];
    refuse("parts.csv", &cif, "is there already, and not replaced; move it away or give another --out");
    refuse("store", &cif, "is also an input");
    refuse("store/x", &cif, "lies in the store");
    refuse(
        "x",
        &["--format", "cif", "--filter", "bandgap > 2"],
        "no field 'bandgap', but band_gap_ev; there are ",
    );
    refuse("x", &["--format", "cif", "--filter", "band_gap_ev > 99"], "no crystal passes the filter");
    refuse("x", &["--format", "cif", "oqmd-1039867"], "is not among its ");
    let output = export(&store, &folder.path().join("x"), &["--format", "xyz"], 2);
    assert!(said(&output).contains("\"xyz\" is no format; there are cif, poscar, extxyz, pymatgen-json"));
    let both = ["oqmd-1039868", "--filter", "nsites > 1", "--format", "cif"];
    assert!(said(&export(&store, &folder.path().join("x"), &both, 2)).contains("cannot be used with"));
    assert_eq!(tree(folder.path()).keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
}

#[test]
fn odd_identifiers_keep_their_labels() {
    let folder = folder();
    let table = folder.path().join("crystals.csv");
    let mut rows = csv::Writer::from_path(&table).expect("a file");
    rows.write_record(["id", "cif", "gap"]).expect("a row");
    let ids = ["a/b", "a.cif", "POSCAR-1", "-x", "=1+1", "con", "é#1", "50%"];
    for (number, id) in ids.iter().enumerate() {
        rows.write_record([id, caesium_chloride(4.1).as_str(), &number.to_string()]).expect("a row");
    }
    rows.flush().expect("a file");
    let store = folder.path().join("store");
    build("table", &table, &store, &["--quiet"], 0);
    for format in ["cif", "poscar"] {
        let (out, again) = (folder.path().join(format), folder.path().join(format!("{format}-store")));
        export(&store, &out, &["--format", format], 0);
        build(format, &out, &again, &["--quiet"], 0);
        let rows = sorted_rows(&again);
        let ids = texts(std::slice::from_ref(&rows), "material_id").into_iter().flatten();
        let found: Vec<(String, Option<f64>)> =
            ids.zip(doubles(std::slice::from_ref(&rows), "gap")).collect();
        let expected = [
            ("%2Dx", 3.0),
            ("%3D1+1", 4.0),
            ("%63on", 5.0),
            ("%C3%A9#1", 6.0),
            ("50%25", 7.0),
            ("POSCAR-1", 2.0),
            ("a%2Fb", 0.0),
            ("a.cif", 1.0),
        ];
        let expected: Vec<_> = expected.iter().map(|(id, gap)| ((*id).to_owned(), Some(*gap))).collect();
        assert_eq!(found, expected, "{format}");
    }
}

#[test]
fn hidden_characters_of_identifiers_come_back_from_frames() {
    let folder = folder();
    let table = folder.path().join("crystals.csv");
    let mut records = csv::Writer::from_path(&table).expect("a file");
    records.write_record(["id", "cif"]).expect("a row");
    let ids = ["q\u{200b}q", "gpj.\u{202e}exe", "a\u{2028}b", "\\u{200b}\""];
    for id in ids {
        records.write_record([id, caesium_chloride(4.1).as_str()]).expect("a row");
    }
    records.flush().expect("a file");
    let [store, frames, again] = ["store", "all.extxyz", "again"].map(|name| folder.path().join(name));
    build("table", &table, &store, &["--quiet"], 0);
    export(&store, &frames, &["--format", "extxyz"], 0);
    build("extxyz", &frames, &again, &["--quiet"], 0);
    for store in [&store, &again] {
        assert_eq!(texts(&rows(store), "material_id"), ids.map(|id| Some(id.to_owned())));
    }
}
